//! The kernels that the bound is tried on.

use vibee_spec::term::{Check, Cmp, DType, DimBind, FoldOp, Kernel, Op, Pos, Source};

use crate::build::{Build, d, i, n};

const F: DType = DType::F32;

/// All of them.
pub fn all() -> Vec<Kernel> {
    vec![
        matmul(F),
        matmul(DType::BF16),
        softmax(),
        inline_softmax(),
        layer_norm(),
        gelu(),
        attention(),
        rope(),
        conv(),
        gather(),
        quantise(),
        merged_heads(),
        functions(),
        product(),
        doubles(),
        halves(),
        router(),
    ]
}

/// `y[m, o] = sum[k](x[m, k] * w[o, k])`
pub fn matmul(w: DType) -> Kernel {
    let mut b = Build::new("matmul");
    let (m, k, o) = (b.axis_dim("M", 0, 0), b.axis_dim("K", 0, 1), b.axis_dim("O", 1, 0));
    let x = b.input("x", F, &[d(m), d(k)]);
    let w = b.input("w", w, &[d(o), d(k)]);
    b.check(Check::Axis { input: w, axis: 1, expect: d(k) });
    let (im, ik, io) = (b.index("m", d(m)), b.index("k", d(k)), b.index("o", d(o)));
    let (a, c) = (b.load(x, &[i(im), i(ik)]), b.load(w, &[i(io), i(ik)]));
    let p = b.op(Op::Mul, &[a, c]);
    let s = b.fold(FoldOp::Sum, &[ik], None, p);
    let y = b.def("y", &[im, io], F, s);
    b.output(y)
}

/// Through definitions `top[t]`, `all[t]`.
pub fn softmax() -> Kernel {
    let mut b = Build::new("softmax");
    let (t, s) = (b.axis_dim("T", 0, 0), b.axis_dim("S", 0, 1));
    let x = b.input("x", F, &[d(t), d(s)]);
    let (it, is) = (b.index("t", d(t)), b.index("s", d(s)));
    let e = b.load(x, &[i(it), i(is)]);
    let top = b.fold(FoldOp::Max, &[is], None, e);
    let top = b.def("top", &[it], F, top);
    let (is, top) = (b.index("s", d(s)), b.get(top, &[i(it)]));
    let e = b.load(x, &[i(it), i(is)]);
    let e = b.op(Op::Sub, &[e, top]);
    let e = b.op(Op::Exp, &[e]);
    let total = b.fold(FoldOp::Sum, &[is], None, e);
    let total = b.def("total", &[it], F, total);
    let total = b.get(total, &[i(it)]);
    let y = b.op(Op::Div, &[e, total]);
    let y = b.def("y", &[it, is], F, y);
    b.output(y)
}

/// One expression: the interpreter has to keep the folds' values.
pub fn inline_softmax() -> Kernel {
    let mut b = Build::new("inline_softmax");
    let (t, s) = (b.axis_dim("T", 0, 0), b.axis_dim("S", 0, 1));
    let x = b.input("x", F, &[d(t), d(s)]);
    let (it, is) = (b.index("t", d(t)), b.index("s", d(s)));
    let (i1, i2) = (b.index("s", d(s)), b.index("s", d(s)));
    let e = b.load(x, &[i(it), i(i1)]);
    let top = b.fold(FoldOp::Max, &[i1], None, e);
    let exp = |b: &mut Build, at| {
        let e = b.load(x, &[i(it), i(at)]);
        let e = b.op(Op::Sub, &[e, top]);
        b.op(Op::Exp, &[e])
    };
    let (one, each) = (exp(&mut b, is), exp(&mut b, i2));
    let total = b.fold(FoldOp::Sum, &[i2], None, each);
    let y = b.op(Op::Div, &[one, total]);
    let y = b.def("y", &[it, is], F, y);
    b.output(y)
}

