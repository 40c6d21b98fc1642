//! Every class of malformed `.safetensors` file is refused with a message that says what is wrong.

use std::path::{Path, PathBuf};

use igla::weights::Safetensors;
use igla_runtime::weights::Source;
use tempfile::TempDir;

/// A file made of a header (its length is put in front) and data.
fn file(header: &str, data: &[u8]) -> (TempDir, PathBuf) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    raw(&bytes)
}

fn raw(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

/// The message without the directory of the file.
fn message(path: &Path, error: impl std::fmt::Display) -> String {
    error.to_string().replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[track_caller]
fn refused((_dir, path): &(TempDir, PathBuf), expected: &str) {
    let error = Safetensors::open(path).expect_err("the file is malformed");
    assert_eq!(message(path, error), expected);
}

/// A well-formed file, written by the reference implementation.
fn good() -> (TempDir, PathBuf) {
    use safetensors::tensor::{Dtype, TensorView};
    let f32s: Vec<u8> =
        [1.0f32, -2.5, 3.0, 0.0, f32::INFINITY, 1e-40].iter().flat_map(|v| v.to_le_bytes()).collect();
    let f16s = [0x3c00u16, 0xc000].map(u16::to_le_bytes).concat();
    let bf16s = [0x3f80u16, 0xc000].map(u16::to_le_bytes).concat();
    let f64s = [0.5f64, 1e300].map(f64::to_le_bytes).concat();
    let i64s = 7i64.to_le_bytes();
    let view = |dtype, shape: &[usize], data| TensorView::new(dtype, shape.to_vec(), data).unwrap();
    let tensors = [
        ("a.weight", view(Dtype::F32, &[2, 3], &f32s)),
        ("half", view(Dtype::F16, &[2], &f16s)),
        ("brain", view(Dtype::BF16, &[2], &bf16s)),
        ("double", view(Dtype::F64, &[2], &f64s)),
        ("ids", view(Dtype::I64, &[1], &i64s)),
        ("empty", view(Dtype::F32, &[0, 4], &[])),
        ("scalar", view(Dtype::F32, &[], &f32s[..4])),
    ];
    raw(&safetensors::serialize(tensors, None).unwrap())
}

#[test]
fn good_files_are_read() {
    let (_dir, path) = good();
    let file = Safetensors::open(&path).unwrap();
    assert_eq!(file.tensors().len(), 7);
    assert_eq!(file.f32_tensor("a.weight", &[2, 3]).unwrap(), [1.0, -2.5, 3.0, 0.0, f32::INFINITY, 1e-40]);
    assert_eq!(file.f32_tensor("half", &[2]).unwrap(), [1.0, -2.0]);
    assert_eq!(file.f32_tensor("brain", &[2]).unwrap(), [1.0, -2.0]);
    assert_eq!(file.f32_tensor("double", &[2]).unwrap(), [0.5, f32::INFINITY]);
    assert_eq!(file.f32_tensor("scalar", &[]).unwrap(), [1.0]);
    assert!(file.f32_tensor("empty", &[0, 4]).unwrap().is_empty());
}

#[test]
fn tensors_longer_than_a_read_buffer() {
    let values: Vec<f32> = (0..100_003).map(|i| i as f32).collect();
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let header = r#"{"w":{"dtype":"F32","shape":[100003],"data_offsets":[0,400012]}}"#;
    let (_dir, path) = file(header, &data);
    assert_eq!(Safetensors::open(&path).unwrap().f32_tensor("w", &[100_003]).unwrap(), values);
}

#[test]
fn what_the_model_needs_is_not_there() {
    let (_dir, path) = good();
    let file = Safetensors::open(&path).unwrap();
    let fails = |name, dims: &[usize], expected: &str| {
        assert_eq!(file.f32_tensor(name, dims).unwrap_err().to_string(), expected);
    };
    fails("zzz", &[1], "there is no tensor `zzz`");
    fails("a.weight", &[3, 2], "tensor `a.weight` must have the shape [3, 2], but it has [2, 3]");
    fails("a.weight", &[6], "tensor `a.weight` must have the shape [6], but it has [2, 3]");
    fails("ids", &[1], "tensor `ids` must hold F32, F16, BF16 or F64, but it holds I64");
    assert_eq!(file.similar("bert.a.weight"), Some("a.weight"));
    assert_eq!(file.similar("zzz"), None);
}

#[test]
fn no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let error = Safetensors::open(&path).unwrap_err();
    assert_eq!(message(&path, error), "model.safetensors: No such file or directory (os error 2)");
}

#[test]
fn truncated() {
    refused(
        &raw(b""),
        "model.safetensors: is 0 bytes long, too short for a .safetensors file; was the download interrupted?",
    );
    refused(
        &raw(&[1, 2, 3, 4, 5, 6, 7]),
        "model.safetensors: is 7 bytes long, too short for a .safetensors file; was the download interrupted?",
    );
    refused(
        &raw(b"\x10\0\0\0\0\0\0\0{}"),
        "model.safetensors: its header claims 16 bytes, but only 2 follow; was the download interrupted?",
    );
    refused(
        &file(r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 7]),
        "model.safetensors: tensor `w` ends at byte 8, but only 7 follow the header; was the download interrupted?",
    );
}

#[test]
fn every_truncation_of_a_good_file_is_refused() {
    let (_dir, path) = good();
    let bytes = std::fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(Safetensors::open(&path).is_err(), "accepted the first {len} of {} bytes", bytes.len());
    }
}

