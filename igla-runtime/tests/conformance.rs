//! Reports of suites: what is green, what is caught, what is drawn.

use igla_runtime::conformance::{DRAWS, Draw, Near, Report, equal, fails, holds, near};

#[test]
fn a_suite_without_assertions_is_not_green() {
    let mut report = Report::new("empty");
    report.prose(3);
    assert!(!report.is_green());
    assert_eq!(report.to_string(), "empty: no assertions, so nothing was tested; 3 in prose were not run");
    assert!(std::panic::catch_unwind(|| report.assert()).is_err());
}

#[test]
fn failures_and_panics_are_reported() {
    let mut report = Report::new("demo");
    report.case("right", || equal("f(1)", &1i64, &1));
    report.case("wrong", || equal("f(2)", &3i64, &2));
    report.case("panics", || panic!("index 3 of 2"));
    report.law("bounded", |draw| {
        let x = draw.float(0.0, 2.0);
        holds(x < 1.5, &[("x", &x)])
    });
    assert_eq!(report.passed(), 1);
    assert_eq!(
        report.to_string(),
        "demo: 1 of 4 hold\n  wrong: f(2) is 3, wanted 2\n  panics: panicked: index 3 of 2\n  bounded: draw 1: does not hold for x = 2.0"
    );
}

#[test]
fn comparisons() {
    assert!(near("x", &1e9, &(1e9 + 1.0), 1e-8).is_ok());
    assert!(near("x", &0.0, &1e-9, 1e-8).is_ok());
    assert!(near("x", &0.1, &0.2, 1e-8).is_err());
    assert!(f64::NAN.is_same(&f64::NAN) && !f64::NAN.is_near(&0.0, 1e9));
    assert!(f64::INFINITY.is_near(&f64::INFINITY, 0.0) && !1e300.is_near(&f64::INFINITY, 1e9));
    assert!(!vec![1.0].is_near(&vec![1.0, 1.0], 1.0));
    assert!(!Some(1.0).is_near(&None, 1.0));
    assert!(fails("f()", Err::<i64, _>("no")).is_ok());
    assert_eq!(fails("f()", Ok::<_, String>(1)).unwrap_err(), "f() is 1, wanted an error");
}

#[test]
fn draws_reach_their_borders_and_stay_inside() {
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..DRAWS {
        let mut draw = Draw::new(n);
        let x = draw.float(-1.0, 3.0);
        assert!((-1.0..=3.0).contains(&x));
        let k = draw.int(2, 5);
        assert!((2..=5).contains(&k));
        seen.insert(k);
        assert!(["a", "b"].contains(&draw.choose(&["a", "b"])));
        let list = draw.list(0, 4, |draw| draw.float(0.0, 1.0));
        assert!(list.len() <= 4);
        if n == 0 {
            assert_eq!((x, k, list.len()), (-1.0, 2, 0));
        }
        if n == 1 {
            assert_eq!((x, k, list.len()), (3.0, 5, 4));
            assert!(list.iter().any(|v| *v != list[0]), "{list:?}");
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(Draw::new(9).int(i64::MIN, i64::MAX), Draw::new(9).int(i64::MIN, i64::MAX));
}
