//! What is embedded: texts of one length, or of lengths as they occur, in batches of several sizes.

use std::num::NonZero;

/// Texts as tokens, and how many share a batch.
pub struct Workload {
    pub name: String,
    pub texts: Vec<Vec<u32>>,
    pub batch: NonZero<usize>,
}

/// All workloads, each of about `tokens` tokens.
pub fn all(tokens: usize) -> Vec<Workload> {
    let mut random = Random(1);
    let mut all = Vec::new();
    for length in [8, 32, 128, 256] {
        let texts: Vec<_> = (0..(tokens / length).max(1)).map(|_| random.text(length)).collect();
        for batch in [1, 8, 32] {
            all.extend(workload(format!("{length} tokens"), &texts, batch));
        }
    }
    // Most sentences are short, some are long: 4 · 2^(0…5) tokens, so 4 to 128.
    let mut mixed = Vec::new();
    let mut total = 0;
    while total < tokens {
        let length = (4.0 * (5.0 * random.unit()).exp2()) as usize;
        mixed.push(random.text(length));
        total += length;
    }
    for batch in [1, 8, 32] {
        all.extend(workload("4 to 128 tokens".into(), &mixed, batch));
    }
    all
}

fn workload(name: String, texts: &[Vec<u32>], batch: usize) -> Option<Workload> {
    Some(Workload { name, texts: texts.to_vec(), batch: NonZero::new(batch)? })
}

/// A small generator (SplitMix64): the same texts in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// [CLS], words of the vocabulary, [SEP].
    fn text(&mut self, length: usize) -> Vec<u32> {
        let mut text = vec![101];
        text.extend((2..length).map(|_| 1000 + (self.next() % 29_000) as u32));
        text.push(102);
        text
    }
}
