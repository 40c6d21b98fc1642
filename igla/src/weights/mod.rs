//! Weights from a `.safetensors` file.
//!
//! The file is untrusted: its header is checked completely when it is opened ([`header`]), and a
//! tensor is read only when it is asked for, straight into the vector that is returned, so a model
//! is never in memory twice. This module must not know any model: names and shapes come from the
//! caller.
//!
//! The header is parsed here, not by the `safetensors` crate, because that one (0.8.0) wants the
//! whole file in memory, cannot say which two tensors overlap, and overflows when offsets add up to
//! 2^64. The crate writes the files that the tests read.

pub mod cache;
mod convert;
mod header;
mod identity;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use igla_runtime::LoadError;
use igla_runtime::weights::Source;

pub use header::{Dtype, TensorInfo};
pub use identity::Identity;

use crate::error::Error;

/// An opened `.safetensors` file whose header has been checked.
#[derive(Debug)]
pub struct Safetensors {
    file: Mutex<File>,
    /// Where the tensors' bytes begin.
    data_start: u64,
    /// In order of name.
    tensors: Vec<TensorInfo>,
    identity: Identity,
}

impl Safetensors {
    /// Opens a file and checks its header: sizes, types, overlaps and gaps.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed; the message says where and what was expected.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::read(path).map_err(|problem| Error::file(path, problem))
    }

    fn read(path: &Path) -> Result<Self, String> {
        let mut file = File::open(path).map_err(|e| e.to_string())?;
        let metadata = file.metadata().map_err(|e| e.to_string())?;
        let file_len = metadata.len();
        let header_len = header::read_len(&mut file, file_len)?;
        let mut text = vec![0; header_len];
        file.read_exact(&mut text).map_err(|e| e.to_string())?;
        // `read_len` made sure that 8 + header_len ≤ file_len.
        let data_start = header::LEN_BYTES + header_len as u64;
        let tensors = header::parse(&text, file_len - data_start)?;
        let identity = Identity::of(path, &metadata, &text);
        Ok(Self { file: Mutex::new(file), data_start, tensors, identity })
    }

    /// Which file this is, and in which state.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// All tensors, in order of name.
    #[must_use]
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor whose name shares most of its ending with `name`: often only a prefix differs.
    #[must_use]
    pub fn similar(&self, name: &str) -> Option<&str> {
        let shared =
            |t: &TensorInfo| t.name.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a == b).count();
        let best = self.tensors.iter().max_by_key(|t| shared(t))?;
        (shared(best) * 2 > name.len()).then_some(&best.name)
    }

    fn find(&self, name: &str) -> Result<&TensorInfo, LoadError> {
        let at = self.tensors.binary_search_by(|t| t.name.as_str().cmp(name));
        at.map(|at| &self.tensors[at]).map_err(|_| LoadError::MissingTensor { name: name.to_owned() })
    }
}

impl Source for Safetensors {
    fn f32_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError> {
        let info = self.find(name)?;
        let name = name.to_owned();
        if info.shape != dims {
            return Err(LoadError::Shape { name, expected: dims.to_vec(), found: info.shape.clone() });
        }
        if !info.dtype.is_float() {
            let (expected, found) = ("F32, F16, BF16 or F64".into(), info.dtype.name().into());
            return Err(LoadError::Type { name, expected, found });
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Within the file's length, so neither the sum nor the size can overflow.
        file.seek(SeekFrom::Start(self.data_start + info.begin))
            .and_then(|_| convert::read_floats(&mut *file, info))
            .map_err(|e| LoadError::Data { name, problem: e.to_string() })
    }
}
