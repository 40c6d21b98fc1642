//! Errors of shapes, views and weights. Messages say what was expected, what was found and where.

use std::fmt;

/// Arguments whose shapes do not fit a kernel, or memory that does not fit a view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// An axis has the wrong extent.
    Dim {
        /// The kernel called.
        kernel: &'static str,
        /// The argument.
        tensor: &'static str,
        /// The axis of the argument, from 0.
        axis: usize,
        /// The dimension's symbol or expression in the specification.
        want: &'static str,
        /// What that is in this call.
        expected: usize,
        /// The extent found.
        found: usize,
    },
    /// A `where` constraint does not hold.
    Constraint {
        /// The kernel called.
        kernel: &'static str,
        /// The constraint as written.
        text: &'static str,
        /// The values of its symbols in this call.
        values: String,
    },
    /// An index argument is out of its domain.
    Index {
        /// The kernel called.
        kernel: &'static str,
        /// The argument.
        tensor: &'static str,
        /// Where in the argument, in row-major order.
        position: usize,
        /// The index found.
        value: i64,
        /// Indices must be below this.
        bound: usize,
    },
    /// A size cannot be computed: it overflows or does not divide.
    Size {
        /// The kernel called.
        kernel: &'static str,
        /// What went wrong.
        text: String,
    },
    /// Dims and strides do not describe the memory given.
    View {
        /// The extents asked for.
        dims: Vec<usize>,
        /// The strides asked for, in elements.
        strides: Vec<usize>,
        /// Elements in the slice.
        len: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

impl ShapeError {
    /// An axis of the wrong extent.
    #[cold]
    pub fn dim(
        kernel: &'static str,
        tensor: &'static str,
        axis: usize,
        want: &'static str,
        expected: usize,
        found: usize,
    ) -> Self {
        ShapeError::Dim { kernel, tensor, axis, want, expected, found }
    }

    /// A constraint that does not hold for `values` (such as `H = 6, G = 4`).
    #[cold]
    pub fn constraint(kernel: &'static str, text: &'static str, values: String) -> Self {
        ShapeError::Constraint { kernel, text, values }
    }

    /// An index out of its domain.
    #[cold]
    pub fn index(
        kernel: &'static str,
        tensor: &'static str,
        position: usize,
        value: i64,
        bound: usize,
    ) -> Self {
        ShapeError::Index { kernel, tensor, position, value, bound }
    }

    /// A size that overflows or does not divide.
    #[cold]
    pub fn size(kernel: &'static str, text: impl Into<String>) -> Self {
        ShapeError::Size { kernel, text: text.into() }
    }

    #[cold]
    pub(crate) fn view(dims: &[usize], strides: &[usize], len: usize, problem: &'static str) -> Self {
        ShapeError::View { dims: dims.to_vec(), strides: strides.to_vec(), len, problem }
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeError::Dim { kernel, tensor, axis, want, expected, found } => write!(
                f,
                "{kernel}: axis {axis} of `{tensor}` must be {want} = {expected}, but it is {found}"
            ),
            ShapeError::Constraint { kernel, text, values } => {
                write!(f, "{kernel}: the constraint `{text}` does not hold for {values}")
            }
            ShapeError::Index { kernel, tensor, position, value, bound } => write!(
                f,
                "{kernel}: element {position} of `{tensor}` is the index {value}, but indices must be in 0..{bound}"
            ),
            ShapeError::Size { kernel, text } => write!(f, "{kernel}: {text}"),
            ShapeError::View { dims, strides, len, problem } => write!(
                f,
                "a view of dims {dims:?} and strides {strides:?} does not fit a slice of {len} elements: {problem}"
            ),
        }
    }
}

impl std::error::Error for ShapeError {}

/// Weights or configuration that cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// No tensor has this name.
    MissingTensor {
        /// The name asked for.
        name: String,
    },
    /// The tensor exists with another shape.
    Shape {
        /// The tensor.
        name: String,
        /// The shape asked for.
        expected: Vec<usize>,
        /// The shape found.
        found: Vec<usize>,
    },
    /// The tensor exists with an element type that cannot be used.
    Type {
        /// The tensor.
        name: String,
        /// The types that could be used.
        expected: String,
        /// The type found.
        found: String,
    },
    /// No configuration value has this key.
    MissingKey {
        /// The key asked for.
        key: String,
    },
    /// The configuration value is of the wrong kind.
    Value {
        /// The key.
        key: String,
        /// The kind asked for.
        expected: String,
        /// The value found.
        found: String,
    },
    /// The data behind a tensor or key could not be read.
    Data {
        /// The tensor or key.
        name: String,
        /// What went wrong.
        problem: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::MissingTensor { name } => write!(f, "there is no tensor `{name}`"),
            LoadError::Shape { name, expected, found } => {
                write!(f, "tensor `{name}` must have the shape {expected:?}, but it has {found:?}")
            }
            LoadError::Type { name, expected, found } => {
                write!(f, "tensor `{name}` must hold {expected}, but it holds {found}")
            }
            LoadError::MissingKey { key } => write!(f, "the configuration has no `{key}`"),
            LoadError::Value { key, expected, found } => {
                write!(f, "configuration `{key}` must be {expected}, but it is {found}")
            }
            LoadError::Data { name, problem } => write!(f, "`{name}` cannot be read: {problem}"),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_place_and_both_values() {
        let error = ShapeError::dim("rmsnorm", "w", 0, "D", 768, 512).to_string();
        assert_eq!(error, "rmsnorm: axis 0 of `w` must be D = 768, but it is 512");
        let error = ShapeError::index("embed", "tok", 3, -1, 100).to_string();
        assert_eq!(error, "embed: element 3 of `tok` is the index -1, but indices must be in 0..100");
        let error = LoadError::Shape { name: "a.b".into(), expected: vec![2, 3], found: vec![6] }.to_string();
        assert_eq!(error, "tensor `a.b` must have the shape [2, 3], but it has [6]");
    }
}
