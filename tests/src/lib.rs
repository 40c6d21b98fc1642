//! Tests that need more than one crate: random kernels against the interpreter, seeded
//! miscompilations, parity, freshness.
//!
//! | module | does |
//! |---|---|
//! | [`corpus`] | writes specs with the measured frequencies of the public dialect |
//! | [`random`] | writes random well-typed specs |
//! | [`fuzz`] | changes specs in hostile ways and watches the parser, the checker and the formatter |
//! | [`mutation`] | seeds miscompilations, to show that they are caught |
//! | [`oracle`] | compiles kernels in batches and compares them with the interpreter |
//! | [`machine`] | interprets loop programs |
//! | [`meaning`] | compares what every pass leaves behind with the interpreter |

pub mod corpus;
pub mod fuzz;
pub mod machine;
pub mod meaning;
pub mod mutation;
pub mod oracle;
pub mod random;
