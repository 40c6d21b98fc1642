//! Laws: both sides have the same values, by the interpreter, for drawn inputs.

use vibee_spec::check::Law;
use vibee_spec::interp::rng::Rng;
use vibee_spec::interp::{Options, Output, SizeProfile, Tensor, draw, eval, near};
use vibee_spec::term::DType;

use super::{Effort, LIMITS};
use crate::values::{self, Arguments};

/// How a law fared.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Draws for which it was evaluated.
    pub draws: u64,
    /// Values compared.
    pub values: u64,
    /// Values that the numerics contract leaves open.
    pub skipped: u64,
    /// The first draw that breaks it, or why nothing was evaluated.
    pub failure: Option<String>,
}

/// Sizes of draws: laws are about values, and both sides are evaluated.
const SIZES: SizeProfile = SizeProfile { elements: 1 << 12, work: 200_000, ..SizeProfile::SMALL };

/// Attempts at inputs that satisfy the conditions of both sides.
const ATTEMPTS: u64 = 20;

/// Tries a law.
#[must_use]
pub fn run(law: &Law, effort: Effort) -> Outcome {
    let mut out = Outcome::default();
    for n in 0..effort.cases * ATTEMPTS {
        if out.draws == effort.cases || out.failure.is_some() {
            break;
        }
        let seed = effort.seed_of(n);
        let Ok(drawn) = draw(&law.lhs, seed, SIZES) else { continue };
        let mut call = Arguments { dims: drawn.dims, inputs: drawn.inputs };
        set_variables(law, &mut call, &mut Rng::new(!seed), n);
        let side = |k| eval(k, &call.dims, &call.inputs, &Options { ..LIMITS }).ok();
        let (Some(lhs), Some(rhs)) = (side(&law.lhs), side(&law.rhs)) else { continue };
        out.draws += 1;
        if let Some(what) = compare(law, &lhs[0], &rhs[0], &mut out) {
            let input = values::write(&law.lhs, &call);
            let input = if input.len() <= 600 { format!(" for {input}") } else { String::new() };
            out.failure = Some(format!("{what}{input}"));
        }
    }
    if out.draws == 0 && out.failure.is_none() {
        out.failure = Some("no inputs satisfy the conditions of both sides; nothing was evaluated".into());
    }
    out
}

/// Values for the law's own variables; the first draws take the ends of their ranges.
fn set_variables(law: &Law, call: &mut Arguments, rng: &mut Rng, n: u64) {
    for (var, input) in law.vars.iter().zip(&mut call.inputs) {
        let inside = var.low + (var.high - var.low) * rng.unit();
        let value = match n {
            0 => var.low,
            1 => var.high,
            _ => inside,
        };
        *input = match &input.dtype {
            t if t.is_float() => Tensor::float(t.clone(), &[], &[value]),
            DType::Bool => continue,
            t => Tensor::int(
                t.clone(),
                &[],
                &[(value.round() as i64).clamp(var.low.ceil() as i64, var.high.floor() as i64)],
            ),
        };
    }
}

fn compare(law: &Law, lhs: &Output, rhs: &Output, out: &mut Outcome) -> Option<String> {
    if lhs.dims != rhs.dims {
        return Some(format!("the sides have the shapes {:?} and {:?}", lhs.dims, rhs.dims));
    }
    for (n, (a, b)) in lhs.values.iter().zip(&rhs.values).enumerate() {
        out.values += 1;
        if !a.sure || !b.sure {
            out.skipped += 1;
            continue;
        }
        let equal = a.value == b.value || a.value.is_nan() && b.value.is_nan();
        let holds = law.tol.map_or(equal, |tol| near(a.value, b.value, tol));
        if !holds {
            return Some(format!("element {n} is {:?} on the left and {:?} on the right", a.value, b.value));
        }
    }
    None
}
