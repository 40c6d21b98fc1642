//! What a layer has to do: its steps, as often as they are taken, those of its sublayers included. Each weight is
//! read once a call, however many steps read it.

use std::iter::zip;

use vibee_spec::interp::layers::Assembly;
use vibee_spec::interp::solve_dims;
use vibee_spec::term::{Arg, Int, Step};

use super::{Work, extent, kernels, size};

/// Counts a call of a forward with these sizes, the layer's own first; nothing if one is negative or overflows.
#[must_use]
pub fn of_layer(of: &Assembly, dims: &[i64]) -> Option<Work> {
    let Tally { mut work, arguments, weights } = tally(of, dims)?;
    let forward = &of.layer.forward;
    for (input, read) in zip(&forward.inputs, arguments) {
        work.bytes += read.min(size(&input.dtype, &input.shape, dims)?);
    }
    for w in &weights {
        work.bytes += w.copies * w.read.min(w.size);
    }
    for output in &forward.outputs {
        let value = &forward.values[output.index()];
        work.bytes += size(&value.dtype, &value.shape, dims)?;
    }
    Some(work)
}

/// What a forward does and reads.
struct Tally {
    /// What is computed, without bytes.
    work: Work,
    /// Bytes read of each argument, by all steps together.
    arguments: Vec<f64>,
    /// The layer's weights, then those of each sublayer in the same order.
    weights: Vec<Weight>,
}

/// A weight, or copies of it that are read alike.
#[derive(Clone, Debug, Default)]
struct Weight {
    /// Bytes of one copy as it is stored.
    size: f64,
    /// Bytes read of one copy, by all steps together.
    read: f64,
    /// How many copies are read.
    copies: f64,
}

fn tally(of: &Assembly, dims: &[i64]) -> Option<Tally> {
    let layer = &of.layer;
    let mut weights = Vec::new();
    for w in &layer.weights {
        let size = size(&w.kept_dtype(), &w.kept_shape(), dims)?;
        weights.push(Weight { size, read: 0.0, copies: 1.0 });
    }
    weights.resize(count(of), Weight::default());
    let tally = Tally { work: Work::default(), arguments: vec![0.0; layer.forward.inputs.len()], weights };
    let mut walk = Walk { of, dims, rounds: Vec::new(), tally };
    walk.steps(&layer.forward.steps)?;
    for output in &layer.forward.outputs {
        if let Some(input) = layer.forward.inputs.get(output.index()) {
            walk.read(Arg::Value(*output), size(&input.dtype, &input.shape, dims)?);
        }
    }
    Some(walk.tally)
}

/// How many weights a layer and its sublayers have, copies not counted.
fn count(of: &Assembly) -> usize {
    of.layer.weights.len() + of.parts.iter().map(|p| count(p)).sum::<usize>()
}

struct Walk<'a> {
    of: &'a Assembly,
    dims: &'a [i64],
    /// Rounds of the loops around the step, outermost first.
    rounds: Vec<f64>,
    tally: Tally,
}

impl Walk<'_> {
    fn steps(&mut self, steps: &[Step]) -> Option<()> {
        steps.iter().try_for_each(|s| self.step(s))
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        let times: f64 = self.rounds.iter().product();
        // A loop without rounds may call copies that do not exist, of sizes that cannot be computed.
        if times == 0.0 {
            return Some(());
        }
        match step {
            Step::Compute { kernel, args, .. } => {
                let done = kernels::tally(kernel, self.dims)?;
                self.tally.work.compute(times, &done.work);
                zip(args, done.reads).for_each(|(arg, read)| self.read(*arg, times * read));
            }
            Step::Loop { count, body, .. } => {
                self.rounds.push(extent(count, self.dims)? as f64);
                self.steps(body)?;
                self.rounds.pop();
            }
            Step::Call { sublayer, copy, args, .. } => {
                let copies = copy.map_or(Some(1.0), |round| self.rounds.get(round).copied())?;
                self.call(*sublayer, times, copies, args)?;
            }
        }
        Some(())
    }

    /// Calls so many copies of a sublayer so many times, all together.
    fn call(&mut self, sublayer: usize, times: f64, copies: f64, args: &[Arg]) -> Option<()> {
        let (layer, part) = (&self.of.layer, &self.of.parts[sublayer]);
        let shapes = args.iter().map(|arg| match arg {
            Arg::Value(v) => self.shape(&layer.forward.values[v.index()].shape),
            Arg::Weight(w) => self.shape(&layer.weights[*w].shape),
            Arg::Scalar(_) => Some(Vec::new()),
        });
        let shapes = shapes.collect::<Option<Vec<_>>>()?;
        let own: Vec<i64> =
            layer.sublayers[sublayer].dims.iter().map(|d| extent(d, self.dims)).collect::<Option<_>>()?;
        let done = tally(part, &solve_dims(&part.signature, &own, &shapes).ok()?)?;
        self.tally.work.compute(times, &done.work);
        let before = layer.weights.len() + self.of.parts[..sublayer].iter().map(|p| count(p)).sum::<usize>();
        for (kept, w) in zip(&mut self.tally.weights[before..], done.weights) {
            kept.size = w.size;
            kept.read += w.read * times / copies;
            kept.copies = kept.copies.max(w.copies * copies);
        }
        zip(args, done.arguments).for_each(|(arg, read)| self.read(*arg, times * read));
        Some(())
    }

    fn shape(&self, shape: &[Int]) -> Option<Vec<usize>> {
        shape.iter().map(|d| usize::try_from(extent(d, self.dims)?).ok()).collect()
    }

    /// Notes bytes that are read of an argument or weight; what lies between steps is not counted.
    fn read(&mut self, arg: Arg, bytes: f64) {
        let read = match arg {
            Arg::Value(v) => self.tally.arguments.get_mut(v.index()),
            Arg::Weight(w) => self.tally.weights.get_mut(w).map(|w| &mut w.read),
            Arg::Scalar(_) => None,
        };
        if let Some(read) = read {
            *read += bytes;
        }
    }
}