/// Mean, variance, normalised and scaled.
pub fn layer_norm() -> Kernel {
    let mut b = Build::new("layer_norm");
    let (t, c) = (b.axis_dim("T", 0, 0), b.axis_dim("D", 0, 1));
    let x = b.input("x", F, &[d(t), d(c)]);
    let g = b.input("g", F, &[d(c)]);
    let eps = b.input("eps", F, &[]);
    b.check(Check::Axis { input: g, axis: 0, expect: d(c) });
    let (it, ic) = (b.index("t", d(t)), b.index("d", d(c)));
    let count = b.int(d(c));
    let count = b.cast(F, count);
    let e = b.load(x, &[i(it), i(ic)]);
    let sum = b.fold(FoldOp::Sum, &[ic], None, e);
    let mean = b.op(Op::Div, &[sum, count]);
    let mean = b.def("mean", &[it], F, mean);
    let mean = b.get(mean, &[i(it)]);
    let off = b.op(Op::Sub, &[e, mean]);
    let square = b.op(Op::Mul, &[off, off]);
    let sum = b.fold(FoldOp::Sum, &[ic], None, square);
    let variance = b.op(Op::Div, &[sum, count]);
    let variance = b.def("variance", &[it], F, variance);
    let variance = b.get(variance, &[i(it)]);
    let eps = b.load(eps, &[]);
    let sum = b.op(Op::Add, &[variance, eps]);
    let scale = b.op(Op::Rsqrt, &[sum]);
    let g = b.load(g, &[i(ic)]);
    let y = b.op(Op::Mul, &[off, scale]);
    let y = b.op(Op::Mul, &[y, g]);
    let y = b.def("y", &[it, ic], F, y);
    b.output(y)
}

/// `x * 0.5 * (1 + erf(x * sqrt(0.5)))`
pub fn gelu() -> Kernel {
    let mut b = Build::new("gelu");
    let t = b.axis_dim("T", 0, 0);
    let x = b.input("x", F, &[d(t)]);
    let it = b.index("t", d(t));
    let e = b.load(x, &[i(it)]);
    let (half, one, root) = (b.f(0.5), b.f(1.0), b.f(0.5f64.sqrt()));
    let a = b.op(Op::Mul, &[e, root]);
    let a = b.op(Op::Erf, &[a]);
    let a = b.op(Op::Add, &[one, a]);
    let h = b.op(Op::Mul, &[e, half]);
    let y = b.op(Op::Mul, &[h, a]);
    let y = b.def("y", &[it], F, y);
    b.output(y)
}

/// Causal attention of one head, masked by guards.
pub fn attention() -> Kernel {
    let mut b = Build::new("attention");
    let (t, c) = (b.axis_dim("T", 0, 0), b.axis_dim("C", 0, 1));
    let q = b.input("q", F, &[d(t), d(c)]);
    let k = b.input("k", F, &[d(t), d(c)]);
    let v = b.input("v", F, &[d(t), d(c)]);
    for x in [k, v] {
        b.check(Check::Axis { input: x, axis: 0, expect: d(t) });
        b.check(Check::Axis { input: x, axis: 1, expect: d(c) });
    }
    let (it, is, ic) = (b.index("t", d(t)), b.index("s", d(t)), b.index("c", d(c)));
    let (x, y) = (b.load(q, &[i(it), i(ic)]), b.load(k, &[i(is), i(ic)]));
    let p = b.op(Op::Mul, &[x, y]);
    let dot = b.fold(FoldOp::Sum, &[ic], None, p);
    let count = b.int(d(c));
    let count = b.cast(F, count);
    let root = b.op(Op::Sqrt, &[count]);
    let score = b.op(Op::Div, &[dot, root]);
    let score = b.def("score", &[it, is], F, score);
    let e = b.get(score, &[i(it), i(is)]);
    let (ti, si) = (b.int(i(it)), b.int(i(is)));
    let guard = b.op(Op::Le, &[si, ti]);
    let top = b.fold(FoldOp::Max, &[is], Some(guard), e);
    let top = b.def("top", &[it], F, top);
    let top = b.get(top, &[i(it)]);
    let e = b.op(Op::Sub, &[e, top]);
    let e = b.op(Op::Exp, &[e]);
    let total = b.fold(FoldOp::Sum, &[is], Some(guard), e);
    let total = b.def("total", &[it], F, total);
    let total = b.get(total, &[i(it)]);
    let w = b.op(Op::Div, &[e, total]);
    let v = b.load(v, &[i(is), i(ic)]);
    let p = b.op(Op::Mul, &[w, v]);
    let y = b.fold(FoldOp::Sum, &[is], Some(guard), p);
    let y = b.def("y", &[it, ic], F, y);
    b.output(y)
}

