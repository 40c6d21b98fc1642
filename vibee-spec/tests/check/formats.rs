//! Storage formats: what they are made of, what is refused, and what the interpreter makes of them.

use vibee_spec::interp::packed::encode;
use vibee_spec::interp::{Options, Tensor, TensorData, eval};
use vibee_spec::term::{DType, Kernel};

use crate::support::{Checked, check, check_with};

/// A spec with a format of these lines and these kernels.
fn spec(format: &str, kernels: &str) -> String {
    format!("name: demo\nlanguage: rust\n\nformats:\n  own:\n{format}\nkernels:\n{kernels}")
}

const BYTES: &str = "    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n    encode:\n      q[j] = u8(round(x[j]))\n";

fn kernel<'c>(found: &'c Checked, name: &str) -> &'c Kernel {
    let named = found.module.kernels.iter().find(|k| k.name == name);
    named.unwrap_or_else(|| panic!("{name}: {}", found.report()))
}

/// What a kernel makes of numbers that are stored in the format of its only argument.
fn read(found: &Checked, name: &str, dims: &[usize], numbers: &[f64]) -> Vec<f64> {
    let k = kernel(found, name);
    let bytes = encode(&k.packed[0].format, dims, numbers).unwrap();
    let out = eval(k, &[], &[bytes], &Options::default()).unwrap();
    out[0].values.iter().map(|v| v.value).collect()
}

#[test]
fn fields_of_every_type_read_back() {
    let fields = [
        ("u8", 200.0, 200.0),
        ("u8", 300.0, 255.0),
        ("i8", -100.0, -100.0),
        ("i8", 200.0, 127.0),
        ("u16", 50_000.0, 50_000.0),
        ("u16", -3.0, 0.0),
        ("i16", -20_000.0, -20_000.0),
        ("i16", 40_000.0, 32_767.0),
        ("i32", -1_234_567.0, -1_234_567.0),
        ("f16", 0.1, 0.099_975_585_937_5),
        ("bf16", 0.1, 0.100_097_656_25),
        ("f32", 0.1, f64::from(0.1f32)),
        ("e4m3", 0.1, 0.101_562_5),
        ("e4m3", 1000.0, 448.0),
    ];
    for (ty, value, stored) in fields {
        let whole = if ty.contains(['u', 'i']) { "i32(x[0])" } else { "x[0]" };
        // Read back while encoding, and after decoding.
        let format = format!(
            "    block: 2\n    fields:\n      v: {ty}\n      again: f32\n    decode[j]: if j == 0 then v else again\n    encode:\n      v = {whole}\n      again = v\n"
        );
        let found = check(&spec(&format, "  demo(w: own[N]) -> y: f32[N]:\n    y[n] = w[n]\n"));
        assert_eq!(found.errors(), [""; 0], "{}", found.report());
        assert_eq!(read(&found, "demo", &[2], &[value, 0.0]), [stored, stored], "{ty}");
    }
}

#[test]
fn the_unrounded_value_keeps_its_name() {
    let format = "    block: 2\n    fields:\n      d: f16\n      e: f32\n    decode[j]: if j == 0 then d else e\n    encode:\n      step = x[0] / 3\n      d = step\n      e = step\n";
    let found = check(&spec(format, "  demo(w: own[N]) -> y: f32[N]:\n    y[n] = w[n]\n"));
    let third = f64::from(1f32 / 3f32);
    assert_eq!(read(&found, "demo", &[2], &[1.0, 0.0]), [0.333_251_953_125, third]);
}

#[test]
fn sizes_follow_from_bytes() {
    let found = check(&spec(BYTES, "  demo(w: own[R, N]) -> y: f32[R, N]:\n    y[r, n] = w[r, n]\n"));
    let k = kernel(&found, "demo");
    let bytes = |count: usize| Tensor {
        dtype: DType::U8,
        dims: vec![1, count],
        data: TensorData::Int((0..count as i64).collect()),
    };
    assert_eq!(eval(k, &[], &[bytes(8)], &Options::default()).unwrap()[0].dims, [1, 8]);
    assert!(eval(k, &[], &[bytes(6)], &Options::default()).is_err(), "no whole blocks");
}

#[test]
fn formats_of_imports_are_found() {
    let other = spec(BYTES, "  other(w: own[N]) -> y: f32:\n    y = sum[n](w[n])\n");
    let text = "name: user\nlanguage: rust\n\nimports:\n  - other\n\nkernels:\n  demo(w: own[N]) -> y: f32:\n    y = other(w)\n";
    let found = check_with(text, &[("other", &other)]);
    assert_eq!(found.errors(), [""; 0], "{}", found.report());
    assert_eq!(read(&found, "demo", &[8], &[1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 9.0]), [19.0]);
    // What decodes and encodes whole tensors belongs to the spec that declares the format.
    assert_eq!(found.module.kernels.len(), 1);
}

#[test]
fn errors_of_a_format_do_not_cascade() {
    let broken = BYTES.replace("decode[j]: q[j]", "decode[j]: q[j] + nothing");
    let found = check(&spec(&broken, "  demo(w: own[N]) -> y: f32[N]:\n    y[n] = w[n]\n"));
    assert_eq!(found.errors(), ["V0201"]);
    let late = BYTES.replace("q[j] = u8(round(x[j]))", "other = x[0]");
    let found = check(&spec(&late, "  demo(w: own[N]) -> y: f32[N]:\n    y[n] = w[n]\n"));
    assert_eq!(found.errors(), ["V0203"], "the field `q` is not assigned");
}

#[test]
fn operands_go_to_their_own_format() {
    let two = format!("{BYTES}  twin:\n{BYTES}");
    let kernels = "  takes(w: twin[N]) -> y: f32:\n    y = sum[n](w[n])\n  plain(w: f32[N]) -> y: f32:\n    y = sum[n](w[n])\n  wrong(w: own[N]) -> y: f32:\n    y = takes(w)\n  also(w: own[N]) -> y: f32:\n    y = plain(w)\n  and_this(w: f32[N]) -> y: f32:\n    y = takes(w)\n";
    let found = check(&spec(&two, kernels));
    assert_eq!(found.errors(), ["V0316", "V0316", "V0316"], "{}", found.report());
}

/// Law 1: a format is known by what it says, not by its name.
#[test]
fn renaming_a_format_changes_nothing_but_names() {
    let named = |format: &str, field: &str, letter: &str| {
        check(&format!(
            "name: demo\nlanguage: rust\n\nformats:\n  {format}:\n    block: 4\n    fields:\n      {field}: u8[2]\n    decode[{letter}]: bits({field}[{letter} // 2], 4*({letter} % 2), 4) - 8\n\nkernels:\n  demo(w: {format}[N]) -> y: f32:\n    y = sum[n](w[n])\n"
        ))
    };
    let (a, b) = (named("q4_0", "qs", "j"), named("z", "bytes_of_it", "k"));
    assert_eq!(kernel(&a, "demo").exprs, kernel(&b, "demo").exprs);
    assert_eq!(kernel(&a, "demo").checks, kernel(&b, "demo").checks);
}
