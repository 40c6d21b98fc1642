//! Random points: the ChaCha stream cipher with 8 rounds as a generator.
//!
//! The key is the seed as 8 bytes, lowest first, and 24 zeros; stream and counter start at 0. A point is made of
//! the next 8 bytes of the stream, read lowest first: their upper 53 bits, divided by 2^53. So a seed gives the
//! same points on every machine and with every version of this crate.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A sequence of points, evenly spread over 0 up to but not including 1.
#[derive(Clone, Debug)]
pub struct Points(ChaCha8Rng);

impl Points {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Points(ChaCha8Rng::from_seed(key))
    }
}

impl Iterator for Points {
    type Item = f64;

    /// The next point; there is always one.
    fn next(&mut self) -> Option<f64> {
        Some((self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64)
    }
}
