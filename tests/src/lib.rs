//! Tests that need more than one crate: random kernels against the interpreter, seeded
//! miscompilations, parity, freshness.
//!
//! | module | does |
//! |---|---|
//! | [`random`] | writes random well-typed specs |
//! | [`oracle`] | compiles kernels in batches and compares them with the interpreter |

pub mod oracle;
pub mod random;
