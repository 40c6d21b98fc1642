//! Reads of tensors.

use super::state::{Kind, Letter, State, Ty};
use super::value::Value;

/// Reads something of a kind: an existing tensor or a new argument.
pub fn load(s: &mut State, scope: &[Letter], kind: Kind) -> Value {
    let fits: Vec<usize> = (0..s.tensors.len())
        .filter(|t| {
            let t = &s.tensors[*t];
            t.ty.kind() == kind && (s.wide || t.ty != Ty::Word("f64"))
        })
        .collect();
    let mut order = fits;
    // Recent ones first: graphs, not stars.
    order.reverse();
    if !s.chance(30) {
        for t in order {
            let direct = s.tensors[t].shape.iter().all(|e| scope.iter().any(|l| l.extent == *e));
            if (direct && s.chance(60)) || s.chance(8) {
                return read(s, scope, t);
            }
        }
    }
    let t = new_input(s, scope, kind);
    read(s, scope, t)
}

/// A new argument over some of the letters in scope.
fn new_input(s: &mut State, scope: &[Letter], kind: Kind) -> usize {
    let mut shape: Vec<String> = Vec::new();
    for l in scope {
        if shape.len() < 4 && s.chance(75) {
            shape.push(l.extent.clone());
        }
    }
    if shape.len() > 1 && s.chance(25) {
        s.cover("transposed input");
        shape.rotate_left(1);
    }
    let ty = match kind {
        Kind::Float => match s.rng.below(12) {
            0 => Ty::Word("f16"),
            1 => Ty::Word("bf16"),
            2 | 3 if s.wide => Ty::Word("f64"),
            _ => Ty::Word("f32"),
        },
        Kind::Bool => Ty::Word("bool"),
        Kind::Int => match s.rng.below(7) {
            0 | 1 => Ty::Word("i32"),
            2 => Ty::Word("i8"),
            3 => Ty::Word("u8"),
            4 if shape.is_empty() => Ty::Len(s.pick_dim().to_owned()),
            _ => Ty::Idx(s.pick_extent()),
        },
    };
    s.input(ty, &shape)
}

/// One read of a tensor, at whatever positions the scope allows.
pub fn read(s: &mut State, scope: &[Letter], t: usize) -> Value {
    let tensor = s.read(t);
    let kind = tensor.ty.kind();
    if tensor.shape.is_empty() {
        return Value::atom(tensor.name, kind, tensor.size);
    }
    let mut bare = Vec::new();
    let mut positions = Vec::new();
    let mut outside = false;
    let mut used: Vec<String> = Vec::new();
    for extent in &tensor.shape {
        let matching: Vec<Letter> = scope.iter().filter(|l| l.extent == *extent).cloned().collect();
        let unused: Vec<Letter> = matching.iter().filter(|l| !used.contains(&l.name)).cloned().collect();
        let matching = if unused.is_empty() { matching } else { unused };
        if !matching.is_empty() && !s.chance(12) {
            let l = s.rng.pick(&matching).clone();
            used.push(l.name.clone());
            bare.push(l.name.clone());
            positions.push(l.name);
            continue;
        }
        let (text, may_leave) = position(s, scope, extent, &matching);
        outside |= may_leave;
        positions.push(text);
    }
    // A read inside the array may still name an outside value.
    let idle = !outside && s.chance(2);
    let text = if outside || idle {
        s.cover("outside value");
        let other = match kind {
            Kind::Bool => (*s.rng.pick(&["false", "true"])).to_owned(),
            Kind::Int => match &tensor.ty {
                Ty::Idx(n) => format!("idx<{n}>({})", s.rng.between(0, 3)),
                _ => s.rng.between(-2, 3).to_string(),
            },
            Kind::Float => (*s.rng.pick(&["0", "0", "1.5", "-0.25"])).to_owned(),
        };
        format!("{}[{}; {other}]", tensor.name, positions.join(", "))
    } else {
        format!("{}[{}]", tensor.name, positions.join(", "))
    };
    Value { text, kind, size: tensor.size, compound: false, bare }
}

/// A position that is not a bare letter, and whether it may leave the axis.
fn position(s: &mut State, scope: &[Letter], extent: &str, matching: &[Letter]) -> (String, bool) {
    if let Some(l) = matching.first() {
        let l = &l.name;
        match s.rng.below(8) {
            0 | 1 => {
                s.cover("view: shifted");
                let k = s.rng.between(1, 3);
                let op = if s.chance(50) { "+" } else { "-" };
                return (format!("{l} {op} {k}"), true);
            }
            2 => {
                s.cover("view: reversed");
                return (format!("{extent} - 1 - {l}"), false);
            }
            3 => {
                s.cover("view: divided");
                let k = s.rng.between(2, 3);
                return (format!("{l} // {k}"), false);
            }
            4 => {
                s.cover("view: strided");
                return (format!("2*{l} - 1"), true);
            }
            5 if scope.len() > 1 => {
                s.cover("view: sum of two letters");
                let other = s.rng.pick(scope).name.clone();
                let sign = if s.chance(50) { "+" } else { "-" };
                return (format!("{l} {sign} {other}"), true);
            }
            6 => {
                s.cover("view: scalar offset");
                let n = scalar(s, extent);
                return (format!("{n} + {l}"), true);
            }
            _ => {}
        }
    }
    if s.chance(50) {
        return (gather(s, scope, extent), false);
    }
    if let Some(l) = scope.first().filter(|_| s.chance(60)) {
        s.cover("view: letter of another range");
        return (format!("{} + 1", l.name), true);
    }
    s.cover("view: fixed position");
    if s.chance(50) { (scalar(s, extent), true) } else { (s.rng.between(0, 2).to_string(), true) }
}

