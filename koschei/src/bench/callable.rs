//! What can be called and measured: a kernel, or a layer or model with its weights.
//!
//! The rest of [`super`] asks here for names, sizes, work and turns, and does not know which of them it has.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use vibee_codegen::harness::{Call, Driver, LayerCall, Layout, Reply, Turns};
use vibee_spec::interp::SizeProfile;
use vibee_spec::interp::draw::{self, DrawnLayer};
use vibee_spec::interp::layers::{Assembly, parameters};
use vibee_spec::term::{Atom, Check, Dim, Int, Kernel, Layer, Model};

use super::measure::Effort;
use super::work::{self, Work};

/// A kernel, or the forward of a layer or model.
#[derive(Clone, Copy, Debug)]
pub enum Callable<'a> {
    /// A kernel.
    Kernel(&'a Kernel),
    /// A layer, or the layer of a model.
    Layer {
        /// Its meaning.
        of: &'a Arc<Assembly>,
        /// The model whose layer it is, if it is one's.
        model: Option<&'a Model>,
    },
}

/// A call that can be made.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    given: Given<'a>,
    /// Extents.
    outputs: Vec<Vec<usize>>,
}

#[derive(Clone, Debug)]
enum Given<'a> {
    Kernel(&'a Kernel, draw::Drawn),
    Layer(&'a Layer, DrawnLayer),
}

impl<'a> Callable<'a> {
    /// `kernel`, `layer` or `model`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Callable::Kernel(_) => "kernel",
            Callable::Layer { model: None, .. } => "layer",
            Callable::Layer { model: Some(_), .. } => "model",
        }
    }

    /// As written; of an instance as generated.
    #[must_use]
    pub fn name(self) -> &'a str {
        match self {
            Callable::Kernel(kernel) => &kernel.name,
            Callable::Layer { of, .. } => &of.layer.name,
        }
    }

    /// All sizes; a layer's own first, then those of its arguments.
    #[must_use]
    pub fn dims(self) -> &'a [Dim] {
        match self {
            Callable::Kernel(kernel) => &kernel.dims,
            Callable::Layer { of, .. } => &of.signature.dims,
        }
    }

    /// How many of its sizes are its own: all of a kernel's, those of a layer that its arguments do not bring.
    #[must_use]
    pub fn own(self) -> usize {
        match self {
            Callable::Kernel(kernel) => kernel.dims.len(),
            Callable::Layer { of, .. } => of.layer.dims.len(),
        }
    }

    /// What given sizes break, whatever the others are.
    #[must_use]
    pub fn broken(self, fixed: &[Option<i64>]) -> Option<String> {
        let (conditions, config) = match self {
            Callable::Kernel(kernel) => (kernel.checks.clone(), &[][..]),
            Callable::Layer { of, model } => {
                let conditions = of.conditions().into_iter().chain(of.signature.checks.clone());
                (conditions.collect(), model.map_or(&[][..], |m| &m.config))
            }
        };
        let other = config.iter().filter(|entry| entry.key.is_none()).find_map(|entry| {
            let at = self.dims().iter().position(|d| d.name == entry.name)?;
            let (given, always) = (fixed[at]?, entry.value?);
            (given as f64 != always).then(|| format!("{} is always {always}", entry.name))
        });
        let known = |int: &Int| {
            int.eval(&|a| if let Atom::Dim(d) = a { fixed.get(d.index()).copied().flatten() } else { None })
        };
        let broken = |check: &Check| {
            let Check::Where { text, lhs, cmp, rhs } = check else { return None };
            let (lhs, rhs) = (known(lhs)?, known(rhs)?);
            (!cmp.holds(lhs, rhs)).then(|| format!("{text} does not hold: {lhs} and {rhs}"))
        };
        other.or_else(|| conditions.iter().find_map(broken))
    }

    /// What a call of these sizes does; nothing if one is negative or overflows.
    #[must_use]
    pub fn work(self, dims: &[i64]) -> Option<Work> {
        match self {
            Callable::Kernel(kernel) => work::of_kernel(kernel, dims),
            Callable::Layer { of, .. } => work::of_layer(of, dims),
        }
    }

    /// Sizes that satisfy all conditions on them, those of `fixed` as they are; nothing if a few attempts find none.
    #[must_use]
    pub fn sizes(self, fixed: &[Option<i64>], seed: u64, profile: SizeProfile) -> Option<Vec<i64>> {
        match self {
            Callable::Kernel(kernel) => draw::sizes(kernel, fixed, seed, profile),
            Callable::Layer { of, model } => draw::layer_sizes(of, model, fixed, seed, profile).ok(),
        }
    }

    /// How many numbers arguments, weights and outputs have; nothing if a size is negative or overflows.
    #[must_use]
    pub fn numbers(self, dims: &[i64]) -> Option<u64> {
        let volume = |shape: &[Int]| {
            let mut extents = shape.iter().map(|int| u64::try_from(work::extent(int, dims)?).ok());
            extents.try_fold(1_u64, |n, extent| n.checked_mul(extent?))
        };
        let (inputs, weights) = match self {
            Callable::Kernel(kernel) => (&kernel.inputs, 0),
            Callable::Layer { of, .. } => {
                (&of.signature.inputs, parameters(of, dims.get(..of.layer.dims.len())?)?)
            }
        };
        let inputs = inputs.iter().map(|i| volume(&i.shape));
        let outputs = self.output_shapes().into_iter().map(volume);
        inputs.chain(outputs).try_fold(weights, |sum, n| sum.checked_add(n?))
    }

    fn output_shapes(self) -> Vec<&'a [Int]> {
        match self {
            Callable::Kernel(kernel) => {
                kernel.outputs.iter().map(|o| kernel.def(o.def).shape.as_slice()).collect()
            }
            Callable::Layer { of, .. } => {
                let forward = &of.layer.forward;
                forward.outputs.iter().map(|o| forward.values[o.index()].shape.as_slice()).collect()
            }
        }
    }

    /// Draws weights and arguments as data has them.
    ///
    /// # Errors
    /// What these sizes break.
    pub fn prepare(self, dims: &[i64]) -> Result<Prepared<'a>> {
        let given = match self {
            Callable::Kernel(kernel) => Given::Kernel(kernel, draw::at(kernel, dims, SEED)?),
            Callable::Layer { of, model } => {
                let drawn = draw::layer_at(of, model, dims, SEED).map_err(|why| anyhow!(why))?;
                Given::Layer(&of.layer, drawn)
            }
        };
        let outputs = self
            .output_shapes()
            .into_iter()
            .map(|shape| shape.iter().map(|int| usize::try_from(work::extent(int, dims)?).ok()).collect());
        let outputs = outputs.collect::<Option<_>>().context("the sizes of its outputs are unknown")?;
        Ok(Prepared { given, outputs })
    }
}

impl Prepared<'_> {
    /// Makes the call in a driver that has what is called as `number`, for turns at timing it.
    ///
    /// # Errors
    /// When the driver dies, or the call is refused or fails.
    pub fn turns<'d>(&self, driver: &'d mut Driver, number: u32, effort: Effort) -> Result<Turns<'d>> {
        let Effort { turn, level, threads, .. } = effort;
        let (layout, outputs) = (Layout::default(), self.outputs.as_slice());
        let begun = match &self.given {
            Given::Kernel(kernel, draw::Drawn { dims, inputs }) => {
                driver.turns(number, kernel, &Call { dims, inputs, outputs, layout, level, threads, turn })?
            }
            Given::Layer(layer, drawn) => driver.layer_turns(
                number,
                layer,
                &LayerCall { drawn, outputs, layout, level, threads, turn },
            )?,
        };
        begun.map_err(|reply| match reply {
            Reply::Refused(why) => anyhow!("the call is refused: {why}"),
            Reply::Failed(why) => anyhow!("a bug in vibee: {why}"),
            _ => anyhow!("a size is beyond 32 bits"),
        })
    }
}

/// Values do not change what a call does, but conditions on them may.
const SEED: u64 = 1;
