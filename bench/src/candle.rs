//! candle's BERT behind iGLA's [`SentenceModel`], so that batching is the same code for both.

use std::cell::RefCell;
use std::num::NonZero;
use std::path::Path;

use anyhow::{Context, Result};
use candle_core::{D, DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use igla::embed::SentenceModel;
use igla_runtime::{Ctx, ShapeError, View, ViewMut};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The two ways to keep several threads busy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parallelism {
    /// Batches side by side, each on one thread, as iGLA does.
    Batches,
    /// One batch at a time, its operations split over all threads, as candle's examples do.
    Operations,
}

/// candle's model with pooling and normalisation as in its `bert` example.
pub struct Bert {
    model: BertModel,
    dim: usize,
    vocabulary: usize,
    positions: usize,
    /// For [`Parallelism::Operations`]; otherwise every caller has a pool of one.
    pool: Option<ThreadPool>,
}

thread_local! {
    /// A pool of one, made once a thread: candle's operations then stay on one thread.
    static ALONE: RefCell<Option<ThreadPool>> = const { RefCell::new(None) };
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool can be made")
}

impl Bert {
    /// Loads the same two files as iGLA.
    pub fn load(dir: &Path, threads: NonZero<usize>, parallelism: Parallelism) -> Result<Self> {
        let path = dir.join("config.json");
        let config: Config =
            serde_json::from_slice(&std::fs::read(&path).with_context(|| path.display().to_string())?)?;
        let (dim, vocabulary, positions) =
            (config.hidden_size, config.vocab_size, config.max_position_embeddings);
        let weights = std::fs::read(dir.join("model.safetensors"))?;
        let builder = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let model = BertModel::load(builder, &config)?;
        let pool = (parallelism == Parallelism::Operations).then(|| pool(threads.get()));
        Ok(Self { model, dim, vocabulary, positions, pool })
    }

    fn embed(&self, tok: &[u32], mask: &[f32], shape: (usize, usize)) -> candle_core::Result<Vec<f32>> {
        let tok = Tensor::from_slice(tok, shape, &Device::Cpu)?;
        let mask = Tensor::from_slice(mask, shape, &Device::Cpu)?;
        let x = self.model.forward(&tok, &tok.zeros_like()?, Some(&mask))?;
        let mask = mask.unsqueeze(D::Minus1)?;
        let mean = x.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?;
        let norm = mean.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
        mean.broadcast_div(&norm)?.flatten_all()?.to_vec1()
    }
}

impl SentenceModel for Bert {
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
        _: &mut Ctx,
        tok: View<'_, u32, 2>,
        mask: View<'_, f32, 2>,
        mut y: ViewMut<'_, f32, 2>,
    ) -> Result<(), ShapeError> {
        let shape = (tok.dim(0), tok.dim(1));
        let (Some(tok), Some(mask)) = (tok.flat(), mask.flat()) else {
            return Err(ShapeError::size("candle", "batches are contiguous"));
        };
        let run = || self.embed(tok, mask, shape);
        let rows = match &self.pool {
            Some(pool) => pool.install(run),
            None => ALONE.with_borrow_mut(|alone| alone.get_or_insert_with(|| pool(1)).install(run)),
        };
        let rows = rows.map_err(|e| ShapeError::size("candle", e.to_string()))?;
        for (at, row) in rows.chunks_exact(self.dim).enumerate() {
            y.row_mut([at]).copy_from_slice(row);
        }
        Ok(())
    }
}
