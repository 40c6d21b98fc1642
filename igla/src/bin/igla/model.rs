//! What every command that runs a model shares: its arguments, loading, and the progress bar.

use std::ffi::OsString;
use std::io::Write;
use std::num::NonZero;
use std::path::PathBuf;

use anyhow::{Result, bail};
use igla::embed::{Embedder, Embeddings, Options};
use igla::minilm::{self, MiniLm, Weights};
use igla::weights::cache::Cache;
use igla_runtime::Level;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Fewer texts than this are done before a bar could be read.
const WORTH_A_BAR: usize = 64;

/// Which model, and how to run it.
#[derive(clap::Args)]
#[group(id = "model-options")]
pub struct Args {
    /// Model directory [default: $IGLA_MODEL, else models/all-MiniLM-L6-v2]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// How matrices are kept: f32, bf16 or int8
    #[arg(long, value_name = "TYPE", default_value_t)]
    weights: Weights,
    /// Where int8 weights are kept for the next run, or `off` [default: $IGLA_CACHE, else the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<OsString>,
    /// Batches at the same time [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    /// Texts in a batch
    #[arg(long, value_name = "N", default_value_t = Options::DEFAULT_BATCH)]
    batch: NonZero<usize>,
    /// Instruction set: scalar, neon, avx2, avx512 or amx [default: $IGLA_ISA, else the best of this machine]
    #[arg(long, value_name = "LEVEL")]
    isa: Option<Level>,
}

impl Args {
    /// The options, if this machine can follow them.
    pub fn options(&self) -> Result<Options> {
        let level = match self.isa {
            None => Level::from_environment()?,
            Some(level) if level.is_available() => level,
            Some(level) => {
                let names: Vec<_> = Level::available().iter().map(|level| level.name()).collect();
                bail!("--isa {level}: this machine has only {}", names.join(", "));
            }
        };
        let threads = self.threads.unwrap_or_else(Options::all_threads);
        Ok(Options { threads, batch: self.batch, level })
    }

    /// The model. What its cache could not do is said on standard error.
    pub fn load(&self) -> Result<Embedder<MiniLm>> {
        let cache = self.cache.clone().map_or_else(Cache::of_user, Cache::named);
        let directory = self.model.clone().unwrap_or_else(minilm::directory);
        let embedder = minilm::load_with(&directory, self.weights, cache.as_ref())?;
        // What is wrong with one entry is mostly wrong with all. Whether anybody reads this changes nothing.
        let notes = cache.as_ref().map_or(vec![], Cache::notes);
        if let Some(first) = notes.first() {
            let more =
                if notes.len() > 1 { format!(" (and {} more)", notes.len() - 1) } else { String::new() };
            let _ = writeln!(std::io::stderr(), "igla: note: {first}{more}");
        }
        Ok(embedder)
    }
}

/// Embeds texts; on a terminal a bar shows how far it is.
pub fn embed(
    embedder: &Embedder<MiniLm>,
    texts: &[impl AsRef<str> + Sync],
    options: Options,
) -> Result<Embeddings> {
    let bar = ProgressBar::new(texts.len() as u64);
    // On anything but a terminal, indicatif draws nothing to standard error either.
    bar.set_draw_target(match texts.len() {
        0..WORTH_A_BAR => ProgressDrawTarget::hidden(),
        _ => ProgressDrawTarget::stderr(),
    });
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} texts, {per_sec}, {eta} left")?);
    let embeddings = embedder.embed(texts, options, &|texts| bar.inc(texts as u64));
    bar.finish_and_clear();
    Ok(embeddings?)
}
