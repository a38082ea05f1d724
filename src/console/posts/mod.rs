//! Posts and votes.

pub mod edit;
pub mod list;
pub mod one;
pub mod write;
