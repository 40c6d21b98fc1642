//! Every invariant of flat programs and of loop programs, broken by hand: the verifier says which.

use vibee_codegen::loops::{self, BufferKind, Gemm, LoopProgram, OperandAxis, Stmt};
use vibee_codegen::passes::{self, Program};
use vibee_codegen::schedule;
use vibee_spec::term::{DType, DefId, FoldOp, IndexId, Int, Node, Op, Pos, Source};
use vibee_tests::oracle::compile;

const HEAD: &str = "name: k\nversion: \"1.0.0\"\nlanguage: rust\nmodule: k\n\nkernels:\n  ";

/// A pass over rows: a fold in lanes, and lanes that read it.
const ROWS: &str = "k(x: f32[T, D], w: f32[D]) -> y: f32[T, D]:\n    s[t] = sum[d](x[t, d])\n    \
                    y[t, d] = (x[t, d] - s[t]) * w[d]\n";
/// A product with an epilogue.
const PRODUCT: &str = "k(x: f32[T, I], w: f32[O, I], b: f32[O]) -> y: f32[T, O]:\n    \
                       s[t, o] = sum[i](x[t, i] * w[o, i])\n    y[t, o] = s[t, o] + b[o]\n";
/// Two outputs, the second reads the first elsewhere.
const TWO: &str = "k(x: f32[T]) -> (y: f32[T], z: f32[T]):\n    y[t] = exp(x[t])\n    \
                   z[t] = y[t] * y[T - 1 - t]\n";

fn program(kernel: &str) -> Program {
    let module = compile::check("k", &format!("{HEAD}{kernel}")).expect("a right spec");
    passes::run(module.kernels[0].clone())
}

fn scheduled(kernel: &str) -> LoopProgram {
    schedule::run(program(kernel))
}

fn def(p: &Program, name: &str) -> DefId {
    DefId(p.defs.iter().position(|d| d.name == name && !d.dead).expect("a definition") as u32)
}

/// Statements of stage 0, whose grid is `t` in [`ROWS`].
fn body(p: &mut LoopProgram) -> &mut Vec<Stmt> {
    &mut p.stages[0].body
}

fn inner(s: &mut Stmt) -> &mut Vec<Stmt> {
    let Stmt::Loop { body, .. } = s else { panic!("a loop") };
    body
}

fn index(s: &Stmt) -> IndexId {
    let Stmt::Loop { index, .. } = s else { panic!("a loop") };
    *index
}

fn gemm(p: &mut LoopProgram) -> &mut Gemm {
    let Stmt::Gemm(g) = &mut p.stages[0].body[0] else { panic!("a product") };
    g
}

/// What is broken, and how.
type Change<'a, P> = (&'a str, &'a dyn Fn(&mut P));

