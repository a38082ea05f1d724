//! The HTTP surface.

pub mod head;
