//! Smallest and largest value of integers that are computed from data: what makes a place in a
//! table safe.
//!
//! Interval arithmetic over the operators. Sizes and letters are bounded by the prover, so they
//! count only where their bounds are constants.

use std::collections::HashMap;

use super::builder::Builder;
use crate::term::{DType, ExprId, Node, Op, Source};

/// What an `i32` can be.
const ANY: (i64, i64) = (i32::MIN as i64, i32::MAX as i64);

impl Builder<'_, '_> {
    /// Bounds of an integer expression.
    pub fn integer_range(&self, e: ExprId) -> (i64, i64) {
        Ranges { b: self, known: HashMap::new() }.of(e)
    }
}

struct Ranges<'x, 'c, 'a> {
    b: &'x Builder<'c, 'a>,
    /// Shared operands are looked at once.
    known: HashMap<ExprId, (i64, i64)>,
}

impl Ranges<'_, '_, '_> {
    fn of(&mut self, e: ExprId) -> (i64, i64) {
        if let Some(known) = self.known.get(&e) {
            return *known;
        }
        // What leaves 32 bits wraps, and may be anything then.
        let found = self.find(e).filter(|(low, high)| ANY.0 <= *low && *high <= ANY.1 && low <= high);
        let range = found.unwrap_or(ANY);
        self.known.insert(e, range);
        range
    }

    fn find(&mut self, e: ExprId) -> Option<(i64, i64)> {
        let b = self.b;
        let dtype = b.type_of(e);
        Some(match b.k.exprs.node(e) {
            Node::Int(i) => {
                let (low, high) = b.prover().bounds(i)?;
                (low.as_const()?, high.as_const()?)
            }
            Node::Load { from, outside, .. } => {
                let own = self.source(*from)?;
                match outside {
                    Some(o) => hull(own, self.of(*o)),
                    None => own,
                }
            }
            Node::Cast(to, a) => {
                let inner = if b.type_of(*a).is_float() { ANY } else { self.of(*a) };
                match to {
                    DType::U8 => within(inner, 0, 255),
                    DType::I8 => within(inner, -128, 127),
                    DType::Idx(n) => within(inner, 0, n.as_const()? - 1),
                    DType::I32 => inner,
                    _ => return None,
                }
            }
            Node::Op(op, args) => self.operator(*op, args)?,
            _ => match dtype {
                DType::Idx(n) => (0, n.as_const()? - 1),
                _ => return None,
            },
        })
    }

    fn source(&mut self, from: Source) -> Option<(i64, i64)> {
        let dtype = match from {
            Source::Input(i) => &self.b.k.input(i).dtype,
            Source::Def(d) => &self.b.k.def(d).dtype,
        };
        match (dtype, from) {
            (DType::U8, _) => Some((0, 255)),
            (DType::I8, _) => Some((-128, 127)),
            (DType::Idx(n), _) => Some((0, n.as_const()? - 1)),
            (DType::I32, Source::Def(d)) => {
                let body = self.b.k.def(d).body;
                // Symbolic integers are bounded by loops that are not around this point.
                let symbolic = matches!(self.b.k.exprs.node(body), Node::Int(_));
                (!symbolic).then(|| self.of(body))
            }
            _ => None,
        }
    }

    fn operator(&mut self, op: Op, args: &[ExprId]) -> Option<(i64, i64)> {
        let all: Vec<(i64, i64)> =
            args.iter().map(|a| if self.b.type_of(*a).is_int() { self.of(*a) } else { ANY }).collect();
        let constant = |k: usize| (all[k].0 == all[k].1).then_some(all[k].0);
        let (a, b) = (all[0], *all.get(1).unwrap_or(&ANY));
        Some(match op {
            Op::Bits => (0, (1 << all[2].1.clamp(0, 31)) - 1),
            Op::Signed => {
                let half = 1 << (b.1.clamp(1, 32) - 1);
                (-half, half - 1)
            }
            Op::Join => {
                let width = constant(2)?;
                (b.0 << width, (b.1 << width) + (1 << width) - 1)
            }
            Op::Pick => all[1..].iter().copied().reduce(hull)?,
            Op::F16Bits | Op::Bf16Bits => (0, 0xffff),
            Op::E4m3Bits => (0, 0xff),
            Op::Add => (a.0 + b.0, a.1 + b.1),
            Op::Sub => (a.0 - b.1, a.1 - b.0),
            Op::Neg => (-a.1, -a.0),
            Op::Mul => {
                let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
                (*corners.iter().min()?, *corners.iter().max()?)
            }
            Op::Min => (a.0.min(b.0), a.1.min(b.1)),
            Op::Max => (a.0.max(b.0), a.1.max(b.1)),
            Op::Mod if b.0 > 0 => (0, b.1 - 1),
            Op::IDiv => {
                let by = constant(1).filter(|v| *v > 0)?;
                (a.0.div_euclid(by), a.1.div_euclid(by))
            }
            Op::Select => hull(b, all[2]),
            _ => return None,
        })
    }
}

fn hull(a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// A range after clamping into another.
fn within(r: (i64, i64), low: i64, high: i64) -> (i64, i64) {
    (r.0.clamp(low, high.max(low)), r.1.clamp(low, high.max(low)))
}
