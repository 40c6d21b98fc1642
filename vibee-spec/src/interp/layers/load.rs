//! Loading: the conditions on sizes, and the named tensors that a layer takes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Assembly;
use crate::interp::entry;
use crate::interp::tensor::{Tensor, TensorData};
use crate::term::{Atom, Check, DType, DimBind, Int, Kernel};

/// Sizes beyond this are refused at loading.
pub(super) const LARGEST_SIZE: i64 = i32::MAX as i64;

/// Tensors by their full names.
pub type Tensors = BTreeMap<String, Tensor>;

/// Why a layer cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadFault {
    /// The configuration lacks a key without default.
    Key {
        /// The key.
        key: String,
    },
    /// A tensor is missing.
    Missing {
        /// Its full name.
        name: String,
    },
    /// A tensor has another shape.
    Shape {
        /// Its full name.
        name: String,
        /// As the layer needs it.
        expected: Vec<i64>,
        /// As it is.
        found: Vec<i64>,
    },
    /// A constraint of a layer does not hold.
    Constraint {
        /// The layer.
        layer: String,
        /// What does not hold.
        text: String,
    },
    /// A size is negative, too large or cannot be computed.
    Size {
        /// Of what.
        what: String,
        /// Its value, if it has one.
        value: Option<i64>,
    },
}

impl std::error::Error for LoadFault {}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadFault::Key { key } => write!(f, "the configuration has no {key}"),
            LoadFault::Missing { name } => write!(f, "there is no tensor {name}"),
            LoadFault::Shape { name, expected, found } => {
                write!(f, "tensor {name} has shape {found:?}, not {expected:?}")
            }
            LoadFault::Constraint { layer, text } => write!(f, "{layer}: {text}"),
            LoadFault::Size { what, value: Some(v) } => write!(f, "{what} is {v}"),
            LoadFault::Size { what, value: None } => write!(f, "{what} cannot be computed"),
        }
    }
}

/// A layer with its sizes and weights.
#[derive(Debug)]
pub struct Loaded {
    pub(super) of: Arc<Assembly>,
    pub(super) sizes: Vec<i64>,
    pub(super) scalars: Vec<Tensor>,
    pub(super) weights: Vec<Tensor>,
    /// Copies of each sublayer; a single one is alone.
    pub(super) parts: Vec<Vec<Loaded>>,
}

/// The tensors that a layer of these sizes takes: full names and shapes.
///
/// # Errors
/// Sizes that `load` refuses, and a name that is wanted in two shapes.
pub fn inventory(
    of: &Assembly,
    sizes: &[i64],
    prefix: &str,
) -> Result<BTreeMap<String, Vec<i64>>, LoadFault> {
    list(of, sizes, prefix, true)
}

/// As [`inventory`]; constraints need not hold unless `lawful`.
pub(in crate::interp) fn list(
    of: &Assembly,
    sizes: &[i64],
    prefix: &str,
    lawful: bool,
) -> Result<BTreeMap<String, Vec<i64>>, LoadFault> {
    let mut out = BTreeMap::new();
    visit(of, sizes, prefix, lawful, &mut |name, shape| {
        let known = out.entry(name.clone()).or_insert_with(|| shape.clone());
        let same = *known == shape;
        if same { Ok(()) } else { Err(LoadFault::Shape { name, expected: shape, found: known.clone() }) }
    })?;
    Ok(out)
}

/// Calls `f` with the name and shape of every weight tensor, in the order of loading.
fn visit(
    of: &Assembly,
    sizes: &[i64],
    prefix: &str,
    lawful: bool,
    f: &mut dyn FnMut(String, Vec<i64>) -> Result<(), LoadFault>,
) -> Result<(), LoadFault> {
    if lawful {
        conditions(of, sizes)?;
    }
    for w in &of.layer.weights {
        let shape = w.shape.iter().map(|d| size(&w.name, d, sizes)).collect::<Result<_, _>>()?;
        f(format!("{prefix}{}", w.tensor), shape)?;
    }
    for (s, part) in of.layer.sublayers.iter().zip(&of.parts) {
        for (prefix, sizes) in places(s, sizes, prefix)? {
            visit(part, &sizes, &prefix, lawful, f)?;
        }
    }
    Ok(())
}

