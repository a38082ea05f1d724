//! `chartroom dataset`: files into datasets, through the API as everybody has it.

pub(super) mod file;
mod import;
pub(super) mod named;
mod options;
pub(super) mod progress;
pub(super) mod told;
pub(super) mod upload;

use clap::Subcommand;

use super::error::ClientError;

#[derive(Clone, Debug, Subcommand)]
pub enum Dataset {
    /// Load a file into a dataset: all of its records, or none
    Import(Box<import::Import>),
}

impl Dataset {
    pub(super) async fn run(self) -> Result<(), ClientError> {
        match self {
            Self::Import(arguments) => Box::pin(import::import(*arguments)).await,
        }
    }
}
