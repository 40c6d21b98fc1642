//! What a model weighs: parameters and bytes, from its configuration's fixed and default values.
//!
//! Says nothing about speed or scratch, and nothing about models whose sizes only a file gives.

use vibee_spec::term::{Atom, Int, Layer, Model, Module};

/// A model's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Number of weights.
    pub parameters: u64,
    /// Their size as stored in their declared types.
    pub bytes: u64,
}

/// Accounts for a model; `None` if a size has neither a fixed nor a default value, or is no size.
/// Sublayers are looked up by name in `modules`.
#[must_use]
pub fn model(modules: &[&Module], model: &Model) -> Option<Account> {
    let sizes: Option<Vec<i64>> = model
        .layer
        .dims
        .iter()
        .map(|d| {
            let value = model.config.iter().find(|c| c.name == *d)?.value?;
            (value.fract() == 0.0 && (0.0..9e15).contains(&value)).then_some(value as i64)
        })
        .collect();
    layer(modules, &model.layer, &sizes?, 0)
}

/// Layers nest at most this deep; a cycle is the checker's finding.
const MAX_DEPTH: usize = 32;

fn layer(modules: &[&Module], l: &Layer, sizes: &[i64], depth: usize) -> Option<Account> {
    if depth > MAX_DEPTH {
        return None;
    }
    let eval = |i: &Int| {
        i.eval(&|a| match a {
            Atom::Dim(d) => sizes.get(d.index()).copied(),
            _ => None,
        })
    };
    let mut total = Account { parameters: 0, bytes: 0 };
    let mut add = |count: u64, bytes: u64| {
        total.parameters = total.parameters.checked_add(count)?;
        total.bytes = total.bytes.checked_add(bytes)?;
        Some(())
    };
    for w in &l.weights {
        let mut count = 1u64;
        for d in &w.shape {
            count = count.checked_mul(u64::try_from(eval(d)?).ok()?)?;
        }
        let bytes = match &w.stored {
            Some(s) => {
                let sizes = [s.format.block, s.format.bytes].map(|n| u64::try_from(n).ok());
                let [Some(numbers), Some(bytes)] = sizes else { return None };
                count.checked_div(numbers)?.checked_mul(bytes)?
            }
            None => count.checked_mul(w.dtype.bytes())?,
        };
        add(count, bytes)?;
    }
    for s in &l.sublayers {
        let inner = modules.iter().flat_map(|m| &m.layers).find(|l| l.name == s.layer)?;
        let dims: Option<Vec<i64>> = s.dims.iter().map(eval).collect();
        let each = layer(modules, inner, &dims?, depth + 1)?;
        let count = match &s.count {
            Some(c) => u64::try_from(eval(c)?).ok()?,
            None => 1,
        };
        add(each.parameters.checked_mul(count)?, each.bytes.checked_mul(count)?)?;
    }
    Some(total)
}
