//! Tests of the checker: terms of valid specs, findings of invalid ones, and specs run through
//! the interpreter.

mod codes;
mod compare;
mod fail;
mod formats;
mod hostile;
mod laws;
mod pass;
mod run;
mod support;
