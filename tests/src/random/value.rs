//! Elementwise expressions.

use super::state::{Kind, Letter, State};
use super::{call, fold, load};

/// An expression as text.
#[derive(Clone, Debug)]
pub struct Value {
    pub text: String,
    pub kind: Kind,
    /// Binary logarithm of the largest magnitude to expect.
    pub size: f64,
    /// Needs parentheses as an operand.
    pub compound: bool,
    /// Letters that stand bare in some position, from which a range can be inferred.
    pub bare: Vec<String>,
}

impl Value {
    pub fn atom(text: impl Into<String>, kind: Kind, size: f64) -> Value {
        Value { text: text.into(), kind, size, compound: false, bare: vec![] }
    }

    /// As an operand.
    pub fn operand(&self) -> String {
        if self.compound { format!("({})", self.text) } else { self.text.clone() }
    }

    /// Made of parts.
    pub fn of(text: String, kind: Kind, size: f64, compound: bool, parts: &[&Value]) -> Value {
        let mut bare: Vec<String> = parts.iter().flat_map(|p| p.bare.clone()).collect();
        bare.sort();
        bare.dedup();
        Value { text, kind, size, compound, bare }
    }
}

/// An expression of a kind.
pub fn any(s: &mut State, scope: &[Letter], kind: Kind, depth: u32) -> Value {
    match kind {
        Kind::Float => float(s, scope, depth),
        Kind::Int => int(s, scope, depth),
        Kind::Bool => bool(s, scope, depth),
    }
}

/// Beyond this magnitude (as a binary logarithm) values are brought back.
const LARGE: f64 = 16.0;

pub fn float(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    let v = float_free(s, scope, depth);
    if v.size <= LARGE {
        return v;
    }
    match s.rng.below(3) {
        0 => Value::of(format!("tanh({} * 0.001)", v.operand()), Kind::Float, 0.0, false, &[&v]),
        1 => Value::of(format!("clamp({}, -4, 4.5)", v.text), Kind::Float, 2.2, false, &[&v]),
        _ => Value::of(format!("max(min({}, 9.5), -3)", v.text), Kind::Float, 3.3, false, &[&v]),
    }
}

fn float_free(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    if depth == 0 {
        return match s.rng.below(12) {
            0 => constant(s),
            1 if !scope.is_empty() => {
                s.cover("index as float");
                let i = int_leaf(s, scope);
                Value::of(format!("0.25 * {}", i.operand()), Kind::Float, i.size, true, &[&i])
            }
            _ => load::load(s, scope, Kind::Float),
        };
    }
    match s.rng.below(30) {
        0..=9 => binary(s, scope, depth),
        10..=15 => unary(s, scope, depth),
        16 => {
            if s.chance(50)
                && let Some((condition, read)) = load::guarded(s, scope)
            {
                let other = float(s, scope, 0);
                let text = format!("if {condition} then {} else {}", read.text, other.operand());
                return Value::of(text, Kind::Float, read.size.max(other.size), true, &[&other]);
            }
            s.cover("if");
            let c = bool(s, scope, depth - 1);
            let (a, b) = (float(s, scope, depth - 1), float(s, scope, 0));
            let text = format!("if {} then {} else {}", c.text, a.text, b.operand());
            Value::of(text, Kind::Float, a.size.max(b.size), true, &[&c, &a, &b])
        }
        17 => {
            let (a, b) = (float(s, scope, depth - 1), float(s, scope, 0));
            let word = if s.chance(50) { "min" } else { "max" };
            s.cover("elementwise min max");
            let text = format!("{word}({}, {})", a.text, b.text);
            Value::of(text, Kind::Float, a.size.max(b.size), false, &[&a, &b])
        }
        18 => {
            s.cover("clamp");
            let a = float(s, scope, depth - 1);
            Value::of(format!("clamp({}, -1.5, 2)", a.text), Kind::Float, 1.0, false, &[&a])
        }
        19 => power(s, scope, depth),
        20 => {
            let a = int(s, scope, depth - 1);
            s.cover("cast to float");
            let word = if s.wide && s.chance(40) { "f64" } else { "f32" };
            Value::of(format!("{word}({})", a.text), Kind::Float, a.size, false, &[&a])
        }
        21 => {
            let a = float(s, scope, depth - 1);
            s.cover("cast to f16 or bf16");
            let word = if s.chance(50) { "f16" } else { "bf16" };
            let a = if a.size > 15.0 {
                Value::of(format!("tanh({})", a.text), Kind::Float, 0.0, false, &[&a])
            } else {
                a
            };
            Value::of(format!("{word}({})", a.text), Kind::Float, a.size, false, &[&a])
        }
        22..=25 => fold::fold(s, scope, Kind::Float, depth - 1),
        26..=27 => call::function(s, scope, depth),
        _ => load::load(s, scope, Kind::Float),
    }
}

