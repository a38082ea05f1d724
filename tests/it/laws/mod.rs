//! Rules that hold for the whole house, whatever the feature.

mod dependencies;
mod layers;
