//! `igla search`: the lines of files that mean what a query says.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};
use igla::search;
use igla_runtime::Ctx;
use serde_json::json;

use crate::{Outcome, input, model};

/// Find the lines of files closest in meaning to a query.
///
/// Every line that is not blank is compared with the query; the best come first, with their cosine.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  igla search 'How do I get my money back?' faq.txt
  igla search 'out of memory' notes/*.txt --top 3 --json
  git log --format=%s | igla search 'faster parsing' -")]
pub struct Args {
    /// What to look for
    query: String,
    /// Files to search, a text a line; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How many lines to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: model::Args,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let options = args.model.options()?;
    if args.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
        bail!("standard input can be read only once; give `-` once");
    }
    let mut lines = Vec::new();
    for file in &args.files {
        lines.extend(input::lines(file)?.into_iter().filter(|line| !line.text.trim().is_empty()));
    }
    if lines.is_empty() {
        return Ok(Outcome::Nothing);
    }
    let embedder = args.model.load()?;
    let query = embedder.embed(&[&args.query], options, &|_| ())?;
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let documents = model::embed(&embedder, &texts, options)?;
    let mut ctx = Ctx::with(options.level, options.threads.get());
    let hits = search::rank(&search::scores(&mut ctx, &query, &documents)?, args.top);
    let mut out = BufWriter::new(std::io::stdout().lock());
    for hit in &hits {
        let (line, score) = (&lines[hit.index], hit.score);
        if args.json {
            let hit = json!({ "score": score, "file": line.file, "line": line.number, "text": line.text });
            writeln!(out, "{hit}")?;
        } else {
            writeln!(out, "{score:.4}  {}:{}  {}", line.file, line.number, line.text.trim())?;
        }
    }
    out.flush()?;
    Ok(if hits.is_empty() { Outcome::Nothing } else { Outcome::Done })
}
