//! What `chartroom` says to another Chartroom, as its users' command line: the subcommands that
//! start nothing, need no database and have no settings of a service.
//!
//! Data goes to standard output, words to standard error. A secret is shown nowhere.

mod call;
mod error;
mod output;
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
