//! Tests of the scanner, the parser and the renderer.

mod codes;
mod support;
