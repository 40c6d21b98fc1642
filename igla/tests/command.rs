//! The `igla` command: output, exit status and messages.

mod model;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn igla(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_igla"))
        .args(args)
        .env_remove("IGLA_ISA")
        .env("IGLA_CACHE", "off")
        .env("IGLA_MODEL", model::directory().unwrap_or_else(|| "no-model".into()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early closes its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn fails(args: &[&str], input: &[u8], message: &str) {
    let output = igla(args, input);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), message);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

fn json_lines(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "no progress bar without a terminal");
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn wrong_usage() {
    assert_eq!(igla(&[], b"").status.code(), Some(2));
    assert_eq!(igla(&["fly"], b"").status.code(), Some(2));
    assert_eq!(igla(&["search", "query"], b"").status.code(), Some(2));
    assert_eq!(igla(&["embed", "--threads", "0", "text"], b"").status.code(), Some(2));
    assert_eq!(igla(&["embed", "--isa", "mmx", "text"], b"").status.code(), Some(2));
    let kept = igla(&["embed", "--weights", "int4", "text"], b"");
    assert_eq!(kept.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&kept.stderr).contains("there are f32, bf16, int8"));
    fails(&["embed", "-", "--file", "-"], b"", "igla: standard input can be read only once; give `-` once\n");
    fails(&["search", "q", "-", "-"], b"", "igla: standard input can be read only once; give `-` once\n");
}

#[test]
fn unreadable_input() {
    fails(
        &["embed", "--file", "no-such-file"],
        b"",
        "igla: cannot read no-such-file: No such file or directory (os error 2)\n",
    );
    fails(
        &["search", "q", "-"],
        b"good\nb\xffd\n",
        "igla: -:2: is not UTF-8; convert it, for example with iconv\n",
    );
    fails(
        &["embed", "text", "--model", "no-model"],
        b"",
        "igla: no-model: there is no such model directory; scripts/fetch-minilm.sh fetches all-MiniLM-L6-v2, \
         --model or IGLA_MODEL names another place\n",
    );
}

#[test]
fn help_shows_examples() {
    for command in ["embed", "search", "completions"] {
        let help = igla(&[command, "--help"], b"");
        assert_eq!(help.status.code(), Some(0));
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains("Example"), "{help}");
        assert!(!help.contains('\x1b'), "no colours without a terminal");
    }
}

#[test]
fn completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = igla(&["completions", shell], b"");
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains("igla"));
    }
}

#[test]
fn embed_prints_a_line_a_text() {
    if model::directory().is_none() {
        return;
    }
    let output =
        igla(&["embed", "one", "-", "two", "--threads", "2", "--batch", "2"], "a\n\nб\r\n".as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = |line: &str| line.split(' ').map(|n| n.parse().unwrap()).collect::<Vec<f32>>();
    let rows: Vec<Vec<f32>> = text.lines().map(numbers).collect();
    assert!(rows.len() == 5 && rows.iter().all(|row| row.len() == 384), "{} rows", rows.len());

    let objects = json_lines(&igla(&["embed", "--json", "one", "a", "", "б", "two", "--batch", "2"], b""));
    let texts: Vec<&str> = objects.iter().map(|o| o["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "a", "", "б", "two"]);
    for (object, row) in objects.iter().zip(&rows) {
        assert_eq!(&serde_json::from_value::<Vec<f32>>(object["embedding"].clone()).unwrap(), row);
    }
    assert_eq!(igla(&["embed"], b"").status.code(), Some(1), "no lines, nothing to show");
}

#[test]
fn search_ranks_by_meaning() {
    if model::directory().is_none() {
        return;
    }
    let lines = "The weather is cold today\n\n  A feline rests on a rug\nStocks fell sharply\n";
    let hits =
        json_lines(&igla(&["search", "A cat sits on a mat", "-", "--json", "--top", "2"], lines.as_bytes()));
    assert_eq!(hits.len(), 2);
    assert_eq!((&hits[0]["line"], &hits[0]["file"]), (&Value::from(3), &Value::from("-")));
    assert!(hits[0]["score"].as_f64() > hits[1]["score"].as_f64());

    let output = igla(&["search", "A cat sits on a mat", "-", "--top", "1"], lines.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with("  -:3  A feline rests on a rug\n"), "{text}");
    assert_eq!(igla(&["search", "q", "-"], b"\n \n").status.code(), Some(1));
}

#[test]
fn int8_weights_are_kept_where_it_is_said() {
    if model::directory().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cache");
    let run = |cache: &str| igla(&["embed", "--weights", "int8", "A cat", "--cache", cache], b"");
    let expected = igla(&["embed", "--weights", "int8", "A cat"], b"");
    assert_eq!((expected.status.code(), expected.stderr.is_empty()), (Some(0), true));
    assert_eq!(run("off").stdout, expected.stdout);
    assert!(!folder.exists());
    let text = folder.to_str().unwrap();
    std::thread::scope(|scope| {
        // Two that write at once.
        let both = [scope.spawn(|| run(text)), scope.spawn(|| run(text))];
        for output in both.map(|output| output.join().unwrap()) {
            assert!(output.stdout == expected.stdout && output.stderr.is_empty());
        }
    });
    let count = || {
        std::fs::read_dir(&folder)
            .unwrap()
            .flat_map(|f| std::fs::read_dir(f.unwrap().path()).unwrap())
            .count()
    };
    assert_eq!(count(), 37, "six matrices in each of six layers, and the table of words");
    let again = run(text);
    assert!(again.stdout == expected.stdout && again.stderr.is_empty());

    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "mine").unwrap();
    let output = run(text);
    assert_eq!((output.status.code(), &output.stdout), (Some(0), &expected.stdout));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(
        notes.starts_with("igla: note: ") && notes.contains("cannot be kept for the next run"),
        "{notes}"
    );
}
