//! Every kind of unusable `config.json` is refused with a message that names the key.

use std::path::PathBuf;

use igla::config::Config;
use igla_runtime::weights::Config as _;
use tempfile::TempDir;

fn file(text: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

/// The message without the directory of the file.
fn message((_, path): &(TempDir, PathBuf), error: impl std::fmt::Display) -> String {
    error.to_string().replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[track_caller]
fn refused(text: &[u8], expected: &str) {
    let file = file(text);
    assert_eq!(message(&file, Config::open(&file.1).unwrap_err()), expected);
}

#[test]
fn not_an_object() {
    refused(b"", "config.json: is not JSON: EOF while parsing a value at line 1 column 0");
    refused(b"{\"a\": 1,", "config.json: is not JSON: EOF while parsing a value at line 1 column 8");
    refused(b"[1, 2]", "config.json: holds a list, expected an object {…}");
    refused(b"\"text\"", "config.json: holds a text, expected an object {…}");
    refused(&[b'['; 100_000], "config.json: is not JSON: recursion limit exceeded at line 1 column 128");
    refused(b"{\"\xff\": 1}", "config.json: is not JSON: invalid unicode code point at line 1 column 3");
    refused(&vec![b' '; (1 << 24) + 1], "config.json: is larger than 16 MiB, which no configuration is");
}

#[test]
fn no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    let file = (dir, path);
    let error = Config::open(&file.1).unwrap_err();
    assert_eq!(message(&file, error), "config.json: No such file or directory (os error 2)");
}

#[test]
fn sizes() {
    let file = file(
        br#"{"n": 384, "float": 384.0, "zero": 0, "neg": -1, "part": 0.5, "huge": 1e300, "over": 18446744073709551616,
             "text": "384", "flag": true, "list": [1], "map": {}, "none": null}"#,
    );
    let config = Config::open(&file.1).unwrap();
    assert_eq!(config.int("n").unwrap(), 384);
    assert_eq!(config.int("float").unwrap(), 384);
    assert_eq!(config.int("zero").unwrap(), 0);
    let fails = |key, expected: &str| assert_eq!(config.int(key).unwrap_err().to_string(), expected);
    fails("gone", "the configuration has no `gone`");
    fails("none", "the configuration has no `none`");
    fails("neg", "configuration `neg` must be a whole number ≥ 0, but it is -1");
    fails("part", "configuration `part` must be a whole number ≥ 0, but it is 0.5");
    fails("huge", "configuration `huge` must be a whole number ≥ 0, but it is 1e+300");
    fails("over", "configuration `over` must be a whole number ≥ 0, but it is 1.8446744073709552e+19");
    fails("text", "configuration `text` must be a whole number ≥ 0, but it is a text");
    fails("flag", "configuration `flag` must be a whole number ≥ 0, but it is true");
    fails("list", "configuration `list` must be a whole number ≥ 0, but it is a list");
    fails("map", "configuration `map` must be a whole number ≥ 0, but it is an object");
}

#[test]
fn numbers_and_texts() {
    let file = file(br#"{"eps": 1e-12, "n": 3, "act": "gelu"}"#);
    let config = Config::open(&file.1).unwrap();
    assert_eq!(config.float("eps").unwrap(), 1e-12);
    assert_eq!(config.float("n").unwrap(), 3.0);
    assert_eq!(config.text("act"), Some("gelu"));
    assert_eq!(config.text("gone"), None);
    assert_eq!(config.text("eps"), None);
    let error = config.float("act").unwrap_err().to_string();
    assert_eq!(error, "configuration `act` must be a number, but it is a text");
}
