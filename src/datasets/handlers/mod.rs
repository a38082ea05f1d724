//! What is asked about datasets, a file for each matter.

pub mod aggregate;
pub mod datasets;
pub mod imports;
pub mod record;
pub mod records;
pub mod versions;
