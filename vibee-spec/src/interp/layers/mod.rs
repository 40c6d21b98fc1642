//! Layers and models: what `load` and `forward` of the generated struct mean.
//!
//! | step | file |
//! |---|---|
//! | a layer with the layers it is made of | [`assembly`] |
//! | sizes and scalars from a configuration | [`config`] |
//! | the tensors it reads, and refusing them | [`load`] |
//! | segments, sublayer calls and loops | [`forward`] |
//! | what all that costs, before doing it | [`cost`] |
//!
//! A forward hands values with their bounds from step to step, so that a bound at the end covers
//! every allowed evaluation of the whole, however the steps amplify what came before.

mod assembly;
mod config;
mod cost;
mod forward;
mod load;

pub use assembly::Assembly;
pub use config::{Configured, configure};
pub use cost::{parameters, work};
pub(in crate::interp) use load::list;
pub use load::{LoadFault, Loaded, Tensors, Wanted, inventory, load};
