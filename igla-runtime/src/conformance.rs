//! Running the cases and laws of a spec against an implementation, and saying what came of it.
//!
//! Generated suites call this: every case and every drawn input of a law runs on a fresh
//! implementation, a panic is a failure like any other, and a suite that asserts nothing is never
//! green. Nothing here knows a spec.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a method that may fail gives instead of a value.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Inputs drawn for each law: the lowest values, the highest, then random ones.
pub const DRAWS: u64 = 64;

/// What came of a suite.
#[derive(Clone, Debug, Default)]
pub struct Report {
    suite: String,
    results: Vec<Outcome>,
    prose: usize,
}

/// One case or law and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its name, behind its behaviour's.
    pub name: String,
    /// Why it failed.
    pub failure: Option<String>,
}

impl Report {
    /// An empty report; `suite` is the spec's name.
    #[must_use]
    pub fn new(suite: &str) -> Self {
        Report { suite: suite.to_owned(), ..Report::default() }
    }

    /// Runs a case.
    pub fn case(&mut self, name: &str, run: impl FnOnce() -> Result<(), String>) {
        let failure = caught(run).err();
        self.results.push(Outcome { name: name.to_owned(), failure });
    }

    /// Runs a law on [`DRAWS`] inputs, up to the first that it does not hold for.
    pub fn law(&mut self, name: &str, mut run: impl FnMut(&mut Draw) -> Result<(), String>) {
        let failure = (0..DRAWS).find_map(|n| {
            let mut draw = Draw::new(n);
            caught(|| run(&mut draw)).err().map(|why| format!("draw {n}: {why}"))
        });
        self.results.push(Outcome { name: name.to_owned(), failure });
    }

    /// Notes cases that are prose and cannot be run.
    pub fn prose(&mut self, count: usize) {
        self.prose += count;
    }

    /// All results in the order in which they ran.
    #[must_use]
    pub fn results(&self) -> &[Outcome] {
        &self.results
    }

    /// How many cases and laws held.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.results.iter().filter(|r| r.failure.is_none()).count()
    }

    /// Those that did not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Outcome> {
        self.results.iter().filter(|r| r.failure.is_some())
    }

    /// Whether something was asserted and all of it holds.
    #[must_use]
    pub fn is_green(&self) -> bool {
        !self.results.is_empty() && self.failed().next().is_none()
    }

    /// Ends a test: does nothing if the report is green.
    ///
    /// # Panics
    /// With the whole report if anything failed, or nothing was asserted.
    pub fn assert(&self) {
        assert!(self.is_green(), "{self}");
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.results.is_empty() {
            write!(f, "{}: no assertions, so nothing was tested", self.suite)?;
        } else {
            write!(f, "{}: {} of {} hold", self.suite, self.passed(), self.results.len())?;
        }
        if self.prose > 0 {
            write!(f, "; {} in prose were not run", self.prose)?;
        }
        for r in self.failed() {
            write!(f, "\n  {}: {}", r.name, r.failure.as_deref().unwrap_or(""))?;
        }
        Ok(())
    }
}

/// Runs something that may panic.
fn caught(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    // What was half done when it panicked is not looked at again.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
        Err(format!("panicked: {text}"))
    })
}

/// A comparison of a result; `what` says of which call.
pub type Compared = Result<(), String>;

/// The same value. Numbers that are not a number are the same.
///
/// # Errors
/// With both values.
pub fn equal<T: Near + Debug>(what: &str, got: &T, want: &T) -> Compared {
    if got.is_same(want) { Ok(()) } else { Err(format!("{what} is {got:?}, wanted {want:?}")) }
}

/// The same value, of a type that has an equality of its own.
///
/// # Errors
/// With both values.
pub fn same<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Compared {
    if got == want { Ok(()) } else { Err(format!("{what} is {got:?}, wanted {want:?}")) }
}

/// Another value.
///
/// # Errors
/// With the value.
pub fn differs<T: PartialEq + Debug>(what: &str, got: &T, unwanted: &T) -> Compared {
    if got == unwanted { Err(format!("{what} is {got:?}, wanted another value")) } else { Ok(()) }
}

