//! The interpreter's promises: its bound holds for every allowed `f32` evaluation, is tight enough
//! to catch errors, and calls fail exactly when the language says so.

mod bounds;
mod build;
mod checked;
mod draws;
mod entry;
mod kernels;
mod layers;
mod meaning;
mod naive;
mod rounded;
