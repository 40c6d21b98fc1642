//! Definitions, one function per kind.

use super::state::{Kind, Letter, State, Ty};
use super::value::{self, Value};
use super::{call, fold, load};

/// Adds a definition, or a few that belong together.
pub fn one(s: &mut State) {
    match s.rng.below(20) {
        0..=4 => elementwise(s),
        5..=7 => folding(s),
        8 | 9 => siblings(s),
        10..=12 => contraction(s),
        13 => attention(s),
        14 => whole(s),
        15 => merged(s),
        16 => choice(s),
        17 => called(s),
        18 => normalised(s),
        _ => pooled(s),
    }
}

/// Letters for the left side.
fn axes(s: &mut State, least: usize) -> Vec<Letter> {
    let most = 3;
    let count = least + s.rng.below((most - least + 1) as u64) as usize;
    let mut scope: Vec<Letter> = Vec::new();
    for _ in 0..count {
        let extent = s.pick_extent();
        let l = s.letter(&extent, &scope);
        scope.push(l);
    }
    scope
}

/// The left side: ranges written where nothing tells them, and sometimes anyway.
fn left(s: &mut State, scope: &[Letter], v: &Value) -> String {
    let parts: Vec<String> = scope
        .iter()
        .map(|l| {
            if v.bare.contains(&l.name) && !s.chance(20) {
                l.name.clone()
            } else {
                format!("{} in {}", l.name, l.extent)
            }
        })
        .collect();
    parts.join(", ")
}

/// A storage type for a kind, and whether it must be written.
fn storage(s: &mut State, kind: Kind) -> (Ty, bool) {
    match kind {
        Kind::Float => match s.rng.below(14) {
            0 => (Ty::Word("f16"), true),
            1 => (Ty::Word("bf16"), true),
            2 if s.wide => (Ty::Word("f64"), true),
            _ => (Ty::Word("f32"), true),
        },
        Kind::Int => match s.rng.below(6) {
            0 => (Ty::Word("i8"), true),
            1 => (Ty::Word("u8"), true),
            2 => {
                s.cover("integer stored as f32");
                (Ty::Word("f32"), true)
            }
            _ => (Ty::Word("i32"), true),
        },
        Kind::Bool => (Ty::Word("bool"), false),
    }
}

/// Stores a value under a name.
fn store(s: &mut State, scope: &[Letter], v: Value) {
    let (ty, must) = storage(s, v.kind);
    // An `f64` stored as `f32` needs the type; writing it otherwise is a matter of taste.
    let written = must && (ty != Ty::Word("f32") || v.kind != Kind::Float || s.wide || s.chance(15));
    s.cover(match &ty {
        Ty::Word("f16" | "bf16") => "definition f16 or bf16",
        Ty::Word("f64") => "definition f64",
        Ty::Word("i8" | "u8") => "definition i8 or u8",
        Ty::Word("i32") => "definition i32",
        Ty::Word("bool") => "definition bool",
        _ => "definition f32",
    });
    let small = matches!(ty, Ty::Word("f16"));
    let v = if small && v.size > 15.0 {
        Value::of(format!("tanh({})", v.text), Kind::Float, 0.0, false, &[&v])
    } else {
        v
    };
    let text = left(s, scope, &v);
    let shape = scope.iter().map(|l| l.extent.clone()).collect();
    s.define(&text, shape, ty, written, v.size, v.text);
}

fn elementwise(s: &mut State) {
    s.cover("kind: elementwise");
    let scope = axes(s, 0);
    let kind = match s.rng.below(10) {
        0 | 1 => Kind::Int,
        2 => Kind::Bool,
        _ => Kind::Float,
    };
    let depth = 1 + s.rng.below(3) as u32;
    let v = value::any(s, &scope, kind, depth);
    store(s, &scope, v);
}

fn folding(s: &mut State) {
    s.cover("kind: fold");
    let scope = axes(s, 0);
    let kind = match s.rng.below(10) {
        0 | 1 => Kind::Int,
        2 => Kind::Bool,
        _ => Kind::Float,
    };
    let v = fold::fold(s, &scope, kind, 2);
    store(s, &scope, v);
}

