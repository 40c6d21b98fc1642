//! Codes of the line scanner: V00xx.

use super::Code;

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[Code {
    code: "V0001",
    title: "empty spec",
    explanation: "The file holds no section. It is valid and means nothing, which is seldom intended.",
    example: "# nothing yet\n",
    fix: "name: nothing_yet\nlanguage: rust\n",
}];
