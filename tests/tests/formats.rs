//! Generated formats against vectors of other implementations, at every instruction-set level.
//!
//! `tests/data/formats/make.py` says where the vectors come from.

use std::path::Path;

use generated::formats;
use igla_runtime::{Ctx, Level, ShapeError, View, ViewMut};
use serde_json::Value;
use vibee_codegen::emit;
use vibee_codegen::project::Project;
use vibee_spec::term::Module;

type Decode = fn(&mut Ctx, View<'_, u8, 2>, ViewMut<'_, f32, 2>) -> Result<(), ShapeError>;
type Encode = fn(&mut Ctx, View<'_, f32, 2>, ViewMut<'_, u8, 2>) -> Result<(), ShapeError>;

/// A format of the generated crate.
struct Format {
    name: &'static str,
    numbers: usize,
    bytes: usize,
    decode: Decode,
    encode: Encode,
}

macro_rules! of {
    ($file:ident, $name:ident) => {
        Format {
            name: stringify!($name),
            numbers: formats::$file::$name::NUMBERS,
            bytes: formats::$file::$name::BYTES,
            decode: formats::$file::$name::decode,
            encode: formats::$file::$name::encode,
        }
    };
}

/// Formats whose quantiser is defined byte by byte.
const EXACT: &[Format] = &[
    of!(q8_0, q8_0),
    of!(q4_0, q4_0),
    of!(q4_1, q4_1),
    of!(q5_0, q5_0),
    of!(ternary, tq1_0),
    of!(ternary, tq2_0),
];

/// Formats that decode exactly, and encode no worse than a plain quantiser.
const CLOSE: &[Format] = &[of!(q4_k, q4_k), of!(q6_k, q6_k)];

fn data(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/formats/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are there")).expect("JSON")
}

fn floats(of: &Value) -> Vec<f32> {
    of.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number") as f32).collect()
}

fn bytes(of: &Value) -> Vec<u8> {
    of.as_array().expect("a list").iter().map(|v| v.as_u64().expect("a byte") as u8).collect()
}

impl Format {
    fn decoded(&self, ctx: &mut Ctx, bytes: &[u8], rows: usize) -> Vec<f32> {
        let (row, count) = (bytes.len() / rows, bytes.len() / self.bytes * self.numbers);
        let mut out = vec![0.0; count];
        let view = View::new(bytes, [rows, row]).expect("whole rows");
        (self.decode)(ctx, view, ViewMut::new(&mut out, [rows, count / rows]).expect("whole rows"))
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        out
    }

    fn encoded(&self, ctx: &mut Ctx, numbers: &[f32], rows: usize) -> Vec<u8> {
        let (row, count) = (numbers.len() / rows, numbers.len() / self.numbers * self.bytes);
        let mut out = vec![0; count];
        let view = View::new(numbers, [rows, row]).expect("whole rows");
        (self.encode)(ctx, view, ViewMut::new(&mut out, [rows, count / rows]).expect("whole rows"))
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        out
    }
}

fn at_every_level(mut test: impl FnMut(&mut Ctx)) {
    for level in Level::available() {
        for threads in [1, 2] {
            test(&mut Ctx::with(*level, threads));
        }
    }
}

#[test]
fn decoding_is_exact() {
    for f in EXACT.iter().chain(CLOSE) {
        let data = data(f.name);
        let (coded, wanted) = (bytes(&data["bytes"]), floats(&data["decoded"]));
        at_every_level(|ctx| {
            for rows in [1, 2] {
                let found = f.decoded(ctx, &coded, rows);
                let off = found.iter().zip(&wanted).position(|(a, b)| a != b);
                let level = ctx.level();
                assert_eq!(off, None, "{} at {level}: {:?}", f.name, off.map(|n| (found[n], wanted[n])));
            }
        });
    }
}

#[test]
fn encoding_agrees_byte_for_byte() {
    for f in EXACT {
        let data = data(f.name);
        let (numbers, wanted) = (floats(&data["numbers"]), bytes(&data["bytes"]));
        at_every_level(|ctx| {
            for rows in [1, 2] {
                let found = f.encoded(ctx, &numbers, rows);
                let off = found.iter().zip(&wanted).position(|(a, b)| a != b);
                let place = off.map(|n| (n / f.bytes, n % f.bytes, found[n], wanted[n]));
                assert_eq!(place, None, "{} at {}: block, byte, found, wanted", f.name, ctx.level());
            }
        });
    }
}

#[test]
fn encoding_is_no_worse_than_a_plain_quantiser() {
    let data = data("errors");
    let numbers = floats(&data["numbers"]);
    for f in CLOSE {
        let most = data[f.name].as_f64().expect("a number");
        at_every_level(|ctx| {
            let coded = f.encoded(ctx, &numbers, 1);
            let back = f.decoded(ctx, &coded, 1);
            let squares: f64 = numbers.iter().zip(&back).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let error = (squares / numbers.len() as f64).sqrt();
            // Scales are halves here and floats there.
            assert!(error <= most * 1.001, "{} at {}: {error} > {most}", f.name, ctx.level());
        });
    }
}

