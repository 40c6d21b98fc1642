//! Layers and models to load and call: sizes, configuration, weights and arguments from a seed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use super::super::entry;
use super::super::layers::{Assembly, Configured, Tensors, configure, list, parameters, work};
use super::super::operand::Operand;
use super::super::rng::Rng;
use super::super::tensor::Tensor;
use super::sizes::{self, Choice, Wanted};
use super::values::{self, Temper};
use super::{SIZE_ATTEMPTS, SizeProfile, VALUE_ATTEMPTS};
use crate::term::{Atom, Check, Cmp, DType, Int, Model, ModelConfig, Step};

/// A layer to load and call.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnLayer {
    /// A model's configuration.
    pub config: BTreeMap<String, f64>,
    /// The layer's sizes and scalars.
    pub configured: Configured,
    /// What stands before all tensors' names.
    pub prefix: String,
    /// Weights, stored as `f32` or in the format that the layer keeps them in.
    pub tensors: Tensors,
    /// Arguments of `forward`.
    pub inputs: Vec<Tensor>,
}

/// Why nothing can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undrawable {
    /// No sizes satisfy all conditions.
    Sizes,
    /// All sizes that do are too large; the fewest parameters among them.
    Large {
        /// That many.
        parameters: u64,
    },
}

impl fmt::Display for Undrawable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undrawable::Sizes => f.write_str("no sizes satisfy its conditions"),
            Undrawable::Large { parameters } => {
                write!(f, "too large to interpret: {parameters} parameters at the least")
            }
        }
    }
}

/// Draws a layer, or a model if `config` is its configuration; the same one for the same seed.
///
/// # Errors
/// If no sizes within the profile satisfy all conditions.
pub fn layer(
    of: &Assembly,
    model: Option<&Model>,
    seed: u64,
    profile: SizeProfile,
) -> Result<DrawnLayer, Undrawable> {
    draw(of, model, seed, profile, true)
}

/// As [`layer`], but without regard to the constraints on the layer's sizes, which `load` must check.
///
/// # Errors
/// If all sizes within the profile are too large.
pub fn lawless_layer(
    of: &Assembly,
    model: Option<&Model>,
    seed: u64,
    profile: SizeProfile,
) -> Result<DrawnLayer, Undrawable> {
    draw(of, model, seed, profile, false)
}

/// Sizes of a forward (the layer's own first, then those of its arguments) that satisfy all conditions: those of
/// `fixed` as they are, the others at least 1, and those of arguments small, so that weights are most of the data.
/// The same ones for the same seed.
///
/// # Errors
/// If a few attempts find none within the profile.
pub fn layer_sizes(
    of: &Assembly,
    model: Option<&Model>,
    fixed: &[Option<i64>],
    seed: u64,
    profile: SizeProfile,
) -> Result<Vec<i64>, Undrawable> {
    let mut choices = choices(of, model);
    choices[of.layer.dims.len()..].fill(Choice::Small);
    for (choice, given) in choices.iter_mut().zip(fixed) {
        match (&choice, given) {
            (Choice::Fixed(v), Some(given)) if v != given => return Err(Undrawable::Sizes),
            (_, Some(given)) => *choice = Choice::Fixed(*given),
            (_, None) => {}
        }
    }
    let something = |dims: &[i64]| {
        dims.iter().zip(&choices).all(|(size, choice)| *size > 0 || matches!(choice, Choice::Fixed(_)))
    };
    let checks = conditions(of, model, true);
    let room = Room::new(of, profile);
    let fits = |dims: &[i64]| Some(something(dims) && room.holds(dims)?);
    let wanted = Wanted { dims: &choices, checks: &checks, fits: &fits };
    let mut rng = Rng::new(seed);
    let mut attempts = 0..VALUE_ATTEMPTS;
    attempts.find_map(|_| sizes::draw(&wanted, &mut rng, profile, 0)).ok_or_else(|| room.refusal())
}

/// Draws a layer of given sizes, as of [`layer_sizes`], with weights and arguments as data has them.
///
/// # Errors
/// What these sizes break, in the words of `load` or of the call's entry.
pub fn layer_at(of: &Assembly, model: Option<&Model>, dims: &[i64], seed: u64) -> Result<DrawnLayer, String> {
    let mut rng = Rng::new(seed);
    let drawn = weighted(of, model, dims, &mut rng, true)?;
    // Values may break what sizes do not.
    let mut broken = String::new();
    for _ in 0..VALUE_ATTEMPTS {
        match arguments(of, dims, &mut rng, Temper::Calm) {
            Ok(inputs) => return Ok(DrawnLayer { inputs, ..drawn }),
            Err(why) => broken = why,
        }
    }
    Err(broken)
}

