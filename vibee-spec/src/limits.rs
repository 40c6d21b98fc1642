//! Limits on what a spec may hold.
//!
//! They bound time, memory and stack on hostile input; no honest spec comes near them. Every
//! limit is reported as a diagnostic where it is met.

/// Bytes of a file.
pub const MAX_BYTES: usize = 16 << 20;

/// Bytes of one logical line of an executable section (a header, a definition, a case).
///
/// pest keeps about a hundred bytes of tokens for each byte of dense source.
pub const MAX_STATEMENT: usize = 256 << 10;

/// Nesting of brackets, conditionals, operators and indentation.
pub const MAX_DEPTH: usize = 128;

/// Bytes of an identifier in an executable section.
pub const MAX_IDENT: usize = 128;

/// Definitions of one kernel, function or method.
pub const MAX_DEFINITIONS: usize = 10_000;

/// Axes of a tensor.
pub const MAX_RANK: usize = 8;

/// Diagnostics kept of one parse; what follows is counted, not shown.
pub const MAX_DIAGNOSTICS: usize = 100;
