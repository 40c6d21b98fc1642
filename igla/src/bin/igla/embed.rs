//! `igla embed`: one vector a text.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::{Outcome, input, model};

/// Turn texts into vectors of unit length.
///
/// Texts come from the command line, or one a line from files or standard input. Each gives one
/// line of output: its numbers, or with --json an object with `text` and `embedding`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  igla embed 'A cat sits outside' 'A dog runs'
  igla embed --file sentences.txt --json > vectors.jsonl
  cat sentences.txt | igla embed - --threads 4")]
pub struct Args {
    /// Texts; `-` reads lines from standard input
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Read a text from each line of a file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: model::Args,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let options = args.model.options()?;
    let texts = args.texts()?;
    let embedder = args.model.load()?;
    let embeddings = model::embed(&embedder, &texts, options)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (text, row) in texts.iter().zip(embeddings.rows()) {
        if args.json {
            serde_json::to_writer(&mut out, &serde_json::json!({ "text": text, "embedding": row }))
                .map_err(std::io::Error::from)?;
        } else {
            let numbers: Vec<_> = row.iter().map(f32::to_string).collect();
            write!(out, "{}", numbers.join(" "))?;
        }
        writeln!(out)?;
    }
    out.flush()?;
    Ok(if texts.is_empty() { Outcome::Nothing } else { Outcome::Done })
}

impl Args {
    fn texts(&self) -> Result<Vec<String>> {
        let stdin = Path::new("-");
        let asked = self.texts.iter().filter(|text| *text == "-").count()
            + self.file.iter().filter(|file| *file == stdin).count();
        if asked > 1 {
            bail!("standard input can be read only once; give `-` once");
        }
        if self.texts.is_empty() && self.file.is_empty() {
            if std::io::stdin().is_terminal() {
                bail!(
                    "nothing to embed; give texts, --file FILE or lines on standard input (see igla embed --help)"
                );
            }
            return read(stdin);
        }
        let mut texts = Vec::new();
        for text in &self.texts {
            match text.as_str() {
                "-" => texts.extend(read(stdin)?),
                text => texts.push(text.to_owned()),
            }
        }
        for file in &self.file {
            texts.extend(read(file)?);
        }
        Ok(texts)
    }
}

/// Every line is a text, empty ones too, so that output lines match input lines.
fn read(path: &Path) -> Result<Vec<String>> {
    Ok(input::lines(path)?.into_iter().map(|line| line.text).collect())
}
