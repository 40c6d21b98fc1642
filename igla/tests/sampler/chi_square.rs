//! Pearson's χ² test of counts against probabilities.

/// False alarms: one test in 1,000 rejects a sampler that is right. Seeds are fixed, so each either passes or
/// not; they were not chosen, the first ones pass.
const SIGNIFICANCE: f64 = 0.001;

/// The probability of at least this statistic with so many degrees of freedom: known for one and two, and two
/// more add one term (Abramowitz and Stegun, 26.4.4 and 26.4.5).
fn survival(statistic: f64, freedom: usize) -> f64 {
    let half = statistic / 2.0;
    // The next term is half^(d/2) exp(-half) / Γ(d/2 + 1) for the degrees d so far; Γ(3/2) is √π / 2.
    let (mut d, mut sum, mut term) = match freedom % 2 {
        0 => (2.0, (-half).exp(), half * (-half).exp()),
        _ => {
            let term = half.sqrt() * (-half).exp() * std::f64::consts::FRAC_2_SQRT_PI;
            (1.0, 1.0 - igla_runtime::math64::erf(half.sqrt()), term)
        }
    };
    while d < freedom as f64 {
        sum += term;
        d += 2.0;
        term *= half / (d / 2.0);
    }
    sum
}

/// Whether `counts` may come from `probabilities`. A token of probability 0 must not occur. Tokens that are
/// expected less than five times are counted together, since the approximation is poor for them.
pub fn accepts(counts: &[u64], probabilities: &[f64]) -> bool {
    let drawn = counts.iter().sum::<u64>() as f64;
    let (mut statistic, mut cells) = (0.0, 0);
    let mut add = |count: f64, expected: f64| {
        statistic += (count - expected).powi(2) / expected;
        cells += 1;
    };
    let (mut rare, mut rare_expected) = (0.0, 0.0);
    for (&count, &p) in counts.iter().zip(probabilities) {
        let expected = p * drawn;
        match () {
            () if p == 0.0 && count > 0 => return false,
            () if expected >= 5.0 => add(count as f64, expected),
            () => (rare, rare_expected) = (rare + count as f64, rare_expected + expected),
        }
    }
    match rare_expected {
        e if e >= 5.0 => add(rare, rare_expected),
        // Hardly anything is expected: more than a handful is too much.
        _ if rare > 15.0 => return false,
        _ => (),
    }
    cells <= 1 || survival(statistic, cells - 1) >= SIGNIFICANCE
}

#[test]
fn probabilities_are_those_of_tables() {
    // Upper 0.001 and 0.05 quantiles of the χ² distribution, from tables with three decimals.
    let rows = [
        (1, 10.828, 3.841),
        (2, 13.816, 5.991),
        (3, 16.266, 7.815),
        (10, 29.588, 18.307),
        (51, 87.968, 68.669),
    ];
    for (freedom, rare, common) in rows {
        for (statistic, wanted) in [(rare, 0.001), (common, 0.05)] {
            let relative = survival(statistic, freedom) / wanted - 1.0;
            assert!(relative.abs() < 1e-3, "{freedom}: {}", survival(statistic, freedom));
        }
    }
}

#[test]
fn a_loaded_die_is_told_from_a_fair_one() {
    let fair = [1.0 / 6.0; 6];
    assert!(accepts(&[1_010, 985, 1_003, 998, 1_012, 992], &fair));
    assert!(!accepts(&[1_150, 950, 980, 970, 990, 960], &fair));
    assert!(!accepts(&[1, 5_999], &[0.0, 1.0]));
}
