//! How much a call has to do at given sizes, counted in terms.
//!
//! | of | file |
//! |---|---|
//! | a kernel, or a step of a layer | [`kernels`] |
//! | a layer or model: its steps, as often as they are taken | [`layers`] |
//!
//! Every distinct value is computed once for each combination of the indices that it depends on, however the
//! compiler arranges it. So counts belong to the equations: they do not change when generated code does, nor with any
//! name.

mod kernels;
mod layers;

pub use kernels::of_kernel;
pub use layers::of_layer;

use vibee_spec::term::{Atom, DType, Int};

/// What a call has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Sums, products, quotients, comparisons and the like of floats, each as one; a fold's step is one.
    pub flops: f64,
    /// Values of functions such as `exp`, which are not counted as `flops`.
    pub functions: f64,
    /// Bytes of arguments and weights that are read at all, as they are stored, and of outputs, each once.
    pub bytes: f64,
    /// Whether conditions on data may leave less to do: counts are the most.
    pub at_most: bool,
}

impl Work {
    /// Floating-point operations for each byte.
    #[must_use]
    pub fn intensity(&self) -> f64 {
        self.flops / self.bytes
    }

    /// Adds what is computed in as many rounds of other work; bytes are left alone.
    fn compute(&mut self, rounds: f64, other: &Work) {
        self.flops += rounds * other.flops;
        self.functions += rounds * other.functions;
        self.at_most |= rounds > 0.0 && other.at_most;
    }
}

/// The value of a size that is not negative.
pub(super) fn extent(int: &Int, dims: &[i64]) -> Option<i64> {
    int.eval(&|a| dim(a, dims)).filter(|v| *v >= 0)
}

fn dim(atom: &Atom, dims: &[i64]) -> Option<i64> {
    if let Atom::Dim(d) = atom { dims.get(d.index()).copied() } else { None }
}

/// Bytes of a tensor.
fn size(dtype: &DType, shape: &[Int], dims: &[i64]) -> Option<f64> {
    let mut bytes = dtype.bytes() as f64;
    for int in shape {
        bytes *= extent(int, dims)? as f64;
    }
    Some(bytes)
}
