//! Trees no parser makes, and specs made to be expensive: findings, never a panic or a hang.

use crate::support::{check, kernels};
use std::fmt::Write;
use std::time::{Duration, Instant};

fn quick(spec: &str) -> Vec<&'static str> {
    let start = Instant::now();
    let errors = check(spec).errors();
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    errors
}

#[test]
fn doubling_functions_are_stopped() {
    let mut spec = String::from("name: demo\nlanguage: rust\n\nfunctions:\n  g0(e) = e + e\n");
    for n in 1..60 {
        let _ = writeln!(spec, "  g{n}(e) = g{}(e) * g{}(e)", n - 1, n - 1);
    }
    spec += "\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = g59(x[t])\n";
    assert_eq!(quick(&spec), ["V0221"]);
}

#[test]
fn doubling_lines_are_stopped() {
    let mut spec = String::from("name: demo\nlanguage: rust\n\nfunctions:\n  f(e):\n    a0 = e + e\n");
    for n in 1..60 {
        let _ = writeln!(spec, "    a{n} = a{} * a{}", n - 1, n - 1);
    }
    spec += "    a59\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = f(x[t])\n";
    assert_eq!(quick(&spec), ["V0221"]);
}

#[test]
fn doubling_kernels_are_stopped() {
    let mut spec = kernels("  k0(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] + 1\n");
    for n in 1..40 {
        let p = n - 1;
        let _ = writeln!(
            spec,
            "  k{n}(x: f32[T]) -> y: f32[T]:\n    a = k{p}(x)\n    b = k{p}(a)\n    y[t] = a[t] + b[t]"
        );
    }
    assert!(quick(&spec).contains(&"V0221"));
}

#[test]
fn many_definitions_are_fine() {
    let mut spec = kernels("  demo(x: f32[T]) -> y: f32[T]:\n    a0[t] = x[t]\n");
    for n in 1..3000 {
        let _ = writeln!(spec, "    a{n}[t] = a{}[t] + 1", n - 1);
    }
    spec += "    y[t] = a2999[t]\n";
    assert!(quick(&spec).is_empty());
}

#[test]
fn large_polynomials_stay_small() {
    let sum = (0..30).map(|n| format!("D{n}")).collect::<Vec<_>>().join(" + ");
    let params = (0..30).map(|n| format!("D{n}: dim")).collect::<Vec<_>>().join(", ");
    let body = format!("    y[t] = x[(({sum}) * ({sum}) * ({sum})) // 7 * t; 0]\n");
    let errors = quick(&kernels(&format!("  demo(x: f32[T], {params}) -> y: f32[T]:\n{body}")));
    assert!(errors.iter().all(|c| ["V0308", "V0317", "V0403"].contains(c)), "{errors:?}");
}

#[test]
fn hard_proofs_end() {
    let mut guards = vec![];
    for n in 0..12 {
        guards.push(format!("a + {n}*b - c < S - {n}"));
        guards.push(format!("b*{n} <= c + a"));
    }
    let spec = kernels(&format!(
        "  demo(x: f32[S], w: f32[A, B, C]) -> y: f32:\n    y = sum[a, b, c if {}](w[a, b, c] * x[a*b + c % (b + 1)])\n",
        guards.join(" and ")
    ));
    let errors = quick(&spec);
    assert!(errors.iter().all(|c| ["V0401", "V0402", "V0403"].contains(c)), "{errors:?}");
}

#[test]
fn deep_trees_of_any_make() {
    use vibee_spec::ast::{BinOp, Expr, ExprKind, UnOp};
    use vibee_spec::span::{Source, Span};
    for deep in [100usize, 400, 3000] {
        let spec = kernels("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n");
        let source = Source { path: "demo.vibee".into(), text: spec };
        let mut diags = vibee_spec::diag::Diags::default();
        let mut file = vibee_spec::parse::parse(&source, &mut diags);
        let one = || Expr { kind: ExprKind::Int(1), span: Span::new(3, 5) };
        let mut e = one();
        for n in 0..deep {
            let kind = match n % 3 {
                0 => ExprKind::Unary(UnOp::Neg, Box::new(e)),
                1 => ExprKind::Binary(BinOp::IDiv, Box::new(e), Box::new(one())),
                _ => ExprKind::If(Box::new(one()), Box::new(one()), Box::new(e)),
            };
            e = Expr { kind, span: Span::new(3, 5) };
        }
        let vibee_spec::ast::Stmt::Define(d) = &mut file.kernels[0].body[0] else { panic!("a definition") };
        d.value = e;
        d.span = Span::new(0, 1_000_000);
        let _ = vibee_spec::check::check(&file, &source, &|_, _| None, &mut diags);
        assert!(diags.has_errors());
    }
}
