//! Calls of kernels and layers as bytes, little-endian; every number of an argument is an `f64`, which holds
//! all values of all element types. Weights, of which there may be many, travel as they are stored.
//!
//! | part | bytes |
//! |---|---|
//! | call | kernel `u32`, level `u32`, threads `u32`, turn `u32`, parameters as written, outputs |
//! | call of a layer | layer, level, threads, turn, sizes, configuration, prefix, tensors, arguments, outputs |
//! | turn | 0, or the microseconds of a turn at timing the call (of a layer: of its forward): an empty answer says that it was made; then a word (`u32`) each is answered with one number, until 0 ends the call |
//! | word | 1 the call: nanoseconds of one; 2 the machine: operations a second; 3 and a number of bytes: bytes read a second |
//! | sizes | count `u32`, numbers |
//! | configuration | count `u32`; key and number of each |
//! | tensors | count `u32`; name, 1 if it is blocks of a format and 0 if not (`u32`), rank `u32`, dims (numbers) and elements (bytes or `f32`) of each |
//! | key, name, prefix | bytes `u32`, UTF-8 |
//! | size or scalar | one number |
//! | tensor | its dims (numbers), offset `u32`, row padding `u32`, elements in row-major order |
//! | output | its dims, offset, row padding |
//! | answer | status `u8`, length `u64`, outputs' elements as numbers, or a text |

use vibee_spec::interp::draw::DrawnLayer;
use vibee_spec::interp::{Tensor, TensorData, dim_arguments};
use vibee_spec::term::{DType, Kernel, Layer, ParamRef};

/// Where arguments lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Elements between a 64-byte boundary and the first element.
    pub offset: u32,
    /// Elements between rows.
    pub pad: u32,
}

/// A call of one kernel.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Sizes passed as numbers, in the order of [`dim_arguments`].
    pub dims: &'a [i64],
    /// Other arguments.
    pub inputs: &'a [Tensor],
    /// Extents of the outputs.
    pub outputs: &'a [Vec<usize>],
    /// How all of them lie in memory.
    pub layout: Layout,
    /// Position among the driver's levels.
    pub level: u32,
    /// Threads to run on.
    pub threads: u32,
    /// Microseconds of a turn at timing it; 0: it is made once.
    pub turn: u32,
}

/// A layer loaded and called.
#[derive(Clone, Copy, Debug)]
pub struct LayerCall<'a> {
    /// What it is loaded from, and the arguments of its forward.
    pub drawn: &'a DrawnLayer,
    /// Extents of the outputs.
    pub outputs: &'a [Vec<usize>],
    /// How arguments and outputs lie in memory.
    pub layout: Layout,
    /// Position among the driver's levels.
    pub level: u32,
    /// Threads to run on.
    pub threads: u32,
    /// Microseconds of a turn at timing its forward; 0: it is called once.
    pub turn: u32,
}

/// The bytes of a layer's call; `None` as of [`encode`].
#[must_use]
pub fn encode_layer(number: u32, layer: &Layer, call: &LayerCall<'_>) -> Option<Vec<u8>> {
    let drawn = call.drawn;
    let mut out = Vec::new();
    for v in [number, call.level, call.threads, call.turn] {
        count(&mut out, v);
    }
    count(&mut out, u32::try_from(drawn.configured.sizes.len()).ok()?);
    for v in &drawn.configured.sizes {
        number_to(&mut out, u32::try_from(*v).ok()?.into());
    }
    count(&mut out, u32::try_from(drawn.config.len()).ok()?);
    for (key, v) in &drawn.config {
        text(&mut out, key)?;
        number_to(&mut out, *v);
    }
    text(&mut out, &drawn.prefix)?;
    count(&mut out, u32::try_from(drawn.tensors.len()).ok()?);
    for (name, t) in &drawn.tensors {
        text(&mut out, name)?;
        count(&mut out, u32::from(t.dtype == DType::U8));
        count(&mut out, u32::try_from(t.dims.len()).ok()?);
        t.dims.iter().for_each(|d| number_to(&mut out, *d as f64));
        stored(&mut out, t)?;
    }
    for (input, tensor) in layer.forward.inputs.iter().zip(&drawn.inputs) {
        if !input.shape.is_empty() {
            array(&mut out, &tensor.dims, call.layout);
        }
        elements(&mut out, &input.dtype, tensor)?;
    }
    for dims in call.outputs {
        array(&mut out, dims, call.layout);
    }
    Some(out)
}