/// Two or three folds over one axis and something that uses them.
fn siblings(s: &mut State) {
    s.cover("kind: sibling folds");
    let mut scope = axes(s, 1);
    scope.truncate(2);
    let extent = s.pick_extent();
    let l = s.letter(&extent, &scope);
    let count = 2 + s.rng.below(2);
    for _ in 0..count {
        let v = fold::over_letters(s, &scope, std::slice::from_ref(&l), Kind::Float, 1);
        store(s, &scope, v);
    }
    let inner: Vec<Letter> = scope.iter().chain([&l]).cloned().collect();
    let v = value::float(s, &inner, 2);
    store(s, &inner, v);
}

/// A sum of products of two arrays, with something done to the result.
fn contraction(s: &mut State) {
    s.cover("kind: contraction");
    let mut used: Vec<Letter> = Vec::new();
    let mut next = |s: &mut State, extent: Option<String>| {
        let extent = extent.unwrap_or_else(|| s.pick_dim().to_owned());
        let l = s.letter(&extent, &used);
        used.push(l.clone());
        l
    };
    let (m, n, k) = (next(s, None), next(s, None), next(s, None));
    let batch = if s.chance(30) { Some(next(s, None)) } else { None };
    let head = if s.chance(25) && batch.is_none() { Some(next(s, None)) } else { None };
    let operand = |s: &mut State, row: &Letter, shared: &Letter| -> (String, f64) {
        let mut letters: Vec<&Letter> = vec![row, shared];
        if s.chance(30) {
            s.cover("contraction: transposed");
            letters.reverse();
        }
        if let Some(b) = &batch {
            s.cover("contraction: batched");
            letters.insert(0, b);
        }
        if let Some(h) = &head {
            // Heads merged into the summed axis: x[m, h*K + k].
            s.cover("contraction: merged heads");
            let extent = format!("{}*{}", h.extent, shared.extent);
            s.dim_arguments.extend(s.dims.clone().into_iter().filter(|d| *d == h.extent));
            let t = s.input(Ty::Word("f32"), &[row.extent.clone(), extent]);
            let name = s.read(t).name;
            let text = format!("{name}[{}, {}*{} + {}]", row.name, h.name, shared.extent, shared.name);
            return (text, s.tensors[t].size);
        }
        let shape: Vec<String> = letters.iter().map(|l| l.extent.clone()).collect();
        let known: Vec<usize> = (0..s.tensors.len())
            .filter(|t| {
                s.tensors[*t].shape == shape
                    && s.tensors[*t].ty.kind() == Kind::Float
                    && (s.wide || s.tensors[*t].ty != Ty::Word("f64"))
            })
            .collect();
        let t = if known.is_empty() || s.chance(50) {
            let word = *s.rng.pick(&["f32", "f32", "f32", "f32", "f16", "bf16"]);
            s.input(Ty::Word(word), &shape)
        } else {
            s.cover("contraction: computed operand");
            *s.rng.pick(&known)
        };
        let tensor = s.read(t);
        let names: Vec<String> = letters.iter().map(|l| l.name.clone()).collect();
        (format!("{}[{}]", tensor.name, names.join(", ")), tensor.size)
    };
    let (a, size_a) = operand(s, &m, &k);
    let (b, size_b) = operand(s, &n, &k);
    let binders = format!("{} in {}", k.name, k.extent);
    let sum = format!("sum[{binders}]({a} * {b})");
    let scope: Vec<Letter> = batch.iter().chain(head.iter()).chain([&m, &n]).cloned().collect();
    let mut v = Value::of(sum, Kind::Float, size_a + size_b + 6.0, false, &[]);
    if s.chance(50) {
        s.cover("contraction: epilogue inside");
        let e = load::load(s, std::slice::from_ref(&n), Kind::Float);
        v = Value::of(format!("{} * 0.01 + {}", v.text, e.operand()), Kind::Float, v.size, true, &[&v, &e]);
    }
    let text = left(s, &scope, &v);
    let shape: Vec<String> = scope.iter().map(|l| l.extent.clone()).collect();
    s.define(&text, shape, Ty::Word("f32"), s.wide, v.size, v.text);
    if s.chance(50) {
        s.cover("contraction: epilogue behind");
        let t = s.tensors.len() - 1;
        let z = load::read(s, &scope, t);
        let e = value::float(s, &scope, 1);
        let v = Value::of(
            format!("tanh({} * 0.001) + {}", z.operand(), e.operand()),
            Kind::Float,
            e.size + 1.0,
            true,
            &[&z, &e],
        );
        store(s, &scope, v);
    }
}