/// Rotation by `t * 10000^(-2c/C)`.
pub fn rope() -> Kernel {
    let mut b = Build::new("rope");
    let t = b.axis_dim("T", 0, 0);
    b.k.dims.push(vibee_spec::term::Dim {
        name: "C".into(),
        bind: DimBind::Axis {
            input: vibee_spec::term::InputId(0),
            axis: 1,
            offset: n(0),
            factor: n(2),
            blocks: None,
        },
    });
    let c = vibee_spec::term::DimId(1);
    let x = b.input("x", F, &[d(t), d(c).scale(2)]);
    let (it, ih, ic) = (b.index("t", d(t)), b.index("h", n(2)), b.index("c", d(c)));
    let (at, count) = (b.int(i(ic).scale(-1)), b.int(d(c)));
    let (at, count) = (b.cast(F, at), b.cast(F, count));
    let power = b.op(Op::Div, &[at, count]);
    let base = b.f(10000.0);
    let freq = b.op(Op::Pow, &[base, power]);
    let pos = b.int(i(it));
    let pos = b.cast(F, pos);
    let angle = b.op(Op::Mul, &[pos, freq]);
    let (cos, sin) = (b.op(Op::Cos, &[angle]), b.op(Op::Sin, &[angle]));
    let u = b.load(x, &[i(it), i(ic)]);
    let v = b.load(x, &[i(it), d(c).add(&i(ic))]);
    let (uc, vs) = (b.op(Op::Mul, &[u, cos]), b.op(Op::Mul, &[v, sin]));
    let (us, vc) = (b.op(Op::Mul, &[u, sin]), b.op(Op::Mul, &[v, cos]));
    let (first, second) = (b.op(Op::Sub, &[uc, vs]), b.op(Op::Add, &[us, vc]));
    let (h, zero) = (b.int(i(ih)), b.int(n(0)));
    let is_first = b.op(Op::Eq, &[h, zero]);
    let y = b.op(Op::Select, &[is_first, first, second]);
    let place = i(ih).mul(&d(c)).add(&i(ic));
    let y = b.store("y", &[it, ih, ic], F, vec![d(t), d(c).scale(2)], vec![i(it), place], y);
    b.output(y)
}

/// `y[t] = sum[k](x[t + k - K//2; 0] * w[k])`
pub fn conv() -> Kernel {
    let mut b = Build::new("conv");
    let (t, k) = (b.axis_dim("T", 0, 0), b.axis_dim("K", 1, 0));
    let x = b.input("x", F, &[d(t)]);
    let w = b.input("w", F, &[d(k)]);
    let (it, ik) = (b.index("t", d(t)), b.index("k", d(k)));
    let zero = b.f(0.0);
    let at = i(it).add(&i(ik)).sub(&d(k).floor_div(&n(2)));
    let e = b.load_pos(Source::Input(x), vec![Pos::At(at)], Some(zero));
    let w = b.load(w, &[i(ik)]);
    let p = b.op(Op::Mul, &[e, w]);
    let y = b.fold(FoldOp::Sum, &[ik], None, p);
    let y = b.def("y", &[it], F, y);
    b.output(y)
}

/// Embedding rows scaled by the largest magnitude of the row.
pub fn gather() -> Kernel {
    let mut b = Build::new("gather");
    let (t, v, c) = (b.axis_dim("T", 0, 0), b.axis_dim("V", 1, 0), b.axis_dim("D", 1, 1));
    let tok = b.input("tok", DType::Idx(d(v)), &[d(t)]);
    let emb = b.input("emb", DType::F16, &[d(v), d(c)]);
    let (it, ic) = (b.index("t", d(t)), b.index("d", d(c)));
    let at = b.load(tok, &[i(it)]);
    let e = b.load_pos(Source::Input(emb), vec![Pos::Data(at), Pos::At(i(ic))], None);
    let a = b.op(Op::Abs, &[e]);
    let top = b.fold(FoldOp::Max, &[ic], None, a);
    let top = b.def("top", &[it], F, top);
    let top = b.get(top, &[i(it)]);
    let one = b.f(1e-6);
    let top = b.op(Op::Max, &[top, one]);
    let y = b.op(Op::Div, &[e, top]);
    let y = b.def("y", &[it, ic], DType::BF16, y);
    b.output(y)
}

