//! The formatter: what it writes, that it means the same, that it is a fixed point.

mod golden;
mod layout;
mod property;
mod refusals;
mod support;
