//! What the documentation says is true: every spec in it is parsed, checked, compiled and run,
//! every excerpt stands in the file it names, every link leads somewhere.
//!
//! `UPDATE_DOCS=1 cargo test -p vibee-tests --test docs` rewrites excerpts and the table of codes.
//! `DOCS_SPECS=DIR` writes every right spec to DIR, for `vibee test DIR`.

mod blocks;
mod cases;
mod excerpts;

use std::path::{Path, PathBuf};

use blocks::Block;
use vibee_spec::fmt;
use vibee_spec::span::Source;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All documentation: Markdown at the root and below `docs/`, with paths below the root.
fn documents() -> Vec<(PathBuf, String)> {
    let mut open = vec![root().join("docs")];
    let mut paths: Vec<PathBuf> = files(&root());
    while let Some(dir) = open.pop() {
        paths.extend(files(&dir));
        let entries = std::fs::read_dir(&dir).expect("a readable folder");
        open.extend(entries.map(|e| e.expect("a readable entry").path()).filter(|p| p.is_dir()));
    }
    paths.sort();
    let read = |p: PathBuf| {
        let text = std::fs::read_to_string(&p).expect("a readable file");
        (p.strip_prefix(root()).expect("below the root").to_path_buf(), text)
    };
    paths.into_iter().map(read).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a readable folder");
    let paths = entries.map(|e| e.expect("a readable entry").path());
    paths.filter(|p| p.extension().is_some_and(|e| e == "md")).collect()
}

/// Whether files are rewritten instead of compared.
fn updating() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

#[test]
fn every_spec_in_the_documentation_is_true() {
    let mut problems = vec![];
    let (mut specs, mut cases) = (0, 0);
    for (path, text) in documents() {
        for block in blocks::find(&path, &text) {
            specs += 1;
            match run(&block) {
                Ok(n) => cases += n,
                Err(problem) => {
                    problems.push(format!("{}:{}: {problem}", path.display(), block.line));
                }
            }
        }
    }
    println!("{specs} specs, {cases} cases");
    assert!(problems.is_empty(), "{} problems\n\n{}", problems.len(), problems.join("\n\n"));
    assert!(specs >= 50 && cases >= 70, "only {specs} specs and {cases} cases were found");
}

/// Checks one block; the number of its cases that ran.
fn run(block: &Block) -> Result<usize, String> {
    let checked = block.check();
    let codes = checked.codes();
    if codes != block.codes {
        let wanted = block.codes.join(" ");
        return Err(format!("reports [{}], not [{wanted}]\n{}", codes.join(" "), checked.report()));
    }
    if checked.has_errors() {
        return Ok(0);
    }
    // Builds with debug assertions verify every stage on the way.
    let emitted = vibee_codegen::compile::module(&checked.module, "specs/nn/example.vibee", "nn/example");
    if let Err(why) = emitted {
        return Err(format!("the compiler gives up on it: {why}"));
    }
    if let Some(dir) = std::env::var_os("DOCS_SPECS") {
        block.write(Path::new(&dir)).map_err(|e| e.to_string())?;
    }
    cases::run(&checked.module, &checked.tests)
}

/// What parses is formatted to something that means the same.
#[test]
fn every_spec_in_the_documentation_can_be_formatted() {
    let mut formatted = 0;
    for (path, text) in documents() {
        for block in blocks::find(&path, &text) {
            let shown = format!("{}:{}", path.display(), block.line);
            let source = |text: &str| Source { path: shown.clone(), text: text.to_owned() };
            let Ok(once) = fmt::format(&source(&block.text)) else { continue };
            assert!(fmt::same_text(&block.text, &once), "{shown} means something else:\n{once}");
            // The page about formatting shows how specs look.
            assert!(
                !path.ends_with("formatting.md") || once == block.text,
                "{shown} is not formatted:\n{once}"
            );
            assert_eq!(fmt::format(&source(&once)).ok(), Some(once), "{shown}: no fixed point");
            formatted += 1;
        }
    }
    assert!(formatted >= 50, "only {formatted} could be formatted");
}

#[test]
fn excerpts_stand_in_their_files() {
    let stale = excerpts::stale(&root(), &documents(), updating());
    assert!(stale.is_empty(), "{}\n\nUPDATE_DOCS=1 rewrites them", stale.join("\n\n"));
}

/// The reference lists exactly the codes there are.
#[test]
fn every_code_is_listed() {
    const BEGIN: &str = "<!-- codes -->\n";
    const END: &str = "<!-- end of codes -->\n";
    let path = root().join("docs/language/diagnostics.md");
    let text = std::fs::read_to_string(&path).expect("the reference of diagnostics");
    let (head, rest) = text.split_once(BEGIN).expect("a marker before the table");
    let (_, tail) = rest.split_once(END).expect("a marker behind the table");
    let mut rows: Vec<_> = vibee_spec::codes::all().collect();
    rows.sort_by_key(|c| c.code);
    let mut table = String::from("\n| code | title |\n|---|---|\n");
    for c in rows {
        table += &format!("| {} | {} |\n", c.code, c.title);
    }
    let wanted = format!("{head}{BEGIN}{table}\n{END}{tail}");
    if updating() {
        std::fs::write(&path, &wanted).expect("a writable file");
    } else {
        assert!(text == wanted, "the table of codes is stale; UPDATE_DOCS=1 rewrites it");
    }
}

/// The reference lists exactly the lints there are, with their levels.
#[test]
fn every_lint_is_listed() {
    let text = std::fs::read_to_string(root().join("docs/language/diagnostics.md")).expect("the reference");
    let (_, rest) = text.split_once("<!-- lints -->\n").expect("a marker before the table");
    let (table, _) = rest.split_once("<!-- end of lints -->\n").expect("a marker behind the table");
    let mut wanted = String::from("\n| lint | code | level |\n|---|---|---|\n");
    for lint in vibee_spec::lint::LINTS {
        let level = format!("{:?}", lint.level).to_lowercase();
        wanted += &format!("| `{}` | {} | {level} |\n", lint.name, lint.code);
    }
    assert_eq!(table, wanted + "\n");
}

/// Relative links lead to files, and their `#anchors` to headings.
#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let mut broken = vec![];
    for (path, text) in &documents {
        for target in links(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let full = match file {
                "" => root().join(path),
                file => root().join(path.parent().unwrap_or(Path::new(""))).join(file),
            };
            let fine = match (full.exists(), anchor) {
                (false, _) => false,
                (true, "") => true,
                (true, anchor) => {
                    let text = std::fs::read_to_string(&full).unwrap_or_default();
                    text.lines().any(|l| l.starts_with('#') && slug(l) == anchor)
                }
            };
            if !fine {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// Targets of `[text](target)` outside code, without those on other hosts.
fn links(text: &str) -> Vec<&str> {
    let mut out = vec![];
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        // Every second part stands between backticks.
        for part in line.split('`').step_by(2).filter(|_| !fenced) {
            for rest in part.split("](").skip(1) {
                let target = rest.split(')').next().unwrap_or("");
                if !target.contains("://") {
                    out.push(target);
                }
            }
        }
        // A link whose text is code has its target in front of no backtick.
        if !fenced {
            for rest in line.split("`](").skip(1) {
                let target = rest.split(')').next().unwrap_or("");
                if !target.contains("://") && !out.contains(&target) {
                    out.push(target);
                }
            }
        }
    }
    out
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let keep = text.chars().filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_');
    keep.map(|c| if c == ' ' { '-' } else { c }).collect()
}
