//! iGLA's application side: model files in, embeddings and rankings out.
//!
//! Everything numeric is generated from `specs/` and called from here. This crate must not contain
//! a kernel that a spec could express, and no unsafe code.

#![forbid(unsafe_code)]

pub mod config;
pub mod embed;
pub mod error;
pub mod minilm;
pub mod sampler;
pub mod search;
pub mod tokenizer;
pub mod weights;
