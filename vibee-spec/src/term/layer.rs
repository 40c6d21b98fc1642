//! Layers and models: named weights around a `forward` made of kernels and sublayer calls.
//!
//! Straight-line parts of a forward are ordinary [`Kernel`]s whose inputs are arguments, weights
//! and earlier values; only sublayer calls and `for` stand between them.

use std::sync::Arc;

use super::{
    Check, DType, Dim, DimBind, DimId, Exprs, Format, Input, InputId, Int, Kernel, ParamRef, declare_id,
};

declare_id!(
    /// A value of a forward: an argument, an intermediate or an output.
    ValueId, "v"
);

/// A weight tensor of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// Field name.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Over the layer's dims, in numbers.
    pub shape: Vec<Int>,
    /// Name in the file, without the prefix of the place where the layer is used.
    pub tensor: String,
    /// The format that it is kept in; its numbers are `f32` to the language.
    pub stored: Option<Stored>,
}

/// How a weight is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What its blocks mean.
    pub format: Arc<Format>,
    /// Module (spec) that declares the format; `None` for this one.
    pub module: Option<String>,
}

impl WeightTensor {
    /// Extents as it is kept: the last axis of a tensor in a format counts bytes.
    #[must_use]
    pub fn kept_shape(&self) -> Vec<Int> {
        let mut shape = self.shape.clone();
        if let (Some(stored), Some(last)) = (&self.stored, shape.last_mut()) {
            *last = stored.format.bytes_of(last);
        }
        shape
    }

    /// Element type as it is kept.
    #[must_use]
    pub fn kept_dtype(&self) -> DType {
        if self.stored.is_some() { DType::U8 } else { self.dtype.clone() }
    }
}

/// A sublayer, possibly repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Sublayer {
    /// Field name.
    pub name: String,
    /// Name of the layer (instance).
    pub layer: String,
    /// Module (spec) that declares it; `None` for this one.
    pub module: Option<String>,
    /// Its dims, over this layer's dims, in its own order.
    pub dims: Vec<Int>,
    /// How many; `None` is a single one.
    pub count: Option<Int>,
    /// Name prefix, with `{i}` for the number.
    pub prefix: String,
}

/// A layer instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Struct name.
    pub name: String,
    /// Comment lines above it.
    pub doc: String,
    /// Dims given when it is made, in order (`DimId(n)` in the layer's shapes is `dims[n]`).
    pub dims: Vec<String>,
    /// Constraints on the dims.
    pub checks: Vec<Check>,
    /// Tensors.
    pub weights: Vec<WeightTensor>,
    /// Sublayers.
    pub sublayers: Vec<Sublayer>,
    /// `f32` scalars fixed by the configuration (models only).
    pub scalars: Vec<String>,
    /// The computation.
    pub forward: Forward,
}

impl Layer {
    /// The forward's signature as a kernel that computes nothing: sizes, arguments, entry checks.
    #[must_use]
    pub fn signature(&self) -> Kernel {
        let f = &self.forward;
        let inputs = (0u32..).zip(&f.inputs).map(|(n, _)| ParamRef::Input(InputId(n)));
        let sizes = (0u32..).zip(&f.dims).filter(|(_, d)| d.bind == DimBind::Argument);
        Kernel {
            name: self.name.clone(),
            doc: self.doc.clone(),
            header: f.header.clone(),
            dims: f.dims.clone(),
            indices: vec![],
            inputs: f.inputs.clone(),
            params: inputs.chain(sizes.map(|(n, _)| ParamRef::Dim(DimId(n)))).collect(),
            defs: vec![],
            outputs: vec![],
            checks: f.checks.clone(),
            given: vec![],
            exprs: Exprs::default(),
            specialise: vec![],
            packed: vec![],
        }
    }
}

/// One value of a forward.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// As written.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Over the forward's dims.
    pub shape: Vec<Int>,
}

/// A layer's computation.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// The header as written.
    pub header: String,
    /// The layer's dims first (bound `Layer`), then those of the arguments.
    pub dims: Vec<Dim>,
    /// Arguments in order; they are `values[0..inputs.len()]`.
    pub inputs: Vec<Input>,
    /// Entry checks on the arguments.
    pub checks: Vec<Check>,
    /// All values.
    pub values: Vec<Value>,
    /// Values handed to the caller, in order.
    pub outputs: Vec<ValueId>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What feeds an input of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A value of this forward.
    Value(ValueId),
    /// A weight tensor of this layer.
    Weight(usize),
    /// A configuration scalar of this layer.
    Scalar(usize),
}

/// One step of a forward.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A straight-line computation.
    Compute {
        /// Its dims are exactly the forward's dims (same ids, all bound `Layer`-style by the caller).
        kernel: Box<Kernel>,
        /// One per kernel input.
        args: Vec<Arg>,
        /// One per kernel output.
        outs: Vec<ValueId>,
    },
    /// A sublayer's forward.
    Call {
        /// Which sublayer.
        sublayer: usize,
        /// Which copy: the round of that loop around the step, the outermost being 0; `None` of a
        /// single one.
        copy: Option<usize>,
        /// One per input of its forward.
        args: Vec<Arg>,
        /// Those of them, by number, that its forward takes as `idx` or `len`.
        positions: Vec<usize>,
        /// One per output.
        outs: Vec<ValueId>,
    },
    /// `for i in count`: afterwards `carried.0` holds what the last round left in `carried.1`.
    Loop {
        /// Rounds.
        count: Int,
        /// Body.
        body: Vec<Step>,
        /// (value read at the start of a round, value that replaces it at its end).
        carried: Vec<(ValueId, ValueId)>,
    },
}

/// Where one of a model's dims or scalars comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Name in the model: a dim of `layer.dims` or one of `layer.scalars`.
    pub name: String,
    /// Key in the configuration file.
    pub key: Option<String>,
    /// Default, or the fixed value when there is no key.
    pub value: Option<f64>,
}

/// A model: a layer plus its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The layer; its weights' tensor names are absolute.
    pub layer: Layer,
    /// Configuration in order.
    pub config: Vec<ModelConfig>,
}