/// What each change gets, one line each.
fn messages<P: Clone>(
    base: &P,
    verify: &dyn Fn(&P) -> Result<(), String>,
    changes: &[Change<'_, P>],
) -> String {
    assert_eq!(verify(base), Ok(()));
    let mut out = String::new();
    for (name, change) in changes {
        let mut p = base.clone();
        change(&mut p);
        let message = verify(&p).expect_err(name);
        out += &format!("{name}\n    {message}\n");
    }
    out
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/invariants");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn flat_programs() {
    let changes: &[Change<'_, Program>] = &[
        ("1 terms: a position too many", &|p| {
            let y = def(p, "y").index();
            let at = vec![Pos::At(Int::default()); 3];
            let load = Node::Load { from: Source::Input(vibee_spec::term::InputId(0)), at, outside: None };
            p.defs[y].value = p.kernel.exprs.intern(load, DType::F32);
        }),
        ("2 flat: a fold inside a value", &|p| {
            let s = def(p, "s").index();
            let fold = p.defs[s].fold.take().expect("a fold");
            let node = Node::Fold { op: fold.op, over: fold.over, guard: None, body: p.defs[s].value };
            p.defs[s].value = p.kernel.exprs.intern(node, DType::F32);
        }),
        ("3 own indices: one index of two definitions", &|p| {
            let (s, y) = (def(p, "s").index(), def(p, "y").index());
            p.defs[y].free[0] = p.defs[s].free[0];
        }),
        ("4 guards: not a truth value", &|p| {
            let s = def(p, "s").index();
            p.defs[s].guard = Some(p.defs[s].value);
        }),
        ("4 guards: of an index that is not there", &|p| {
            let s = def(p, "s").index();
            let other = p.defs[def(p, "y").index()].free[1];
            let (i, zero) = (p.kernel.exprs.int(Int::index(other)), p.kernel.exprs.int(Int::default()));
            p.defs[s].guard = Some(p.kernel.exprs.intern(Node::Op(Op::Lt, vec![i, zero]), DType::Bool));
        }),
        ("5 live: a dead definition is read", &|p| {
            let s = def(p, "s").index();
            p.defs[s].dead = true;
        }),
        ("6 outputs: axes that are not the caller's", &|p| p.outputs[0].digits = vec![2, 0]),
        ("6 outputs: an axis is missing", &|p| p.outputs[0].digits = vec![1]),
    ];
    snapshot("flat", &messages(&program(ROWS), &passes::verify, changes));
}

/// Values of one row, used twice: a task keeps them.
const KEPT: &str = "k(x: f32[T, D]) -> y: f32[T, D]:\n    e[t, d] = exp(x[t, d])\n    \
                    y[t, d] = e[t, d] / sum[s in D](e[t, s])\n";

#[test]
fn storage_and_loops() {
    let fresh = |p: &mut LoopProgram| {
        let extent = Int::constant(2);
        p.program.kernel.fresh_index("u", extent)
    };
    let changes: &[Change<'_, LoopProgram>] = &[
        ("1 storage: an output without a buffer", &|p| {
            let y = def(&p.program, "y").index();
            p.places[y].buffer = None;
            p.buffers.clear();
        }),
        ("1 storage: a buffer of another definition", &|p| p.buffers[0].def = def(&p.program, "s")),
        ("1 storage: extents that are not the indices'", &|p| p.buffers[0].dims.reverse()),
        ("1 storage: axes out of order", &|p| p.buffers[0].axes.reverse()),
        ("1 storage: an output in scratch", &|p| p.buffers[0].kind = BufferKind::Arena),
        ("1 storage: a shared buffer lacks an axis", &|p| {
            p.buffers[0].axes.pop();
            p.buffers[0].dims.pop();
        }),
        ("1 storage: stored twice", &|p| {
            let again = body(p).last().expect("a loop").clone();
            body(p).push(again);
        }),
        ("2 loops: an index bound twice", &|p| {
            let last = body(p).len() - 1;
            let s = body(p)[last].clone();
            let Stmt::Loop { index, lo, hi, .. } = s.clone() else { panic!("a loop") };
            body(p)[last] = Stmt::Loop { index, lo, hi, lanes: None, body: vec![s] };
        }),
        ("2 loops: a range that depends on its own index", &|p| {
            let last = body(p).last_mut().expect("a loop");
            let own = Int::index(index(last));
            let Stmt::Loop { lo, .. } = last else { panic!("a loop") };
            *lo = own;
        }),
        ("2 loops: tasks that write the same element", &|p| {
            let u = fresh(p);
            p.stages[0].grid.push(u);
        }),
        ("3 once: a loop is missing", &|p| p.stages[0].grid.clear()),
        ("3 once: repeated in a loop of something else", &|p| {
            let u = fresh(p);
            let s = body(p).pop().expect("a loop");
            let hi = Int::constant(2);
            body(p).push(Stmt::Loop { index: u, lo: Int::default(), hi, lanes: None, body: vec![s] });
        }),
        ("3 once: elements of an output left out", &|p| {
            let Some(Stmt::Loop { hi, .. }) = body(p).last_mut() else { panic!("a loop") };
            *hi = hi.sub(&Int::constant(1));
        }),
        ("3 once: never evaluated", &|p| {
            let s = def(&p.program, "s");
            body(p).retain(|x| !matches!(x, Stmt::Start { .. } | Stmt::Finish { .. }));
            body(p).remove(0);
            p.places[s.index()].variable = false;
        }),
    ];
    let kept: &[Change<'_, LoopProgram>] = &[("1 storage: another stage reads what a task keeps", &|p| {
        let mut next = p.stages[0].clone();
        let last = body(p).pop().expect("a loop");
        next.body = vec![last];
        p.stages.push(next);
    })];
    let mut text = messages(&scheduled(ROWS), &loops::verify, changes);
    text += &messages(&scheduled(KEPT), &loops::verify, kept);
    snapshot("storage_and_loops", &text);
}