/// Rows to `i8` by their scale, an integer dot product, and back.
pub fn quantise() -> Kernel {
    let mut b = Build::new("quantise");
    let (t, c, o) = (b.axis_dim("T", 0, 0), b.axis_dim("D", 0, 1), b.axis_dim("O", 1, 0));
    let x = b.input("x", F, &[d(t), d(c)]);
    let w = b.input("w", DType::I8, &[d(o), d(c)]);
    b.check(Check::Axis { input: w, axis: 1, expect: d(c) });
    let (it, ic, io) = (b.index("t", d(t)), b.index("d", d(c)), b.index("o", d(o)));
    let e = b.load(x, &[i(it), i(ic)]);
    let a = b.op(Op::Abs, &[e]);
    let top = b.fold(FoldOp::Max, &[ic], None, a);
    let (least, many) = (b.f(1e-6), b.f(127.0));
    let top = b.op(Op::Max, &[top, least]);
    let scale = b.op(Op::Div, &[top, many]);
    let scale = b.def("scale", &[it], F, scale);
    let s = b.get(scale, &[i(it)]);
    let r = b.op(Op::Div, &[e, s]);
    let r = b.op(Op::Round, &[r]);
    let r = b.cast(DType::I8, r);
    let qs = b.def("q", &[it, ic], DType::I8, r);
    let q = b.get(qs, &[i(it), i(ic)]);
    let w = b.load(w, &[i(io), i(ic)]);
    let p = b.op(Op::Mul, &[q, w]);
    let sum = b.fold(FoldOp::Sum, &[ic], None, p);
    let sum = b.cast(F, sum);
    let y = b.op(Op::Mul, &[sum, s]);
    let y = b.def("y", &[it, io], F, y);
    b.output(y)
}

/// `y[t, h*C + c] = x[t, c, h] + 1`
pub fn merged_heads() -> Kernel {
    let mut b = Build::new("merged_heads");
    let (t, c, h) = (b.axis_dim("T", 0, 0), b.axis_dim("C", 0, 1), b.axis_dim("H", 0, 2));
    let x = b.input("x", F, &[d(t), d(c), d(h)]);
    let (it, ih, ic) = (b.index("t", d(t)), b.index("h", d(h)), b.index("c", d(c)));
    let e = b.load(x, &[i(it), i(ic), i(ih)]);
    let one = b.f(1.0);
    let y = b.op(Op::Add, &[e, one]);
    let place = i(ih).mul(&d(c)).add(&i(ic));
    let y = b.store("y", &[it, ih, ic], F, vec![d(t), d(h).mul(&d(c))], vec![i(it), place], y);
    b.output(y)
}

/// A sum of many functions of one value.
pub fn functions() -> Kernel {
    let mut b = Build::new("functions");
    let t = b.axis_dim("T", 0, 0);
    let x = b.input("x", F, &[d(t)]);
    let it = b.index("t", d(t));
    let e = b.load(x, &[i(it)]);
    let scale = b.f(1.7);
    let e = b.op(Op::Mul, &[e, scale]);
    let mut sum = b.op(Op::Tanh, &[e]);
    for op in [Op::Sigmoid, Op::Sin, Op::Cos, Op::Floor, Op::Ceil, Op::Round, Op::Trunc, Op::Sign, Op::Erf] {
        let f = b.op(op, &[e]);
        sum = b.op(Op::Add, &[sum, f]);
    }
    let a = b.op(Op::Abs, &[e]);
    let (r, l) = (b.op(Op::Sqrt, &[a]), b.op(Op::Log, &[a]));
    let p = b.op(Op::Pow, &[a, r]);
    for f in [r, l, p] {
        sum = b.op(Op::Add, &[sum, f]);
    }
    let y = b.def("y", &[it], F, sum);
    b.output(y)
}

