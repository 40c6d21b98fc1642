//! Tokens equal those of the published model, and unusable tokenizer files are refused.

mod model;

use igla::tokenizer::Tokenizer;

#[test]
fn tokens_of_all_reference_texts() {
    let Some(dir) = model::directory() else { return };
    let tokenizer = Tokenizer::open(&dir.join("tokenizer.json"), 256).unwrap();
    assert_eq!(tokenizer.vocabulary(), 30522);
    for reference in model::references() {
        assert_eq!(tokenizer.encode(&reference.text).unwrap(), reference.tokens, "{:?}", reference.text);
    }
}

#[test]
fn long_texts_are_cut_to_256_tokens() {
    let Some(dir) = model::directory() else { return };
    let tokenizer = Tokenizer::open(&dir.join("tokenizer.json"), 256).unwrap();
    let tokens = tokenizer.encode(&"word ".repeat(1000)).unwrap();
    assert_eq!((tokens.len(), tokens[0], tokens[255]), (256, 101, 102));
    assert_eq!(tokenizer.encode("").unwrap(), [101, 102]);
}

#[test]
fn models_too_small_for_the_special_tokens() {
    let Some(dir) = model::directory() else { return };
    for max_tokens in [0, 1, 2] {
        let error = Tokenizer::open(&dir.join("tokenizer.json"), max_tokens).unwrap_err().to_string();
        let expected = format!("adds 2 special tokens, but the model reads at most {max_tokens}");
        assert!(error.ends_with(&expected), "{error}");
    }
    let tokenizer = Tokenizer::open(&dir.join("tokenizer.json"), 3).unwrap();
    assert_eq!(tokenizer.encode("hello world").unwrap().len(), 3);
}

#[test]
fn unusable_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    let message = || {
        let error = Tokenizer::open(&path, 256).unwrap_err().to_string();
        error.replace(&format!("{}/", dir.path().display()), "")
    };
    assert_eq!(message(), "tokenizer.json: No such file or directory (os error 2)");
    std::fs::write(&path, "").unwrap();
    assert_eq!(
        message(),
        "tokenizer.json: is not a tokenizer this version reads: EOF while parsing a value at line 1 column 0"
    );
    std::fs::write(&path, r#"{"version": "1.0"}"#).unwrap();
    assert_eq!(
        message(),
        "tokenizer.json: is not a tokenizer this version reads: Model missing. at line 1 column 18"
    );
}
