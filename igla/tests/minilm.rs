//! Embeddings equal the published model's: every reference text, every instruction set, alone and in
//! batches. The reference was computed in f64.

mod model;

use std::num::NonZero;
use std::path::Path;

use igla::embed::{Embeddings, Options};
use igla::minilm::{self, Weights};
use igla_runtime::Level;
use tempfile::TempDir;

/// Largest difference of one number; the vectors have unit length, so numbers are about 0.05.
const TOLERANCE: f64 = 1e-4;
/// Least cosine with the reference.
const COSINE: f64 = 0.99999;

fn options(level: Level, threads: usize, batch: usize) -> Options {
    Options { threads: NonZero::new(threads).unwrap(), batch: NonZero::new(batch).unwrap(), level }
}

/// Cosine of two vectors.
fn cosine(a: &[f32], b: impl IntoIterator<Item = f64>) -> f64 {
    let (mut dot, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, b) in a.iter().zip(b) {
        let a = f64::from(a);
        (dot, aa, bb) = (dot + a * b, aa + a * a, bb + b * b);
    }
    dot / (aa * bb).sqrt()
}

#[track_caller]
fn assert_near(found: &Embeddings, references: &[model::Reference], what: &str) {
    assert_eq!(found.rows().len(), references.len());
    for (row, reference) in found.rows().zip(references) {
        assert_eq!(row.len(), 384);
        for (at, (&a, &b)) in row.iter().zip(&reference.embedding).enumerate() {
            let a = f64::from(a);
            assert!((a - b).abs() <= TOLERANCE, "{what}: {:?}[{at}] is {a}, expected {b}", reference.text);
        }
        let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let cosine = cosine(row, reference.embedding.iter().copied());
        assert!(cosine > COSINE, "{what}: {:?} has cosine {cosine}", reference.text);
        assert!((length - 1.0).abs() < 1e-5, "{what}: {:?} has length {length}", reference.text);
    }
}

#[test]
fn embeddings_of_all_reference_texts() {
    let Some(dir) = model::directory() else { return };
    let embedder = minilm::load(&dir).unwrap();
    let references = model::references();
    let texts: Vec<&str> = references.iter().map(|r| r.text.as_str()).collect();
    for &level in Level::available() {
        for (threads, batch) in [(1, 1), (2, 1), (1, 7), (2, 7), (1, 20)] {
            let found = embedder.embed(&texts, options(level, threads, batch), &|_| ()).unwrap();
            assert_near(&found, &references, &format!("{level}, {threads} threads, batches of {batch}"));
        }
    }
}

/// What keeping matrices in fewer bits costs: least cosine with the `f32` model over all texts, measured.
#[test]
fn matrices_kept_in_fewer_bits() {
    let Some(dir) = model::directory() else { return };
    let texts: Vec<String> = model::references().into_iter().map(|r| r.text).collect();
    let exact = minilm::load(&dir).unwrap().embed(&texts, options(Level::best(), 2, 5), &|_| ()).unwrap();
    for (weights, least) in [(Weights::Bf16, 0.9999), (Weights::Int8, 0.995)] {
        let embedder = minilm::load_as(&dir, weights).unwrap();
        for &level in Level::available() {
            let found = embedder.embed(&texts, options(level, 2, 5), &|_| ()).unwrap();
            let cosines =
                found.rows().zip(exact.rows()).map(|(a, b)| cosine(a, b.iter().map(|v| f64::from(*v))));
            let worst = cosines.fold(1.0, f64::min);
            println!("{weights} on {level}: least cosine {worst:.6}");
            assert!(worst > least, "{weights} on {level}: {worst}");
            // It is not the same model under another name.
            assert!(worst < 0.9999999, "{weights} on {level}: {worst}");
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let Some(dir) = model::directory() else { return };
    let texts: Vec<String> = model::references().into_iter().map(|r| r.text).collect();
    for weights in Weights::ALL {
        let embedder = minilm::load_as(&dir, weights).unwrap();
        for &level in Level::available() {
            let one = embedder.embed(&texts, options(level, 1, 4), &|_| ()).unwrap();
            let many = embedder.embed(&texts, options(level, 5, 4), &|_| ()).unwrap();
            assert_eq!(one, many, "{weights} on {level}");
        }
    }
}

#[test]
fn empty_and_overlong_texts() {
    let Some(dir) = model::directory() else { return };
    let embedder = minilm::load(&dir).unwrap();
    let long = "word ".repeat(2000);
    let cut = "word ".repeat(254);
    let found = embedder.embed(&["", &long, &cut], options(Level::best(), 2, 3), &|_| ()).unwrap();
    let rows: Vec<&[f32]> = found.rows().collect();
    assert!(rows.iter().all(|row| row.iter().all(|v| v.is_finite())));
    assert_eq!(rows[1], rows[2], "a text is cut to 256 tokens, [CLS] and [SEP] included");
}

/// A directory with the model's files, one of them replaced.
fn with(dir: &Path, name: &str, change: impl Fn(String) -> String) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["model.safetensors", "tokenizer.json", "config.json"] {
        if file == name {
            std::fs::write(copy.path().join(file), change(std::fs::read_to_string(dir.join(file)).unwrap()))
                .unwrap();
        } else {
            std::fs::hard_link(dir.join(file), copy.path().join(file))
                .or_else(|_| std::fs::copy(dir.join(file), copy.path().join(file)).map(|_| ()))
                .unwrap();
        }
    }
    copy
}

#[track_caller]
fn refused(dir: &Path, expected: &str) {
    let error = minilm::load(dir).err().expect("the model is not usable").to_string();
    assert_eq!(error.replace(&format!("{}/", dir.display()), ""), expected);
}

#[test]
fn unusable_directories() {
    let empty = tempfile::tempdir().unwrap();
    refused(empty.path(), "config.json: No such file or directory (os error 2)");
    let gone = empty.path().join("gone");
    assert_eq!(
        minilm::load(&gone).err().unwrap().to_string(),
        format!(
            "{}: there is no such model directory; scripts/fetch-minilm.sh fetches all-MiniLM-L6-v2, \
             --model or IGLA_MODEL names another place",
            gone.display()
        )
    );
}

#[test]
fn models_that_are_something_else() {
    let Some(dir) = model::directory() else { return };
    let change = |from: &'static str, to: &'static str| {
        with(&dir, "config.json", move |text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    };
    let roberta = change(r#""model_type": "bert""#, r#""model_type": "roberta""#);
    refused(roberta.path(), r#"config.json: `model_type` is "roberta"; only "bert" is supported"#);
    let relu = change(r#""hidden_act": "gelu""#, r#""hidden_act": "relu""#);
    refused(relu.path(), r#"config.json: `hidden_act` is "relu"; only "gelu" is supported"#);
    let headless = change(r#""num_attention_heads""#, r#""heads""#);
    refused(headless.path(), "config.json: the configuration has no `num_attention_heads`");
    let wide = change(r#""hidden_size": 384"#, r#""hidden_size": 768"#);
    refused(
        wide.path(),
        "model.safetensors: tensor `embeddings.word_embeddings.weight` must have the shape [30522, 768], \
         but it has [30522, 384]",
    );
    let deep = change(r#""num_hidden_layers": 6"#, r#""num_hidden_layers": 7"#);
    refused(
        deep.path(),
        "model.safetensors: there is no tensor `encoder.layer.6.attention.self.query.weight`; was it renamed? \
         there is `encoder.layer.5.attention.self.query.weight`",
    );
}