/// Scores, their softmax under a guard, and the weighted sum.
fn attention(s: &mut State) {
    s.cover("kind: attention");
    s.functions.insert("  softmax[s](e) = exp(e - max[s](e)) / sum[s](exp(e - max[s](e)))".to_owned());
    let (e1, e2, e3) = (s.pick_dim().to_owned(), s.pick_dim().to_owned(), s.pick_dim().to_owned());
    let t = s.letter(&e1, &[]);
    let u = s.letter(&e2, std::slice::from_ref(&t));
    let c = s.letter(&e3, &[t.clone(), u.clone()]);
    let q = s.input(Ty::Word("f32"), &[e1.clone(), e3.clone()]);
    let k = s.input(Ty::Word("f32"), &[e2.clone(), e3.clone()]);
    let v = s.input(Ty::Word("f32"), &[e2.clone(), e3.clone()]);
    let [q, k, v] = [q, k, v].map(|x| s.read(x).name);
    let score = format!(
        "clamp(sum[{c}]({q}[{t}, {c}] * {k}[{u}, {c}]) * 0.1, -30, 30)",
        c = c.name,
        t = t.name,
        u = u.name
    );
    let shape = vec![e1.clone(), e2.clone()];
    s.define(&format!("{}, {}", t.name, u.name), shape.clone(), Ty::Word("f32"), false, 5.0, score);
    let sees = call::causal(s, &t, &u);
    let z = s.read(s.tensors.len() - if s.tensors.last().is_some_and(|t| t.input) { 2 } else { 1 }).name;
    let weight = format!("softmax[{u} if {sees}]({z}[{t}, {u}])", u = u.name, t = t.name);
    s.define(&format!("{}, {}", t.name, u.name), shape, Ty::Word("f32"), false, 0.0, weight);
    let z = s.read(s.tensors.len() - 1).name;
    let guard = if s.chance(50) { format!(" if {sees}") } else { String::new() };
    let out = format!("sum[{u}{guard}]({z}[{t}, {u}] * {v}[{u}, {c}])", u = u.name, t = t.name, c = c.name);
    s.define(&format!("{}, {}", t.name, c.name), vec![e1, e3], Ty::Word("f32"), false, 9.0, out);
}

/// `z = 0.5 * x + y` without letters.
fn whole(s: &mut State) {
    s.cover("kind: whole tensors");
    let scope = axes(s, 1);
    let shape: Vec<String> = scope.iter().map(|l| l.extent.clone()).collect();
    let pick = |s: &mut State| {
        let known: Vec<usize> = (0..s.tensors.len())
            .filter(|t| s.tensors[*t].shape == shape && s.tensors[*t].ty == Ty::Word("f32"))
            .collect();
        let t = if known.is_empty() || s.chance(30) {
            s.input(Ty::Word("f32"), &shape)
        } else {
            *s.rng.pick(&known)
        };
        s.read(t)
    };
    let (a, b) = (pick(s), pick(s));
    let (text, size) = match s.rng.below(5) {
        0 => (format!("0.5 * {} + {}", a.name, b.name), a.size.max(b.size) + 1.0),
        1 => (format!("tanh({}) - {}", a.name, b.name), b.size + 1.0),
        2 => (format!("max({}, {})", a.name, b.name), a.size.max(b.size)),
        3 => (format!("if {} > 0.5 then {} else 2", a.name, b.name), a.size.max(b.size)),
        _ => {
            let t = s.input(Ty::Word("f32"), &[]);
            let c = s.read(t);
            (format!("{} * {} + {}^2", c.name, a.name, b.name), b.size * 2.0 + 1.0)
        }
    };
    s.define("", shape, Ty::Word("f32"), false, size, text);
}

