//! Tests of the scanner, the parser and the renderer.

mod codes;
mod golden;
mod limits;
mod precedence;
mod rendering;
mod robust;
mod support;
