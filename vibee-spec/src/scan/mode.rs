//! How strictly malformed lines are read.

/// What happens to a malformed line that has a plausible reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is an error.
    #[default]
    Strict,
    /// Four kinds of damage, met in published specs, are read as they were meant, each with a
    /// warning: a line `0` that a shell's counter wrote (V0040), text in triple quotes (V0041), a
    /// value that is neither text nor data (V0042), bytes that are no characters (V0043).
    Lenient,
}