/// Half a step for blocks from -1 to 1; a whole one where one end of the range has no number of its own.
#[test]
fn what_is_encoded_comes_back_within_its_step() {
    let most = [("q8_0", 0.5 / 127.0), ("q4_0", 1.0 / 8.0), ("q4_1", 1.0 / 15.0), ("q5_0", 1.0 / 16.0)];
    for (name, most) in most {
        let f = EXACT.iter().find(|f| f.name == name).expect("a format");
        // Both ends of the range stand in every block.
        let number = |n: usize| match n % f.numbers {
            0 => 1.0,
            1 => -1.0,
            k => (k as f32 * 0.618_034).fract() * 2.0 - 1.0,
        };
        let numbers: Vec<f32> = (0..8 * f.numbers).map(number).collect();
        at_every_level(|ctx| {
            let coded = f.encoded(ctx, &numbers, 2);
            for (a, b) in numbers.iter().zip(f.decoded(ctx, &coded, 2)) {
                // The scale is a half, whose last place is 2^-11 of it.
                assert!((a - b).abs() <= most * 1.01, "{name}: {a} became {b}");
            }
        });
    }
}

#[test]
fn sizes_are_checked() {
    use formats::q4_0::q4_0;
    assert_eq!([q4_0::NUMBERS, q4_0::BYTES], [32, 18]);
    assert_eq!([q4_0::bytes(0), q4_0::bytes(64), q4_0::bytes(33)], [Some(0), Some(36), None]);
    assert_eq!(q4_0::bytes(usize::MAX - 31), Some((usize::MAX - 31) / 32 * 18));
    assert_eq!(formats::nf4::nf4_double::bytes(1 << 14), Some(8456));
    assert_eq!(formats::fp8::fp8_e4m3::bytes(7), Some(7));
    let mut ctx = Ctx::with(Level::Scalar, 1);
    let mut out = [0.0; 32];
    for count in [17, 19, 0] {
        let coded = vec![0; count];
        let (bytes, x) = (View::new(&coded, [1, count]).unwrap(), ViewMut::new(&mut out, [1, 32]).unwrap());
        assert!(q4_0::decode(&mut ctx, bytes, x).is_err(), "{count} bytes are no block");
    }
}

/// Products with formats reach the runtime's blocks by the form of `decode` alone, also in a spec that was
/// written for this test; what has no such form stays in loops.
#[test]
fn products_with_any_affine_or_table_format_use_blocks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let emitted = |path: &str, kernel: &str| -> String {
        let project = Project::load(&[root.join(path)]).expect("the spec is readable");
        let module = project.check(0).module;
        let kernels: Vec<_> = module.kernels.iter().filter(|k| k.name == kernel).cloned().collect();
        assert_eq!(kernels.len(), 1, "{kernel} of {path}");
        emit::module(&Module { kernels, ..Module::default() }, "spec", "spec.vibee")
    };
    let specs = "../specs/formats/linear.vibee";
    for w in ["q8_0", "q4_0", "q4_1", "q5_0", "q4_k", "q6_k", "nf4", "tq2_0", "sign1", "fp8_block"] {
        assert!(emitted(specs, &format!("linear_{w}")).contains("BlockMat::<"), "{w}");
    }
    // Rows are picked, not multiplied.
    assert!(!emitted(specs, "embedding_q4_0").contains("BlockMat"));
    let unseen = "data/regressions/new_formats.vibee";
    for kernel in ["multiply_three", "multiply_code", "biased_three", "biased_code"] {
        assert!(emitted(unseen, kernel).contains("BlockMat::<"), "{kernel}");
    }
    // Whole numbers and places in tables are unpacked together, others one by one.
    let forms = "data/regressions/formats_of_any_form.vibee";
    for (w, together) in [
        ("added", true),
        ("word", true),
        ("powers", true),
        ("trits", false),
        ("threes", false),
        ("squares", false),
    ] {
        let code = emitted(forms, &format!("multiply_{w}"));
        assert!(code.contains("BlockMat::<"), "{w}");
        assert_eq!(code.contains("fn number("), !together, "{w}");
    }
    // One row meets what is not decoded together in loops.
    assert!(!emitted(forms, "one").contains("Blocks"));
    let orders = "data/regressions/products_in_any_order.vibee";
    let project = Project::load(&[root.join(orders)]).expect("the spec is readable");
    for k in &project.check(0).module.kernels {
        let is_format = k.packed.iter().any(|p| k.input(p.input).name != "bytes");
        assert_eq!(emitted(orders, &k.name).contains("BlockMat::<"), is_format, "{}", k.name);
    }
    let rounded = "data/regressions/rounded_operands.vibee";
    let bytes = |kernel: &str| emitted(rounded, kernel).matches(".gemm_int8(").count();
    for (kernel, products) in
        [("multiply_wide", 1), ("multiply_narrow", 1), ("gated", 3), ("called", 1), ("merged", 1)]
    {
        assert_eq!(bytes(kernel), products, "{kernel}");
    }
    // Not whole numbers; no format; not counted from the start of one axis.
    for kernel in ["multiply_table", "multiply_f32", "shapes"] {
        assert_eq!(bytes(kernel), 0, "{kernel}");
    }
    // What two products read is rounded once, and the sum's other reader is not.
    assert_eq!(emitted(rounded, "gated").matches(".int8_rows(").count(), 2);
    // Rows are picked or squared, not multiplied.
    for kernel in ["pick_three", "lengths_code"] {
        assert!(!emitted(unseen, kernel).contains("BlockMat"), "{kernel}");
    }
}
