//! Row H3.
