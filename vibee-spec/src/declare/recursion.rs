//! Types that hold themselves: put behind a box where that ends, refused where it does not.

use std::collections::HashSet;

use super::units::Cx;
use super::{Declarations, Type, TypeDefKind, TypeRef};
use crate::diag::Diagnostic;

/// Boxes references that go back to a type being held, and reports types no value can be of.
pub(super) fn recursion(cx: &mut Cx<'_, '_>) {
    for index in circular(&mut cx.out) {
        let Some(decl) = cx.files[0].file.types.get(index) else { continue };
        let name = &decl.name.name;
        let d = Diagnostic::error("V0706", decl.name.span, format!("`{name}` is another name of itself"))
            .label("stands for nothing")
            .hint("declare its fields or variants");
        cx.report(d, "taken as `Object`, which holds any value");
    }
    let mut walk = Walk {
        state: cx.out.units.iter().map(|u| vec![State::New; u.types.len()]).collect(),
        depth: 0,
        boxed: false,
    };
    for unit in 0..cx.out.units.len() {
        for index in 0..cx.out.units[unit].types.len() {
            walk.visit(&mut cx.out, TypeRef { unit, index });
        }
    }
    if !walk.boxed {
        return;
    }
    for index in endless(&cx.out) {
        let Some(decl) = cx.files[0].file.types.get(index) else { continue };
        let name = &decl.name.name;
        let d =
            Diagnostic::error("V0706", decl.name.span, format!("a `{name}` holds a `{name}` without end"))
                .label("no value of it can be made")
                .hint(format!("hold none or several: `Option<{name}>` or `List<{name}>`"));
        cx.report(d, "taken as written, behind a reference");
    }
}

/// References are boxed below this many types held by value, cycle or not: recursion ends.
const MAX_HELD: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Depth first; a reference to a type that is open closes a cycle.
struct Walk {
    state: Vec<Vec<State>>,
    depth: usize,
    boxed: bool,
}

impl Walk {
    fn visit(&mut self, out: &mut Declarations, at: TypeRef) {
        if self.state[at.unit][at.index] != State::New {
            return;
        }
        self.state[at.unit][at.index] = State::Open;
        self.depth += 1;
        let mut kind =
            std::mem::replace(&mut out.units[at.unit].types[at.index].kind, TypeDefKind::Enum(vec![]));
        match &mut kind {
            TypeDefKind::Struct(fields) => fields.iter_mut().for_each(|f| self.ty(out, &mut f.ty, true)),
            TypeDefKind::Enum(variants) => {
                variants.iter_mut().filter_map(|v| v.payload.as_mut()).for_each(|t| self.ty(out, t, true));
            }
            // The box goes where the alias is used.
            TypeDefKind::Alias(target) => self.ty(out, target, false),
        }
        out.units[at.unit].types[at.index].kind = kind;
        self.depth -= 1;
        self.state[at.unit][at.index] = State::Done;
    }

    fn ty(&mut self, out: &mut Declarations, ty: &mut Type, may_box: bool) {
        match ty {
            Type::Named(at) => {
                let at = *at;
                if self.state[at.unit][at.index] == State::Open || self.depth > MAX_HELD {
                    if may_box {
                        self.boxed = true;
                        *ty = Type::Boxed(Box::new(Type::Named(at)));
                    }
                } else {
                    self.visit(out, at);
                }
            }
            Type::Option(t) | Type::Array(t, _) => self.ty(out, t, may_box),
            Type::Result(t, e) => {
                self.ty(out, t, may_box);
                self.ty(out, e, may_box);
            }
            Type::Tuple(items) => items.iter_mut().for_each(|t| self.ty(out, t, may_box)),
            // Lists, sets, maps and boxes hold by reference, but what they hold is visited.
            Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Boxed(_) => {}
            _ => {}
        }
    }
}

/// Sweeps over all types after which what is still open is let be.
const MAX_SWEEPS: usize = 64;

