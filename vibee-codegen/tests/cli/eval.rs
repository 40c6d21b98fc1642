//! `vibee eval`: values in, values and bounds out.

use crate::support::{DOUBLE, Desk};

const MIX: &str = "name: mix
language: rust

kernels:
  mix(x: f32[T, D], i: idx<T>[N], K: dim, s: f32, on: bool) -> (y: f32[N, D], k: i32, z: bool[N]):
    y[n, d] = if on then x[i[n], d] / s else 0
    k = K + N
    z[n] = x[i[n], 0] > s
";

fn eval(desk: &Desk, input: &str) -> crate::support::Done {
    desk.vibee_in("", "eval mix --spec mix.vibee --input -", input)
}

#[test]
fn values_come_with_bounds() {
    let desk = Desk::new(&[("double.vibee", DOUBLE), ("in.json", r#"{"x": [0.1, "-inf", "nan", -0.0]}"#)]);
    let done = desk.vibee("eval double --spec double.vibee --input in.json");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(
        done.out,
        "{\n  \"y\": [0.20000000298023224,\"-inf\",\"nan\",-0.0],\n  \"bounds\": {\"y\":[0,0,0,0]}\n}\n"
    );
}

#[test]
fn all_kinds_of_arguments() {
    let desk = Desk::new(&[("mix.vibee", &MIX.replace("x[i[n], 0]", "sum[d](x[i[n], d])"))]);
    let done = eval(&desk, r#"{"x": [[1, 2], [3, 4]], "i": [1, 0, 1], "K": 5, "s": 2, "on": true}"#);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(
        done.out.contains("\"y\": [[1.5,2],[0.5,1],[1.5,2]],\n  \"k\": 8,\n  \"z\": [true,true,true],\n"),
        "{}",
        done.out
    );
    let empty = eval(&desk, r#"{"x": {"dims": [0, 3], "data": []}, "i": [], "K": 5, "s": 2, "on": true}"#);
    assert!(
        empty.out.contains("\"y\": {\"dims\":[0,3],\"data\":[]},\n  \"k\": 5,\n  \"z\": [],\n"),
        "{}",
        empty.out
    );
}

#[test]
fn refused_calls_are_findings_and_bad_input_is_not() {
    let desk = Desk::new(&[("mix.vibee", &MIX.replace("x[i[n], 0]", "sum[d](x[i[n], d])"))]);
    let refused = eval(&desk, r#"{"x": [[1, 2]], "i": [1], "K": 5, "s": 2, "on": true}"#);
    assert_eq!(refused.code, 1);
    assert_eq!(refused.err, "error: mix refuses the call: element 0 of i is 1, not below 1\n");
    let says = |input: &str, wanted: &str| {
        let done = eval(&desk, input);
        assert_eq!(done.code, 2, "{}", done.err);
        assert!(done.err.contains(wanted), "{}", done.err);
    };
    says("{", "error: the input is not JSON");
    says(r#"{"x": [[1], [2, 3]]}"#, "error: `x` is f32[T, D]: its rows differ in length: 2 and 1\n");
    says(r#"{"x": [[1]], "i": [0.5]}"#, "error: `i` is idx<T>[N]: 0.5 is not an integer\n");
    says(
        r#"{"x": [[1]]}"#,
        "error: `i` is missing; mix takes x: f32[T, D], i: idx<T>[N], K: dim, s: f32, on: bool\n",
    );
    says(
        r#"{"x": [[1]], "i": [0], "K": 1, "s": 1, "on": true, "w": 1}"#,
        "error: `w` is not a parameter; mix takes",
    );
    says(
        r#"{"x": [[1]], "i": [0], "K": 1, "s": "much", "on": true}"#,
        "error: `s` is f32: \"much\" is not a number",
    );
    let done = desk.vibee("eval mux --spec mix.vibee --input -");
    assert_eq!(done.err, "error: mix.vibee has no kernel mux; it has mix\n");
}
