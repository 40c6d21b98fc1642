//! Law 1: the compiler knows no kernel by name. Every kernel, function, layer, dim, index and variable of
//! every spec is renamed; the loop IR must be the same up to names.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use vibee_codegen::project::Project;
use vibee_codegen::{loops, passes, schedule};
use vibee_spec::term::Step;

/// Words of the language inside executable sections; everything else there is a name.
const WORDS: &[&str] = &[
    "f64",
    "f32",
    "f16",
    "bf16",
    "i32",
    "i8",
    "u8",
    "bool",
    "idx",
    "len",
    "dim",
    "and",
    "or",
    "not",
    "if",
    "then",
    "else",
    "for",
    "in",
    "where",
    "allow",
    "true",
    "false",
    "inf",
    "nan",
    "sum",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "argmax",
    "argmin",
    "exp",
    "log",
    "tanh",
    "erf",
    "sigmoid",
    "sqrt",
    "rsqrt",
    "sin",
    "cos",
    "abs",
    "floor",
    "ceil",
    "round",
    "trunc",
    "sign",
    "clamp",
    "pow",
    "specialise",
    "weights",
    "config",
    "state",
    "forward",
    "kernels",
    "functions",
    "layers",
    "models",
    "formats",
    "block",
    "tables",
    "fields",
    "decode",
    "encode",
    "bits",
    "signed",
    "join",
    "f16_from",
    "bf16_from",
    "f32_from",
    "e4m3_from",
    "f16_bits",
    "bf16_bits",
    "f32_bits",
    "e4m3_bits",
    "u16",
    "i16",
    "e4m3",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs")
}

/// Loop IR of every kernel and of every step of every layer, in order.
fn all_loops(root: &Path) -> Vec<String> {
    let project = Project::load(&[root.to_path_buf()]).expect("specs are readable");
    let mut out = Vec::new();
    for n in 0..project.asked {
        let checked = project.check(n);
        let source = &project.specs[n].source;
        assert!(!checked.diags.has_errors(), "{}: {:?}\n{}", source.path, checked.diags.list, source.text);
        let m = &checked.module;
        let mut kernels: Vec<_> = m.kernels.to_vec();
        for l in m.layers.iter().chain(m.models.iter().map(|m| &m.layer)) {
            steps(&l.forward.steps, &mut kernels);
        }
        for k in kernels {
            out.push(loops::text(&schedule::run(passes::run(k))));
        }
    }
    out
}

fn steps(list: &[Step], out: &mut Vec<vibee_spec::term::Kernel>) {
    for s in list {
        match s {
            Step::Compute { kernel, .. } => out.push((**kernel).clone()),
            Step::Loop { body, .. } => steps(body, out),
            Step::Call { .. } => {}
        }
    }
}

/// Whether two texts differ only in words, each word of one standing for one word of the other.
fn same_up_to_names(a: &str, b: &str) -> Result<(), String> {
    let (a, b) = (words(a), words(b));
    let (mut there, mut back) = (HashMap::new(), HashMap::new());
    for (x, y) in a.iter().zip(&b) {
        // A word both have is the language's or the text form's own.
        if x == y {
            continue;
        }
        let named = x.starts_with(|c: char| c.is_ascii_alphabetic())
            && y.starts_with(|c: char| c.is_ascii_alphabetic());
        if !named || *there.entry(x).or_insert(y) != y || *back.entry(y).or_insert(x) != x {
            return Err(format!("`{x}` became `{y}`"));
        }
    }
    if a.len() == b.len() { Ok(()) } else { Err(format!("{} words became {}", a.len(), b.len())) }
}

/// A text as words and single other characters.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let rest = tokens(text, &mut |word| {
        out.push(word.to_owned());
        "\u{0}".to_owned()
    });
    let mut named = std::mem::take(&mut out).into_iter();
    rest.chars()
        .map(|c| if c == '\u{0}' { named.next().unwrap_or_default() } else { c.to_string() })
        .collect()
}

