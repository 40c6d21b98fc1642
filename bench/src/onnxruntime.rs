//! onnxruntime behind iGLA's [`SentenceModel`], so that batching is the same code for both.
//!
//! `onnxruntime/setup.sh` makes what is loaded here: the library of the Python package, and the checkpoint in its form.

use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use igla::embed::SentenceModel;
use igla_runtime::{Ctx, ShapeError, View, ViewMut};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use serde_json::Value;

/// A session with all optimisations, which splits its operations over threads.
pub struct Onnx {
    session: Mutex<Session>,
    dim: usize,
    vocabulary: usize,
    positions: usize,
}

impl Onnx {
    /// Loads a model of `home/models`: `f32` or `int8`.
    pub fn load(home: &Path, model: &Path, kind: &str, threads: NonZero<usize>) -> Result<Self> {
        let hint = "make it with onnxruntime/setup.sh";
        let library = home.join("libonnxruntime.so");
        anyhow::ensure!(library.exists(), "no {}: {hint}", library.display());
        ort::init_from(library.to_string_lossy()).commit()?;
        let path = model.join("config.json");
        let config: Value =
            serde_json::from_slice(&std::fs::read(&path).with_context(|| path.display().to_string())?)?;
        let size = |key: &str| -> Result<usize> {
            Ok(usize::try_from(config[key].as_u64().with_context(|| format!("no {key}"))?)?)
        };
        let file = home.join("models").join(format!("{kind}.onnx"));
        let session = Session::builder()?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(threads.get())?
            .with_inter_threads(1)?
            .commit_from_file(&file)
            .with_context(|| format!("{}: {hint}", file.display()))?;
        Ok(Self {
            session: Mutex::new(session),
            dim: size("hidden_size")?,
            vocabulary: size("vocab_size")?,
            positions: size("max_position_embeddings")?,
        })
    }

    fn embed(&self, tok: &[u32], mask: &[f32], shape: [usize; 2]) -> ort::Result<Vec<f32>> {
        let tok: Vec<i32> = tok.iter().map(|t| t.cast_signed()).collect();
        let mask: Vec<i32> = mask.iter().map(|m| *m as i32).collect();
        let inputs = ort::inputs![
            "tokens" => TensorRef::from_array_view((shape, tok.as_slice()))?,
            "mask" => TensorRef::from_array_view((shape, mask.as_slice()))?,
        ];
        let mut session = self.session.lock().expect("nothing panics in a session");
        let outputs = session.run(inputs)?;
        let (_, embeddings) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(embeddings.to_vec())
    }
}

impl SentenceModel for Onnx {
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
        let shape = [tok.dim(0), tok.dim(1)];
        let (Some(tok), Some(mask)) = (tok.flat(), mask.flat()) else {
            return Err(ShapeError::size("onnxruntime", "batches are contiguous"));
        };
        let rows =
            self.embed(tok, mask, shape).map_err(|e| ShapeError::size("onnxruntime", e.to_string()))?;
        for (at, row) in rows.chunks_exact(self.dim).enumerate() {
            y.row_mut([at]).copy_from_slice(row);
        }
        Ok(())
    }
}
