//! Ranking is by score, stable, and never shows NaN.

use igla::search::{Hit, rank};

#[test]
fn best_first_and_stable() {
    let hits = rank(&[0.5, f32::NAN, 1.0, 0.5, -1.0, 1.0], 4);
    let hit = |index, score| Hit { index, score };
    assert_eq!(hits, [hit(2, 1.0), hit(5, 1.0), hit(0, 0.5), hit(3, 0.5)]);
}

#[test]
fn fewer_than_asked_for() {
    assert!(rank(&[], 10).is_empty());
    assert!(rank(&[f32::NAN], 10).is_empty());
    assert!(rank(&[1.0], 0).is_empty());
    assert_eq!(rank(&[1.0], 10).len(), 1);
}
