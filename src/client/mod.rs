//! What `chartroom` says to another Chartroom, as its users' command line: the subcommands that
//! start nothing, need no database and have no settings of a service.
//!
//! Data goes to standard output, words to standard error. A secret is shown nowhere, but for that
//! of a token that is made.

mod account;
mod api;
mod call;
mod dataset;
mod error;
mod names;
mod noun;
mod open;
mod output;
pub mod sample;
mod shown;
mod sse;
mod watch;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, ArgMatches, CommandFactory as _, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use error::ClientError;
use noun::Asked;

/// Under this name kubectl finds it as a plugin.
const PLUGIN: &str = "kubectl-chartroom";
const CONTEXT: &str = "--context";
/// Words after `user` that work on the database.
const OF_THE_DATABASE: [&str; 3] = ["create-admin", "disable", "reset-password"];

/// The command line of these subcommands alone: a mistake in a setting of a service must not keep
/// anybody from asking one, and their help has none of the settings.
#[derive(Debug, Parser)]
#[command(
    name = "chartroom",
    version,
    about = "Ask a Chartroom that runs elsewhere",
    max_term_width = 120,
    after_help = "CHARTROOM_URL and CHARTROOM_TOKEN, or CHARTROOM_TOKEN_FILE, say where the service is and who asks; else what `chartroom login` has kept.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not found, 5 conflict, 6 try again."
)]
pub struct Client {
    /// Ask the service of this name, which `chartroom login` has kept
    #[arg(long, value_name = "NAME", global = true)]
    context: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in to a service, and keep a token for it
    Login(account::Login),
    /// End the token that was kept, and forget it
    Logout(account::Logout),
    /// Show who you are there
    Whoami(account::Whoami),
    /// The services that you are signed in to
    #[command(subcommand)]
    Context(account::Contexts),
    #[command(flatten)]
    Noun(Asked),
    /// Make a dataset to try things on: incomes by race, age and year, as the U.S. Census Bureau
    /// publishes them
    Sample(sample::Sample),
    /// Follow what happens in the projects that you can read, one event a line
    Watch(watch::Watch),
    /// Ask any operation of the API
    Api(api::Api),
    /// Print where the console shows something, and on a terminal show it
    Open(open::Open),
    /// Print what completes commands in a shell
    Completions { shell: Shell },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Fish,
    Powershell,
    Zsh,
}

/// Whether the program was started as a plugin of kubectl.
fn is_plugin(arguments: &[OsString]) -> bool {
    let program = arguments.first().map(Path::new).and_then(Path::file_name);
    program.is_some_and(|name| name == PLUGIN)
}

impl Client {
    /// Whether the arguments begin with one of these subcommands, or ask for help on one.
    pub fn is_meant(arguments: &[OsString]) -> bool {
        if is_plugin(arguments) {
            return true;
        }
        let mut words = arguments.iter().skip(1).map(OsString::as_os_str).peekable();
        while let Some(word) = words.next_if(|word| is_before(word)) {
            if word == CONTEXT {
                words.next();
            }
        }
        let Some(first) = words.next() else {
            return false;
        };
        let second = words.next().unwrap_or_default();
        let is_of_the_database =
            first == "user" && OF_THE_DATABASE.into_iter().any(|word| second == word);
        !is_of_the_database && Self::command().find_subcommand(first).is_some()
    }

    /// Under the name that it was started by.
    pub fn of(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let name = match is_plugin(arguments) {
            true => PLUGIN,
            false => "chartroom",
        };
        let matches = Self::command()
            .name(name)
            .bin_name(name)
            .try_get_matches_from(arguments)?;
        Self::from_arg_matches(&matches)
    }

    /// The whole command line is what completions are made of.
    pub async fn run(self, described: impl FnOnce() -> clap::Command) -> Result<(), ClientError> {
        let Self { context, command } = self;
        let named = context.as_deref();
        match command {
            Command::Login(arguments) => Box::pin(account::login(arguments, context)).await,
            Command::Logout(arguments) => Box::pin(account::logout(arguments, context)).await,
            Command::Whoami(arguments) => account::whoami(arguments, named).await,
            Command::Context(command) => account::contexts(&command),
            Command::Noun(asked) => asked.run(named).await,
            Command::Sample(arguments) => Box::pin(sample::sample(arguments, named)).await,
            Command::Watch(arguments) => watch::watch(arguments, named).await,
            Command::Api(arguments) => Box::pin(api::api(arguments, named)).await,
            Command::Open(arguments) => Box::pin(open::open(arguments, named)).await,
            Command::Completions { shell } => completions(shell, described()),
        }
    }
}

/// What may stand before the subcommand.
fn is_before(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    word == "help" || word == CONTEXT || text.starts_with("--context=")
}

fn completions(shell: Shell, mut described: clap::Command) -> Result<(), ClientError> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
    };
    let name = described.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut described, name, &mut script);
    output::write_bytes(&script)
}

/// These subcommands as the help of the service lists them, by name alone: who gives settings of a
/// service before one of them is told so.
#[derive(Debug)]
pub struct Listed;

impl FromArgMatches for Listed {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

impl Subcommand for Listed {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let own = Client::command();
        let own = own.get_subcommands().filter(|own| own.get_name() != "user");
        let listed = own.map(|own| {
            let rest = Arg::new("rest")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .hide(true);
            let listed = clap::Command::new(own.get_name().to_owned()).arg(rest);
            listed.about(own.get_about().cloned().unwrap_or_default())
        });
        command.subcommands(listed)
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        name != "user" && Client::command().find_subcommand(name).is_some()
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
            ("chartroom --context x project ls", true),
            ("chartroom --context=x project ls", true),
            ("chartroom user ls", true),
            ("chartroom user", true),
            ("chartroom user --help", true),
            ("chartroom user create-admin a@example.org", false),
            ("chartroom help user disable", false),
            ("kubectl-chartroom serve", true),
            ("/usr/bin/kubectl-chartroom", true),
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