/// `prod[d](1 + x[t, d] / 8)` and a smallest value.
pub fn product() -> Kernel {
    let mut b = Build::new("product");
    let (t, c) = (b.axis_dim("T", 0, 0), b.axis_dim("D", 0, 1));
    let x = b.input("x", F, &[d(t), d(c)]);
    let (it, ic) = (b.index("t", d(t)), b.index("d", d(c)));
    let e = b.load(x, &[i(it), i(ic)]);
    let (one, eight) = (b.f(1.0), b.f(8.0));
    let f = b.op(Op::Div, &[e, eight]);
    let f = b.op(Op::Add, &[one, f]);
    let p = b.fold(FoldOp::Prod, &[ic], None, f);
    let least = b.fold(FoldOp::Min, &[ic], None, f);
    let y = b.op(Op::Mul, &[p, least]);
    let y = b.def("y", &[it], F, y);
    b.output(y)
}

/// In `f64`.
pub fn doubles() -> Kernel {
    let mut b = Build::new("doubles");
    let (t, c) = (b.axis_dim("T", 0, 0), b.axis_dim("D", 0, 1));
    let x = b.input("x", DType::F64, &[d(t), d(c)]);
    let (it, ic) = (b.index("t", d(t)), b.index("d", d(c)));
    let e = b.load(x, &[i(it), i(ic)]);
    let f = b.op(Op::Tanh, &[e]);
    let p = b.op(Op::Mul, &[e, f]);
    let s = b.fold(FoldOp::Sum, &[ic], None, p);
    let y = b.op(Op::Exp, &[s]);
    let y = b.def("y", &[it], DType::F64, y);
    b.output(y)
}

/// Intermediates rounded to half precision.
pub fn halves() -> Kernel {
    let mut b = Build::new("halves");
    let (t, c) = (b.axis_dim("T", 0, 0), b.axis_dim("D", 0, 1));
    let x = b.input("x", F, &[d(t), d(c)]);
    let (it, ic) = (b.index("t", d(t)), b.index("d", d(c)));
    let e = b.load(x, &[i(it), i(ic)]);
    let s = b.fold(FoldOp::Sum, &[ic], None, e);
    let s = b.def("s", &[it], DType::F16, s);
    let s = b.get(s, &[i(it)]);
    let y = b.op(Op::Mul, &[e, s]);
    let y = b.cast(DType::BF16, y);
    let z = b.op(Op::Add, &[y, s]);
    let y = b.def("y", &[it, ic], F, z);
    b.output(y)
}

/// The best expert of a scored row, its margin over a threshold, chosen by `if`.
pub fn router() -> Kernel {
    let mut b = Build::new("router");
    let (t, e, c) = (b.axis_dim("T", 0, 0), b.axis_dim("E", 1, 0), b.axis_dim("D", 0, 1));
    let x = b.input("x", F, &[d(t), d(c)]);
    let w = b.input("w", F, &[d(e), d(c)]);
    b.check(Check::Axis { input: w, axis: 1, expect: d(c) });
    b.check(Check::Where { text: "0 < E".into(), lhs: n(0), cmp: Cmp::Lt, rhs: d(e) });
    let (it, ie, ic) = (b.index("t", d(t)), b.index("e", d(e)), b.index("d", d(c)));
    let (u, v) = (b.load(x, &[i(it), i(ic)]), b.load(w, &[i(ie), i(ic)]));
    let p = b.op(Op::Mul, &[u, v]);
    let s = b.fold(FoldOp::Sum, &[ic], None, p);
    let score = b.def("score", &[it, ie], F, s);
    let s = b.get(score, &[i(it), i(ie)]);
    let best = b.fold(FoldOp::ArgMax, &[ie], None, s);
    let best_t = b.k.exprs.dtype(best).clone();
    let best = b.def("best", &[it], best_t, best);
    let at = b.get(best, &[i(it)]);
    let top = b.load_pos(Source::Def(score), vec![Pos::At(i(it)), Pos::Data(at)], None);
    let (zero, tenth) = (b.f(0.0), b.f(0.1));
    let positive = b.op(Op::Gt, &[top, zero]);
    let small = b.op(Op::Mul, &[top, tenth]);
    let leaky = b.op(Op::Select, &[positive, top, small]);
    let y = b.def("y", &[it], F, leaky);
    b.output(y)
}
