//! Texts as tokens, by a checkpoint's `tokenizer.json`.
//!
//! Truncation is set here and overrides the file's (MiniLM's says 128 where the published model
//! reads 256), padding is off: batches are padded where they are made. Must not know any model.

use std::path::Path;

use tokenizers::{PostProcessor as _, Tokenizer as Inner, TruncationParams};

use crate::error::Error;

/// How much of a refused text a message shows.
const MAX_SHOWN: usize = 40;

/// Turns texts into tokens, special tokens included.
#[derive(Debug)]
pub struct Tokenizer {
    inner: Inner,
}

impl Tokenizer {
    /// Reads a tokenizer whose output is cut to `max_tokens`.
    ///
    /// # Errors
    /// When the file cannot be read or is no tokenizer.
    pub fn open(path: &Path, max_tokens: usize) -> Result<Self, Error> {
        let fail = |problem: String| Error::file(path, problem);
        let text = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
        let mut inner = Inner::from_bytes(&text)
            .map_err(|e| fail(format!("is not a tokenizer this version reads: {e}")))?;
        // The crate subtracts these unchecked.
        let special = inner.get_post_processor().map_or(0, |p| p.added_tokens(false));
        if special >= max_tokens {
            return Err(fail(format!(
                "adds {special} special tokens, but the model reads at most {max_tokens}"
            )));
        }
        let truncation = TruncationParams { max_length: max_tokens, ..TruncationParams::default() };
        inner.with_truncation(Some(truncation)).map_err(|e| fail(e.to_string()))?;
        inner.with_padding(None);
        Ok(Self { inner })
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding = self.inner.encode_fast(text, true).map_err(|e| Error::Text {
            text: text.chars().take(MAX_SHOWN).collect(),
            problem: e.to_string(),
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// How many tokens there are; every token is below.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }
}
