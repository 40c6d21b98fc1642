//! What can go wrong between a model directory and an embedding, in words that help to repair it.

use std::path::{Path, PathBuf};

use igla_runtime::ShapeError;

/// Why something could not be loaded or computed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or does not hold what it should.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// The tokenizer refused a text.
    #[error("cannot tokenize {text:?}: {problem}")]
    Text {
        /// Its beginning.
        text: String,
        /// Why.
        problem: String,
    },
    /// A kernel refused its arguments.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl Error {
    /// A problem with a file.
    pub(crate) fn file(path: &Path, problem: impl ToString) -> Self {
        Self::File { path: path.to_owned(), problem: problem.to_string() }
    }
}
