//! How long loading a model with `int8` weights takes, without a cache of weights and with one.
//!
//! ```text
//! cargo run --release -p igla --example load_times -- models/all-MiniLM-L6-v2 [ROUNDS]
//! ```
//! Takes turns, and prints the quickest and the middle time of each, in milliseconds. With `COLD=1` (as root, on Linux)
//! the system forgets all files before each turn.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use generated::models::minilm::MiniLMQ8_0;
use igla::config::Config;
use igla::weights::Safetensors;
use igla::weights::cache::{Cache, Cached};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().context("a model directory")?);
    let rounds: usize = args.next().map_or(Ok(9), |text| text.parse())?;
    let cold = std::env::var_os("COLD").is_some();
    let folder = tempfile::tempdir()?;
    let cache = Cache::at(folder.path().to_owned());
    println!("first with a cache: {:.1}", load(&dir, Some(&cache))?);
    let mut times = [vec![], vec![]];
    for _ in 0..rounds {
        for (times, cache) in times.iter_mut().zip([None, Some(&cache)]) {
            if cold {
                // Only what is on the disk can be forgotten.
                std::process::Command::new("sync").status()?;
                std::fs::write("/proc/sys/vm/drop_caches", "3")?;
            }
            times.push(load(&dir, cache)?);
        }
    }
    for (what, mut times) in ["without", "with"].into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        if let (Some(least), Some(middle)) = (times.first(), times.get(times.len() / 2)) {
            println!("{what}: {least:.1}, {middle:.1}");
        }
    }
    for note in cache.notes() {
        println!("note: {note}");
    }
    Ok(())
}

/// Milliseconds from opening the file to a model that is ready.
fn load(dir: &Path, cache: Option<&Cache>) -> Result<f64> {
    let start = Instant::now();
    let config = Config::open(&dir.join("config.json"))?;
    let file = Safetensors::open(&dir.join("model.safetensors"))?;
    let model = match cache {
        Some(cache) => MiniLMQ8_0::load(&Cached::new(&file, cache), &config)?,
        None => MiniLMQ8_0::load(&file, &config)?,
    };
    let time = start.elapsed();
    drop(model);
    Ok(time.as_secs_f64() * 1e3)
}