/// A weight: the bytes of blocks, or numbers that `f32` holds.
fn stored(out: &mut Vec<u8>, tensor: &Tensor) -> Option<()> {
    match &tensor.data {
        TensorData::Int(bytes) => {
            out.reserve(bytes.len());
            bytes.iter().try_for_each(|b| u8::try_from(*b).ok().map(|b| out.push(b)))
        }
        TensorData::Float(numbers) => {
            out.reserve(4 * numbers.len());
            numbers.iter().for_each(|n| out.extend_from_slice(&(*n as f32).to_le_bytes()));
            Some(())
        }
        TensorData::Bool(_) => None,
    }
}

fn count(out: &mut Vec<u8>, v: u32) {
    out.extend_from_slice(&v.to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    count(out, u32::try_from(text.len()).ok()?);
    out.extend_from_slice(text.as_bytes());
    Some(())
}

/// The bytes of a call; `None` if Rust's types cannot express it (a negative size, an index beyond
/// `u32`), so that no caller could make it.
#[must_use]
pub fn encode(number: u32, kernel: &Kernel, call: &Call<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for v in [number, call.level, call.threads, call.turn] {
        count(&mut out, v);
    }
    let given = dim_arguments(kernel);
    for p in &kernel.params {
        match p {
            ParamRef::Dim(d) => {
                let at = given.iter().position(|g| g == d)?;
                number_to(&mut out, u32::try_from(*call.dims.get(at)?).ok()?.into());
            }
            ParamRef::Input(i) => {
                let (input, tensor) = (kernel.input(*i), &call.inputs[i.index()]);
                if !input.shape.is_empty() {
                    array(&mut out, &tensor.dims, call.layout);
                }
                elements(&mut out, &input.dtype, tensor)?;
            }
        }
    }
    for dims in call.outputs {
        array(&mut out, dims, call.layout);
    }
    Some(out)
}

fn array(out: &mut Vec<u8>, dims: &[usize], layout: Layout) {
    dims.iter().for_each(|d| number_to(out, *d as f64));
    out.extend_from_slice(&layout.offset.to_le_bytes());
    out.extend_from_slice(&layout.pad.to_le_bytes());
}

fn number_to(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn elements(out: &mut Vec<u8>, dtype: &DType, tensor: &Tensor) -> Option<()> {
    out.reserve(tensor.data.len() * 8);
    match &tensor.data {
        TensorData::Float(v) => v.iter().for_each(|v| number_to(out, *v)),
        TensorData::Bool(v) => v.iter().for_each(|v| number_to(out, f64::from(u8::from(*v)))),
        TensorData::Int(v) => {
            let unsigned = matches!(dtype, DType::Idx(_) | DType::Len(_));
            for v in v {
                let fits = if unsigned { u32::try_from(*v).is_ok() } else { i32::try_from(*v).is_ok() };
                fits.then(|| number_to(out, *v as f64))?;
            }
        }
    }
    Some(())
}

/// What a timed call is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// To end.
    End,
    /// Nanoseconds of a call.
    Call,
    /// Operations a second in multiply-adds, at most.
    MultiplyAdds,
    /// Bytes a second read from so many.
    Reading(u64),
}

impl Word {
    /// Its bytes.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Word::End => count(&mut out, 0),
            Word::Call => count(&mut out, 1),
            Word::MultiplyAdds => count(&mut out, 2),
            Word::Reading(bytes) => {
                count(&mut out, 3);
                number_to(&mut out, bytes as f64);
            }
        }
        out
    }
}

/// The numbers of an answer.
#[must_use]
pub fn decode(payload: &[u8]) -> Vec<f64> {
    let number = |b: &[u8]| b.try_into().map_or(f64::NAN, f64::from_le_bytes);
    payload.chunks_exact(8).map(number).collect()
}
