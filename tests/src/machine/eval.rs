//! Expressions: lazily where the language is, so that what a condition excludes never happens.

use vibee_spec::interp::TensorData;
use vibee_spec::term::{DType, ExprId, InputId, Node, Op, Pos, Source};

use super::value::{Plain, apply};
use super::{Fault, Machine};

impl Machine<'_> {
    /// The value of an expression at the current indices.
    pub(super) fn eval(&mut self, e: ExprId) -> Result<Plain, Fault> {
        self.steps = self.steps.checked_sub(1).ok_or(None)?;
        let exprs = &self.p.program.kernel.exprs;
        match exprs.node(e) {
            Node::Float(bits, _) => Ok(Plain::Float(self.constant(f64::from_bits(*bits), exprs.dtype(e)))),
            Node::Bool(b) => Ok(Plain::Bool(*b)),
            Node::Int(i) => Ok(Plain::Int(i64::from(self.int(i)? as i32))),
            Node::Load { from, at, outside } => self.load(*from, at, *outside),
            Node::Cast(to, a) => {
                let (value, limit) = (self.eval(*a)?, self.limit(to)?);
                let product = matches!(exprs.node(*a), Node::Op(Op::Mul, _)) && *to == DType::F32;
                Ok(if exprs.dtype(*a) == to && !product { value } else { value.stored(to, limit) })
            }
            Node::Op(op, args) => self.op(*op, args, e),
            Node::Fold { .. } => Err(Some("a fold inside a value".to_owned())),
        }
    }

    fn constant(&self, v: f64, of: &DType) -> f64 {
        if *of == DType::F64 { v } else { vibee_spec::interp::round_f32(v) }
    }

    fn op(&mut self, op: Op, args: &[ExprId], e: ExprId) -> Result<Plain, Fault> {
        let dtype = self.p.program.kernel.exprs.dtype(e).clone();
        let first = self.eval(args[0])?;
        match op {
            Op::Select => self.eval(args[if first.truth() { 1 } else { 2 }]),
            Op::And if !first.truth() => Ok(first),
            Op::Or if first.truth() => Ok(first),
            Op::And | Op::Or => self.eval(args[1]),
            Op::Not => Ok(Plain::Bool(!first.truth())),
            _ => {
                let mut values = vec![first];
                for a in &args[1..] {
                    values.push(self.eval(*a)?);
                }
                Ok(apply(op, &values, &dtype))
            }
        }
    }

    fn load(&mut self, from: Source, at: &[Pos], outside: Option<ExprId>) -> Result<Plain, Fault> {
        let mut place = Vec::new();
        for p in at {
            place.push(match p {
                Pos::At(i) => self.int(i)?,
                Pos::Data(d) => self.eval(*d)?.int(),
            });
        }
        let inside = place.iter().zip(self.extents(from)?).all(|(p, n)| (0..n).contains(p));
        match outside {
            Some(o) if !inside => self.eval(o),
            _ => self.fetch(from, &place),
        }
    }

    /// An element of an input, of a variable in scope or of a buffer.
    pub(super) fn fetch(&self, from: Source, at: &[i64]) -> Result<Plain, Fault> {
        let d = match from {
            Source::Input(i) => return self.argument(i, at),
            Source::Def(d) => d,
        };
        if let Some((tile, value)) = self.tile
            && tile == d
        {
            return Ok(value);
        }
        if let Some((element, value)) = self.variables.get(&d)
            && element == at
        {
            return value.ok_or_else(|| self.fault(d, "is read where its guard fails"));
        }
        let Some(b) = self.p.place(d).buffer else {
            return Err(self.fault(d, &format!("is read at {at:?}, where it is not in scope")));
        };
        let stored: Vec<i64> = self.p.buffer(b).axes.iter().map(|a| at[*a]).collect();
        let place = self.place(d, b, &stored)?;
        let value = self.buffers[b.index()].as_ref().and_then(|a| a.values[place]);
        value.ok_or_else(|| self.fault(d, &format!("is read at {at:?} before it is stored")))
    }

    fn argument(&self, i: InputId, at: &[i64]) -> Result<Plain, Fault> {
        let t = &self.inputs[i.index()];
        let name = &self.p.program.kernel.input(i).name;
        let inside =
            at.len() == t.dims.len() && at.iter().zip(&t.dims).all(|(p, n)| (0..*n as i64).contains(p));
        if !inside {
            return Err(Some(format!("`{name}` has no element {at:?}: it has {:?}", t.dims)));
        }
        let place = at.iter().zip(&t.dims).fold(0, |place, (p, n)| place * n + *p as usize);
        self.input(i, place).ok_or_else(|| Some(format!("`{name}` has no element {at:?}")))
    }

    pub(super) fn input(&self, i: InputId, place: usize) -> Option<Plain> {
        match &self.inputs[i.index()].data {
            TensorData::Float(v) => v.get(place).map(|v| Plain::Float(*v)),
            TensorData::Int(v) => v.get(place).map(|v| Plain::Int(*v)),
            TensorData::Bool(v) => v.get(place).map(|v| Plain::Bool(*v)),
        }
    }
}