/// A value that is less or greater, as `sign` says.
///
/// # Errors
/// With both values.
pub fn ordered<T: PartialOrd + Debug>(what: &str, got: &T, sign: &str, bound: &T) -> Compared {
    let holds = match sign {
        "<" => got < bound,
        "<=" => got <= bound,
        ">" => got > bound,
        _ => got >= bound,
    };
    if holds { Ok(()) } else { Err(format!("{what} is {got:?}, wanted {sign} {bound:?}")) }
}

/// Whether two values are within `tol · max(1, |want|)` of each other, number by number.
pub fn close<T: Near>(got: &T, want: &T, tol: f64) -> bool {
    got.is_near(want, tol)
}

/// Within `tol · max(1, |want|)`, number by number.
///
/// # Errors
/// With both values.
pub fn near<T: Near + Debug>(what: &str, got: &T, want: &T, tol: f64) -> Compared {
    if got.is_near(want, tol) {
        Ok(())
    } else {
        Err(format!("{what} is {got:?}, wanted {want:?} within {tol:?}"))
    }
}

/// A call that must fail.
///
/// # Errors
/// With the value that it gave.
pub fn fails<T: Debug, E>(what: &str, got: Result<T, E>) -> Compared {
    match got {
        Ok(value) => Err(format!("{what} is {value:?}, wanted an error")),
        Err(_) => Ok(()),
    }
}

/// The value of a call that must not fail.
///
/// # Errors
/// With the call's error.
pub fn succeeds<T, E: Display>(what: &str, got: Result<T, E>) -> Result<T, String> {
    got.map_err(|e| format!("{what} gives an error: {e}"))
}

/// The value of a call that must not fail, whose error may not be shown.
///
/// # Errors
/// With the call's error.
pub fn is_ok<T, E: Debug>(what: &str, got: Result<T, E>) -> Result<T, String> {
    got.map_err(|e| format!("{what} gives an error: {e:?}"))
}

/// A law for one draw; `drawn` names the values.
///
/// # Errors
/// With the drawn values, if it does not hold.
pub fn holds(truth: bool, drawn: &[(&str, &dyn Debug)]) -> Compared {
    if truth {
        return Ok(());
    }
    let values: Vec<String> = drawn.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
    Err(match values.is_empty() {
        true => "does not hold".to_owned(),
        false => format!("does not hold for {}", values.join(", ")),
    })
}

/// Values that are compared number by number.
pub trait Near {
    /// Equal, except that NaN is NaN.
    fn is_same(&self, want: &Self) -> bool;

    /// Within `tol · max(1, |want|)`; NaN is NaN, an infinity only itself.
    fn is_near(&self, want: &Self, tol: f64) -> bool;
}

macro_rules! floats {
    ($($ty:ty),*) => { $(
        impl Near for $ty {
            fn is_same(&self, want: &Self) -> bool {
                self == want || self.is_nan() && want.is_nan()
            }

            fn is_near(&self, want: &Self, tol: f64) -> bool {
                let (a, b) = (f64::from(*self), f64::from(*want));
                self.is_same(want) || b.is_finite() && (a - b).abs() <= tol * b.abs().max(1.0)
            }
        }
    )* };
}
floats!(f32, f64);

macro_rules! whole {
    ($($ty:ty),*) => { $(
        impl Near for $ty {
            fn is_same(&self, want: &Self) -> bool {
                self == want
            }

            fn is_near(&self, want: &Self, tol: f64) -> bool {
                self == want || (*self as f64).is_near(&(*want as f64), tol)
            }
        }
    )* };
}
whole!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

macro_rules! exact {
    ($($ty:ty),*) => { $(
        impl Near for $ty {
            fn is_same(&self, want: &Self) -> bool {
                self == want
            }

            fn is_near(&self, want: &Self, _: f64) -> bool {
                self == want
            }
        }
    )* };
}
exact!(bool, String, (), crate::declared::Value, crate::declared::Timestamp, crate::declared::DynTensor);

impl Near for crate::declared::Complex {
    fn is_same(&self, want: &Self) -> bool {
        self.re.is_same(&want.re) && self.im.is_same(&want.im)
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        self.re.is_near(&want.re, tol) && self.im.is_near(&want.im, tol)
    }
}