fn draw(
    of: &Assembly,
    model: Option<&Model>,
    seed: u64,
    profile: SizeProfile,
    lawful: bool,
) -> Result<DrawnLayer, Undrawable> {
    let mut rng = Rng::new(seed);
    // Most draws must not escape from large sizes into empty ones.
    let profile = SizeProfile { zeros: profile.zeros && rng.once_in(3), ..profile };
    let choices = choices(of, model);
    let checks = conditions(of, model, lawful);
    let room = Room::new(of, profile);
    let fits = |dims: &[i64]| room.holds(dims);
    let wanted = Wanted { dims: &choices, checks: &checks, fits: &fits };
    for attempt in 0..SIZE_ATTEMPTS {
        let Some(dims) = sizes::draw(&wanted, &mut rng, profile, attempt * 4 / SIZE_ATTEMPTS) else {
            continue;
        };
        for _ in 0..VALUE_ATTEMPTS {
            if let Ok(drawn) = filled(of, model, &dims, &mut rng, profile, lawful) {
                return Ok(drawn);
            }
        }
    }
    Err(room.refusal())
}

/// All that sizes must satisfy.
fn conditions(of: &Assembly, model: Option<&Model>, lawful: bool) -> Vec<Check> {
    let mut checks = of.signature.checks.clone();
    if lawful {
        checks.extend(of.conditions());
    }
    if let Some(model) = model {
        checks.extend(shared_keys(of, &model.config));
    }
    checks
}

/// What a layer may take, and what was refused for taking more.
struct Room<'a> {
    of: &'a Assembly,
    profile: SizeProfile,
    /// Parameters of the smallest sizes that were refused.
    fewest: Cell<Option<u64>>,
}

impl Room<'_> {
    fn new(of: &Assembly, profile: SizeProfile) -> Room<'_> {
        Room { of, profile, fewest: Cell::new(None) }
    }

    /// Whether a forward of these sizes is small enough; `None` if something cannot be computed.
    fn holds(&self, dims: &[i64]) -> Option<bool> {
        let count = parameters(self.of, &dims[..self.of.layer.dims.len()])?;
        let (elements, steps) = work(self.of, dims)?;
        let fits = count.saturating_add(elements) <= self.profile.elements && steps <= self.profile.work;
        if !fits && self.fewest.get().is_none_or(|n| count < n) {
            self.fewest.set(Some(count));
        }
        Some(fits)
    }

    fn refusal(&self) -> Undrawable {
        self.fewest.get().map_or(Undrawable::Sizes, |parameters| Undrawable::Large { parameters })
    }
}

/// How each of the forward's sizes is chosen.
fn choices(of: &Assembly, model: Option<&Model>) -> Vec<Choice> {
    let mut out = vec![Choice::Free; of.signature.dims.len()];
    let mut few = |count: &Int| {
        count.visit_leaves(&mut |a| {
            if let Atom::Dim(d) = a
                && let Some(choice) = out.get_mut(d.index())
            {
                *choice = Choice::Few;
            }
        });
    };
    of.layer.sublayers.iter().filter_map(|s| s.count.as_ref()).for_each(&mut few);
    rounds(&of.layer.forward.steps, &mut few);
    for entry in model.iter().flat_map(|m| &m.config).filter(|e| e.key.is_none()) {
        if let Some(at) = of.layer.dims.iter().position(|d| *d == entry.name) {
            out[at] = Choice::Fixed(entry.value.unwrap_or(0.0) as i64);
        }
    }
    out
}

fn rounds(steps: &[Step], f: &mut dyn FnMut(&Int)) {
    for s in steps {
        if let Step::Loop { count, body, .. } = s {
            f(count);
            rounds(body, f);
        }
    }
}

/// Sizes that one key gives are equal.
fn shared_keys(of: &Assembly, config: &[ModelConfig]) -> Vec<Check> {
    let mut first: BTreeMap<&String, Int> = BTreeMap::new();
    let mut out = Vec::new();
    for entry in config {
        let Some(key) = &entry.key else { continue };
        let Some(at) = of.layer.dims.iter().position(|d| *d == entry.name) else { continue };
        let dim = Int::dim(crate::term::DimId(at as u32));
        match first.get(key) {
            None => drop(first.insert(key, dim)),
            Some(other) => {
                out.push(Check::Where { text: key.clone(), lhs: dim, cmp: Cmp::Eq, rhs: other.clone() });
            }
        }
    }
    out
}

