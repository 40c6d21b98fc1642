//! The parser on inputs that libFuzzer makes; what it demands is in the tests' targets.
#![no_main]

#[path = "../../tests/src/fuzz/targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(what) = targets::parser(bytes) {
        panic!("{what}");
    }
});
