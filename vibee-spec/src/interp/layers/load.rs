//! Loading: the conditions on sizes, and the named tensors that a layer takes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Assembly;
use crate::interp::tensor::{Tensor, TensorData};
use crate::interp::{entry, packed};
use crate::term::{Atom, Check, DType, DimBind, Format, Int, Kernel, WeightTensor};

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
    /// A tensor is stored as floats and wanted in a format without encoding.
    NoEncoding {
        /// Its full name.
        name: String,
        /// The format.
        format: String,
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
            LoadFault::NoEncoding { name, format } => {
                write!(f, "tensor {name} is stored as floats, and {format} has no `encode`")
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

/// A tensor that a layer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its shape, in numbers.
    pub shape: Vec<i64>,
    /// The format that every reader of it keeps it in.
    pub format: Option<Arc<Format>>,
}

/// The tensors that a layer of these sizes takes, by full names.
///
/// # Errors
/// Sizes that `load` refuses, and a name that is wanted in two shapes.
pub fn inventory(of: &Assembly, sizes: &[i64], prefix: &str) -> Result<BTreeMap<String, Wanted>, LoadFault> {
    list(of, sizes, prefix, true)
}

/// As [`inventory`]; constraints need not hold unless `lawful`.
pub(in crate::interp) fn list(
    of: &Assembly,
    sizes: &[i64],
    prefix: &str,
    lawful: bool,
) -> Result<BTreeMap<String, Wanted>, LoadFault> {
    let mut out = BTreeMap::new();
    visit(of, sizes, prefix, lawful, &mut |name, wanted| {
        let known = out.entry(name.clone()).or_insert_with(|| wanted.clone());
        if known.shape != wanted.shape {
            return Err(LoadFault::Shape { name, expected: wanted.shape, found: known.shape.clone() });
        }
        if known.format != wanted.format {
            known.format = None;
        }
        Ok(())
    })?;
    Ok(out)
}

/// Calls `f` with the name of every weight tensor and what is wanted of it, in the order of loading.
fn visit(
    of: &Assembly,
    sizes: &[i64],
    prefix: &str,
    lawful: bool,
    f: &mut dyn FnMut(String, Wanted) -> Result<(), LoadFault>,
) -> Result<(), LoadFault> {
    if lawful {
        conditions(of, sizes)?;
    }
    for w in &of.layer.weights {
        let shape = w.shape.iter().map(|d| size(&w.name, d, sizes)).collect::<Result<_, _>>()?;
        let format = w.stored.as_ref().map(|s| s.format.clone());
        f(format!("{prefix}{}", w.tensor), Wanted { shape, format })?;
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
        weights.push(weight(w, name, expected, stored)?);
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

/// A weight as the layer keeps it. In a format it may be stored as floats, which are encoded, or as blocks of
/// that format.
fn weight(w: &WeightTensor, name: String, shape: Vec<i64>, stored: &Tensor) -> Result<Tensor, LoadFault> {
    let found: Vec<i64> = stored.dims.iter().map(|d| *d as i64).collect();
    let format = w.stored.as_ref().map(|s| &s.format);
    let mut expected = shape;
    if let (Some(format), TensorData::Int(_), Some(last)) = (format, &stored.data, expected.last_mut()) {
        *last = *last / format.block * format.bytes;
    }
    if found != expected {
        return Err(LoadFault::Shape { name, expected, found });
    }
    match (format, &stored.data) {
        (None, TensorData::Float(values)) => Ok(Tensor::float(w.dtype.clone(), &stored.dims, values)),
        (Some(_), TensorData::Int(_)) => Ok(stored.clone()),
        (Some(format), TensorData::Float(values)) => packed::encode(format, &stored.dims, values)
            .map_err(|_| LoadFault::NoEncoding { name, format: format.name.clone() }),
        _ => Err(LoadFault::Missing { name }),
    }
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
