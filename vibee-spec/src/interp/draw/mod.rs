//! Arguments for a kernel, drawn from a seed: sizes that satisfy its conditions, values that
//! look for trouble.
//!
//! Knows nothing of particular kernels; what it returns always passes the entry checks.

mod layer;
mod sizes;
mod values;

pub use layer::{DrawnLayer, Undrawable, lawless_layer, layer, layer_at, layer_sizes};
pub(super) use sizes::kernel_work;

use super::entry;
use super::error::EvalError;
use super::operand::Operand;
use super::rng::Rng;
use super::tensor::Tensor;
use crate::term::Kernel;
use values::Temper;

/// How large and how wild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeProfile {
    /// Candidates for a dim; 0 is drawn rarely and only with [`SizeProfile::zeros`].
    pub dims: &'static [i64],
    /// Whether dims may be 0.
    pub zeros: bool,
    /// Most elements in all inputs and definitions together.
    pub elements: u64,
    /// Most evaluated expressions, roughly.
    pub work: u64,
    /// Whether floats include NaN and infinities.
    pub specials: bool,
}

impl SizeProfile {
    /// A few elements each way: quick, for laws and random kernels.
    pub const SMALL: SizeProfile = SizeProfile {
        dims: &[1, 2, 3, 4, 5, 6, 7, 8, 12, 16],
        zeros: true,
        elements: 1 << 14,
        work: 2_000_000,
        specials: false,
    };
    /// Around the widths of registers and blocks, with odd tails.
    pub const MEDIUM: SizeProfile = SizeProfile {
        dims: &[1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 130],
        zeros: true,
        elements: 1 << 18,
        work: 20_000_000,
        specials: false,
    };
    /// Beyond one tile of a matrix product.
    pub const LARGE: SizeProfile = SizeProfile {
        dims: &[1, 8, 31, 64, 100, 128, 129, 200, 256, 257, 384, 512, 1000],
        zeros: false,
        elements: 1 << 21,
        work: 200_000_000,
        specials: false,
    };

    /// The same sizes, with NaN and infinities among the floats.
    #[must_use]
    pub fn with_specials(self) -> SizeProfile {
        SizeProfile { specials: true, ..self }
    }
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Sizes passed as numbers, in the order of [`super::dim_arguments`].
    pub dims: Vec<i64>,
    /// The other arguments in order.
    pub inputs: Vec<Tensor>,
}

/// Sizes of all dims that satisfy a kernel's conditions on sizes, those of `fixed` as they are; the same ones for the
/// same seed. Nothing if none are found in a few attempts.
#[must_use]
pub fn sizes(kernel: &Kernel, fixed: &[Option<i64>], seed: u64, profile: SizeProfile) -> Option<Vec<i64>> {
    let mut rng = Rng::new(seed);
    (0..VALUE_ATTEMPTS).find_map(|_| sizes::of_kernel(kernel, fixed, &mut rng, profile, 0))
}

/// Draws a call of given sizes, one for each dim, with values as data has them.
///
/// # Errors
/// What the call breaks, if sizes or every draw of values break the kernel's conditions.
pub fn at(kernel: &Kernel, dims: &[i64], seed: u64) -> Result<Drawn, EvalError> {
    let mut rng = Rng::new(seed);
    let mut broken = EvalError::Limit(format!("{} has no values of these sizes", kernel.name));
    for _ in 0..VALUE_ATTEMPTS {
        let Some(inputs) = values::draw(kernel, dims, &mut rng, Temper::Calm) else { break };
        let passed: Vec<i64> = entry::dim_arguments(kernel).iter().map(|d| dims[d.index()]).collect();
        match entry::check(kernel, dims, &Operand::given(&inputs)) {
            Ok(()) => return Ok(Drawn { dims: passed, inputs }),
            Err(why) => broken = why,
        }
    }
    Err(broken)
}

/// Attempts at scalars and values for given sizes before other sizes are tried.
const VALUE_ATTEMPTS: usize = 16;

/// Attempts at sizes.
const SIZE_ATTEMPTS: usize = 400;

/// Draws a call that passes the kernel's entry checks; the same one for the same seed.
///
/// # Errors
/// [`EvalError::Limit`] if no sizes within the profile satisfy the kernel's conditions.
pub fn draw(kernel: &Kernel, seed: u64, profile: SizeProfile) -> Result<Drawn, EvalError> {
    let mut rng = Rng::new(seed);
    for attempt in 0..SIZE_ATTEMPTS {
        // Later attempts shrink: small sizes satisfy most conditions and always fit.
        let Some(dims) = sizes::of_kernel(kernel, &[], &mut rng, profile, attempt * 4 / SIZE_ATTEMPTS) else {
            continue;
        };
        for _ in 0..VALUE_ATTEMPTS {
            let inputs = values::draw(kernel, &dims, &mut rng, Temper::Wild { specials: profile.specials });
            let Some(inputs) = inputs else { break };
            let passed: Vec<i64> = entry::dim_arguments(kernel).iter().map(|d| dims[d.index()]).collect();
            let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.dims.clone()).collect();
            let solved = entry::solve_dims(kernel, &passed, &shapes);
            // A size that no axis determines (a factor of 0) may solve to another value.
            if solved.is_ok_and(|s| entry::check(kernel, &s, &Operand::given(&inputs)).is_ok()) {
                return Ok(Drawn { dims: passed, inputs });
            }
        }
    }
    Err(EvalError::Limit(format!("no sizes found for {} within the profile", kernel.name)))
}