/// Rewrites every word that starts with a letter or underscore.
fn tokens(text: &str, rewrite: &mut dyn FnMut(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if c.is_ascii_alphabetic() || c == '_' {
            out.push_str(&rewrite(&rest[..len]));
            rest = &rest[len..];
        } else if c.is_ascii_digit() {
            // Numbers such as `1e-12` stay whole.
            let len = number(rest);
            out.push_str(&rest[..len]);
            rest = &rest[len..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Length of the number at the start of a text: `0..T` starts with the number 0.
fn number(text: &str) -> usize {
    let digits =
        |from: usize| text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| from + n);
    let mut end = digits(0);
    if text[end..].starts_with('.') && text[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
    }
    let exponent = text[end..].strip_prefix(['e', 'E']).map(|t| t.trim_start_matches(['-', '+']));
    if exponent.is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit())) {
        let sign = usize::from(text[end + 1..].starts_with(['-', '+']));
        end = digits(end + 1 + sign);
    }
    end
}

/// The spec with every name of its executable sections replaced; other sections but the header dropped.
fn renamed(text: &str) -> String {
    let mut out = String::new();
    let (mut executable, mut kept, mut constants) = (false, false, false);
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let key = line.split(':').next().unwrap_or("");
            executable = matches!(key, "kernels" | "functions" | "formats" | "layers" | "models");
            constants = key == "constants";
            kept = executable
                || matches!(key, "name" | "version" | "language" | "module" | "imports" | "constants");
        }
        if !kept {
            continue;
        }
        if executable {
            let code = line.split(" #").next().unwrap_or("");
            if code.trim_start().starts_with('#') {
                continue;
            }
            // Strings are tensor names, not names of the language.
            for (n, piece) in code.split('"').enumerate() {
                let quoted = n % 2 == 1;
                if n > 0 {
                    out.push('"');
                }
                out.push_str(&if quoted { piece.to_owned() } else { tokens(piece, &mut other) });
            }
        } else if let Some((name, value)) =
            line.split_once(':').filter(|_| constants && line.starts_with("  "))
        {
            out.push_str(&format!("{}:{value}", tokens(name, &mut other)));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// Another name of the same case, sorting differently.
fn other(word: &str) -> String {
    // The numbers of a block are always called `x`, which `c` would become.
    if WORDS.contains(&word) || matches!(word, "x" | "c") {
        return word.to_owned();
    }
    for made in ["decode_", "encode_"] {
        if let Some(format) = word.strip_prefix(made) {
            return format!("{made}{}", other(format));
        }
    }
    // Letters stay letters: from the name of a dim comes that of an index over a whole tensor.
    if let [letter] = word.as_bytes() {
        let first = if letter.is_ascii_uppercase() { b'A' } else { b'a' };
        return char::from(first + 25 - (letter - first).min(25)).to_string();
    }
    let reversed: String = word.chars().rev().filter(|c| c.is_ascii_alphanumeric()).collect();
    let prefix = if word.starts_with(|c: char| c.is_ascii_uppercase()) { "Q" } else { "q" };
    format!("{prefix}{}_{reversed}", word.len())
}

#[test]
fn the_comparison_can_fail() {
    assert!(same_up_to_names("y[t] = x[t]", "b[i] = a[i]").is_ok());
    assert!(same_up_to_names("y[t] = x[t]", "b[i] = a[j]").is_err());
    assert!(same_up_to_names("y[t] = x[s]", "b[i] = a[i]").is_err());
    assert!(same_up_to_names("y = x + 1", "b = a + 2").is_err());
    assert!(same_up_to_names("0..T lanes", "0..Q").is_err());
}

#[test]
fn loops_do_not_depend_on_names() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folders = fs::read_dir(root()).expect("specs").flatten();
    for topic in folders.filter(|entry| entry.path().is_dir()) {
        let target = dir.path().join(topic.file_name());
        fs::create_dir_all(&target).expect("a folder");
        for spec in fs::read_dir(topic.path()).expect("specs").flatten() {
            let text = fs::read_to_string(spec.path()).expect("a spec");
            fs::write(target.join(spec.file_name()), renamed(&text)).expect("a renamed spec");
        }
    }
    let (before, after) = (all_loops(&root()), all_loops(dir.path()));
    assert!(before.len() >= 40, "only {} kernels and steps", before.len());
    assert_eq!(before.len(), after.len());
    let mut changed_names = 0;
    for (a, b) in before.iter().zip(&after) {
        changed_names += usize::from(a != b);
        if let Err(why) = same_up_to_names(a, b) {
            panic!("{why}\nbefore:\n{a}\nafter:\n{b}");
        }
    }
    assert_eq!(changed_names, before.len(), "renaming must rename");
}