#[test]
fn order_and_reads() {
    let rows: &[Change<'_, LoopProgram>] = &[
        ("4 order: a fold that never starts", &|p| {
            body(p).remove(0);
        }),
        ("4 order: a fold that starts after its updates", &|p| body(p).swap(0, 1)),
        ("4 order: a fold that starts for every element", &|p| {
            let start = body(p).remove(0);
            inner(&mut body(p)[0]).insert(0, start);
        }),
        ("4 order: a fold that finishes inside its loop", &|p| {
            let end = body(p).remove(2);
            inner(&mut body(p)[1]).push(end);
        }),
        ("5 reads: before it is finished", &|p| body(p).swap(2, 3)),
        ("5 reads: another element than this iteration's", &|p| {
            let (s, y) = (def(&p.program, "s"), def(&p.program, "y").index());
            let at = vec![Pos::At(Int::default())];
            let load = Node::Load { from: Source::Def(s), at, outside: None };
            p.program.defs[y].value = p.program.kernel.exprs.intern(load, DType::F32);
        }),
    ];
    let two: &[Change<'_, LoopProgram>] = &[
        ("5 reads: before it is stored", &|p| p.stages.reverse()),
        ("5 reads: an element of another iteration", &|p| {
            let last = p.stages.pop().expect("a stage").body;
            let (Some(Stmt::Loop { index: from, body, .. }), Some(Stmt::Loop { index: to, body: kept, .. })) =
                (last.into_iter().next(), p.stages[0].body.first_mut())
            else {
                panic!("two loops")
            };
            let z = def(&p.program, "z");
            let map = std::collections::BTreeMap::from([(from, Int::index(*to))]);
            let d = &mut p.program.defs[z.index()];
            d.free = vec![*to];
            d.value = passes::substitute(&mut p.program.kernel.exprs, d.value, &map);
            kept.extend(body);
        }),
    ];
    let mut text = messages(&scheduled(ROWS), &loops::verify, rows);
    text += &messages(&scheduled(TWO), &loops::verify, two);
    snapshot("order_and_reads", &text);
}