impl<T: Near> Near for [T] {
    fn is_same(&self, want: &Self) -> bool {
        self.len() == want.len() && self.iter().zip(want).all(|(a, b)| a.is_same(b))
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        self.len() == want.len() && self.iter().zip(want).all(|(a, b)| a.is_near(b, tol))
    }
}

impl<T: Near> Near for Vec<T> {
    fn is_same(&self, want: &Self) -> bool {
        self.as_slice().is_same(want)
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        self.as_slice().is_near(want, tol)
    }
}

impl<T: Near, const N: usize> Near for [T; N] {
    fn is_same(&self, want: &Self) -> bool {
        self.as_slice().is_same(want)
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        self.as_slice().is_near(want, tol)
    }
}

impl<T: Near> Near for Option<T> {
    fn is_same(&self, want: &Self) -> bool {
        match (self, want) {
            (Some(a), Some(b)) => a.is_same(b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        match (self, want) {
            (Some(a), Some(b)) => a.is_near(b, tol),
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

impl<T: Near + ?Sized> Near for Box<T> {
    fn is_same(&self, want: &Self) -> bool {
        (**self).is_same(want)
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        (**self).is_near(want, tol)
    }
}

impl<K: PartialEq, T: Near> Near for BTreeMap<K, T> {
    fn is_same(&self, want: &Self) -> bool {
        self.len() == want.len() && self.iter().zip(want).all(|(a, b)| a.0 == b.0 && a.1.is_same(b.1))
    }

    fn is_near(&self, want: &Self, tol: f64) -> bool {
        self.len() == want.len() && self.iter().zip(want).all(|(a, b)| a.0 == b.0 && a.1.is_near(b.1, tol))
    }
}

impl<T: PartialEq> Near for BTreeSet<T> {
    fn is_same(&self, want: &Self) -> bool {
        self == want
    }

    fn is_near(&self, want: &Self, _: f64) -> bool {
        self == want
    }
}

macro_rules! tuples {
    ($($($name:ident $at:tt),+;)*) => { $(
        impl<$($name: Near),+> Near for ($($name,)+) {
            fn is_same(&self, want: &Self) -> bool {
                $(self.$at.is_same(&want.$at))&&+
            }

            fn is_near(&self, want: &Self, tol: f64) -> bool {
                $(self.$at.is_near(&want.$at, tol))&&+
            }
        }
    )* };
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
}

/// Inputs of a law, the same on every machine.
#[derive(Clone, Debug)]
pub struct Draw {
    number: u64,
    state: u64,
}

impl Draw {
    /// The inputs of one draw.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Draw { number, state: number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x0005_DEEC_E66D }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`: `low` itself in the first draw, `high` in the second.
    pub fn float(&mut self, low: f64, high: f64) -> f64 {
        // Taken in every draw, so that later values do not depend on which draw it is.
        let share = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        match self.number {
            0 => low,
            1 => high,
            _ => low + (high - low) * share,
        }
    }

    /// A whole number from `low` up to and including `high`, with the same borders first.
    pub fn int(&mut self, low: i64, high: i64) -> i64 {
        let count = (i128::from(high) - i128::from(low) + 1).max(1) as u128;
        let at = (u128::from(self.next()) * count) >> 64;
        match self.number {
            0 => low,
            1 => high,
            _ => (i128::from(low) + at as i128) as i64,
        }
    }

    /// One of several.
    pub fn choose<T: Clone>(&mut self, from: &[T]) -> T {
        let last = from.len().saturating_sub(1);
        from[self.int(0, last as i64) as usize].clone()
    }

    /// `low` to `high` values, each made by `one`.
    pub fn list<T>(&mut self, low: i64, high: i64, mut one: impl FnMut(&mut Draw) -> T) -> Vec<T> {
        let n = self.int(low, high);
        // Past the borders of its length, a list holds all kinds of values.
        let number = self.number;
        self.number = number.max(2);
        let values = (0..n).map(|_| one(self)).collect();
        self.number = number;
        values
    }
}