fn constant(s: &mut State) -> Value {
    let text = *s.rng.pick(&["0.5", "1", "2", "-1.25", "3e-2", "0", "0x3", "1e3"]);
    let negative = text.starts_with('-');
    Value::of(text.to_owned(), Kind::Float, 10.0, negative, &[])
}

fn binary(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    let (a, b) = (float(s, scope, depth - 1), float(s, scope, (depth - 1).min(1)));
    let (text, size) = match s.rng.below(7) {
        0 | 1 => (format!("{} + {}", a.operand(), b.operand()), a.size.max(b.size) + 1.0),
        2 => (format!("{} - {}", a.operand(), b.operand()), a.size.max(b.size) + 1.0),
        3..=5 => (format!("{} * {}", a.operand(), b.operand()), a.size + b.size),
        _ => {
            s.cover("division");
            (format!("{} / (abs({}) + 0.5)", a.operand(), b.text), a.size + 1.0)
        }
    };
    Value::of(text, Kind::Float, size, true, &[&a, &b])
}

fn unary(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    let a = float(s, scope, depth - 1);
    let (t, o) = (a.text.clone(), a.operand());
    let decides = if s.decisions { 20 } else { 15 };
    let (what, text, size) = match s.rng.below(decides) {
        0 => ("exp", format!("exp(min({t}, 10))"), 14.5),
        1 => ("exp", format!("exp(-abs({t}))"), 0.0),
        2 => ("log", format!("log(abs({t}) + 1)"), 5.0),
        3 => ("tanh", format!("tanh({t})"), 0.0),
        4 => ("erf", format!("erf({t})"), 0.0),
        5 => ("sigmoid", format!("sigmoid({t})"), 0.0),
        6 => ("sqrt", format!("sqrt(abs({t}))"), a.size / 2.0 + 1.0),
        7 => ("rsqrt", format!("rsqrt({o}^2 + 0.1)"), 2.0),
        8 => ("sin", format!("sin({t})"), 0.0),
        9 => ("cos", format!("cos({t})"), 0.0),
        10 | 11 => ("abs", format!("abs({t})"), a.size),
        12 | 13 => ("negation", format!("-{o}"), a.size),
        14 => ("log", format!("log(max({t}, 0.01))"), 7.0),
        15 => ("floor", format!("floor({t})"), a.size + 1.0),
        16 => ("ceil", format!("ceil({t})"), a.size + 1.0),
        17 => ("round", format!("round({t})"), a.size + 1.0),
        18 => ("trunc", format!("trunc({t})"), a.size),
        _ => ("sign", format!("sign({t})"), 0.0),
    };
    s.cover(what);
    Value::of(text, Kind::Float, size, what == "negation", &[&a])
}

fn power(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    let a = float(s, scope, depth - 1);
    let (t, o) = (a.text.clone(), a.operand());
    s.cover("power");
    let (text, size) = match s.rng.below(6) {
        0 | 1 => (format!("{o}^2"), a.size * 2.0),
        2 => (format!("{o}^3"), a.size * 3.0),
        3 => (format!("(abs({t}) + 0.5)^-1"), 1.0),
        4 => (format!("(abs({t}) + 0.5)^0.5"), a.size / 2.0 + 1.0),
        _ => (format!("pow(abs({t}) + 0.25, 0.75)"), a.size + 1.0),
    };
    Value::of(text, Kind::Float, size, true, &[&a])
}

/// An integer without arithmetic: a letter, a size, a scalar.
fn int_leaf(s: &mut State, scope: &[Letter]) -> Value {
    match s.rng.below(6) {
        0..=2 if !scope.is_empty() => {
            s.cover("index as value");
            let l = s.rng.pick(scope).clone();
            Value::atom(l.name, Kind::Int, 8.0)
        }
        3 => {
            s.cover("size as value");
            Value::atom(s.pick_dim(), Kind::Int, 8.0)
        }
        4 if !scope.is_empty() => {
            s.cover("len[]");
            let l = s.rng.pick(scope).clone();
            Value::atom(format!("len[{}]", l.name), Kind::Int, 8.0)
        }
        _ => {
            let number = s.rng.between(-3, 5);
            Value::of(number.to_string(), Kind::Int, 2.0, number < 0, &[])
        }
    }
}

