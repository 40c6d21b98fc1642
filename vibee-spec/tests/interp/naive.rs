//! A second evaluator of terms, in `f32`, that uses every freedom the numerics contract gives:
//! folds in random orders, random fused multiply-adds, library functions off by their allowance.
//!
//! Shares no arithmetic with the interpreter but the table of allowances.

use vibee_spec::interp::rng::Rng;
use vibee_spec::interp::{Tensor, TensorData, erf, ops::ulps, round_bf16, round_f16, solve_dims};
use vibee_spec::term::{Atom, DType, ExprId, FoldOp, IndexId, Int, Kernel, Node, Op, Pos, Source};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum V {
    F(f32),
    D(f64),
    I(i32),
    B(bool),
}

impl V {
    pub fn f64(self) -> f64 {
        match self {
            V::F(v) => f64::from(v),
            V::D(v) => v,
            V::I(v) => f64::from(v),
            V::B(v) => f64::from(u8::from(v)),
        }
    }
    fn i(self) -> i64 {
        let V::I(v) = self else { panic!("{self:?}") };
        i64::from(v)
    }
    fn b(self) -> bool {
        let V::B(v) = self else { panic!("{self:?}") };
        v
    }
}

pub struct Naive<'k> {
    k: &'k Kernel,
    inputs: &'k [Tensor],
    dims: Vec<i64>,
    at: Vec<i64>,
    arrays: Vec<(Vec<usize>, Vec<V>)>,
    rng: Rng,
    /// Relative error planted in one term of every sum.
    plant: f32,
}

/// All outputs' elements.
pub fn eval(k: &Kernel, dims: &[i64], inputs: &[Tensor], seed: u64, plant: f32) -> Vec<Vec<f64>> {
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.dims.clone()).collect();
    let dims = solve_dims(k, dims, &shapes).unwrap();
    let at = vec![0; k.indices.len()];
    let mut m = Naive { k, inputs, dims, at, arrays: vec![], rng: Rng::new(seed), plant };
    for def in &k.defs {
        let shape: Vec<usize> = def.shape.iter().map(|s| m.int(s) as usize).collect();
        let mut values = vec![V::B(false); shape.iter().product()];
        m.each(&def.indices, &mut |m| {
            let v = m.eval(def.body);
            let place = def.store.iter().zip(&shape).fold(0, |p, (s, n)| p * n + m.int(s) as usize);
            values[place] = m.convert(v, &def.dtype);
        });
        m.arrays.push((shape, values));
    }
    k.outputs.iter().map(|o| m.arrays[o.def.index()].1.iter().map(|v| v.f64()).collect()).collect()
}

/// Floor modulo; 0 for a zero divisor.
fn modulo(a: i32, b: i32) -> i32 {
    if b == 0 {
        return 0;
    }
    let r = a.wrapping_rem(b);
    if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
}

