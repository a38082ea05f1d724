//! Bytes that are kept in the database, in parts: large files that are written once and read from
//! any place on.
//!
//! Who has a blob says so in a row of their own table, by `blob_id`, written in the transaction
//! that completes it ([`Written::complete`]). A trigger on that table, `release_blob`, lets go of
//! the blob when the row is deleted, and [`sweep()`] removes it in steps.

mod read;
mod sweep;
mod write;

pub use read::{Blob, ReadError};
pub use sweep::sweep;
pub use write::{BlobWriter, Written};

/// Bytes of a part; the last one has fewer.
const PART: usize = 256 << 10;
