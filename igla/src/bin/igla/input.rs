//! Lines of texts from files and standard input.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// A text and where it came from.
pub struct Line {
    /// File name, `-` for standard input.
    pub file: String,
    /// From 1.
    pub number: usize,
    /// Without its line ending.
    pub text: String,
}

/// All lines of a file; `-` is standard input.
pub fn lines(path: &Path) -> Result<Vec<Line>> {
    let file = path.display().to_string();
    let bytes = match file.as_str() {
        "-" => read_stdin().context("cannot read standard input")?,
        _ => std::fs::read(path).with_context(|| format!("cannot read {file}"))?,
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + valid.iter().filter(|b| **b == b'\n').count();
            bail!("{file}:{line}: is not UTF-8; convert it, for example with iconv");
        }
    };
    let line = |(at, text): (usize, &str)| Line { file: file.clone(), number: at + 1, text: text.to_owned() };
    Ok(text.lines().enumerate().map(line).collect())
}

fn read_stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)?;
    Ok(bytes)
}