impl Naive<'_> {
    fn int(&self, int: &Int) -> i64 {
        let scalar = |t: &Tensor| match &t.data {
            TensorData::Int(v) => v[0],
            _ => panic!("not an integer"),
        };
        int.eval(&|a| match a {
            Atom::Dim(d) => Some(self.dims[d.index()]),
            Atom::Index(i) => Some(self.at[i.index()]),
            Atom::Scalar(i) => Some(scalar(&self.inputs[i.index()])),
            _ => None,
        })
        .unwrap()
    }

    fn each(&mut self, over: &[IndexId], f: &mut dyn FnMut(&mut Self)) {
        let Some((first, rest)) = over.split_first() else { return f(self) };
        for v in 0..self.int(&self.k.indices[first.index()].extent.clone()) {
            self.at[first.index()] = v;
            self.each(rest, f);
        }
    }

    /// A value within `ulps` of `v`.
    fn near(&mut self, v: f64, ulps: f64) -> V {
        if !v.is_finite() || v == 0.0 {
            return V::F(v as f32);
        }
        let r = v as f32;
        if !r.is_normal() {
            return V::F(r);
        }
        let ulp = f64::from(f32::from_bits(r.to_bits() & 0x7f80_0000)) / f64::from(1 << 23);
        // The rounding to f32 takes half a unit of the allowance.
        let reach = (ulps - 0.5).max(0.0);
        V::F((v + (self.rng.unit() * 2.0 - 1.0) * reach * ulp.abs()) as f32)
    }

    fn convert(&mut self, v: V, to: &DType) -> V {
        match (v, to) {
            (V::B(_), _) => v,
            (V::F(f), DType::F16) => V::F(round_f16(f64::from(f)) as f32),
            (V::F(f), DType::BF16) => V::F(round_bf16(f64::from(f)) as f32),
            (v, DType::F64) => V::D(v.f64()),
            (V::I(i), DType::F32) => V::F(i as f32),
            (v, DType::F32) => V::F(v.f64() as f32),
            (v, to) => {
                let i = match v {
                    V::F(f) => f as i32,
                    V::D(f) => f as i32,
                    V::I(i) => i,
                    V::B(_) => unreachable!(),
                };
                V::I(match to {
                    DType::I8 => i.clamp(-128, 127),
                    DType::U8 => i.clamp(0, 255),
                    DType::Idx(n) => i.clamp(0, (self.int(n) as i32 - 1).max(0)),
                    _ => i,
                })
            }
        }
    }

    fn eval(&mut self, id: ExprId) -> V {
        let k = self.k;
        match k.exprs.node(id) {
            Node::Float(bits, DType::F64) => V::D(f64::from_bits(*bits)),
            Node::Float(bits, _) => V::F(f64::from_bits(*bits) as f32),
            Node::Bool(b) => V::B(*b),
            Node::Int(int) => V::I(self.int(int) as i32),
            Node::Load { from, at, outside } => {
                let shape = match from {
                    Source::Input(i) => self.inputs[i.index()].dims.clone(),
                    Source::Def(d) => self.arrays[d.index()].0.clone(),
                };
                let mut place = 0;
                for (p, n) in at.iter().zip(shape) {
                    let p = match p {
                        Pos::At(int) => self.int(int),
                        Pos::Data(e) => self.eval(*e).i(),
                    };
                    if p < 0 || p >= n as i64 {
                        return self.eval(outside.expect("in range"));
                    }
                    place = place * n + p as usize;
                }
                match from {
                    Source::Input(i) => match &self.inputs[i.index()] {
                        Tensor { data: TensorData::Float(v), dtype: DType::F64, .. } => V::D(v[place]),
                        Tensor { data: TensorData::Float(v), .. } => V::F(v[place] as f32),
                        Tensor { data: TensorData::Int(v), .. } => V::I(v[place] as i32),
                        Tensor { data: TensorData::Bool(v), .. } => V::B(v[place]),
                    },
                    Source::Def(d) => self.arrays[d.index()].1[place],
                }
            }
            Node::Op(op, args) => self.op(*op, args),
            Node::Cast(to, e) => {
                let v = self.eval(*e);
                self.convert(v, to)
            }
            Node::Fold { op, over, guard, body } => self.fold(*op, over, *guard, *body),
        }
    }

    fn op(&mut self, op: Op, args: &[ExprId]) -> V {
        let k = self.k;
        if op == Op::Select {
            let c = self.eval(args[0]).b();
            return self.eval(args[if c { 1 } else { 2 }]);
        }
        // a*b ± c, fused or not.
        if matches!(op, Op::Add | Op::Sub) && self.rng.once_in(2) {
            let sign = if op == Op::Sub { -1.0f32 } else { 1.0 };
            if let Node::Op(Op::Mul, ab) = k.exprs.node(args[0]).clone()
                && let (V::F(a), V::F(b), V::F(c)) = (self.eval(ab[0]), self.eval(ab[1]), self.eval(args[1]))
            {
                return V::F(a.mul_add(b, sign * c));
            }
            if let Node::Op(Op::Mul, ab) = k.exprs.node(args[1]).clone()
                && let (V::F(a), V::F(b), V::F(c)) = (self.eval(ab[0]), self.eval(ab[1]), self.eval(args[0]))
            {
                return V::F((sign * a).mul_add(b, c));
            }
        }
        let v: Vec<V> = args.iter().map(|a| self.eval(*a)).collect();
        match v[..] {
            [V::F(a)] => self.function(op, a),
            [V::D(a)] => V::D(match op {
                Op::Exp => a.exp(),
                Op::Log => a.ln(),
                Op::Sqrt => a.sqrt(),
                Op::Abs => a.abs(),
                Op::Neg => -a,
                Op::Sigmoid => 1.0 / (1.0 + (-a).exp()),
                Op::Tanh => a.tanh(),
                _ => panic!("{op:?}"),
            }),
            [V::F(a), V::F(b)] => match op {
                Op::Add => V::F(a + b),
                Op::Sub => V::F(a - b),
                Op::Mul => V::F(a * b),
                Op::Div => V::F(a / b),
                Op::Max => V::F(a.max(b)),
                Op::Min => V::F(a.min(b)),
                // Anything within the distance, whatever rounding does.
                Op::NearI8 | Op::NearBf16 => V::F(a + (self.rng.unit() as f32 * 2.0 - 1.0) * 0.999 * b),
                Op::Pow => self.near(f64::from(a).powf(f64::from(b)), ulps::POW),
                Op::Gt => V::B(a > b),
                Op::Lt => V::B(a < b),
                Op::Ge => V::B(a >= b),
                Op::Le => V::B(a <= b),
                Op::Eq => V::B(a == b),
                Op::Ne => V::B(a != b),
                _ => panic!("{op:?}"),
            },
            [V::B(a)] => V::B(!a),
            [V::I(a)] => V::I(match op {
                Op::Neg => a.wrapping_neg(),
                Op::Abs => a.wrapping_abs(),
                _ => a.signum(),
            }),
            [V::D(a), V::D(b)] => V::D(match op {
                Op::Mul => a * b,
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Div => a / b,
                _ => panic!("{op:?}"),
            }),
            [V::I(a), V::I(b)] => match op {
                Op::Add => V::I(a.wrapping_add(b)),
                Op::Mul => V::I(a.wrapping_mul(b)),
                Op::Sub => V::I(a.wrapping_sub(b)),
                Op::Min => V::I(a.min(b)),
                Op::Max => V::I(a.max(b)),
                Op::IDiv if b == 0 => V::I(0),
                Op::IDiv => V::I(((i64::from(a) - i64::from(modulo(a, b))) / i64::from(b)) as i32),
                Op::Mod => V::I(modulo(a, b)),
                Op::Ge => V::B(a >= b),
                Op::Gt => V::B(a > b),
                Op::Ne => V::B(a != b),
                Op::Le => V::B(a <= b),
                Op::Lt => V::B(a < b),
                Op::Eq => V::B(a == b),
                _ => panic!("{op:?}"),
            },
            [V::B(a), V::B(b)] => V::B(if op == Op::And { a && b } else { a || b }),
            _ => panic!("{op:?} of {v:?}"),
        }
    }

    fn function(&mut self, op: Op, a: f32) -> V {
        let d = f64::from(a);
        match op {
            Op::Neg => V::F(-a),
            Op::Abs => V::F(a.abs()),
            Op::Sign => V::F(if a == 0.0 || a.is_nan() { a } else { a.signum() }),
            Op::Floor => V::F(a.floor()),
            Op::Ceil => V::F(a.ceil()),
            Op::Round => V::F(a.round_ties_even()),
            Op::Trunc => V::F(a.trunc()),
            Op::Sqrt => V::F(a.sqrt()),
            Op::Rsqrt => V::F(1.0 / a.sqrt()),
            Op::Exp => self.near(d.exp(), ulps::EXP),
            Op::Log => self.near(d.ln(), ulps::LOG),
            Op::Tanh => self.near(d.tanh(), ulps::TANH),
            Op::Erf => self.near(erf(d), ulps::ERF),
            Op::Sigmoid => self.near(1.0 / (1.0 + (-d).exp()), ulps::SIGMOID),
            Op::Sin => self.near(d.sin(), ulps::WAVE),
            Op::Cos => self.near(d.cos(), ulps::WAVE),
            _ => panic!("{op:?}"),
        }
    }

    fn fold(&mut self, op: FoldOp, over: &[IndexId], guard: Option<ExprId>, body: ExprId) -> V {
        // Products stay apart, so that a sum can fuse them.
        let factors = match self.k.exprs.node(body) {
            Node::Op(Op::Mul, ab) if op == FoldOp::Sum && self.rng.once_in(2) => Some((ab[0], ab[1])),
            _ => None,
        };
        let mut terms: Vec<(i64, V, V)> = vec![];
        self.each(over, &mut |m| {
            if guard.is_none_or(|g| m.eval(g).b()) {
                let at = m.at[over[0].index()];
                let (a, b) = match factors {
                    Some((a, b)) => (m.eval(a), m.eval(b)),
                    None => (m.eval(body), V::F(1.0)),
                };
                terms.push((at, a, b));
            }
        });
        if self.plant != 0.0 && op == FoldOp::Sum && !terms.is_empty() {
            let hit = self.rng.below(terms.len() as u64) as usize;
            if let V::F(v) = &mut terms[hit].1 {
                *v *= 1.0 + self.plant;
            }
        }
        match op {
            FoldOp::ArgMax | FoldOp::ArgMin => {
                let mut best: Option<(i64, f64)> = None;
                for (at, v, _) in &terms {
                    let v = if op == FoldOp::ArgMin { -v.f64() } else { v.f64() };
                    if !v.is_nan() && best.is_none_or(|(_, b)| v > b) {
                        best = Some((*at, v));
                    }
                }
                V::I(best.map_or(0, |b| b.0) as i32)
            }
            FoldOp::Any => V::B(terms.iter().any(|t| t.1.b())),
            FoldOp::All => V::B(terms.iter().all(|t| t.1.b())),
            _ => {
                let double = *self.k.exprs.dtype(body) == DType::F64;
                let int = self.k.exprs.dtype(body).is_int();
                if self.rng.once_in(2) {
                    for n in (1..terms.len()).rev() {
                        terms.swap(n, self.rng.below(n as u64 + 1) as usize);
                    }
                }
                if double || int {
                    return self.fold_plain(op, double, &terms);
                }
                V::F(self.fold_lanes(op, &terms))
            }
        }
    }

    /// Several accumulators, joined in a tree: what vector code does.
    fn fold_lanes(&mut self, op: FoldOp, terms: &[(i64, V, V)]) -> f32 {
        let empty = match op {
            FoldOp::Sum => 0.0,
            FoldOp::Prod => 1.0,
            FoldOp::Max => f32::NEG_INFINITY,
            _ => f32::INFINITY,
        };
        let join = |a: f32, b: f32| match op {
            FoldOp::Sum => a + b,
            FoldOp::Prod => a * b,
            FoldOp::Max => a.max(b),
            _ => a.min(b),
        };
        let fuse = self.rng.once_in(2);
        let mut lanes = vec![empty; *self.rng.pick(&[1, 1, 4, 8, 32])];
        let count = lanes.len();
        for (n, (_, a, b)) in terms.iter().enumerate() {
            let (V::F(a), V::F(b)) = (*a, *b) else { panic!("not f32") };
            let lane = &mut lanes[n % count];
            *lane = match op {
                FoldOp::Sum if fuse => a.mul_add(b, *lane),
                FoldOp::Sum => *lane + a * b,
                _ => join(*lane, a),
            };
        }
        while lanes.len() > 1 {
            let half = lanes.len() / 2;
            lanes = (0..half).map(|n| join(lanes[n], lanes[n + half])).collect();
        }
        lanes[0]
    }

    fn fold_plain(&mut self, op: FoldOp, double: bool, terms: &[(i64, V, V)]) -> V {
        let mut acc: Option<V> = None;
        for (_, a, b) in terms {
            let t = match (*a, *b) {
                (V::D(a), V::D(b)) => V::D(a * b),
                (V::I(a), V::I(b)) => V::I(a.wrapping_mul(b)),
                (a, _) => a,
            };
            acc = Some(match (acc, t, op) {
                (None, t, _) => t,
                (Some(V::D(a)), V::D(t), FoldOp::Sum) => V::D(a + t),
                (Some(V::D(a)), V::D(t), FoldOp::Max) => V::D(a.max(t)),
                (Some(V::I(a)), V::I(t), FoldOp::Sum) => V::I(a.wrapping_add(t)),
                (Some(V::I(a)), V::I(t), FoldOp::Max) => V::I(a.max(t)),
                (a, t, op) => panic!("{op:?} of {a:?} and {t:?}"),
            });
        }
        acc.unwrap_or(match (op, double) {
            (FoldOp::Max, true) => V::D(f64::NEG_INFINITY),
            (FoldOp::Max, false) => V::I(i32::MIN),
            (_, true) => V::D(0.0),
            (_, false) => V::I(0),
        })
    }
}
