//! The value of one node from the values of its operands.

use super::super::bits;
use super::super::error::EvalError;
use super::super::fold::{self, Fold};
use super::super::ops;
use super::super::real::{Precision, Real};
use super::super::round::round_f32;
use super::super::value::{Truth, Value, Whole, convert, wrap};
use super::{Eval, Machine};
use crate::term::{DType, ExprId, FoldOp, IndexId, Node, Op, Pos, Source};

impl Machine<'_> {
    pub(super) fn compute(&mut self, id: ExprId) -> Eval<Value> {
        let kernel = self.kernel;
        let dtype = kernel.exprs.dtype(id);
        match kernel.exprs.node(id) {
            Node::Float(bits, of) => {
                let v = f64::from_bits(*bits);
                Ok(Value::Real(Real::exact(if *of == DType::F64 { v } else { round_f32(v) })))
            }
            Node::Bool(v) => Ok(Value::Truth(Truth { v: *v, sure: true })),
            Node::Int(_) => {
                let v = wrap(self.position(&self.plan.facts[id.index()].ints[0])?);
                Ok(Value::Whole(Whole { v, sure: true }))
            }
            Node::Load { from, at, outside } => self.load(id, *from, at, *outside),
            Node::Op(op, args) => self.op(*op, args, Precision::of(dtype)),
            Node::Cast(to, e) => {
                let value = self.eval(*e)?;
                if kernel.exprs.dtype(*e) == to {
                    // A product that is written as rounded is not fused with anything.
                    if let (DType::F32, Node::Op(Op::Mul, args)) = (to, kernel.exprs.node(*e)) {
                        let (a, b) = (self.eval(args[0])?.real(), self.eval(args[1])?.real());
                        if a.e == 0.0 && b.e == 0.0 {
                            return Ok(Value::Real(Real::exact(round_f32(a.v * b.v))));
                        }
                    }
                    return Ok(value);
                }
                Ok(convert(value, to, self.limit(to)))
            }
            Node::Fold { op, over, guard, body } => self.fold(*op, over, *guard, *body, dtype),
        }
    }

    fn op(&mut self, op: Op, args: &[ExprId], p: &Precision) -> Eval<Value> {
        match (op, args) {
            (Op::Select, [c, a, b]) => {
                let c = self.eval(*c)?.truth();
                let (taken, other) = if c.v { (*a, *b) } else { (*b, *a) };
                let value = self.eval(taken)?;
                if c.sure { Ok(value) } else { Ok(value.either(self.eval(other)?)) }
            }
            (Op::And | Op::Or, [a, b]) => {
                let first = self.eval(*a)?.truth();
                let decided = first.sure && first.v == (op == Op::Or);
                if decided {
                    return Ok(Value::Truth(first));
                }
                let second = self.eval(*b)?.truth();
                let combine = if op == Op::Or { fold::or } else { fold::and };
                Ok(Value::Truth(combine(first, second)))
            }
            (Op::Not, [a]) => Ok(Value::Truth(fold::not(self.eval(*a)?.truth()))),
            (Op::Pick, [at, constants @ ..]) => {
                let at = self.eval(*at)?.whole();
                let Some(picked) = usize::try_from(at.v).ok().and_then(|n| constants.get(n)) else {
                    let text = format!("place {} of a table of {}", at.v, constants.len());
                    return Err(Box::new(EvalError::OutOfRange(text)));
                };
                let value = self.eval(*picked)?;
                Ok(if at.sure { value } else { value.doubted() })
            }
            (Op::Bits | Op::Join, [a, b, c]) => {
                let args = [self.eval(*a)?, self.eval(*b)?, self.eval(*c)?];
                Ok(bits::apply(op, &args).expect("a row of operators on bits"))
            }
            (_, [a]) => {
                let a = self.eval(*a)?;
                if let Some(value) = bits::apply(op, &[a]) {
                    return Ok(value);
                }
                Ok(ops::apply(op, a, None, p))
            }
            (_, [a, b]) => {
                let (a, b) = (self.eval(*a)?, self.eval(*b)?);
                if op == Op::Signed {
                    return Ok(bits::apply(op, &[a, b]).expect("a row of operators on bits"));
                }
                Ok(ops::apply(op, a, Some(b), p))
            }
            _ => unreachable!("{op:?} of {} arguments", args.len()),
        }
    }

    fn load(&mut self, id: ExprId, from: Source, at: &[Pos], outside: Option<ExprId>) -> Eval<Value> {
        let (mut place, mut sure, mut inside) = (0usize, true, true);
        let plan = self.plan;
        let mut known = plan.facts[id.index()].ints.iter();
        for (axis, p) in at.iter().enumerate() {
            let p = match p {
                Pos::At(_) => self.position(known.next().expect("one prepared integer a position"))?,
                Pos::Data(e) => {
                    let w = self.eval(*e)?.whole();
                    sure &= w.sure;
                    w.v
                }
            };
            let extent = self.dims(from)[axis];
            if !(0..extent as i64).contains(&p) {
                if outside.is_none() {
                    let name = match from {
                        Source::Input(i) => &self.kernel.input(i).name,
                        Source::Def(d) => &self.kernel.def(d).name,
                    };
                    let text = format!("position {p} of axis {axis} of {name}, which has {extent}");
                    return Err(Box::new(EvalError::OutOfRange(text)));
                }
                inside = false;
                break;
            }
            place = place * extent + p as usize;
        }
        let value = match (inside, outside) {
            (false, Some(e)) => self.eval(e)?,
            _ => self.element(from, place)?,
        };
        Ok(if sure { value } else { value.doubted() })
    }

    fn dims(&self, from: Source) -> &[usize] {
        match from {
            Source::Input(i) => self.inputs[i.index()].dims(),
            Source::Def(d) => &self.arrays[d.index()].dims,
        }
    }

    fn element(&self, from: Source, place: usize) -> Eval<Value> {
        match from {
            Source::Input(i) => Ok(self.inputs[i.index()].element(place)),
            Source::Def(d) => self.arrays[d.index()].values[place].ok_or_else(|| {
                let text = format!("{} is read where it has no value", self.kernel.def(d).name);
                Box::new(EvalError::OutOfRange(text))
            }),
        }
    }

    fn fold(
        &mut self,
        op: FoldOp,
        over: &[IndexId],
        guard: Option<ExprId>,
        body: ExprId,
        dtype: &DType,
    ) -> Eval<Value> {
        // The result of argmax is an index; what it compares decides the accumulator.
        let of = self.kernel.exprs.dtype(body);
        let mut fold = Fold::new(op, of.is_float());
        let mut more = self.first(over);
        while more {
            let g = match guard {
                None => Truth { v: true, sure: true },
                Some(g) => self.eval(g)?.truth(),
            };
            if g.v || !g.sure {
                let value = self.eval(body)?;
                fold.push(value, g, over.first().map_or(0, |i| self.at[i.index()]));
                if fold.is_decided() {
                    break;
                }
            }
            more = self.next(over);
        }
        let result = fold.finish(Precision::of(dtype));
        // Products of rounded factors are added before a scale is multiplied with: what an infinity makes of that
        // is another infinity or NaN.
        let finite = !matches!(result, Value::Real(r) if !r.v.is_finite());
        Ok(if finite || !self.is_of_rounded(body) { result } else { result.doubted() })
    }

    /// Whether an expression is a product with a factor that may be rounded.
    fn is_of_rounded(&self, e: ExprId) -> bool {
        let is_near =
            |e: &ExprId| matches!(self.kernel.exprs.node(*e), Node::Op(Op::NearI8 | Op::NearBf16, _));
        is_near(&e)
            || matches!(self.kernel.exprs.node(e), Node::Op(Op::Mul, args) if args.iter().any(is_near))
    }
}