/// A left side that merges two axes, then a read of it through split positions.
fn merged(s: &mut State) {
    s.cover("kind: merged axes");
    let first = axes(s, 1);
    let lead: Vec<Letter> = first.into_iter().take(1).collect();
    let (eh, ec) = (s.pick_dim().to_owned(), s.pick_dim().to_owned());
    if eh == ec {
        return;
    }
    let h = s.letter(&eh, &lead);
    let mut scope = lead.clone();
    scope.push(h.clone());
    let c = s.letter(&ec, &scope);
    scope.push(c.clone());
    let v = value::float(s, &scope, 2);
    let mut shape: Vec<String> = lead.iter().map(|l| l.extent.clone()).collect();
    shape.push(format!("{eh}*{ec}"));
    let lead_text = left(s, &lead, &v);
    let (hr, cr) = (
        if v.bare.contains(&h.name) { String::new() } else { format!(" in {eh}") },
        if v.bare.contains(&c.name) { String::new() } else { format!(" in {ec}") },
    );
    let text = if hr.is_empty() && cr.is_empty() {
        format!("{lead_text}, {}*{ec} + {}", h.name, c.name)
    } else {
        // A range cannot be written inside a sum of letters: read them bare instead.
        let t = s.input(Ty::Word("f32"), &[eh.clone(), ec.clone()]);
        let x = s.read(t).name;
        let right = format!("{} + {x}[{}, {}]", v.operand(), h.name, c.name);
        let text = format!("{lead_text}, {}*{ec} + {}", h.name, c.name);
        s.define(&text, shape, Ty::Word("f32"), s.wide, v.size + 1.0, right);
        return split_read(s, &lead, &h, &c);
    };
    s.define(&text, shape, Ty::Word("f32"), s.wide, v.size, v.text);
    split_read(s, &lead, &h, &c);
}

fn split_read(s: &mut State, lead: &[Letter], h: &Letter, c: &Letter) {
    if !s.chance(50) {
        return;
    }
    s.cover("read of merged axes");
    let t = s.tensors.len() - 1;
    let z = s.read(t);
    let scope: Vec<Letter> = lead.iter().chain([c, h]).cloned().collect();
    let names: Vec<String> = lead.iter().map(|l| l.name.clone()).collect();
    let text = format!("{}[{}, {}*{} + {}]", z.name, names.join(", "), h.name, c.extent, c.name);
    let read = Value { text, kind: Kind::Float, size: z.size, compound: false, bare: names };
    let e = value::float(s, &scope, 1);
    let v = Value::of(
        format!("{} - {}", read.text, e.operand()),
        Kind::Float,
        z.size.max(e.size) + 1.0,
        true,
        &[&read, &e],
    );
    store(s, &scope, v);
}

/// The position of an extreme value, then a read there.
fn choice(s: &mut State) {
    s.cover("kind: argmax feeding gather");
    let scope: Vec<Letter> = axes(s, 1).into_iter().take(2).collect();
    let extent = s.pick_dim().to_owned();
    let l = s.letter(&extent, &scope);
    let inner: Vec<Letter> = scope.iter().chain([&l]).cloned().collect();
    let what = if s.chance(70) { Kind::Float } else { Kind::Int };
    let e = value::any(s, &inner, what, 1);
    let op = if s.chance(50) { "argmax" } else { "argmin" };
    s.constraints.insert(format!("{extent} >= 1"));
    let v = Value::of(format!("{op}[{} in {extent}]({})", l.name, e.text), Kind::Int, 8.0, false, &[&e]);
    let text = left(s, &scope, &v);
    let shape: Vec<String> = scope.iter().map(|l| l.extent.clone()).collect();
    s.define(&text, shape, Ty::Idx(extent.clone()), false, 8.0, v.text);
    let best = s.tensors.len() - 1;
    let other = axes(s, 1).pop().filter(|o| !scope.contains(o));
    let mut shape = vec![extent];
    shape.extend(other.iter().map(|o| o.extent.clone()));
    let table = s.input(Ty::Word("f32"), &shape);
    let names: Vec<String> = scope.iter().map(|l| l.name.clone()).collect();
    let (best, table) = (s.read(best).name, s.read(table).name);
    let mut at = vec![format!("{best}[{}]", names.join(", "))];
    at.extend(other.iter().map(|o| o.name.clone()));
    let full: Vec<Letter> = scope.iter().cloned().chain(other).collect();
    let bare = full.iter().map(|l| l.name.clone()).collect();
    let text = format!("{table}[{}]", at.join(", "));
    store(s, &full, Value { text, kind: Kind::Float, size: 8.0, compound: false, bare });
}

