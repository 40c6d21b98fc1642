//! Batching and threads change nothing: order, values and errors are those of one text at a time.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use igla::embed::{Embedder, Options, SentenceModel};
use igla_runtime::{Ctx, Level, ShapeError, View, ViewMut};

/// Words w0 … w9 are tokens 0 … 9; everything else is token 10.
const TOKENIZER: &str = r#"{
  "version": "1.0", "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
  "padding": {"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 9,
              "pad_type_id": 0, "pad_token": "w9"},
  "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
  "model": {"type": "WordLevel", "unk_token": "?",
            "vocab": {"w0": 0, "w1": 1, "w2": 2, "w3": 3, "w4": 4, "w5": 5, "w6": 6, "w7": 7, "w8": 8, "w9": 9, "?": 10}}
}"#;

/// A vector is the number of tokens and their sum; token 8 is refused.
struct Counting {
    vocabulary: usize,
    batches: AtomicUsize,
}

impl SentenceModel for Counting {
    fn dim(&self) -> usize {
        2
    }

    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn max_tokens(&self) -> usize {
        40
    }

    fn forward(
        &self,
        _: &mut Ctx,
        tok: View<'_, u32, 2>,
        mask: View<'_, f32, 2>,
        mut y: ViewMut<'_, f32, 2>,
    ) -> Result<(), ShapeError> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        for row in 0..tok.dim(0) {
            let (mut count, mut sum) = (0.0, 0.0);
            for at in 0..tok.dim(1) {
                if tok.at([row, at]) == 8 {
                    return Err(ShapeError::index("counting", "tok", at, 8, 8));
                }
                count += mask.at([row, at]);
                sum += mask.at([row, at]) * tok.at([row, at]) as f32;
            }
            y.set([row, 0], count);
            y.set([row, 1], sum);
        }
        Ok(())
    }
}

fn embedder(vocabulary: usize, max_tokens: usize) -> Result<Embedder<Counting>, igla::error::Error> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tokenizer.json"), TOKENIZER).unwrap();
    let model = Counting { vocabulary, batches: AtomicUsize::new(0) };
    Embedder::new(model, dir.path(), max_tokens).map_err(|e| igla::error::Error::File {
        path: "tokenizer.json".into(),
        problem: e.to_string().split_once(": ").unwrap().1.into(),
    })
}

fn options(threads: usize, batch: usize) -> Options {
    Options {
        threads: NonZero::new(threads).unwrap(),
        batch: NonZero::new(batch).unwrap(),
        level: Level::available()[0],
    }
}

#[test]
fn order_and_values_do_not_depend_on_threads_or_batches() {
    let texts: Vec<String> = (0..57).map(|i| vec![format!("w{}", i % 8); (i * 7) % 23].join(" ")).collect();
    let expected: Vec<f32> =
        (0..57).flat_map(|i| [((i * 7) % 23) as f32, ((i % 8) * ((i * 7) % 23)) as f32]).collect();
    let embedder = embedder(11, 256).unwrap();
    for threads in [1, 2, 3, 64] {
        for batch in [1, 2, 5, 16, 100] {
            let done = AtomicUsize::new(0);
            let count = |texts| {
                done.fetch_add(texts, Ordering::Relaxed);
            };
            let found = embedder.embed(&texts, options(threads, batch), &count).unwrap();
            assert_eq!(found.values(), expected, "{threads} threads, batches of {batch}");
            assert_eq!((found.dim(), found.rows().len(), done.into_inner()), (2, 57, 57));
        }
    }
}

#[test]
fn the_files_truncation_and_padding_are_overridden() {
    let embedder = embedder(11, 256).unwrap();
    let found = embedder.embed(&["w1 w1 w1 w1 w1", &"w1 ".repeat(100)], options(1, 2), &|_| ()).unwrap();
    assert_eq!(found.values(), [5.0, 5.0, 40.0, 40.0], "as long as the model allows");
    let embedder = self::embedder(11, 4).unwrap();
    let found = embedder.embed(&["w1 w1 w1 w1 w1"], options(1, 2), &|_| ()).unwrap();
    assert_eq!(found.values(), [4.0, 4.0]);
}

#[test]
fn no_texts_and_empty_texts() {
    let embedder = embedder(11, 256).unwrap();
    let none: [&str; 0] = [];
    assert_eq!(embedder.embed(&none, options(2, 4), &|_| ()).unwrap().rows().len(), 0);
    assert_eq!(embedder.embed(&["", ""], options(2, 4), &|_| ()).unwrap().values(), [0.0; 4]);
}

#[test]
fn the_first_failing_batch_is_reported() {
    let embedder = embedder(11, 256).unwrap();
    let texts = ["w1", "w8", "w1 w2 w8", "w1 w8"];
    for threads in [1, 2, 4] {
        let error = embedder.embed(&texts, options(threads, 1), &|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "counting: element 2 of `tok` is the index 8, but indices must be in 0..8",
            "{threads} threads"
        );
    }
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let error = embedder(10, 256).err().unwrap();
    assert_eq!(error.to_string(), "tokenizer.json: has 11 tokens, but the model knows only 10");
}
