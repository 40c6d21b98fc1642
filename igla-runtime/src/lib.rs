//! What generated kernels stand on: SIMD lanes, views, scratch memory, threads and matrix products.
//!
//! Kernels are written once against [`isa::Isa`] and run at the best level the CPU has. This is the only
//! crate of the workspace with `unsafe`; its public API is safe, so generated code forbids `unsafe`.
//! Nothing here knows any kernel by name.
//!
//! A kernel's way through the crate: [`ctx::Ctx::frame`] gives scratch and a [`ctx::Par`], whose `run`
//! hands every grid index and its [`cut`] of the outputs to a [`task::Task`], which loops over
//! [`lanes::Block`]s and loads and stores [`lanes::F32`] values through [`lanes::Row`].

#[macro_use]
mod unroll;

pub mod bits;
pub mod blocks;
pub mod cache;
pub mod ceiling;
pub mod check;
pub mod conformance;
pub mod ctx;
pub mod cut;
pub mod declared;
pub mod error;
pub mod gemm;
pub mod isa;
pub mod lanes;
pub mod level;
pub mod math;
pub mod math64;
pub mod reshape;
pub mod scalar;
pub mod scalar64;
pub mod scratch;
pub mod task;
pub mod tensor;
pub mod view;
pub mod weights;

pub use half::{bf16, f16};

pub use blocks::{Affine, BlockMat, Blocks};
pub use ctx::{Ctx, Par};
pub use cut::{At, Axis, Cut, Cuts, Tile};
pub use error::{LoadError, ShapeError};
pub use gemm::{
    Epilogue, EpilogueI8, HalfMat, Mat, MatMut, PackedB, PackedBf16, PackedI8, Rhs, RhsI8, Word, gemm,
    gemm_columns, gemm_i8, gemm_i8_columns, gemm_i8_scratch, gemm_scratch, gemm_within,
};
pub use isa::{Isa, Kernel};
pub use lanes::{ArgMax, ArgMin, Block, F32, I32, Lane, Lanes, Mask, Row, RowMut};
pub use level::Level;
pub use scratch::Scratch;
pub use task::{Task, block_rows};
pub use tensor::{Element, Tensor};
pub use view::{View, ViewMut};

/// Everything that generated kernels name: `use igla_runtime::prelude::*;`.
pub mod prelude {
    pub use crate::{
        ArgMax, ArgMin, At, Block, Ctx, Element, Epilogue, EpilogueI8, F32, HalfMat, I32, Isa, Kernel, Lane,
        Lanes, Level, LoadError, Mask, Mat, MatMut, PackedB, PackedBf16, PackedI8, Par, Rhs, RhsI8, Row,
        RowMut, Scratch, ShapeError, Task, Tensor, Tile, View, ViewMut, Word, bf16, bits, block_rows, check,
        f16, gemm, gemm_columns, gemm_i8, gemm_i8_columns, gemm_i8_scratch, gemm_scratch, gemm_within, math,
        scalar, scalar64, weights,
    };
}