#[test]
fn lanes() {
    let changes: &[Change<'_, LoopProgram>] = &[
        ("6 lanes: an accumulator that is not in lanes", &|p| {
            let Stmt::Start { lanes, .. } = &mut body(p)[0] else { panic!("a start") };
            *lanes = None;
        }),
        ("6 lanes: never combined", &|p| {
            let Stmt::Finish { reduce, .. } = &mut body(p)[2] else { panic!("an end") };
            *reduce = false;
        }),
        ("6 lanes: combined though there are none", &|p| {
            let Stmt::Start { lanes, .. } = &mut body(p)[0] else { panic!("a start") };
            *lanes = None;
            let Stmt::Loop { lanes, .. } = &mut body(p)[1] else { panic!("a loop") };
            *lanes = None;
        }),
        ("6 lanes: `f64`", &|p| {
            let y = def(&p.program, "y").index();
            p.program.defs[y].dtype = DType::F64;
        }),
    ];
    let mut text = messages(&scheduled(ROWS), &loops::verify, changes);
    let nested = "k(x: f32[T, D]) -> y: f32[T]:\n    y[t] = sum[d, e in D](x[t, d] * x[t, e] + x[t, e])\n";
    let changes: &[Change<'_, LoopProgram>] = &[
        ("6 lanes: two loops of a path", &|p| in_lanes_everywhere(&mut p.stages[0].body)),
        ("6 lanes: a range inside differs between lanes", &|p| skew(&mut p.stages[0].body)),
    ];
    text += &messages(&scheduled(nested), &loops::verify, changes);
    let down = "k(x: f32[D, T]) -> y: f32[T]:\n    y[t] = max[d](x[d, t])\n";
    let changes: &[Change<'_, LoopProgram>] = &[("6 lanes: a position counted across", &|p| {
        p.program.defs[0].fold.as_mut().expect("a fold").op = FoldOp::ArgMax;
    })];
    text += &messages(&scheduled(down), &loops::verify, changes);
    let across = "k(x: f32[T, D]) -> y: f32[T, D]:\n    y[t, d] = x[t, d] + 1\n";
    let changes: &[Change<'_, LoopProgram>] = &[("6 lanes: not stored side by side", &|p| {
        let y = def(&p.program, "y").index();
        p.program.defs[y].free.reverse();
        p.buffers[0].dims.reverse();
    })];
    text += &messages(&scheduled(across), &loops::verify, changes);
    snapshot("lanes", &text);
}

fn in_lanes_everywhere(body: &mut [Stmt]) {
    for s in body {
        if let Stmt::Loop { lanes, body, .. } = s {
            *lanes = Some(2);
            in_lanes_everywhere(body);
        }
    }
}

/// Puts the outer of two nested loops in lanes instead of the inner, whose range then depends on it.
fn skew(body: &mut [Stmt]) {
    for s in body {
        if let Stmt::Loop { index, lanes, body, .. } = s {
            if let Some(Stmt::Loop { lanes: inner, hi, .. }) = body.first_mut() {
                *lanes = inner.take().or(Some(2));
                *hi = hi.minimum(&Int::index(*index));
                return;
            }
            skew(body);
        }
    }
}

#[test]
fn products() {
    let changes: &[Change<'_, LoopProgram>] = &[
        ("7 products: not a sum", &|p| {
            let s = gemm(p).def.index();
            p.program.defs[s].fold.as_mut().expect("a fold").op = FoldOp::Max;
        }),
        ("7 products: not `f32`", &|p| {
            let s = gemm(p).def.index();
            p.program.defs[s].dtype = DType::BF16;
        }),
        ("7 products: other operands", &|p| {
            let g = gemm(p);
            g.a.load = g.b.load;
        }),
        ("7 products: rows and columns exchanged", &|p| {
            let g = gemm(p);
            std::mem::swap(&mut g.m, &mut g.n);
        }),
        ("7 products: another sum", &|p| {
            let g = gemm(p);
            g.k = g.m.clone();
        }),
        ("7 products: an operand transposed", &|p| gemm(p).a.axes.reverse()),
        ("7 products: an operand's rows start elsewhere", &|p| {
            let OperandAxis::Rows(start, _) = &mut gemm(p).a.axes[0] else { panic!("rows") };
            *start = Int::constant(1);
        }),
        ("7 products: an operand's rows are fixed", &|p| {
            let g = gemm(p);
            g.a.axes[0] = OperandAxis::At(Int::index(g.m[0]));
        }),
        ("7 products: an operand with an axis less", &|p| {
            gemm(p).b.axes.pop();
        }),
        ("7 products: an epilogue reads another element", &|p| {
            let (s, y) = (gemm(p).def, def(&p.program, "y").index());
            let at = vec![Pos::At(Int::default()); 2];
            let load = Node::Load { from: Source::Def(s), at, outside: None };
            p.program.defs[y].value = p.program.kernel.exprs.intern(load, DType::F32);
        }),
        ("7 products: an epilogue that rounds", &|p| {
            let y = def(&p.program, "y").index();
            p.program.defs[y].dtype = DType::F16;
        }),
        ("7 products: the sum is stored too", &|p| {
            let s = gemm(p).def.index();
            p.places[s].variable = true;
        }),
    ];
    snapshot("products", &messages(&scheduled(PRODUCT), &loops::verify, changes));
}