#[test]
fn every_flipped_bit_of_the_header_is_an_error_or_readable() {
    let (_dir, path) = good();
    let bytes = std::fs::read(&path).unwrap();
    let header_end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for bit in 0..header_end * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &damaged).unwrap();
        if let Ok(file) = Safetensors::open(&path) {
            for tensor in file.tensors().iter().filter(|t| t.dtype.is_float()) {
                file.f32_tensor(&tensor.name, &tensor.shape).unwrap();
            }
        }
    }
}

#[test]
fn oversized_header() {
    refused(
        &raw(&[0xff; 64]),
        "model.safetensors: its header claims 18446744073709551615 bytes, the limit is 100000000; \
         this is not a .safetensors file",
    );
    refused(
        &raw(b"<!DOCTYPE html><html>not found</html>"),
        "model.safetensors: its header claims 5789751444030890300 bytes, the limit is 100000000; \
         this is not a .safetensors file",
    );
}

#[test]
fn header_is_something_else() {
    refused(
        &file("{", b""),
        "model.safetensors: its header is not what .safetensors files have: \
         EOF while parsing an object at line 1 column 1",
    );
    refused(
        &file("[1]", b""),
        "model.safetensors: its header is not what .safetensors files have: invalid type: sequence, \
         expected a map of tensors at line 1 column 0",
    );
    refused(
        &file(r#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, &[0; 4]),
        "model.safetensors: its header is not what .safetensors files have: \
         invalid value: integer `-1`, expected usize at line 1 column 31",
    );
    refused(
        &file(r#"{"w":{"dtype":"F32","shape":[1]}}"#, &[0; 4]),
        "model.safetensors: its header is not what .safetensors files have: \
         missing field `data_offsets` at line 1 column 32",
    );
    let deep = format!("{{\"__metadata__\":{}", "[".repeat(100_000));
    refused(
        &file(&deep, b""),
        "model.safetensors: its header is not what .safetensors files have: \
         EOF while parsing a list at line 1 column 100016",
    );
    let mut bytes = 3u64.to_le_bytes().to_vec();
    bytes.extend_from_slice(b"{\xff}");
    refused(
        &raw(&bytes),
        "model.safetensors: its header is not what .safetensors files have: key must be a string at line 1 column 2",
    );
}

#[test]
fn wrong_types_and_sizes() {
    refused(
        &file(r#"{"w":{"dtype":"Q4_0","shape":[1],"data_offsets":[0,4]}}"#, &[0; 4]),
        "model.safetensors: tensor `w` has the unknown type `Q4_0`",
    );
    refused(
        &file(r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, &[0; 4]),
        "model.safetensors: tensor `w` of F32 [2] needs 8 bytes, its offsets hold 4",
    );
    refused(
        &file(r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, &[0; 4]),
        "model.safetensors: tensor `w` ends at byte 0, before it begins at 4",
    );
    refused(
        &file(r#"{"w":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, &[0; 2]),
        "model.safetensors: tensor `w` of F4 [3] needs 2 bytes, its offsets hold 2",
    );
}

#[test]
fn sizes_that_overflow() {
    refused(
        &file(r#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, b""),
        "model.safetensors: tensor `w` has a shape whose size overflows",
    );
    refused(
        &file(
            r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615]}}"#,
            b"",
        ),
        "model.safetensors: tensor `w` ends at byte 18446744073709551615, but only 0 follow the header; \
         was the download interrupted?",
    );
    // The largest size that still fits in bits.
    refused(
        &file(
            r#"{"w":{"dtype":"U8","shape":[2305843009213693951],"data_offsets":[0,2305843009213693951]}}"#,
            b"",
        ),
        "model.safetensors: tensor `w` ends at byte 2305843009213693951, but only 0 follow the header; \
         was the download interrupted?",
    );
}

#[test]
fn layouts_that_do_not_cover_the_data_once() {
    let two = |a: (u32, u32), b: (u32, u32)| {
        format!(
            r#"{{"a":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}},"b":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}}"#,
            a.1 - a.0,
            a.0,
            a.1,
            b.1 - b.0,
            b.0,
            b.1,
        )
    };
    refused(&file(&two((0, 4), (2, 6)), &[0; 6]), "model.safetensors: tensors `a` and `b` overlap at byte 2");
    refused(&file(&two((2, 6), (0, 6)), &[0; 6]), "model.safetensors: tensors `b` and `a` overlap at byte 2");
    refused(
        &file(&two((0, 2), (4, 6)), &[0; 6]),
        "model.safetensors: bytes 2 to 4 before tensor `b` belong to no tensor",
    );
    refused(
        &file(&two((0, 2), (2, 4)), &[0; 6]),
        "model.safetensors: bytes 4 to 6 at its end belong to no tensor",
    );
    let twice = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#;
    refused(&file(twice, &[0; 2]), "model.safetensors: declares tensor `a` twice");
}

#[test]
fn names_in_messages_are_short_and_on_one_line() {
    let header =
        format!(r#"{{"a\n{}":{{"dtype":"X","shape":[],"data_offsets":[0,0]}}}}"#, "b".repeat(10_000));
    let expected = format!("model.safetensors: tensor `a\\n{}…` has the unknown type `X`", "b".repeat(78));
    refused(&file(&header, b""), &expected);
}

#[test]
fn a_file_cut_after_it_was_opened() {
    let (_dir, path) = good();
    let file = Safetensors::open(&path).unwrap();
    std::fs::write(&path, b"").unwrap();
    let error = file.f32_tensor("a.weight", &[2, 3]).unwrap_err();
    assert_eq!(error.to_string(), "`a.weight` cannot be read: failed to fill whole buffer");
}
