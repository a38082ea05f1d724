//! Rules that hold for the whole house, whatever the feature.

mod layers;
