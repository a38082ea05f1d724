//! What `chartroom` says to another Chartroom, as its users' command line: the subcommands that
//! start nothing, need no database and have no settings of a service.
//!
//! Data goes to standard output, words to standard error. A secret is shown nowhere.

mod call;
mod dataset;
mod error;
mod output;
pub mod sample;
mod sse;
mod watch;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use error::ClientError;

/// The command line of these subcommands alone: a mistake in a setting of a service must not keep
/// anybody from asking one, and their help has none of the settings.
#[derive(Debug, Parser)]
#[command(name = "chartroom", version, max_term_width = 120)]
pub struct Client {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load files into datasets
    #[command(subcommand)]
    Dataset(dataset::Dataset),
    /// Make a dataset to try things on: incomes by race, age and year, as the U.S. Census Bureau
    /// publishes them
    Sample(sample::Sample),
    /// Follow what happens in the projects that you can read, one event a line
    Watch(watch::Watch),
}

impl Client {
    /// Whether the arguments begin with one of these subcommands, or ask for help on one.
    pub fn is_meant(arguments: &[OsString]) -> bool {
        let mut words = arguments.iter().skip(1).skip_while(|word| *word == "help");
        let first = words.next();
        first.is_some_and(|word| Self::command().find_subcommand(word).is_some())
    }

    pub async fn run(self) -> Result<(), ClientError> {
        match self.command {
            Command::Dataset(command) => command.run().await,
            Command::Sample(arguments) => Box::pin(sample::sample(arguments)).await,
            Command::Watch(arguments) => watch::watch(arguments).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        for (line, expected) in [
            ("chartroom watch", true),
            ("chartroom watch --help", true),
            ("chartroom dataset import a.csv", true),
            ("chartroom help watch", true),
            ("chartroom", false),
            ("chartroom help", false),
            ("chartroom --help", false),
            ("chartroom serve watch", false),
            ("chartroom --listen 127.0.0.1:0 watch", false),
            ("watch serve", false),
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(Client::is_meant(&arguments), expected, "{line}");
        }
    }
}
