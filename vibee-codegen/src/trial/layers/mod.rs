//! Layers and models under test: loaded with drawn sizes and weights, called with drawn arguments,
//! on every level and number of threads, against the interpreter.
//!
//! | step | file |
//! |---|---|
//! | the specs that must be built, and what each layer means | [`closure`] |
//! | drawn layers: compiled code against the interpreter | [`random`] |
//! | weights, configurations and arguments that must be refused | [`refusals`] |
//!
//! Nothing here knows any layer by name. What cannot be tried is said to be not tested.

pub mod closure;
pub mod random;
pub mod refusals;

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use vibee_spec::interp::draw::DrawnLayer;
use vibee_spec::interp::layers::{Assembly, LoadFault, configure, load, parameters};
use vibee_spec::interp::{EvalError, Output};
use vibee_spec::term::Model;

use super::tally::{Failure, Place, Tally};
use super::{Effort, LIMITS};
use crate::harness::{Driver, LayerCall, NotLoaded, Reply};

/// Tries one layer or model: drawn ones, then such as must be refused.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn run(
    driver: &mut Driver,
    number: u32,
    of: &Arc<Assembly>,
    model: Option<&Model>,
    effort: Effort,
) -> Result<Tally> {
    let mut subject = Subject { driver, number, of, model, tally: Tally::default() };
    random::run(&mut subject, effort)?;
    refusals::run(&mut subject, effort)?;
    let t = &mut subject.tally;
    if t.untested.is_none() && t.failures.is_empty() && t.values == t.skipped {
        t.untested = Some("the numerics contract leaves all of its values open".to_owned());
    }
    Ok(subject.tally)
}

/// A layer being tried.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Runs compiled code.
    pub driver: &'a mut Driver,
    /// The layer's number in the driver.
    pub number: u32,
    /// Its meaning.
    pub of: &'a Arc<Assembly>,
    /// The model whose layer it is, if it is one's.
    pub model: Option<&'a Model>,
    /// What has been found.
    pub tally: Tally,
}

/// What the interpreter makes of loading and calling.
pub enum Meaning {
    /// The outputs.
    Values(Vec<Output>),
    /// `load` refuses.
    NotLoaded(LoadFault),
    /// `forward` refuses.
    Refused(String),
    /// Too large: says nothing.
    Unknown,
    /// The interpreter found a wrong term.
    Broken(String),
}

impl Subject<'_> {
    /// Loads and evaluates; a model's sizes and scalars are those of its configuration.
    #[must_use]
    pub fn meaning(&self, drawn: &DrawnLayer) -> Meaning {
        let configured = match self.model {
            None => drawn.configured.clone(),
            Some(model) => match configure(model, &drawn.config) {
                Ok(configured) => configured,
                Err(fault) => return Meaning::NotLoaded(fault),
            },
        };
        let loaded = load(self.of, &configured.sizes, &configured.scalars, &drawn.prefix, &drawn.tensors);
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(fault) => return Meaning::NotLoaded(fault),
        };
        match loaded.forward(&drawn.inputs, &LIMITS) {
            Ok(outputs) => Meaning::Values(outputs),
            Err(EvalError::Check(v)) => Meaning::Refused(v.to_string()),
            Err(EvalError::Limit(_) | EvalError::Arguments(_)) => Meaning::Unknown,
            Err(EvalError::OutOfRange(text)) => Meaning::Broken(text),
        }
    }

    /// The layer's sizes; a model's are those of its configuration, if that gives any.
    #[must_use]
    pub fn sizes(&self, drawn: &DrawnLayer) -> Option<Vec<i64>> {
        match self.model {
            None => Some(drawn.configured.sizes.clone()),
            Some(model) => Some(configure(model, &drawn.config).ok()?.sizes),
        }
    }

    /// Runs compiled code; `outputs` are the extents of the outputs given to it.
    ///
    /// # Errors
    /// When the driver cannot be restarted after a crash.
    pub fn compiled(
        &mut self,
        drawn: &DrawnLayer,
        outputs: &[Vec<usize>],
        at: Place,
    ) -> Result<Result<Reply, NotLoaded>> {
        let level = u32::try_from(at.level)?;
        let call = LayerCall { drawn, outputs, layout: at.layout, level, threads: at.threads, turn: 0 };
        self.driver.call_layer(self.number, &self.of.layer, &call)
    }

    /// Compares an answer with the interpreter's outputs; what is wrong, if anything.
    pub fn judge(
        &mut self,
        drawn: &DrawnLayer,
        outputs: &[Output],
        reply: Result<Reply, NotLoaded>,
    ) -> Option<String> {
        match reply {
            Ok(Reply::Done(numbers)) => {
                let Some((counted, values)) = numbers.split_first() else {
                    return Some("nothing came back".to_owned());
                };
                let wanted = self.sizes(drawn).and_then(|sizes| parameters(self.of, &sizes));
                match wanted {
                    Some(n) if n as f64 != *counted => Some(format!("has {counted} parameters, not {n}")),
                    _ => self.tally.judge(outputs, values),
                }
            }
            Ok(Reply::Refused(why)) => Some(format!("the call is refused: {why}")),
            Ok(Reply::Failed(why)) => Some(why),
            Ok(Reply::Inexpressible) => None,
            Err(NotLoaded(why)) => Some(format!("it is not loaded: {why}")),
        }
    }

    /// Notes a failure of compiled code, or of the interpreter without a place.
    pub fn fail(&mut self, trial: &str, drawn: &DrawnLayer, at: Option<Place>, what: impl Into<String>) {
        let place = at.map_or(String::new(), |at| at.shown(self.driver.levels()));
        let input = self.input(drawn);
        self.tally.fail(Failure { trial: trial.to_owned(), place, what: what.into(), input });
    }

    /// Sizes, configuration and extents of the arguments, for people.
    fn input(&self, drawn: &DrawnLayer) -> Option<String> {
        let layer = &self.of.layer;
        let sizes: serde_json::Map<_, _> =
            layer.dims.iter().zip(&drawn.configured.sizes).map(|(d, v)| (d.clone(), json!(v))).collect();
        let inputs: serde_json::Map<_, _> = layer
            .forward
            .inputs
            .iter()
            .zip(&drawn.inputs)
            .map(|(i, t)| (i.name.clone(), json!(t.dims)))
            .collect();
        let what = match self.model {
            Some(_) => json!({"config": drawn.config, "arguments": inputs}),
            None => json!({"sizes": sizes, "arguments": inputs}),
        };
        Some(what.to_string())
    }

    /// Every level of the machine.
    #[must_use]
    pub fn levels(&self) -> std::ops::Range<usize> {
        0..self.driver.levels().len()
    }
}
