//! Rules that hold for the whole house, whatever the feature.

mod bounds;
mod callers;
mod columns;
mod dependencies;
mod layers;
mod names;