/// Own types that hold themselves and no value of which is finite.
fn endless(out: &Declarations) -> Vec<usize> {
    let mut finite: Vec<Vec<bool>> = out.units.iter().map(|u| vec![false; u.types.len()]).collect();
    for sweep in 0..=MAX_SWEEPS {
        let mut changed = false;
        for (unit, types) in out.units.iter().enumerate() {
            let n = types.types.len();
            // Up and down in turns, so that chains are short either way.
            for index in (0..n).map(|at| if sweep % 2 == 0 { at } else { n - 1 - at }) {
                let holds = |t: &Type| is_finite(t, &finite);
                let now = match &types.types[index].kind {
                    TypeDefKind::Struct(fields) => fields.iter().all(|f| holds(&f.ty)),
                    TypeDefKind::Enum(variants) => {
                        variants.is_empty() || variants.iter().any(|v| v.payload.as_ref().is_none_or(holds))
                    }
                    TypeDefKind::Alias(target) => holds(target),
                };
                if now && !finite[unit][index] {
                    finite[unit][index] = true;
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
        if sweep == MAX_SWEEPS {
            return vec![];
        }
    }
    let open = |index: usize| finite.first().is_some_and(|f| !f[index]);
    (0..out.types().len()).filter(|&index| open(index) && returns(out, TypeRef { unit: 0, index })).collect()
}

/// Whether a type holds itself, directly or through others.
fn returns(out: &Declarations, start: TypeRef) -> bool {
    let (mut seen, mut queue) = (HashSet::from([start]), vec![start]);
    while let Some(at) = queue.pop() {
        let mut held = vec![];
        match &out.get(at).kind {
            TypeDefKind::Struct(fields) => fields.iter().for_each(|f| by_value(&f.ty, &mut held)),
            TypeDefKind::Enum(variants) => {
                variants.iter().filter_map(|v| v.payload.as_ref()).for_each(|t| by_value(t, &mut held));
            }
            TypeDefKind::Alias(target) => by_value(target, &mut held),
        }
        if held.contains(&start) {
            return true;
        }
        queue.extend(held.into_iter().filter(|h| seen.insert(*h)));
    }
    false
}

/// Types of which every value of a type holds one.
fn by_value(ty: &Type, held: &mut Vec<TypeRef>) {
    match ty {
        Type::Named(at) => held.push(*at),
        Type::Array(t, _) | Type::Boxed(t) => by_value(t, held),
        Type::Tuple(items) => items.iter().for_each(|t| by_value(t, held)),
        _ => {}
    }
}

fn is_finite(ty: &Type, finite: &[Vec<bool>]) -> bool {
    match ty {
        Type::Named(at) => finite[at.unit][at.index],
        Type::Array(t, _) | Type::Boxed(t) => is_finite(t, finite),
        Type::Result(t, e) => is_finite(t, finite) || is_finite(e, finite),
        Type::Tuple(items) => items.iter().all(|t| is_finite(t, finite)),
        _ => true,
    }
}

/// Own aliases that stand for each other in a circle; all such aliases become [`Type::Any`].
fn circular(out: &mut Declarations) -> Vec<usize> {
    let mut found = vec![];
    for unit in 0..out.units.len() {
        for index in 0..out.units[unit].types.len() {
            let start = TypeRef { unit, index };
            let (mut seen, mut queue) = (HashSet::new(), vec![start]);
            let mut round = false;
            while let Some(at) = queue.pop() {
                let TypeDefKind::Alias(target) = &out.get(at).kind else { continue };
                let mut named = vec![];
                all(target, &mut named);
                round |= named.contains(&start);
                queue.extend(named.into_iter().filter(|n| seen.insert(*n)));
            }
            if round {
                out.units[unit].types[index].kind = TypeDefKind::Alias(Type::Any);
                if unit == 0 {
                    found.push(index);
                }
            }
        }
    }
    found
}

/// Every type that a type names.
fn all(ty: &Type, named: &mut Vec<TypeRef>) {
    match ty {
        Type::Named(at) => named.push(*at),
        Type::Boxed(t) | Type::Option(t) | Type::Array(t, _) | Type::List(t) | Type::Set(t) => all(t, named),
        Type::Map(k, v) | Type::Result(k, v) => {
            all(k, named);
            all(v, named);
        }
        Type::Tuple(items) => items.iter().for_each(|t| all(t, named)),
        _ => {}
    }
}
