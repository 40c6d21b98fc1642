//! Weights that took work to make, kept between runs: what an entry is called, and who has entries.
//!
//! An entry is made of a tensor and a format: its numbers encoded, or rearranged for products. [`entry`] is how it lies
//! in a file. Where files are and when they go is the application's business, as everything about sources is; nothing
//! here writes to a place that it was not given.

pub mod entry;
mod memory;

use xxhash_rust::xxh3::Xxh3;

pub use entry::{Content, Entry, EntryError};

pub(crate) use entry::Part;

/// A place where entries are kept.
pub trait Cache {
    /// The entry of this label, if there is one that is whole. It must be opened with the label's [`Label::key`] and the
    /// identity of the source, so that entries of one source never answer for another.
    fn find(&self, label: &Label<'_>) -> Option<Entry>;

    /// Keeps an entry, in place of the one that there may be. Loading goes on if that fails, so there is no error.
    fn keep(&self, label: &Label<'_>, content: &Content<'_>);
}

/// What an entry of a source is called.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a> {
    /// What was made of the tensor.
    pub form: &'static str,
    /// The tensor.
    pub name: &'a str,
    /// Its dims, in numbers.
    pub dims: &'a [usize],
    /// The format's name in the spec.
    pub format: &'a str,
    /// What the format makes of fixed numbers and bytes: another one if its equations or the arrangement are changed.
    pub fingerprint: u64,
}

impl Label<'_> {
    /// The key of the entry among those of all sources. `source` identifies the bytes that the source reads.
    #[must_use]
    pub fn key(&self, source: u128) -> u128 {
        let mut hash = Xxh3::new();
        hash.update(&source.to_le_bytes());
        for text in [self.form, self.name, self.format] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(&(self.dims.len() as u64).to_le_bytes());
        for &dim in self.dims {
            hash.update(&(dim as u64).to_le_bytes());
        }
        hash.update(&self.fingerprint.to_le_bytes());
        hash.digest128()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_in_everything_that_labels_have() {
        let label = Label { form: "strips", name: "ab", dims: &[2, 3], format: "c", fingerprint: 1 };
        let others = [
            label.key(1),
            Label { form: "blocks", ..label }.key(0),
            Label { name: "a", format: "bc", ..label }.key(0),
            Label { name: "abc", format: "", ..label }.key(0),
            Label { dims: &[3, 2], ..label }.key(0),
            Label { dims: &[2, 3, 1], ..label }.key(0),
            Label { fingerprint: 2, ..label }.key(0),
        ];
        assert_eq!(label.key(0), label.key(0));
        for (n, other) in others.iter().enumerate() {
            assert_ne!(*other, label.key(0), "{n}");
        }
    }
}
