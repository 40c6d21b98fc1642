//! Layers and models as Rust: a struct of weights, `load`, and `forward` over a planned arena.
//!
//! Straight-line parts of a forward are kernels of their own (functions beside the struct); weights
//! that are only ever the right side of a matrix product are stored packed. Applications add input
//! and output, nothing else.

mod account;
mod collect;
mod forward;
mod load;
mod steps;
mod structure;

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use vibee_spec::term::{Arg, DimId, InputId, Int, Layer, Model};

use super::Taken;
use super::formats::{Decoders, StandIns};
use super::ints::{Leaves, Mode, int};
use super::kernel::Top;
use super::names::{Names, snake, type_ident};
use crate::loops::LoopProgram;
use collect::{packed, rearranged};
use forward::signature;
use steps::collect_steps;

/// One straight-line step, scheduled.
struct Compute {
    name: Ident,
    loops: LoopProgram,
    /// Weights in a format that the runtime multiplies with as they are.
    decoded: StandIns,
    args: Vec<Arg>,
}

/// Everything about a layer that its items need.
struct Cx<'a> {
    layer: &'a Layer,
    /// The forward's signature as a kernel without definitions.
    signature: LoopProgram,
    names: Names,
    steps: Vec<Compute>,
    /// Packed weights, and whether their rows come first.
    packed: BTreeMap<usize, bool>,
    /// Weights in a format that are only ever multiplied with bytes, and what decodes them.
    rearranged: BTreeMap<usize, Ident>,
    values: Vec<Ident>,
    /// Path of the spec below the root, for sublayers of other modules.
    path: &'a str,
}

/// The items of a layer.
pub fn layer(l: &Layer, path: &str, taken: &mut Taken, decoders: &mut Decoders) -> Vec<TokenStream> {
    let cx = Cx::new(l, path, taken, decoders);
    let mut items = vec![cx.structure()];
    items.push(cx.implementation(cx.load_layer()));
    items.extend(cx.step_items(taken));
    items
}

/// The items of a model.
pub fn model(m: &Model, path: &str, taken: &mut Taken, decoders: &mut Decoders) -> Vec<TokenStream> {
    let cx = Cx::new(&m.layer, path, taken, decoders);
    let mut items = vec![cx.structure()];
    items.push(cx.implementation(cx.load_model(&m.config)));
    items.extend(cx.step_items(taken));
    items
}

impl<'a> Cx<'a> {
    fn new(layer: &'a Layer, path: &'a str, taken: &mut Taken, decoders: &mut Decoders) -> Self {
        let signature = signature(layer);
        let mut names = Names::new(&signature);
        let mut steps = Vec::new();
        collect_steps(layer, &layer.forward.steps, taken, decoders, &mut steps);
        let values = layer
            .forward
            .values
            .iter()
            .enumerate()
            .map(|(n, v)| match layer.forward.inputs.get(n) {
                Some(_) => names.input(InputId(n as u32)),
                None => format_ident!("{}", names.fresh(&snake(&v.name))),
            })
            .collect();
        let packed = packed(layer, &steps);
        let rearranged = rearranged(&steps);
        Cx { layer, signature, names, steps, packed, rearranged, values, path }
    }

    fn top(&self) -> Top<'_> {
        Top { names: &self.names, loops: &self.signature }
    }

    fn exact(&self, i: &Int) -> TokenStream {
        int(&self.top(), i, Mode::Exact)
    }

    fn wide(&self, i: &Int) -> TokenStream {
        int(&self.top(), i, Mode::Wide)
    }

    fn name(&self) -> Ident {
        type_ident(&self.layer.name)
    }

    /// Sizes of the layer itself: fields of the struct.
    fn own_dims(&self) -> Vec<Ident> {
        (0..self.layer.dims.len()).map(|n| self.names.dim(DimId(n as u32))).collect()
    }
}

impl Compute {
    /// Sizes that the step's function takes.
    fn dims_used(&self) -> Vec<DimId> {
        crate::emit::kernel::step_dims(&self.loops)
    }

    /// Bytes of its arena, over the forward's sizes.
    fn arena(&self, leaves: &dyn Leaves) -> TokenStream {
        crate::emit::kernel::arena_bytes(leaves, &self.loops, &self.name.to_string())
    }
}