/// An integer scalar argument.
fn scalar(s: &mut State, extent: &str) -> String {
    let known: Vec<usize> = (0..s.tensors.len())
        .filter(|t| {
            let t = &s.tensors[*t];
            t.input && t.shape.is_empty() && matches!(t.ty, Ty::Word("i32") | Ty::Len(_))
        })
        .collect();
    let t = match known.as_slice() {
        [] => {
            let ty = if s.chance(50) { Ty::Word("i32") } else { Ty::Len(extent.to_owned()) };
            s.input(ty, &[])
        }
        known => *s.rng.pick(known),
    };
    s.read(t).name
}

/// A data-dependent position.
pub fn gather(s: &mut State, scope: &[Letter], extent: &str) -> String {
    s.cover("gather");
    let known: Vec<usize> = (0..s.tensors.len())
        .filter(|t| {
            let t = &s.tensors[*t];
            t.ty == Ty::Idx(extent.to_owned()) && t.shape.iter().all(|e| scope.iter().any(|l| l.extent == *e))
        })
        .collect();
    if known.is_empty() || s.chance(20) {
        if s.chance(25) && !scope.is_empty() {
            s.cover("gather: computed index");
            let l = s.rng.pick(scope).clone();
            let t = new_input(s, std::slice::from_ref(&l), Kind::Int);
            let i = read(s, scope, t);
            let k = s.rng.between(-2, 4);
            // Nothing can be read from an axis without elements.
            s.constraints.insert(format!("{extent} >= 1"));
            return format!("idx<{extent}>({} + {k})", i.operand());
        }
        let shape: Vec<String> = scope.iter().take(1).map(|l| l.extent.clone()).collect();
        let t = s.input(Ty::Idx(extent.to_owned()), &shape);
        return at_letters(s, scope, t);
    }
    let t = *s.rng.pick(&known);
    at_letters(s, scope, t)
}

/// A read with every position a bare letter.
fn at_letters(s: &mut State, scope: &[Letter], t: usize) -> String {
    let tensor = s.read(t);
    let letters: Vec<String> = tensor
        .shape
        .iter()
        .map(|e| {
            let fitting: Vec<&Letter> = scope.iter().filter(|l| l.extent == *e).collect();
            fitting[s.rng.below(fitting.len() as u64) as usize].name.clone()
        })
        .collect();
    if letters.is_empty() { tensor.name } else { format!("{}[{}]", tensor.name, letters.join(", ")) }
}

/// A condition, and a read that is inside only where it holds: of an existing tensor over letters in scope.
pub fn guarded(s: &mut State, scope: &[Letter]) -> Option<(String, Value)> {
    let fits = |s: &State, t: &usize| {
        let t = &s.tensors[*t];
        let direct = t.shape.iter().all(|e| scope.iter().any(|l| l.extent == *e));
        t.ty.kind() == Kind::Float && !t.shape.is_empty() && direct && (s.wide || t.ty != Ty::Word("f64"))
    };
    let fits: Vec<usize> = (0..s.tensors.len()).filter(|t| fits(s, t)).collect();
    if fits.is_empty() {
        return None;
    }
    let t = *s.rng.pick(&fits);
    let tensor = s.read(t);
    let moved = s.rng.below(tensor.shape.len() as u64) as usize;
    let mut conditions = Vec::new();
    let mut positions = Vec::new();
    for (axis, extent) in tensor.shape.iter().enumerate() {
        let letters: Vec<Letter> = scope.iter().filter(|l| l.extent == *extent).cloned().collect();
        let l = s.rng.pick(&letters).name.clone();
        if axis != moved && !s.chance(30) {
            positions.push(l);
            continue;
        }
        let k = s.rng.between(1, 2);
        match s.rng.below(3) {
            0 => {
                conditions.push(format!("{l} + {k} < {extent}"));
                positions.push(format!("{l} + {k}"));
            }
            1 if scope.len() > 1 => {
                // A letter of another range, alone but for the 0 that says so.
                let other = s.rng.pick(scope).name.clone();
                conditions.push(format!("{other} < {extent}"));
                positions.push(format!("{other} + 0"));
            }
            _ => {
                conditions.push(format!("{l} >= {k}"));
                positions.push(format!("{l} - {k}"));
            }
        }
    }
    s.cover("if around a read");
    if s.chance(50) {
        s.cover("if around a read: and data");
        let data = load(s, scope, Kind::Bool);
        let at = s.rng.below(conditions.len() as u64 + 1) as usize;
        conditions.insert(at, data.operand());
    }
    let text = format!("{}[{}]", tensor.name, positions.join(", "));
    let read = Value::atom(text, Kind::Float, tensor.size);
    Some((conditions.join(" and "), read))
}
