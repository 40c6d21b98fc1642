//! Codes of the checker: V02xx names and indices, V03xx types and shapes, V04xx ranges and sizes,
//! V05xx layers and models, V06xx cases and laws.

use super::Code;

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[];
