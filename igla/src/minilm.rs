//! all-MiniLM-L6-v2 from a directory: the one place that knows the generated model and its files.
//!
//! Everything numeric is in [`generated::models::minilm`]; this file must not compute.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use generated::models::minilm::{MiniLMBf16, MiniLMF32, MiniLMQ8_0};
use igla_runtime::weights::{Config as _, Source};
use igla_runtime::{Ctx, LoadError, ShapeError, View, ViewMut};

use crate::config::Config;
use crate::embed::{Embedder, SentenceModel};
use crate::error::Error;
use crate::weights::Safetensors;
use crate::weights::cache::{Cache, Cached};

/// Tokens that the published model reads of a text; its `tokenizer.json` says fewer.
const MAX_TOKENS: usize = 256;
/// Where [`directory`] looks without `IGLA_MODEL`.
const DEFAULT_DIR: &str = "models/all-MiniLM-L6-v2";

/// How matrices are kept: all of them are read from the same file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// As they are stored.
    #[default]
    F32,
    /// Rounded to `bf16`, half the memory.
    Bf16,
    /// Whole numbers of 8 bits with a scale for 32 neighbours (`q8_0`), a quarter of the memory. What they are
    /// multiplied with is rounded in the same way.
    Int8,
}

impl Weights {
    /// All of them.
    pub const ALL: [Weights; 3] = [Weights::F32, Weights::Bf16, Weights::Int8];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Weights::F32 => "f32",
            Weights::Bf16 => "bf16",
            Weights::Int8 => "int8",
        }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Weights {
    type Err = String;

    fn from_str(text: &str) -> Result<Weights, String> {
        Weights::ALL.into_iter().find(|w| w.name() == text).ok_or_else(|| {
            format!(
                "{text:?} is no way to keep weights; there are {}",
                Weights::ALL.map(Weights::name).join(", ")
            )
        })
    }
}

/// The generated model with the sizes its callers ask for.
pub struct MiniLm {
    model: Model,
    dim: usize,
    vocabulary: usize,
    positions: usize,
}

/// The instances of the model.
enum Model {
    F32(MiniLMF32),
    Bf16(MiniLMBf16),
    Int8(MiniLMQ8_0),
}

impl Model {
    fn load(weights: Weights, source: &dyn Source, config: &Config) -> Result<Model, LoadError> {
        Ok(match weights {
            Weights::F32 => Model::F32(MiniLMF32::load(source, config)?),
            Weights::Bf16 => Model::Bf16(MiniLMBf16::load(source, config)?),
            Weights::Int8 => Model::Int8(MiniLMQ8_0::load(source, config)?),
        })
    }
}

/// The model directory when none is given: `$IGLA_MODEL`, else `models/all-MiniLM-L6-v2`.
#[must_use]
pub fn directory() -> PathBuf {
    std::env::var_os("IGLA_MODEL").filter(|dir| !dir.is_empty()).unwrap_or_else(|| DEFAULT_DIR.into()).into()
}

/// Loads `config.json`, `model.safetensors` and `tokenizer.json` of a directory, with `f32` weights.
///
/// # Errors
/// When the directory or a file is missing, malformed or belongs to another kind of model.
pub fn load(dir: &Path) -> Result<Embedder<MiniLm>, Error> {
    load_as(dir, Weights::F32)
}

/// As [`load`], with matrices kept in another way.
///
/// # Errors
/// As [`load`].
pub fn load_as(dir: &Path, kept: Weights) -> Result<Embedder<MiniLm>, Error> {
    load_with(dir, kept, None)
}

/// As [`load_as`], with a cache for what is made of the matrices; what does not work with it is in its notes.
///
/// # Errors
/// As [`load`].
pub fn load_with(dir: &Path, kept: Weights, cache: Option<&Cache>) -> Result<Embedder<MiniLm>, Error> {
    if !dir.is_dir() {
        let problem = "there is no such model directory; scripts/fetch-minilm.sh fetches all-MiniLM-L6-v2, \
                       --model or IGLA_MODEL names another place";
        return Err(Error::file(dir, problem));
    }
    let config_path = dir.join("config.json");
    let config = Config::open(&config_path)?;
    check_kind(&config).map_err(|problem| Error::file(&config_path, problem))?;
    let size = |key| config.int(key).map_err(|problem| Error::file(&config_path, problem));
    let (dim, vocabulary, positions) =
        (size("hidden_size")?, size("vocab_size")?, size("max_position_embeddings")?);
    let weights_path = dir.join("model.safetensors");
    let weights = Safetensors::open(&weights_path)?;
    let cached = cache.map(|cache| Cached::new(&weights, cache));
    let source: &dyn Source = cached.as_ref().map_or(&weights, |cached| cached);
    let model = Model::load(kept, source, &config).map_err(|problem| match &problem {
        LoadError::MissingKey { .. } | LoadError::Value { .. } => Error::file(&config_path, problem),
        LoadError::MissingTensor { name } => {
            let hint = weights.similar(name).map(|found| format!("; was it renamed? there is `{found}`"));
            Error::file(&weights_path, format!("{problem}{}", hint.unwrap_or_default()))
        }
        _ => Error::file(&weights_path, problem),
    })?;
    Embedder::new(MiniLm { model, dim, vocabulary, positions }, dir, MAX_TOKENS)
}

/// Variants of BERT that have the same tensors but another meaning are refused.
fn check_kind(config: &Config) -> Result<(), String> {
    for (key, only) in
        [("model_type", "bert"), ("hidden_act", "gelu"), ("position_embedding_type", "absolute")]
    {
        if let Some(found) = config.text(key).filter(|found| *found != only) {
            return Err(format!("`{key}` is {found:?}; only {only:?} is supported"));
        }
    }
    Ok(())
}

impl SentenceModel for MiniLm {
    fn dim(&self) -> usize {
        self.dim
    }

    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn max_tokens(&self) -> usize {
        self.positions
    }

    fn forward(
        &self,
        ctx: &mut Ctx,
        tok: View<'_, u32, 2>,
        mask: View<'_, f32, 2>,
        y: ViewMut<'_, f32, 2>,
    ) -> Result<(), ShapeError> {
        match &self.model {
            Model::F32(model) => model.forward(ctx, tok, mask, y),
            Model::Bf16(model) => model.forward(ctx, tok, mask, y),
            Model::Int8(model) => model.forward(ctx, tok, mask, y),
        }
    }
}
