//! Every diagnostic code: what it means, an example that causes it, and the fix.
//!
//! One row is one code; `vibee explain` prints a row and a test runs every example. A pass names a
//! code only by its `V…` string. Nothing here decides when a code is reported.
//!
//! | range | about | file |
//! |---|---|---|
//! | V00xx | bytes, lines, sections, values | [`lexical`] |
//! | V01xx | the grammar of executable sections | [`grammar`] |
//! | V02xx–V06xx | names, types and shapes, ranges, layers and models, cases and laws | [`check`] |
//! | V07xx | types, behaviours and their suites | [`declare`] |
//! | V08xx | formatting and lints | [`lints`] |
//! | V09xx | reserved for later | [`grammar`] |
//! | V10xx | storage formats, operators on bits | [`formats`] |

mod check;
mod declare;
mod formats;
mod grammar;
mod lexical;
mod lints;

/// One diagnostic code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// `V0001`.
    pub code: &'static str,
    /// A few words, lower case.
    pub title: &'static str,
    /// Why it is refused or warned about, in one or two sentences.
    pub explanation: &'static str,
    /// A whole small spec that gets this code.
    pub example: &'static str,
    /// The example put right.
    pub fix: &'static str,
}

/// All codes, in order of their numbers within each table.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [lexical::CODES, check::CODES, declare::CODES, grammar::CODES, lints::CODES, formats::CODES]
        .into_iter()
        .flatten()
}

/// The row of `code`, in any letter case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Code> {
    all().find(|row| row.code.eq_ignore_ascii_case(code))
}
