//! Texts to unit-length vectors: load a model directory, tokenize, batch by length, run in parallel.
//!
//! Parallelism is over batches: every worker has its own single-threaded context, so no kernel
//! waits for another. Batches depend on the texts alone, never on the number of workers, and
//! results are put back in the order of the texts. This file must not know which model runs: see
//! [`SentenceModel`].

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use igla_runtime::{Ctx, Level, ShapeError, View, ViewMut};

use crate::error::Error;
use crate::tokenizer::Tokenizer;

/// A model that turns padded batches of tokens into one vector a text.
pub trait SentenceModel: Sync {
    /// Size of a vector.
    fn dim(&self) -> usize;

    /// Every token is below this.
    fn vocabulary(&self) -> usize;

    /// Most tokens a text may have.
    fn max_tokens(&self) -> usize;

    /// Vectors of a batch; `mask` is 1 on tokens and 0 on padding.
    ///
    /// # Errors
    /// When the shapes do not fit the model or a token is outside its vocabulary.
    fn forward(
        &self,
        ctx: &mut Ctx,
        tok: View<'_, u32, 2>,
        mask: View<'_, f32, 2>,
        y: ViewMut<'_, f32, 2>,
    ) -> Result<(), ShapeError>;
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Batches at the same time.
    pub threads: NonZero<usize>,
    /// Texts in a batch.
    pub batch: NonZero<usize>,
    /// Instruction set.
    pub level: Level,
}

impl Options {
    /// Texts in a batch unless told otherwise.
    pub const DEFAULT_BATCH: NonZero<usize> = NonZero::new(16).unwrap();

    /// One thread a core.
    #[must_use]
    pub fn all_threads() -> NonZero<usize> {
        std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
    }
}

/// Vectors of texts, one a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    dim: usize,
    values: Vec<f32>,
}

impl Embeddings {
    /// Size of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All vectors, in order of the texts.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim.max(1))
    }

    /// All values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// A model with its tokenizer.
#[derive(Debug)]
pub struct Embedder<M> {
    model: M,
    tokenizer: Tokenizer,
}

impl<M: SentenceModel> Embedder<M> {
    /// A model and the directory whose `tokenizer.json` belongs to it.
    ///
    /// # Errors
    /// When the tokenizer cannot be read or has more tokens than the model.
    pub fn new(model: M, dir: &Path, max_tokens: usize) -> Result<Self, Error> {
        let path = dir.join("tokenizer.json");
        let tokenizer = Tokenizer::open(&path, max_tokens.min(model.max_tokens()))?;
        let (theirs, ours) = (tokenizer.vocabulary(), model.vocabulary());
        if theirs > ours {
            return Err(Error::file(&path, format!("has {theirs} tokens, but the model knows only {ours}")));
        }
        Ok(Self { model, tokenizer })
    }

    /// The vectors of all texts, in their order. `done` hears how many texts each finished batch had.
    ///
    /// # Errors
    /// When a text cannot be tokenized or the model refuses a batch.
    pub fn embed(
        &self,
        texts: &[impl AsRef<str> + Sync],
        options: Options,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Embeddings, Error> {
        let encode = |_: &mut (), at: usize| self.tokenizer.encode(texts[at].as_ref());
        let tokens = parallel(texts.len(), options.threads, || (), encode)?;
        self.embed_tokens(&tokens, options, done)
    }

    /// As [`Embedder::embed`], for texts that are tokens already, special tokens included.
    ///
    /// # Errors
    /// When the model refuses a batch.
    pub fn embed_tokens(
        &self,
        texts: &[Vec<u32>],
        options: Options,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Embeddings, Error> {
        // Texts of about equal length share a batch, so little is padded; long ones start first, so
        // that no worker is left with a long batch at the end.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(texts[at].len()));
        let batches: Vec<&[usize]> = order.chunks(options.batch.get()).collect();
        let context = || Ctx::with(options.level, 1);
        let rows = parallel(batches.len(), options.threads, context, |ctx, at| {
            let batch: Vec<&[u32]> = batches[at].iter().map(|&text| texts[text].as_slice()).collect();
            let rows = self.run(ctx, &batch)?;
            done(batch.len());
            Ok(rows)
        })?;
        let dim = self.model.dim();
        let mut values = vec![0.0; dim * texts.len()];
        for (batch, rows) in batches.iter().zip(&rows) {
            for (&text, row) in batch.iter().zip(rows.chunks_exact(dim.max(1))) {
                values[text * dim..][..dim].copy_from_slice(row);
            }
        }
        Ok(Embeddings { dim, values })
    }

    /// One batch, padded to its longest text.
    fn run(&self, ctx: &mut Ctx, batch: &[&[u32]]) -> Result<Vec<f32>, Error> {
        let longest = batch.iter().map(|tokens| tokens.len()).max().unwrap_or(0);
        let shape = [batch.len(), longest];
        let (mut tok, mut mask) = (vec![0; batch.len() * longest], vec![0.0; batch.len() * longest]);
        for (row, tokens) in batch.iter().enumerate() {
            tok[row * longest..][..tokens.len()].copy_from_slice(tokens);
            mask[row * longest..][..tokens.len()].fill(1.0);
        }
        let mut y = vec![0.0; batch.len() * self.model.dim()];
        let out = ViewMut::new(&mut y, [batch.len(), self.model.dim()])?;
        self.model.forward(ctx, View::new(&tok, shape)?, View::new(&mask, shape)?, out)?;
        Ok(y)
    }
}

/// `work` on every number below `count`, each worker with its own `state`; results in order.
/// The error of the smallest number that failed wins, so that errors do not depend on timing.
fn parallel<S, R: Send>(
    count: usize,
    threads: NonZero<usize>,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut state = state();
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return results;
            }
            let result = work(&mut state, at);
            let failed = result.is_err();
            results.push((at, result));
            if failed {
                // Nothing new is begun; numbers below this one are already being worked on.
                next.store(count, Ordering::Relaxed);
            }
        }
    };
    let mut results = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get().min(count)).map(|_| scope.spawn(worker)).collect();
        let mut results = worker();
        for other in others {
            // A worker panics only through a bug; it is passed on as it is.
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
