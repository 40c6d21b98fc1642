//! Sentences a second: iGLA's MiniLM against candle's and onnxruntime's.
//!
//! ```text
//! cd bench && cargo run --release -- --threads 2 --json results.json
//! cd bench && onnxruntime/setup.sh && cargo run --release -- --onnxruntime target/onnxruntime
//! ```
//!
//! All engines load the same file, get the same tokens in the same batches from the same batching
//! code, and run on the same number of threads, taking turns within one process. Before anything is
//! timed, both must reproduce the reference embeddings. iGLA takes part twice: how far its two
//! columns differ (the A/A control) is how far any difference means nothing.

mod candle;
mod check;
mod measure;
mod onnxruntime;
mod report;
mod workload;

use std::num::NonZero;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use igla::embed::{Embedder, Embeddings, Options};
use igla::minilm::{self, MiniLm, Weights};
use igla_runtime::Level;

use candle::{Bert, Parallelism};
use onnxruntime::Onnx;

/// Compare sentences a second of iGLA, candle and onnxruntime.
#[derive(Parser)]
struct Args {
    /// Model directory
    #[arg(long, default_value = "../models/all-MiniLM-L6-v2")]
    model: PathBuf,
    /// Reference embeddings
    #[arg(long, default_value = "../tests/data/minilm-reference.json")]
    reference: PathBuf,
    /// Threads for each engine [default: one a core]
    #[arg(long)]
    threads: Option<NonZero<usize>>,
    /// How iGLA keeps its matrices besides f32: bf16 or int8, several times
    #[arg(long, value_name = "TYPE")]
    weights: Vec<Weights>,
    /// What onnxruntime/setup.sh made: onnxruntime takes part, with f32 and with 8 bits
    #[arg(long, value_name = "DIR")]
    onnxruntime: Option<PathBuf>,
    /// Rounds; in each, every engine runs every workload once
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Tokens in a workload: more take longer and vary less
    #[arg(long, default_value_t = 8192)]
    tokens: usize,
    /// Also write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A competitor.
pub enum Engine {
    /// iGLA: batches side by side, one thread each.
    Igla(Embedder<MiniLm>),
    /// candle, by one of its two ways to use several threads.
    Candle(Embedder<Bert>, Parallelism),
    /// onnxruntime: one batch at a time, its operations split over all threads.
    Onnx(Embedder<Onnx>),
}

impl Engine {
    /// Embeds, on `threads` threads in all.
    pub fn embed(&self, texts: &[Vec<u32>], threads: NonZero<usize>, batch: NonZero<usize>) -> Result<Embeddings> {
        let one = NonZero::<usize>::MIN;
        let options = |threads| Options { threads, batch, level: Level::best() };
        Ok(match self {
            Self::Igla(embedder) => embedder.embed_tokens(texts, options(threads), &|_| ())?,
            Self::Candle(embedder, Parallelism::Batches) => embedder.embed_tokens(texts, options(threads), &|_| ())?,
            Self::Onnx(embedder) => embedder.embed_tokens(texts, options(one), &|_| ())?,
            Self::Candle(embedder, Parallelism::Operations) => embedder.embed_tokens(texts, options(one), &|_| ())?,
        })
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let threads = args.threads.unwrap_or_else(Options::all_threads);
    let candle = |parallelism| -> Result<Engine> {
        let model = Bert::load(&args.model, threads, parallelism)?;
        Ok(Engine::Candle(Embedder::new(model, &args.model, 256)?, parallelism))
    };
    let mut engines = vec![
        ("igla".to_owned(), Engine::Igla(minilm::load(&args.model)?)),
        ("candle, batches in parallel".to_owned(), candle(Parallelism::Batches)?),
        ("candle, operations in parallel".to_owned(), candle(Parallelism::Operations)?),
        ("igla again".to_owned(), Engine::Igla(minilm::load(&args.model)?)),
    ];
    let onnx = |kind| -> Result<Option<(String, Engine)>> {
        let Some(home) = &args.onnxruntime else { return Ok(None) };
        let model = Onnx::load(home, &args.model, kind, threads)?;
        Ok(Some((format!("onnxruntime {kind}"), Engine::Onnx(Embedder::new(model, &args.model, 256)?))))
    };
    engines.extend(onnx("f32")?);
    for (name, engine) in &engines {
        check::reference(name, engine, threads, &args.reference)?;
    }
    // What these lose is the business of igla's tests.
    for &kept in &args.weights {
        engines.push((format!("igla {kept}"), Engine::Igla(minilm::load_as(&args.model, kept)?)));
    }
    engines.extend(onnx("int8")?);
    let workloads = workload::all(args.tokens);
    let results = measure::run(&engines, &workloads, threads, args.rounds)?;
    let names: Vec<&str> = engines.iter().map(|(name, _)| name.as_str()).collect();
    report::table(&names, &workloads, &results);
    report::against_onnx(&names, &workloads, &results);
    if let Some(path) = &args.json {
        std::fs::write(path, report::json(&names, &workloads, &results, threads)?)?;
    }
    Ok(())
}
