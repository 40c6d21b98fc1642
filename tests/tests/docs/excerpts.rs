//! Excerpts of files: `<!-- excerpt: PATH | FIRST | LAST -->` directly above a fenced block.
//!
//! The block holds the lines of PATH from the first that begins with FIRST (white space aside) to
//! the next that is exactly LAST.

use std::fmt::Write;
use std::path::{Path, PathBuf};

const MARK: &str = "<!-- excerpt: ";

/// What differs; with `update` documents are rewritten instead.
pub fn stale(root: &Path, documents: &[(PathBuf, String)], update: bool) -> Vec<String> {
    let mut out = vec![];
    for (path, text) in documents {
        let mut now = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            now += line;
            now.push('\n');
            let Some(mark) = line.strip_prefix(MARK).and_then(|l| l.strip_suffix(" -->")) else { continue };
            let parts: Vec<&str> = mark.split(" | ").collect();
            let [file, first, last] = parts[..] else { panic!("{}: {line}", path.display()) };
            let fence = lines.next().expect("a fence below the mark");
            assert!(fence.starts_with("```"), "{}: no fence below {line}", path.display());
            while lines.next().is_some_and(|l| l != "```") {}
            match excerpt(&root.join(file), first, last) {
                Ok(lines) => writeln!(now, "{fence}\n{lines}```").expect("strings take all text"),
                Err(why) => out.push(format!("{}: {file}: {why}", path.display())),
            }
        }
        if now == *text || !out.is_empty() {
            continue;
        }
        if update {
            std::fs::write(root.join(path), now).expect("a writable file");
        } else {
            let differs = now.lines().zip(text.lines()).find(|(a, b)| a != b);
            let (is, was) = differs.unwrap_or(("a shorter text", "a longer one"));
            out.push(format!("{}: an excerpt is stale\n  says  {was}\n  is    {is}", path.display()));
        }
    }
    out
}

fn excerpt(file: &Path, first: &str, last: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|l| l.trim_start().starts_with(first));
    let start = start.ok_or_else(|| format!("no line begins with `{first}`"))?;
    let length = lines[start..].iter().position(|l| *l == last).ok_or_else(|| format!("no line `{last}`"))?;
    let part = &lines[start..=start + length];
    let filled = part.iter().filter(|l| !l.is_empty());
    let indent = filled.map(|l| l.len() - l.trim_start().len()).min().unwrap_or(0);
    Ok(part.iter().map(|l| format!("{}\n", l.get(indent..).unwrap_or(""))).collect())
}
