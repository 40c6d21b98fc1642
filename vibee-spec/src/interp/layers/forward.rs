//! Evaluating a forward: its steps in order, values with their bounds between them.

use std::sync::Arc;

use super::Loaded;
use crate::interp::error::EvalError;
use crate::interp::operand::{Computed, Operand};
use crate::interp::tensor::Tensor;
use crate::interp::{Options, Output, enter, entry, evaluate};
use crate::term::{Arg, Step, ValueId};

/// A value of a forward at some moment.
#[derive(Clone, Debug)]
enum Slot<'a> {
    /// Not computed yet.
    Empty,
    /// An argument.
    Argument(Operand<'a>),
    /// A result, shared by the names it goes by.
    Made(Arc<Computed>),
}

impl Loaded {
    /// Evaluates the forward.
    ///
    /// # Errors
    /// Arguments that do not fit, a violated entry condition, a limit, or a wrong term.
    pub fn forward(&self, inputs: &[Tensor], options: &Options) -> Result<Vec<Output>, EvalError> {
        let made = self.run(&Operand::given(inputs), &mut options.clone())?;
        let forward = &self.of.layer.forward;
        let name = |v: &ValueId| &forward.values[v.index()].name;
        Ok(forward.outputs.iter().zip(made).map(|(v, c)| Output::new(name(v), (*c).clone())).collect())
    }

    fn run(&self, inputs: &[Operand<'_>], left: &mut Options) -> Result<Vec<Arc<Computed>>, EvalError> {
        let forward = &self.of.layer.forward;
        let dims = enter(&self.of.signature, &self.sizes, inputs)?;
        let mut slots = vec![Slot::Empty; forward.values.len()];
        for (slot, input) in slots.iter_mut().zip(inputs) {
            *slot = Slot::Argument(*input);
        }
        let mut walk = Walk { loaded: self, dims: &dims, slots, rounds: vec![], left };
        walk.steps(&forward.steps)?;
        let outputs = forward.outputs.iter().map(|v| walk.made(*v)).collect::<Result<_, _>>()?;
        Ok(outputs)
    }
}

struct Walk<'w> {
    loaded: &'w Loaded,
    dims: &'w [i64],
    slots: Vec<Slot<'w>>,
    /// Counters of the loops around the step, outermost first.
    rounds: Vec<i64>,
    left: &'w mut Options,
}

impl Walk<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<(), EvalError> {
        steps.iter().try_for_each(|s| self.step(s))
    }

    fn step(&mut self, step: &Step) -> Result<(), EvalError> {
        // Rounds over empty tensors take time, too.
        self.left.steps =
            self.left.steps.checked_sub(1).ok_or_else(|| EvalError::Limit("too many steps".into()))?;
        match step {
            Step::Compute { kernel, args, outs } => {
                let dims: Vec<i64> =
                    entry::dim_arguments(kernel).iter().map(|d| self.dims[d.index()]).collect();
                let operands = operands(self.loaded, &self.slots, args)?;
                let made = evaluate(kernel, &dims, &operands, self.left).map_err(inside)?;
                self.keep(outs, made.into_iter().map(Arc::new))
            }
            Step::Call { sublayer, copy, args, outs, .. } => {
                let copies = &self.loaded.parts[*sublayer];
                let copy = copy.map_or(0, |at| self.rounds.get(at).copied().unwrap_or(-1));
                let found = usize::try_from(copy).ok().and_then(|n| copies.get(n));
                let Some(called) = found else {
                    let name = &self.loaded.of.layer.sublayers[*sublayer].name;
                    let text = format!("copy {copy} of {name}, which has {}", copies.len());
                    return Err(EvalError::OutOfRange(text));
                };
                let operands = operands(self.loaded, &self.slots, args)?;
                let made = called.run(&operands, self.left).map_err(inside)?;
                self.keep(outs, made.into_iter())
            }
            Step::Loop { count, body, carried } => {
                let count = entry::size(&self.loaded.of.signature, count, self.dims, &[])?;
                for round in 0..count {
                    self.rounds.push(round);
                    self.steps(body)?;
                    self.rounds.pop();
                    // All at once: a new value may be what another name had before.
                    let new: Vec<Slot<'_>> =
                        carried.iter().map(|(_, end)| self.slots[end.index()].clone()).collect();
                    for ((start, _), value) in carried.iter().zip(new) {
                        self.slots[start.index()] = value;
                    }
                }
                Ok(())
            }
        }
    }

    fn keep(
        &mut self,
        outs: &[ValueId],
        made: impl ExactSizeIterator<Item = Arc<Computed>>,
    ) -> Result<(), EvalError> {
        if made.len() != outs.len() {
            let text = format!("a step makes {} values for {} names", made.len(), outs.len());
            return Err(EvalError::OutOfRange(text));
        }
        for (v, made) in outs.iter().zip(made) {
            self.slots[v.index()] = Slot::Made(made);
        }
        Ok(())
    }

    fn made(&self, v: ValueId) -> Result<Arc<Computed>, EvalError> {
        match &self.slots[v.index()] {
            Slot::Made(c) => Ok(Arc::clone(c)),
            Slot::Argument(operand) => Ok(Arc::new(operand.computed())),
            Slot::Empty => Err(missing(self.loaded, v)),
        }
    }
}

/// What feeds the inputs of a step.
fn operands<'s>(
    loaded: &'s Loaded,
    slots: &'s [Slot<'_>],
    args: &[Arg],
) -> Result<Vec<Operand<'s>>, EvalError> {
    let one = |arg: &Arg| {
        Ok(match arg {
            Arg::Weight(w) => Operand::Given(&loaded.weights[*w]),
            Arg::Scalar(s) => Operand::Given(&loaded.scalars[*s]),
            Arg::Value(v) => match &slots[v.index()] {
                Slot::Made(c) => Operand::Computed(c),
                Slot::Argument(operand) => *operand,
                Slot::Empty => return Err(missing(loaded, *v)),
            },
        })
    };
    args.iter().map(one).collect()
}

fn missing(loaded: &Loaded, v: ValueId) -> EvalError {
    let name = &loaded.of.layer.forward.values[v.index()].name;
    EvalError::OutOfRange(format!("{name} is read before it has a value"))
}

/// Everything a call can violate is checked at its entry: a finding further inside is a wrong term.
fn inside(e: EvalError) -> EvalError {
    match e {
        EvalError::Check(v) => EvalError::OutOfRange(format!("inside of a forward: {v}")),
        EvalError::Arguments(text) => EvalError::OutOfRange(format!("inside of a forward: {text}")),
        other => other,
    }
}