pub fn int(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    if depth == 0 {
        return if s.chance(50) { int_leaf(s, scope) } else { load::load(s, scope, Kind::Int) };
    }
    let a = int(s, scope, depth - 1);
    let (t, o) = (a.text.clone(), a.operand());
    let b = int(s, scope, 0);
    let p = b.operand();
    let both = [&a, &b];
    match s.rng.below(15) {
        0..=2 => Value::of(format!("{o} + {p}"), Kind::Int, 31.0, true, &both),
        3 => Value::of(format!("{o} - {p}"), Kind::Int, 31.0, true, &both),
        4 | 5 => Value::of(format!("{o} * {p}"), Kind::Int, 31.0, true, &both),
        6 => {
            s.cover("integer // and %");
            let k = s.rng.between(1, 4);
            Value::of(format!("{o} // {k}"), Kind::Int, a.size, true, &[&a])
        }
        7 => {
            s.cover("integer // and %");
            let k = s.rng.between(1, 4);
            Value::of(format!("{o} % {k}"), Kind::Int, 2.0, true, &[&a])
        }
        8 => {
            s.cover("integer // and % by data");
            let word = if s.chance(50) { "//" } else { "%" };
            Value::of(format!("{o} {word} {p}"), Kind::Int, 31.0, true, &both)
        }
        9 => {
            s.cover("integer abs sign");
            let word = if s.chance(50) { "abs" } else { "sign" };
            Value::of(format!("{word}({t})"), Kind::Int, a.size, false, &[&a])
        }
        10 => {
            s.cover("integer min max clamp");
            match s.rng.below(3) {
                0 => Value::of(format!("clamp({t}, -3, 100)"), Kind::Int, 7.0, false, &[&a]),
                1 => Value::of(format!("min({t}, {})", b.text), Kind::Int, 31.0, false, &both),
                _ => Value::of(format!("max({t}, {})", b.text), Kind::Int, 31.0, false, &both),
            }
        }
        11 => {
            s.cover("if on integers");
            let c = bool(s, scope, depth - 1);
            let text = format!("if {} then {t} else {p}", c.text);
            Value::of(text, Kind::Int, 31.0, true, &[&c, &a, &b])
        }
        12 if s.decisions => {
            s.cover("cast to integer");
            let f = float(s, scope, depth - 1);
            let word = *s.rng.pick(&["i32", "i8", "u8"]);
            Value::of(format!("{word}({})", f.text), Kind::Int, 31.0, false, &[&f])
        }
        13 => {
            s.cover("cast to i8 or u8");
            let word = *s.rng.pick(&["i8", "u8"]);
            Value::of(format!("{word}({t})"), Kind::Int, 8.0, false, &[&a])
        }
        _ => fold::fold(s, scope, Kind::Int, depth - 1),
    }
}

pub fn bool(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    let compare = ["<", "<=", ">", ">=", "==", "!="];
    match s.rng.below(if depth == 0 { 5 } else { 9 }) {
        0 | 1 => load::load(s, scope, Kind::Bool),
        2 | 3 => {
            s.cover("comparison of integers");
            let (a, b) = (int(s, scope, 0), int(s, scope, 0));
            let op = s.rng.pick(&compare);
            Value::of(format!("{} {op} {}", a.operand(), b.operand()), Kind::Bool, 0.0, true, &[&a, &b])
        }
        4 => {
            s.cover("comparison of floats");
            let (a, b) = (load::load(s, scope, Kind::Float), constant(s));
            let op = s.rng.pick(&compare);
            Value::of(format!("{} {op} {}", a.operand(), b.operand()), Kind::Bool, 0.0, true, &[&a, &b])
        }
        5 | 6 => {
            s.cover("and or");
            let (a, b) = (bool(s, scope, depth - 1), bool(s, scope, 0));
            let op = if s.chance(50) { "and" } else { "or" };
            Value::of(format!("{} {op} {}", a.operand(), b.operand()), Kind::Bool, 0.0, true, &[&a, &b])
        }
        7 => {
            s.cover("not");
            let a = bool(s, scope, depth - 1);
            Value::of(format!("not {}", a.operand()), Kind::Bool, 0.0, true, &[&a])
        }
        _ => fold::fold(s, scope, Kind::Bool, depth - 1),
    }
}
