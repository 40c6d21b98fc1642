//! Medians and what is known of them.
//!
//! Nothing is assumed of how times are distributed but that turns are alike: intervals are order statistics.

/// A median with the interval in which it lies with a confidence of 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// The median of what was measured.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Median {
    /// Of at least one measurement; nothing of none, or of what is no number.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Median> {
        let mut sorted = values.to_vec();
        if sorted.is_empty() || sorted.iter().any(|v| v.is_nan()) {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let value = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
        let outer = rank(n);
        Some(Median { value, low: sorted[outer], high: sorted[n - 1 - outer] })
    }

    /// Whether a value is possible.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// How many of `n` sorted measurements may be left out at each end: the chance that the median lies among them is at
/// most 2.5 % (as of coins that fall). None of fewer than six.
fn rank(n: usize) -> usize {
    let mut term = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let (mut chance, mut outer) = (term, 0);
    for k in 0..n / 2 {
        if chance > 0.025 {
            break;
        }
        outer = k;
        term *= (n - k) as f64 / (k + 1) as f64;
        chance += term;
    }
    outer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_lie_in_their_intervals() {
        assert_eq!(Median::of(&[]), None);
        assert_eq!(Median::of(&[1.0, f64::NAN]), None);
        assert_eq!(Median::of(&[3.0]), Some(Median { value: 3.0, low: 3.0, high: 3.0 }));
        let of_nine = Median::of(&[9.0, 1.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0]).expect("nine numbers");
        // P(Bin(9, 1/2) <= 1) = 10/512 < 2.5 % < P(<= 2): one is left out at each end.
        assert_eq!(of_nine, Median { value: 5.0, low: 2.0, high: 8.0 });
        let of_five = Median::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five numbers");
        assert_eq!(of_five, Median { value: 3.0, low: 1.0, high: 5.0 });
        assert!(of_nine.holds(2.0) && !of_nine.holds(1.9));
    }
}
