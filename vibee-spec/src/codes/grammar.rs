//! Codes of executable sections' grammar: V01xx, and V09xx for what is reserved.

use super::Code;

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[];
