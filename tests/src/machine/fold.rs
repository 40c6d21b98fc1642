//! Accumulators: one, or one per lane, with what a fold starts from and how two are combined.

use vibee_spec::term::{DType, FoldOp, Op};

use super::value::{Plain, apply};

/// Lanes of an accumulator: few, so that small sizes meet full and partial blocks.
pub const LANES: usize = 4;

/// A fold under way.
#[derive(Clone, Debug)]
pub struct Accumulator {
    op: FoldOp,
    of: DType,
    /// Value, and for positions where the value is; `None` before the first.
    lanes: Vec<(Option<Plain>, i64)>,
}

impl Accumulator {
    /// An empty one of a value type.
    pub fn new(op: FoldOp, of: &DType, in_lanes: bool) -> Self {
        let mut empty = Accumulator { op, of: of.clone(), lanes: vec![] };
        // A maximum of nothing but NaN is that of nothing.
        let first = if empty.picks() { None } else { Some(empty.identity()) };
        empty.lanes = vec![(first, 0); if in_lanes { LANES } else { 1 }];
        empty
    }

    /// Whether it is a position that is wanted.
    fn picks(&self) -> bool {
        matches!(self.op, FoldOp::ArgMax | FoldOp::ArgMin)
    }

    /// Takes in a value at a position of the folded index.
    pub fn update(&mut self, lane: usize, value: Plain, position: i64) {
        let lane = lane % self.lanes.len();
        let old = self.lanes[lane];
        self.lanes[lane] = self.combine(old, (Some(value), position));
    }

    /// All lanes as one value, or one lane's.
    pub fn finish(&self, reduce: bool, lane: usize) -> Plain {
        let empty = (None, 0);
        let one = self.lanes[lane % self.lanes.len()];
        let (value, at) =
            if reduce { self.lanes.iter().fold(empty, |a, b| self.combine(a, *b)) } else { one };
        if self.picks() { Plain::Int(at) } else { value.unwrap_or_else(|| self.identity()) }
    }

    fn combine(&self, a: (Option<Plain>, i64), b: (Option<Plain>, i64)) -> (Option<Plain>, i64) {
        let (Some(x), Some(y)) = (a.0, b.0) else { return self.only(a, b) };
        let t = |op: Op| apply(op, &[x, y], &self.of);
        let value = match self.op {
            FoldOp::Sum => t(Op::Add),
            FoldOp::Prod => t(Op::Mul),
            FoldOp::Max => t(Op::Max),
            FoldOp::Min => t(Op::Min),
            FoldOp::Any => Plain::Bool(x.truth() || y.truth()),
            FoldOp::All => Plain::Bool(x.truth() && y.truth()),
            FoldOp::ArgMax | FoldOp::ArgMin => {
                let (x, y) = (x.number(), y.number());
                let better = if self.op == FoldOp::ArgMax { y > x } else { y < x };
                return if better || x == y && b.1 < a.1 { b } else { a };
            }
        };
        (Some(value), a.1)
    }

    /// One of them is empty. NaN never is the best of anything that picks.
    fn only(&self, a: (Option<Plain>, i64), b: (Option<Plain>, i64)) -> (Option<Plain>, i64) {
        let counts = |x: &(Option<Plain>, i64)| x.0.is_some_and(|v| !(self.picks() && v.number().is_nan()));
        if counts(&a) {
            a
        } else if counts(&b) {
            b
        } else {
            (None, 0)
        }
    }

    fn identity(&self) -> Plain {
        let float = self.of.is_float();
        match self.op {
            FoldOp::Sum if float => Plain::Float(0.0),
            FoldOp::Prod if float => Plain::Float(1.0),
            FoldOp::Max if float => Plain::Float(f64::NEG_INFINITY),
            FoldOp::Min if float => Plain::Float(f64::INFINITY),
            FoldOp::Prod => Plain::Int(1),
            FoldOp::Max => Plain::Int(i64::from(i32::MIN)),
            FoldOp::Min => Plain::Int(i64::from(i32::MAX)),
            FoldOp::Any => Plain::Bool(false),
            FoldOp::All => Plain::Bool(true),
            FoldOp::Sum | FoldOp::ArgMax | FoldOp::ArgMin => Plain::Int(0),
        }
    }
}
