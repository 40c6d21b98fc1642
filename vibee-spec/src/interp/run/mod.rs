//! Evaluation of a prepared kernel, definition by definition, by recursion over expressions.
//!
//! Lazy where the language is: a branch, an outside value or a fold's body is evaluated only if
//! its condition can hold, so that accesses behind guards never happen.

mod compute;

use super::error::EvalError;
use super::operand::Operand;
use super::plan::{Affine, Keep, Plan};
use super::value::{Value, convert};
use crate::term::{Atom, DType, Def, ExprId, IndexId, Kernel};

/// Errors are rare and large, so they travel boxed.
type Eval<T> = Result<T, Box<EvalError>>;

/// A definition's values, or an unfilled place.
pub(super) struct Array {
    pub dims: Vec<usize>,
    pub values: Vec<Option<Value>>,
}

/// Evaluates all definitions in order.
pub(super) fn run(
    kernel: &Kernel,
    plan: &Plan,
    inputs: &[Operand<'_>],
    shapes: &[Vec<usize>],
    steps: &mut u64,
) -> Result<Vec<Array>, EvalError> {
    let mut machine = Machine {
        kernel,
        plan,
        inputs,
        arrays: Vec::new(),
        at: vec![0; plan.extents.len()],
        moved: vec![0; plan.extents.len()],
        clock: 0,
        kept: plan.facts.iter().map(|f| Kept::new(&f.keep)).collect(),
        steps: *steps,
    };
    for (def, dims) in kernel.defs.iter().zip(shapes) {
        let array = machine.define(def, dims).map_err(|e| *e)?;
        machine.arrays.push(array);
    }
    *steps = machine.steps;
    Ok(machine.arrays)
}

/// Number of elements; extents beside a zero may be absurd.
fn volume(extents: impl Iterator<Item = usize> + Clone) -> usize {
    if extents.clone().any(|n| n == 0) { 0 } else { extents.fold(1, usize::saturating_mul) }
}

/// Values kept for one expression, as [`Keep`] says.
enum Kept {
    Nothing,
    Latest(Option<(u64, Value)>),
    Table(Vec<Option<Value>>),
}

impl Kept {
    fn new(keep: &Keep) -> Kept {
        match keep {
            Keep::No => Kept::Nothing,
            Keep::Latest => Kept::Latest(None),
            Keep::Table(..) => Kept::Table(Vec::new()), // allocated at first use
        }
    }
}

struct Machine<'k> {
    kernel: &'k Kernel,
    plan: &'k Plan,
    inputs: &'k [Operand<'k>],
    arrays: Vec<Array>,
    /// Value of every index that is bound now.
    at: Vec<i64>,
    /// When each index last moved.
    moved: Vec<u64>,
    clock: u64,
    kept: Vec<Kept>,
    steps: u64,
}

impl Machine<'_> {
    fn define(&mut self, def: &Def, dims: &[usize]) -> Eval<Array> {
        let count = volume(dims.iter().copied());
        let mut array = Array { dims: dims.to_vec(), values: vec![None; count] };
        let plan = self.plan;
        let domain = volume(def.indices.iter().map(|i| plan.extents[i.index()] as usize));
        if domain != count {
            let text = format!("{} has {domain} values for {count} places", def.name);
            return Err(Box::new(EvalError::OutOfRange(text)));
        }
        let store = &plan.stores[self.arrays.len()];
        let limit = self.limit(&def.dtype);
        let same = *self.kernel.exprs.dtype(def.body) == def.dtype;
        let mut more = self.first(&def.indices);
        while more {
            let value = self.eval(def.body)?;
            let value = if same { value } else { convert(value, &def.dtype, limit) };
            let mut place = 0;
            for (int, extent) in store.iter().zip(dims) {
                let p = self.position(int)?;
                if !(0..*extent as i64).contains(&p) {
                    let text = format!("{} stores at {p} of {extent}", def.name);
                    return Err(Box::new(EvalError::OutOfRange(text)));
                }
                place = place * extent + p as usize;
            }
            if array.values[place].replace(value).is_some() {
                let text = format!("{} stores twice at place {place}", def.name);
                return Err(Box::new(EvalError::OutOfRange(text)));
            }
            more = self.next(&def.indices);
        }
        Ok(array)
    }

    /// Puts indices at 0; `false` if one has nowhere to go.
    fn first(&mut self, indices: &[IndexId]) -> bool {
        for i in indices {
            self.set(*i, 0);
        }
        indices.iter().all(|i| self.plan.extents[i.index()] > 0)
    }

    /// Moves to the next combination, the last index fastest; `false` at the end.
    fn next(&mut self, indices: &[IndexId]) -> bool {
        for i in indices.iter().rev() {
            let v = self.at[i.index()] + 1;
            if v < self.plan.extents[i.index()] {
                self.set(*i, v);
                return true;
            }
            self.set(*i, 0);
        }
        false
    }

    fn set(&mut self, i: IndexId, v: i64) {
        self.clock += 1;
        self.at[i.index()] = v;
        self.moved[i.index()] = self.clock;
    }

    fn limit(&self, dtype: &DType) -> Option<i64> {
        match dtype {
            DType::Idx(n) | DType::Len(n) => self.plan.limits.get(n).copied(),
            _ => None,
        }
    }

    fn position(&self, int: &Affine) -> Eval<i64> {
        match int {
            Affine::Linear { base, terms } => Ok(terms.iter().fold(*base, |sum, (i, c)| {
                // Sizes are bounded at entry, so only absurd coefficients could wrap.
                sum.wrapping_add(c.wrapping_mul(self.at[*i]))
            })),
            Affine::Other(int) => {
                let leaf = |a: &Atom| match a {
                    Atom::Index(i) => Some(self.at[i.index()]),
                    _ => None,
                };
                int.eval(&leaf).ok_or_else(|| {
                    let text = format!("{:?} overflows or divides by zero", int);
                    Box::new(EvalError::OutOfRange(text))
                })
            }
        }
    }

    /// The value of an expression at the current indices, kept if that pays.
    fn eval(&mut self, id: ExprId) -> Eval<Value> {
        self.steps = match self.steps.checked_sub(1) {
            Some(s) => s,
            None => return Err(Box::new(EvalError::Limit("too many steps".into()))),
        };
        let plan = self.plan;
        let facts = &plan.facts[id.index()];
        match &facts.keep {
            Keep::No => self.compute(id),
            Keep::Latest => {
                if let Kept::Latest(Some((when, value))) = self.kept[id.index()]
                    && facts.free.iter().all(|i| self.moved[*i] <= when)
                {
                    return Ok(value);
                }
                let value = self.compute(id)?;
                self.kept[id.index()] = Kept::Latest(Some((self.clock, value)));
                Ok(value)
            }
            Keep::Table(strides, places) => {
                let place: usize = strides.iter().map(|(i, s)| self.at[*i] as usize * s).sum();
                if let Kept::Table(values) = &self.kept[id.index()]
                    && let Some(Some(value)) = values.get(place)
                {
                    return Ok(*value);
                }
                let value = self.compute(id)?;
                if let Kept::Table(values) = &mut self.kept[id.index()] {
                    if values.is_empty() {
                        values.resize(*places, None);
                    }
                    values[place] = Some(value);
                }
                Ok(value)
            }
        }
    }
}
