//! How expressions group. Left: what is written; right: the tree with all its parentheses.

use vibee_spec::ast::text;

use crate::support;
use vibee_spec::ast::Stmt;

const GROUPS: &[(&str, &str)] = &[
    ("a + b + c", "((a + b) + c)"),
    ("a - b - c", "((a - b) - c)"),
    ("a - b + c", "((a - b) + c)"),
    ("a + b * c", "(a + (b * c))"),
    ("a * b + c", "((a * b) + c)"),
    ("a / b / c", "((a / b) / c)"),
    ("a // b % c", "((a // b) % c)"),
    ("a * b // c", "((a * b) // c)"),
    ("-a * b", "((-a) * b)"),
    ("a * -b", "(a * (-b))"),
    ("a - -b", "(a - (-b))"),
    ("--a", "(-(-a))"),
    ("-x^2", "(-(x ^ 2))"),
    ("2^-1", "(2 ^ (-1))"),
    ("2^-1*3", "((2 ^ (-1)) * 3)"),
    ("2^-x^2", "(2 ^ (-(x ^ 2)))"),
    ("a^b^c", "(a ^ (b ^ c))"),
    ("a*b^c", "(a * (b ^ c))"),
    ("(a^b)^c", "((a ^ b) ^ c)"),
    ("a < b + 1", "(a < (b + 1))"),
    ("a + 1 <= b", "((a + 1) <= b)"),
    ("a == b and c != d", "((a == b) and (c != d))"),
    ("a or b and c", "(a or (b and c))"),
    ("a and b or c", "((a and b) or c)"),
    ("a or b or c", "((a or b) or c)"),
    ("not a == b", "(not (a == b))"),
    ("not a and b", "((not a) and b)"),
    ("not not a", "(not (not a))"),
    ("a and not b or c", "((a and (not b)) or c)"),
    ("not -a < b", "(not ((-a) < b))"),
    ("if a then b else c + d", "(if a then b else (c + d))"),
    ("a + if b then c else d * e", "(a + (if b then c else (d * e)))"),
    ("if a or b then c else if d then e else f", "(if (a or b) then c else (if d then e else f))"),
    ("if if a then b else c then d else e", "(if (if a then b else c) then d else e)"),
    ("(if a then b else c) + d", "((if a then b else c) + d)"),
    ("x[i + 1]^2", "(x[(i + 1)] ^ 2)"),
    ("-x[i]", "(-x[i])"),
    ("x[t + k - K//2; 0]", "x[((t + k) - (K // 2)); 0]"),
    ("x[i, j; if a then b else c]", "x[i, j; (if a then b else c)]"),
    ("f(a, b)[t, d]", "f(a, b)[t, d]"),
    ("f[i](x)[t]", "f{i}(x)[t]"),
    ("f(x: a + 1, b)", "f(x: (a + 1), b)"),
    ("f(a,)", "f(a)"),
    ("f()", "f()"),
    ("len[d]", "len{d}"),
    ("len[d] + 1", "(len{d} + 1)"),
    ("sum[s](a) / T", "(sum{s}(a) / T)"),
    ("sum[s, p in K + 1 if s <= t and p > 0](x[s])", "sum{s, p in (K + 1) if ((s <= t) and (p > 0))}(x[s])"),
    ("softmax[s if m[s]](e)", "softmax{s if m[s]}(e)"),
    ("idx<V>(e)", "idx<V>(e)"),
    ("idx<2*V - 1>(e) + 1", "(idx<((2 * V) - 1)>(e) + 1)"),
    ("idx<(V)>(e)[0]", "idx<V>(e)[0]"),
    ("f32(a) < b", "(f32(a) < b)"),
    ("emb[tok[t], d]", "emb[tok[t], d]"),
    ("a<b", "(a < b)"),
    ("a<-b", "(a < (-b))"),
    ("if a<b then 1 else 0x1F", "(if (a < b) then 1 else 31)"),
    ("1.5e-3 + 1e6", "(0.0015 + 1000000.0)"),
    ("inf - nan", "(inf - NaN)"),
    ("-inf", "(-inf)"),
    ("true and false", "(true and false)"),
    ("iffy + nothing + orbit", "((iffy + nothing) + orbit)"),
    ("e1", "e1"),
    ("_x", "_x"),
];

#[test]
fn expressions_group_as_the_contract_says() {
    for (written, tree) in GROUPS {
        let text = format!("language: rust\nkernels:\n  k(x: f32[T]) -> y: f32[T]:\n    y = {written}\n");
        let (file, diags) = support::parse(&text);
        assert!(diags.list.is_empty(), "{written}:\n{}", support::report(&text));
        let Some(Stmt::Define(define)) = file.kernels[0].body.first() else { panic!("{written}") };
        assert_eq!(text::expr(&define.value), *tree, "{written}");
        let span = define.value.span;
        assert_eq!(&text[span.range()], *written, "the span of the whole");
    }
}

#[test]
fn spaces_do_not_matter() {
    for (written, tree) in GROUPS {
        let spaced = written.replace('[', " [ ").replace('(', " ( ").replace(',', " , ");
        let text = format!("language: rust\nkernels:\n  k(x: f32[T]) -> y: f32[T]:\n    y = {spaced}\n");
        let (file, diags) = support::parse(&text);
        assert!(diags.list.is_empty(), "{spaced}:\n{}", support::report(&text));
        let Some(Stmt::Define(define)) = file.kernels[0].body.first() else { panic!("{spaced}") };
        assert_eq!(text::expr(&define.value), *tree, "{spaced}");
    }
}
