//! From bytes to lines, sections and declarative values.
//!
//! The scanner finds the shape of a file: which lines belong to which section, where a value
//! starts and ends, what is a comment. It must not know what a section means, nor the grammar of
//! executable lines; it hands those on as [`Logical`] lines with exact places.

mod block;
mod brackets;
mod characters;
mod decode;
mod flow;
mod inline;
mod join;
mod keys;
mod lines;
mod mode;
mod nesting;
mod place;
mod quoted;
mod sections;
mod seen;
mod sink;

pub(crate) use characters::{characters, is_reordering};
pub use decode::{decode, decode_as, lossy};
pub(crate) use join::{Logical, join, too_deep};
pub(crate) use lines::{Lines, split, tab_error};
pub use mode::Mode;
pub(crate) use nesting::too_nested;
pub(crate) use place::{Place, Reading};
pub(crate) use sections::{language, scan};
pub(crate) use sink::Sink;
