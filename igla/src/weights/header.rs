//! The header of a `.safetensors` file: 8 bytes of length, then JSON
//! `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {…}}`.
//!
//! Nothing from the file is trusted: every size is checked against the bytes that are there before
//! anything is allocated, and arithmetic on sizes is checked. This file must not read tensor data.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Bytes of the length field.
pub(super) const LEN_BYTES: u64 = 8;
/// As in the reference implementation; real headers are below a megabyte.
const MAX_HEADER_LEN: u64 = 100_000_000;
/// More text than this of a header never enters a message.
const MAX_QUOTE: usize = 80;

/// Types, their names in the file and their size in bits.
macro_rules! dtypes {
    ($($name:ident = $bits:literal),* $(,)?) => {
        /// Element types of the format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(non_camel_case_types, missing_docs, reason = "named as in the file")]
        pub enum Dtype { $($name),* }

        impl Dtype {
            /// As the file writes it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            fn bits(self) -> u64 {
                match self { $(Self::$name => $bits),* }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }
        }
    };
}

dtypes! {
    BOOL = 8, F4 = 4, F6_E2M3 = 6, F6_E3M2 = 6, U8 = 8, I8 = 8, F8_E5M2 = 8, F8_E4M3 = 8, F8_E8M0 = 8,
    F8_E4M3FNUZ = 8, F8_E5M2FNUZ = 8, I16 = 16, U16 = 16, F16 = 16, BF16 = 16, I32 = 32, U32 = 32,
    F32 = 32, C64 = 64, F64 = 64, I64 = 64, U64 = 64,
}

impl Dtype {
    /// Whether its values can be read as `f32` without a scale.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::BF16 | Self::F32 | Self::F64)
    }
}

/// A tensor as the header declares it; its bytes are known to be inside the file.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Its shape, outermost first.
    pub shape: Vec<usize>,
    /// First byte, counted from the end of the header.
    pub(super) begin: u64,
    /// One past its last byte.
    pub(super) end: u64,
}

/// Reads the length field; the header then fits into the file.
pub(super) fn read_len(file: &mut impl Read, file_len: u64) -> Result<usize, String> {
    if file_len < LEN_BYTES {
        return Err(format!(
            "is {file_len} bytes long, too short for a .safetensors file; was the download interrupted?"
        ));
    }
    let mut bytes = [0; LEN_BYTES as usize];
    file.read_exact(&mut bytes).map_err(|e| e.to_string())?;
    let len = u64::from_le_bytes(bytes);
    if len > MAX_HEADER_LEN {
        return Err(format!(
            "its header claims {len} bytes, the limit is {MAX_HEADER_LEN}; this is not a .safetensors file"
        ));
    }
    if len > file_len - LEN_BYTES {
        return Err(format!(
            "its header claims {len} bytes, but only {} follow; was the download interrupted?",
            file_len - LEN_BYTES
        ));
    }
    usize::try_from(len).map_err(|_| format!("its header of {len} bytes does not fit into memory"))
}

/// Checks a whole header against the `data_len` bytes that follow it; tensors come in order of name.
pub(super) fn parse(text: &[u8], data_len: u64) -> Result<Vec<TensorInfo>, String> {
    let entries: Entries = serde_json::from_slice(text)
        .map_err(|e| format!("its header is not what .safetensors files have: {}", quote(&e.to_string())))?;
    let mut tensors = Vec::with_capacity(entries.0.len());
    for (name, entry) in entries.0 {
        tensors.push(check_tensor(name, entry, data_len)?);
    }
    check_layout(&mut tensors, data_len)?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = tensors.windows(2).find(|w| w[0].name == w[1].name) {
        return Err(format!("declares tensor `{}` twice", quote(&twice[0].name)));
    }
    Ok(tensors)
}

/// One tensor on its own: known type, size as its shape says, inside the file.
fn check_tensor(name: String, entry: Entry, data_len: u64) -> Result<TensorInfo, String> {
    let shown = quote(&name);
    let Some(dtype) = Dtype::from_name(&entry.dtype) else {
        return Err(format!("tensor `{shown}` has the unknown type `{}`", quote(&entry.dtype)));
    };
    let (begin, end) = entry.data_offsets;
    if begin > end {
        return Err(format!("tensor `{shown}` ends at byte {end}, before it begins at {begin}"));
    }
    if end > data_len {
        return Err(format!(
            "tensor `{shown}` ends at byte {end}, but only {data_len} follow the header; was the download interrupted?"
        ));
    }
    let size = entry
        .shape
        .iter()
        .try_fold(dtype.bits(), |bits, &n| bits.checked_mul(u64::try_from(n).ok()?))
        .ok_or_else(|| format!("tensor `{shown}` has a shape whose size overflows"))?;
    if size % 8 != 0 || size / 8 != end - begin {
        return Err(format!(
            "tensor `{shown}` of {} {} needs {} bytes, its offsets hold {}",
            dtype.name(),
            quote(&format!("{:?}", entry.shape)),
            size.div_ceil(8),
            end - begin
        ));
    }
    Ok(TensorInfo { name, dtype, shape: entry.shape, begin, end })
}

/// All tensors together: they cover the data exactly once.
fn check_layout(tensors: &mut [TensorInfo], data_len: u64) -> Result<(), String> {
    tensors.sort_by_key(|t| (t.begin, t.end));
    let mut covered = 0;
    let mut last = "";
    for t in &*tensors {
        if t.begin < covered {
            return Err(format!(
                "tensors `{}` and `{}` overlap at byte {}",
                quote(last),
                quote(&t.name),
                t.begin
            ));
        }
        if t.begin > covered {
            return Err(format!(
                "bytes {covered} to {} before tensor `{}` belong to no tensor",
                t.begin,
                quote(&t.name)
            ));
        }
        covered = t.end;
        last = &t.name;
    }
    if covered < data_len {
        return Err(format!("bytes {covered} to {data_len} at its end belong to no tensor"));
    }
    Ok(())
}

/// Text of the file as part of a message: bounded and on one line.
fn quote(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(MAX_QUOTE)
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        short.push('…');
    }
    short
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// The header's map with duplicates kept, so that they can be refused.
struct Entries(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    } else {
                        entries.push((name, map.next_value()?));
                    }
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