/// Prefix and sizes of every copy of a sublayer.
fn places(
    s: &crate::term::Sublayer,
    sizes: &[i64],
    prefix: &str,
) -> Result<Vec<(String, Vec<i64>)>, LoadFault> {
    let count = s.count.as_ref().map(|c| size(&s.name, c, sizes)).transpose()?;
    let inner = || s.dims.iter().map(|d| size(&s.name, d, sizes)).collect::<Result<Vec<i64>, _>>();
    match count {
        None => Ok(vec![(format!("{prefix}{}", s.prefix), inner()?)]),
        // Sizes of copies that do not exist are never computed.
        Some(n) => (0..n)
            .map(|i| Ok((format!("{prefix}{}", s.prefix.replace("{i}", &i.to_string())), inner()?)))
            .collect(),
    }
}

/// Loads a layer of these sizes whose tensors' names start with `prefix`.
///
/// # Errors
/// Whatever the generated `load` refuses.
pub fn load(
    of: &Arc<Assembly>,
    sizes: &[i64],
    scalars: &[f64],
    prefix: &str,
    tensors: &Tensors,
) -> Result<Loaded, LoadFault> {
    conditions(of, sizes)?;
    let mut weights = Vec::new();
    for w in &of.layer.weights {
        let name = format!("{prefix}{}", w.tensor);
        let expected: Vec<i64> = w.shape.iter().map(|d| size(&w.name, d, sizes)).collect::<Result<_, _>>()?;
        let Some(stored) = tensors.get(&name) else { return Err(LoadFault::Missing { name }) };
        let found: Vec<i64> = stored.dims.iter().map(|d| *d as i64).collect();
        if found != expected {
            return Err(LoadFault::Shape { name, expected, found });
        }
        let TensorData::Float(values) = &stored.data else { return Err(LoadFault::Missing { name }) };
        weights.push(Tensor::float(w.dtype.clone(), &stored.dims, values));
    }
    let mut parts = Vec::new();
    for (s, part) in of.layer.sublayers.iter().zip(&of.parts) {
        let copies = places(s, sizes, prefix)?;
        let one = |(prefix, sizes): &(String, Vec<i64>)| load(part, sizes, &[], prefix, tensors);
        parts.push(copies.iter().map(one).collect::<Result<_, _>>()?);
    }
    let scalars = scalars.iter().map(|v| Tensor::float(DType::F32, &[], &[*v])).collect();
    Ok(Loaded { of: Arc::clone(of), sizes: sizes.to_vec(), scalars, weights, parts })
}

/// The layer's constraints.
fn conditions(of: &Assembly, sizes: &[i64]) -> Result<(), LoadFault> {
    let own: Vec<Check> =
        of.layer.checks.iter().filter(|c| !matches!(c, Check::Axis { .. })).cloned().collect();
    let dims = of.signature.dims.iter().filter(|d| d.bind == DimBind::Layer).cloned().collect();
    let header = Kernel { dims, checks: own, inputs: vec![], params: vec![], ..of.signature.clone() };
    entry::check(&header, sizes, &[])
        .map_err(|e| LoadFault::Constraint { layer: of.layer.name.clone(), text: e.to_string() })
}

pub(super) fn size(what: &str, int: &Int, sizes: &[i64]) -> Result<i64, LoadFault> {
    let leaf = |a: &Atom| match a {
        Atom::Dim(d) => sizes.get(d.index()).copied(),
        _ => None,
    };
    match int.eval(&leaf) {
        Some(v) if (0..=LARGEST_SIZE).contains(&v) => Ok(v),
        value => Err(LoadFault::Size { what: what.to_owned(), value }),
    }
}