/// Scores, what is made of them, and their product, in blocks of rows that see what is behind them.
const BLOCKS: &str = "k(q: f32[B, T, C], k: f32[B, S, C]) -> y: f32[B, T, C]:\n    \
                      r[b, t, s] = sum[c](q[b, t, c] * k[b, s, c])\n    \
                      top[b, t] = max[s](r[b, t, s])\n    \
                      u[b, t, s] = exp(r[b, t, s] - top[b, t])\n    \
                      y[b, t, c] = sum[s if s <= t](u[b, t, s] * k[b, s, c])\n";

fn products_of(p: &mut LoopProgram) -> impl Iterator<Item = &mut Gemm> {
    p.stages[0].body.iter_mut().filter_map(|s| match s {
        Stmt::Gemm(g) => Some(g.as_mut()),
        _ => None,
    })
}

#[test]
fn rows() {
    let base = scheduled(BLOCKS);
    assert!(loops::verify(&base).is_ok() && base.stages[0].rows.len() == 3, "{}", loops::text(&base));
    let (t, s) = {
        let mut p = base.clone();
        let last = products_of(&mut p).last().expect("a product");
        assert!(last.terms.is_some());
        (last.m[0], last.k[0])
    };
    let changes: &[Change<'_, LoopProgram>] = &[
        ("7 products: terms that depend on the term", &|p| {
            let range = Some((Int::default(), Int::index(s)));
            products_of(p).last().expect("a product").terms = range;
        }),
        ("7 products: an output without some columns", &|p| {
            let g = products_of(p).last().expect("a product");
            g.columns = Some((Int::default(), Int::index(t)));
        }),
        ("8 rows: a statement without", &|p| {
            p.stages[0].rows.pop();
        }),
        ("8 rows: one task", &|p| p.stages[0].grid.clear()),
        ("8 rows: of another extent", &|p| {
            let c = products_of(p).last().expect("a product").n[0];
            p.stages[0].rows = vec![c];
        }),
        ("8 rows: another row is read", &|p| {
            let u = def(&p.program, "u").index();
            let (value, free) = (p.program.defs[u].value, p.program.defs[u].free.clone());
            let other = Int::index(free[1]).add(&Int::constant(1));
            let map = std::collections::BTreeMap::from([(free[1], other)]);
            p.program.defs[u].value = passes::substitute(&mut p.program.kernel.exprs, value, &map);
        }),
    ];
    snapshot("rows", &messages(&base, &loops::verify, changes));
}

/// A read beyond its array is listed, with its position.
#[test]
fn positions() {
    let mut p = scheduled(ROWS);
    let before = loops::accesses(&p).expect("loops");
    assert!(before.len() >= 5 && before.iter().all(|a| a.proved), "{before:?}");
    let y = def(&p.program, "y");
    let d = p.program.def(y).clone();
    let map = std::collections::BTreeMap::from([(d.free[1], Int::index(d.free[1]).add(&Int::constant(1)))]);
    p.program.defs[y.index()].value = passes::substitute(&mut p.program.kernel.exprs, d.value, &map);
    let open: Vec<String> =
        loops::accesses(&p).expect("loops").iter().filter(|a| !a.proved).map(ToString::to_string).collect();
    snapshot("positions", &open.join("\n"));
}