/// Configuration, weights and arguments for sizes; nothing if these values do not make a call.
fn filled(
    of: &Assembly,
    model: Option<&Model>,
    dims: &[i64],
    rng: &mut Rng,
    profile: SizeProfile,
    lawful: bool,
) -> Result<DrawnLayer, String> {
    let drawn = weighted(of, model, dims, rng, lawful)?;
    let temper = match profile.specials {
        true => Temper::Wild { specials: true },
        false if rng.once_in(4) => Temper::Wild { specials: false },
        false => Temper::Calm,
    };
    Ok(DrawnLayer { inputs: arguments(of, dims, rng, temper)?, ..drawn })
}

/// Configuration and weights for sizes, without arguments.
fn weighted(
    of: &Assembly,
    model: Option<&Model>,
    dims: &[i64],
    rng: &mut Rng,
    lawful: bool,
) -> Result<DrawnLayer, String> {
    let sizes = &dims[..of.layer.dims.len()];
    let mut config = BTreeMap::new();
    let configured = match model {
        None => Configured { sizes: sizes.to_vec(), scalars: vec![] },
        Some(model) => {
            config = configuration(model, sizes, rng);
            let configured = configure(model, &config).map_err(|fault| fault.to_string())?;
            if let Some(at) = (0..sizes.len()).find(|n| configured.sizes[*n] != sizes[*n]) {
                return Err(format!("{} is always {}", of.layer.dims[at], configured.sizes[at]));
            }
            configured
        }
    };
    // A model's names are absolute.
    let prefix = if model.is_some() { "" } else { *rng.pick(&["", "outer.", "net.3.block."]) };
    let mut tensors = Tensors::new();
    for (name, wanted) in list(of, sizes, prefix, lawful).map_err(|fault| fault.to_string())? {
        let shape = wanted.shape.iter().map(|d| usize::try_from(*d)).collect::<Result<Vec<_>, _>>();
        let shape = shape.map_err(|_| format!("{name} has a negative size"))?;
        // What every reader keeps in one format is stored in it: encodings may differ where a rounding is
        // open, and then so does everything behind.
        let drawn = match wanted.format {
            Some(format) => values::blocks(&format, shape, rng, Temper::Calm)
                .ok_or_else(|| format!("{name} cannot be drawn in {}", format.name))?,
            None => weights(&shape, rng),
        };
        tensors.insert(name, drawn);
    }
    Ok(DrawnLayer { config, configured, prefix: prefix.to_owned(), tensors, inputs: vec![] })
}

/// Arguments of a forward.
fn arguments(of: &Assembly, dims: &[i64], rng: &mut Rng, temper: Temper) -> Result<Vec<Tensor>, String> {
    let none = || "no arguments have these sizes".to_owned();
    let inputs = values::draw(&of.signature, dims, rng, temper).ok_or_else(none)?;
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.dims.clone()).collect();
    let sizes = &dims[..of.layer.dims.len()];
    entry::solve_dims(&of.signature, sizes, &shapes)
        .and_then(|solved| entry::check(&of.signature, &solved, &Operand::given(&inputs)))
        .map_err(|why| why.to_string())?;
    Ok(inputs)
}

/// A model's configuration. Scalars mostly have their default, and what has it may be left out.
fn configuration(model: &Model, sizes: &[i64], rng: &mut Rng) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    for entry in &model.config {
        let Some(key) = &entry.key else { continue };
        let size = model.layer.dims.iter().position(|d| *d == entry.name).map(|at| sizes[at] as f64);
        let value = match (size, entry.value) {
            (Some(v), _) => v,
            (None, Some(default)) if !rng.once_in(4) => default,
            (None, _) => values::moderate(rng),
        };
        // A key of a size and a scalar has the size's value.
        if size.is_some() || !out.contains_key(key) {
            out.insert(key.clone(), value);
        }
    }
    for entry in &model.config {
        let Some(key) = &entry.key else { continue };
        let alone = model.config.iter().filter(|e| e.key.as_ref() == Some(key)).count() == 1;
        if alone && entry.value.is_some() && out.get(key) == entry.value.as_ref() && rng.once_in(2) {
            out.remove(key);
        }
    }
    out
}

/// A weight tensor as training leaves them: sums over the last axis keep their magnitude, vectors
/// are gains around 1 or shifts around 0.
fn weights(shape: &[usize], rng: &mut Rng) -> Tensor {
    let count = shape.iter().product();
    let spread = 1.0 / (*shape.last().unwrap_or(&1)).max(1) as f64;
    let centre = if shape.len() < 2 && rng.once_in(2) { 1.0 } else { 0.0 };
    let wild = rng.once_in(16);
    let values: Vec<f64> = (0..count)
        .map(|_| match shape.len() {
            _ if wild => rng.between(-3, 3) as f64,
            0 | 1 => centre + 0.3 * rng.normal(),
            _ => spread.sqrt() * rng.normal(),
        })
        .collect();
    Tensor::float(DType::F32, shape, &values)
}
