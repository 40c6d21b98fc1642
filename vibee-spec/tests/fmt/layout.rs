//! The rules one by one.

use crate::support::{format, kernel};

/// Each row: as written, as formatted; a kernel's body line.
const STATEMENTS: &[(&str, &str)] = &[
    ("y[t,d]=x[t,d]*w[d]", "y[t, d] = x[t, d] * w[d]"),
    ("y[t]  =   a+b*c - -d", "y[t] = a + b * c - -d"),
    ("y[t, h * C+c] = x[ (h*J+j) * 2 +p ]", "y[t, h*C + c] = x[(h*J + j)*2 + p]"),
    ("y = x[h // (H//G) * C + c, t % N]", "y = x[h//(H//G)*C + c, t%N]"),
    ("y = (2*p-1)*x ^ 2 / D", "y = (2 * p - 1) * x^2 / D"),
    ("y = - x ^ -2", "y = -x^-2"),
    ("y = sum [ s if s<=t and not(p==0) ] ( x [ s ] )", "y = sum[s if s <= t and not (p == 0)](x[s])"),
    ("y[t] = x[t+k - K//2;0*n]", "y[t] = x[t + k - K//2; 0*n]"),
    ("i[t] : idx < V-1 >=idx<V - 1>( clamp(e,0,V-1) )", "i[t]: idx<V - 1> = idx<V - 1>(clamp(e, 0, V - 1))"),
    ("y = a<b", "y = a < b"),
    ("y = if a>b then(a)else -b", "y = if a > b then (a) else -b"),
    ("a,b=split(x ,at :T//2,)", "a, b = split(x, at: T // 2)"),
    ("specialise I :32,64", "specialise I: 32, 64"),
    ("y = 1e-6+0x1F*2.5E+3", "y = 1e-6 + 0x1F * 2.5E+3"),
    ("y[t in  T+2] = x[t ; -inf]", "y[t in T + 2] = x[t; -inf]"),
];

#[test]
fn blanks_between_tokens() {
    for (written, wanted) in STATEMENTS {
        let text = kernel(&format!("  f(x: f32) -> y: f32:\n    {written}\n"));
        assert_eq!(text.lines().nth(1), Some(format!("    {wanted}").as_str()), "{written}");
    }
}

#[test]
fn headers_fit_or_break() {
    let long = "  masked(q: f32[B, T, H*C], k: f32[B, S, H*C], v: f32[B, S, H*C], mask: f32[B, S], H: dim, eps: f32) -> y: f32[B, T, H*C]";
    insta::assert_snapshot!(kernel(&format!(
        "{long}:
    y[b] = 0

  f(x: f32[T],
    y: f32[T]) -> z: f32[T]
      where T >= 1
      for W in f32:
    z = x

{long} where H % 2 == 0, T <= S for W in f32, bf16:
    y[b] = 0

  wide(first_argument: f32[T, D], second_argument: f32[T, D]) -> first_output: f32[T, D] where T % 2 == 0, D % 2 == 0:
    y[b] = 0

  many(x: f32) -> (first_output: f32[T, D], second_output: f32[T, D], third_output: f32[T, D], fourth_output: f32[T, D], fifth: f32):
    y[b] = 0
"
    )));
}

#[test]
fn further_rows_keep_their_breaks() {
    insta::assert_snapshot!(kernel(
        "  f(x: f32) -> y: f32:
    y[t] = x[t] *
               2
         + 3
    z = (
         a
         + b
             )
    w =
     if x > 1 then
      2
     else if x < 0 then nan
     else
        3
    v = f(
       a, g(
         b,
         c,
       ),
     )
    u = if a then
          b
      else c
"
    ));
}

#[test]
fn blank_lines_part_entries_that_have_several_lines() {
    insta::assert_snapshot!(format(
        "

name: demo
language: rust
imports:

  - functions


  - others
functions:
  one(x) = x

  two(x) = x
  three(x):
    y = x

    y
  # About four.
  four(x) = x
kernels:
  f(x: f32) -> y: f32:

    y = x
  g(x: f32) -> y: f32:
    a = x


    y = a
behaviors:
- name: first
  given: x
- name: second

"
    ));
}

/// A comment at the column of the line below documents it; one elsewhere does not.
#[test]
fn comments_stay_with_what_they_document() {
    insta::assert_snapshot!(kernel(
        "# about all
    # about f
    f(x: f32) -> y: f32:
        # about a
        a = x
          # deeper than anything
        y = a#b
        # the last line of f
    # the last line of all
# nothing
"
        .replace("a#b", "a #b")
        .as_str()
    ));
}

#[test]
fn trailing_comments_are_aligned_among_neighbours() {
    insta::assert_snapshot!(kernel(
        "  f(x: f32) -> y: f32:
    a = x # one
    longer = a      # two
    # not a neighbour
    b = a # three
    c = b
    y = c # four
"
    ));
}

/// Each row: a line of a behaviour as written, as formatted.
const OF_BEHAVIORS: &[(&str, &str)] = &[
    (
        "signature: find(xs:List< List<Float>>,m:Map<String,Int>) ->Option<Int>or error",
        "signature: find(xs: List<List<Float>>, m: Map<String, Int>) -> Option<Int> or error",
    ),
    ("for: xs in [ -8,8 ][1..=40], k in 0 ..45", "for: xs in [-8, 8][1..=40], k in 0..45"),
    ("holds: f({a:t,b : []}) .total<= 1+1e-6", "holds: f({ a: t, b: [] }).total <= 1 + 1e-6"),
    ("expect: .used==2;.waste == 0", "expect: .used == 2; .waste == 0"),
];

#[test]
fn blanks_in_behaviours() {
    for (written, wanted) in OF_BEHAVIORS {
        let text =
            format(&format!("name: demo\nlanguage: rust\n\nbehaviors:\n  - name: find\n    {written}\n"));
        assert_eq!(text.lines().last(), Some(format!("    {wanted}").as_str()), "{written}");
    }
}
