//! `chartroom dataset import`: files into datasets, through the API as everybody has it.

pub(super) mod file;
mod import;
pub(super) mod named;
mod options;
pub(super) mod progress;
pub(super) mod told;
pub(super) mod upload;

pub(super) use file::parts;
pub(super) use import::Import;
pub(super) use progress::Sending;
