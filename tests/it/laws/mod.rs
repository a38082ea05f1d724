//! Rules that hold for the whole house, whatever the feature.

mod bounds;
mod callers;
mod columns;
mod comments;
mod dependencies;
pub(crate) mod layers;
mod names;
