//! Codes of storage formats and of operators on bits: V10xx.

use super::Code;

/// A spec with this format, and a kernel that reads it.
macro_rules! format {
    ($lines:literal) => {
        concat!(
            "name: demo\nlanguage: rust\n\nformats:\n  tiny:\n",
            $lines,
            "\nkernels:\n  demo(w: tiny[N]) -> y: f32[N]:\n    y[n] = w[n]\n"
        )
    };
}

/// A spec with a good format of four bytes, and these kernels.
macro_rules! kernels {
    ($lines:literal) => {
        concat!(
            "name: demo\nlanguage: rust\n\nformats:\n  tiny:\n    block: 4\n    fields:\n      q: u8[4]\n",
            "    decode[j]: q[j]\n\nkernels:\n",
            $lines
        )
    };
}

const fn row(
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    example: &'static str,
    fix: &'static str,
) -> Code {
    Code { code, title, explanation, example, fix }
}

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[
    row(
        "V1001",
        "bits of no integer",
        "`bits`, `signed` and `join` work on integers, and their counts are known without data: letters, sizes and constants that stay in 32 bits.",
        kernels!("  demo(x: i32[T], n: i32[T]) -> y: i32[T]:\n    y[t] = bits(x[t], n[t], 4)\n"),
        kernels!("  demo(x: i32[T]) -> y: i32[T]:\n    y[t] = bits(x[t], 8, 4)\n"),
    ),
    row(
        "V1002",
        "place outside of a table",
        "A table is read at one place, which lies inside whatever the data: `bits(x, 0, 4)` is below 16, `clamp(x, 0, 15)` is, too.",
        format!(
            "    block: 4\n    tables:\n      code: [-1, 0, 1]\n    fields:\n      q: u8\n    decode[j]: code[bits(q, 2*j, 2)]\n"
        ),
        format!(
            "    block: 4\n    tables:\n      code: [-1, 0, 1, 2]\n    fields:\n      q: u8\n    decode[j]: code[bits(q, 2*j, 2)]\n"
        ),
    ),
    row(
        "V1003",
        "incomplete format",
        "A format says how many numbers a block holds (`block:`), what it stores (`fields:`), and what a stored number is (`decode[j]:`).",
        format!("    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
        format!("    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
    ),
    row(
        "V1004",
        "unknown part of a format",
        "The parts of a format are `block:`, `tables:`, `fields:`, `decode[j]:` and `encode:`; everything else is a definition, `q[j] = …`.",
        format!("    size: 4\n    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
        format!("    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
    ),
    row(
        "V1005",
        "size of a format",
        "The size of a block and of its fields is a number of at least 1, written as such or as a constant.",
        format!("    block: 0\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
        format!("    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
    ),
    row(
        "V1006",
        "type of a field",
        "A field holds `u8 i8 u16 i16 i32 f16 bf16 f32 e4m3`, or whole blocks of another format, along at most one axis.",
        format!("    block: 4\n    fields:\n      q: bool[4]\n    decode[j]: q[j]\n"),
        format!("    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
    ),
    row(
        "V1007",
        "format as an element type",
        "Only tensors that a kernel is given are stored in a format. Intermediate values and outputs are computed; `encode_…` and `decode_…` convert whole tensors.",
        kernels!("  demo(x: f32[N]) -> y: tiny[N]:\n    y[n] = x[n]\n"),
        kernels!("  demo(x: tiny[N]) -> y: f32[N]:\n    y[n] = x[n]\n"),
    ),
    row(
        "V1008",
        "format without encode",
        "Storing numbers in a format needs its `encode:`.",
        "name: demo\nlanguage: rust\n\nformats:\n  inner:\n    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n  outer:\n    block: 4\n    fields:\n      s: inner[4]\n    decode[j]: s[j]\n    encode:\n      s[j] = x[j]\n",
        "name: demo\nlanguage: rust\n\nformats:\n  inner:\n    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n    encode:\n      q[j] = u8(x[j])\n  outer:\n    block: 4\n    fields:\n      s: inner[4]\n    decode[j]: s[j]\n    encode:\n      s[j] = x[j]\n",
    ),
    row(
        "V1009",
        "place in a block",
        "Which number of a block is read follows from letters and sizes, not from data, and it lies inside the tensor. Data may select rows, the axes before the last.",
        kernels!("  demo(w: tiny[N], i: idx<N>[T]) -> y: f32[T]:\n    y[t] = w[i[t]]\n"),
        kernels!("  demo(w: tiny[R, N], i: idx<R>[T]) -> y: f32[T, N]:\n    y[t, n] = w[i[t], n]\n"),
    ),
    row(
        "V1010",
        "format inside itself",
        "A field may hold numbers of another format, never of the format that it is part of.",
        format!("    block: 4\n    fields:\n      q: tiny[4]\n    decode[j]: q[j]\n"),
        format!("    block: 4\n    fields:\n      q: u8[4]\n    decode[j]: q[j]\n"),
    ),
];
