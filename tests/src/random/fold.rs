//! Folds and their guards.

use super::state::{Kind, Letter, State};
use super::value::{self, Value};

/// A fold over letters that are not in scope.
pub fn fold(s: &mut State, scope: &[Letter], kind: Kind, depth: u32) -> Value {
    let count = if s.chance(22) { 2 } else { 1 };
    let mut inner = scope.to_vec();
    let mut over = Vec::new();
    for _ in 0..count {
        let extent = s.pick_extent();
        let l = s.letter(&extent, &inner);
        inner.push(l.clone());
        over.push(l);
    }
    over_letters(s, scope, &over, kind, depth)
}

/// A fold over these letters.
pub fn over_letters(s: &mut State, scope: &[Letter], over: &[Letter], kind: Kind, depth: u32) -> Value {
    let inner: Vec<Letter> = scope.iter().chain(over).cloned().collect();
    let depth = depth.min(2);
    if over.len() > 1 {
        s.cover("fold over several");
    }
    let (op, body) = match kind {
        Kind::Float => match s.rng.below(10) {
            0..=4 => ("sum", value::float(s, &inner, depth)),
            5 => ("prod", {
                let b = value::float(s, &inner, depth);
                Value::of(format!("1 + 0.1 * tanh({})", b.text), Kind::Float, 0.2, true, &[&b])
            }),
            6 | 7 => ("max", value::float(s, &inner, depth)),
            _ => ("min", value::float(s, &inner, depth)),
        },
        Kind::Int if over.len() == 1 && s.chance(25) => {
            let what = if s.chance(70) { Kind::Float } else { Kind::Int };
            let op = if s.chance(50) { "argmax" } else { "argmin" };
            (op, value::any(s, &inner, what, depth))
        }
        Kind::Int => {
            let op = *s.rng.pick(&["sum", "sum", "max", "min", "prod"]);
            (op, value::int(s, &inner, depth))
        }
        Kind::Bool => {
            let op = if s.chance(50) { "any" } else { "all" };
            (op, value::bool(s, &inner, depth.min(1)))
        }
    };
    s.cover(match op {
        "sum" => "fold sum",
        "prod" => "fold prod",
        "max" => "fold max",
        "min" => "fold min",
        "any" => "fold any",
        "all" => "fold all",
        "argmax" => "fold argmax",
        _ => "fold argmin",
    });
    if scope.is_empty() {
        s.cover("fold to a scalar");
    }
    let guard = guard(s, scope, over);
    let binders: Vec<String> = over
        .iter()
        .map(|l| {
            // A range may be left out where some position tells it.
            if body.bare.contains(&l.name) && !s.chance(30) {
                l.name.clone()
            } else {
                format!("{} in {}", l.name, l.extent)
            }
        })
        .collect();
    let condition = guard.as_ref().map_or(String::new(), |g| format!(" if {}", g.text));
    let text = format!("{op}[{}{condition}]({})", binders.join(", "), body.text);
    // Unbounded folds of `max` and `min` are infinite where nothing is counted.
    let (text, size) = match op {
        "sum" if kind == Kind::Float => (text, body.size + 5.0),
        "max" if kind == Kind::Float => (format!("max({text}, -8)"), body.size.max(3.0)),
        "min" if kind == Kind::Float => (format!("min({text}, 8)"), body.size.max(3.0)),
        "prod" if kind == Kind::Float => (text, 8.0),
        _ => (text, 31.0),
    };
    let mut parts = vec![&body];
    parts.extend(guard.as_ref());
    let mut out = Value::of(text, kind, size, false, &parts);
    out.bare.retain(|b| !over.iter().any(|l| l.name == *b));
    out
}

/// A guard on folded letters, or none.
pub fn guard(s: &mut State, scope: &[Letter], over: &[Letter]) -> Option<Value> {
    if !s.chance(35) {
        return None;
    }
    let l = s.rng.pick(over).clone();
    let first = if s.chance(60) { affine(s, scope, &l) } else { mask(s, scope, over) };
    if !s.chance(30) {
        return Some(first);
    }
    s.cover("guard: conjunction");
    let second = if s.chance(50) { affine(s, scope, &l) } else { mask(s, scope, over) };
    let text = format!("{} and {}", first.operand(), second.operand());
    Some(Value::of(text, Kind::Bool, 0.0, true, &[&first, &second]))
}

/// A condition on indices, which becomes a loop bound where it can.
fn affine(s: &mut State, scope: &[Letter], l: &Letter) -> Value {
    s.cover("guard: affine");
    let left = match s.rng.below(6) {
        0 => format!("{} + {}", l.name, s.rng.between(1, 3)),
        1 => format!("{} - {}", l.name, s.rng.between(1, 3)),
        2 => {
            s.cover("guard: strided");
            format!("2*{}", l.name)
        }
        3 => {
            s.cover("guard: modulo");
            let k = s.rng.between(2, 3);
            return Value::of(format!("{} % {k} == 0", l.name), Kind::Bool, 0.0, true, &[]);
        }
        _ => l.name.clone(),
    };
    let right = match scope.len() {
        0 => s.rng.between(0, 6).to_string(),
        _ if s.chance(70) => s.rng.pick(scope).name.clone(),
        _ => format!("{} // 2", s.pick_dim()),
    };
    let op = *s.rng.pick(&["<", "<=", ">", ">=", "==", "!=", "<=", "<"]);
    let text = if s.chance(25) { format!("{right} {op} {left}") } else { format!("{left} {op} {right}") };
    Value::of(text, Kind::Bool, 0.0, true, &[])
}

/// A condition on data.
fn mask(s: &mut State, scope: &[Letter], over: &[Letter]) -> Value {
    s.cover("guard: data");
    let inner: Vec<Letter> = scope.iter().chain(over).cloned().collect();
    value::bool(s, &inner, 0)
}