/// A call of another kernel, whole or indexed.
fn called(s: &mut State) {
    s.cover("kind: kernel call");
    let (text, shape, size) = call::kernel(s);
    if s.chance(50) {
        s.define("", shape, Ty::Word("f32"), false, size, text);
        return;
    }
    s.cover("kernel call, indexed");
    let mut scope: Vec<Letter> = Vec::new();
    for e in &shape {
        let l = s.letter(e, &scope);
        scope.push(l);
    }
    let names: Vec<String> = scope.iter().map(|l| l.name.clone()).collect();
    let v = Value {
        text: format!("tanh({text}[{}])", names.join(", ")),
        kind: Kind::Float,
        size: 0.0,
        compound: false,
        bare: names,
    };
    store(s, &scope, v);
}

/// Normalisation along an axis, root mean square or the like, in two definitions.
fn normalised(s: &mut State) {
    s.cover("kind: normalisation");
    let scope: Vec<Letter> = axes(s, 1).into_iter().take(2).collect();
    let extent = s.pick_dim().to_owned();
    let l = s.letter(&extent, &scope);
    let inner: Vec<Letter> = scope.iter().chain([&l]).cloned().collect();
    let e = value::float(s, &inner, 1);
    let v = Value::of(
        format!("sum[{} in {extent}]({}^2) / {extent}", l.name, e.operand()),
        Kind::Float,
        e.size * 2.0,
        true,
        &[],
    );
    store(s, &scope, v);
    let ms = load::read(s, &scope, s.tensors.len() - 1);
    let v = Value::of(
        format!("{} * rsqrt(abs({}) + 0.1)", e.operand(), ms.text),
        Kind::Float,
        e.size + 2.0,
        true,
        &[&e, &ms],
    );
    store(s, &inner, v);
}

/// A window over an axis with padding: convolution and pooling.
fn pooled(s: &mut State) {
    s.cover("kind: window");
    let scope: Vec<Letter> = axes(s, 1).into_iter().take(2).collect();
    let t = scope[0].clone();
    let width = s.rng.between(2, 4).to_string();
    let p = s.letter(&width, &scope);
    let shape: Vec<String> = scope.iter().map(|l| l.extent.clone()).collect();
    let x = s.input(Ty::Word("f32"), &shape);
    let x = s.read(x).name;
    let rest: Vec<String> = scope[1..].iter().map(|l| format!(", {}", l.name)).collect();
    let weights = s.input(Ty::Word("f32"), std::slice::from_ref(&width));
    let w = s.read(weights).name;
    let shift = s.rng.between(0, 3);
    let (t, p) = (&t.name, &p.name);
    let text = match s.rng.below(3) {
        0 => format!("sum[{p}]({x}[{t} + {p} - {shift}{}; 0] * {w}[{p}])", rest.join("")),
        1 => format!("max[{p} in {width}]({x}[{t} + {p} - {shift}{}; -inf])", rest.join("")),
        _ => format!("sum[{p} if {t} >= {p}]({x}[{t} - {p}{}] * {w}[{p}])", rest.join("")),
    };
    let text = format!("clamp({text}, -1e4, 1e4)");
    let v = Value::of(text, Kind::Float, 13.3, false, &[]);
    store(s, &scope, v);
}
