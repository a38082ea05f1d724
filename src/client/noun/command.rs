//! The nouns as clap knows them.

use clap::builder::PossibleValuesParser;
use clap::{
    Arg as Flag, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand,
    value_parser,
};

use super::super::dataset::Import;
use super::super::error::ClientError;
use super::super::shown::Output;
use super::{Arg, Does, Form, NOUNS, Noun, Verb, run};

const LIMIT: &str = "limit";
const ALL: &str = "all";
const OUTPUT: &str = "output";
const QUIET: &str = "quiet";
pub(super) const SET: &str = "set";
const IMPORT: &str = "import";

/// A noun, a verb and their arguments, as they were given.
#[derive(Clone, Debug)]
pub enum Asked {
    Verb(Given),
    /// The one that is told with its own flags.
    Import(Box<Import>),
}

#[derive(Clone, Debug)]
pub struct Given {
    noun: &'static Noun,
    verb: &'static Verb,
    matches: ArgMatches,
}

/// What all verbs take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common {
    pub(super) output: Option<Output>,
    pub(super) is_quiet: bool,
    pub(super) is_all: bool,
    pub(super) limit: Option<usize>,
}

impl Common {
    fn of(given: &ArgMatches) -> Self {
        let switch = |name| {
            given
                .try_get_one::<bool>(name)
                .ok()
                .flatten()
                .copied()
                .unwrap_or_default()
        };
        let limit = given.try_get_one::<u32>(LIMIT).ok().flatten();
        Self {
            output: given.try_get_one::<Output>(OUTPUT).ok().flatten().copied(),
            is_quiet: switch(QUIET),
            is_all: switch(ALL),
            limit: limit.and_then(|limit| usize::try_from(*limit).ok()),
        }
    }
}

impl Asked {
    pub(in super::super) async fn run(self, context: Option<&str>) -> Result<(), ClientError> {
        match self {
            Self::Verb(given) => {
                let Given {
                    noun,
                    verb,
                    matches,
                } = given;
                let common = Common::of(&matches);
                Box::pin(run::run(noun, verb, &matches, common, context)).await
            }
            Self::Import(import) => Box::pin(import.run(context)).await,
        }
    }
}

impl FromArgMatches for Asked {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let unknown = || clap::Error::new(clap::error::ErrorKind::InvalidSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(unknown)?;
        let noun = NOUNS.iter().find(|noun| noun.name == name);
        let noun = *noun.ok_or_else(unknown)?;
        let (name, given) = matches.subcommand().ok_or_else(unknown)?;
        if name == IMPORT {
            let import = Import::from_arg_matches(given)?;
            return Ok(Self::Import(Box::new(import)));
        }
        let verb = noun.verbs.iter().find(|verb| verb.name == name);
        Ok(Self::Verb(Given {
            noun,
            verb: verb.ok_or_else(unknown)?,
            matches: given.clone(),
        }))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Asked {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(NOUNS.iter().map(|noun| noun_command(noun)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        NOUNS.iter().any(|noun| noun.name == name)
    }
}

fn noun_command(noun: &'static Noun) -> Command {
    let mut command = Command::new(noun.name)
        .about(noun.about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(noun.verbs.iter().map(verb_command));
    if !noun.after.is_empty() {
        command = command.after_help(noun.after);
    }
    match noun.name {
        "dataset" => command.subcommand(Import::augment_args(
            Command::new(IMPORT).about("Load a file into a dataset: all of its records, or none"),
        )),
        _ => command,
    }
}

fn verb_command(verb: &'static Verb) -> Command {
    let mut command = Command::new(verb.name)
        .about(verb.about)
        .args(verb.args.iter().map(flag));
    if let Does::Edit(members) = verb.does {
        let help = format!(
            "What to change, without an editor: NAME=VALUE, or NAME:=JSON for null and other values. Names are {}; dots lead \
             into objects. Can be given more than once",
            members.join(", ")
        );
        command = command.arg(
            Flag::new(SET)
                .long(SET)
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help(help),
        );
    }
    if matches!(verb.does, Does::List) || verb.does.is_rows() {
        command = command.arg(
            Flag::new(LIMIT)
                .long(LIMIT)
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .help("How many to show at most [default: 50]"),
        );
        command = command.arg(
            Flag::new(ALL)
                .long(ALL)
                .action(ArgAction::SetTrue)
                .conflicts_with(LIMIT)
                .help("Show all, however many pages that takes"),
        );
    }
    if !matches!(verb.does, Does::Remove) && !verb.does.is_file() {
        command = command.arg(
            Flag::new(OUTPUT)
                .short('o')
                .long(OUTPUT)
                .value_name("FORMAT")
                .value_parser(clap::builder::EnumValueParser::<Output>::new())
                .hide_possible_values(true)
                .help("table, wide, json, yaml, jsonl, csv or name [default: table; what was made is its name]"),
        );
    }
    command.arg(
        Flag::new(QUIET)
            .short('q')
            .long(QUIET)
            .action(ArgAction::SetTrue)
            .help("Say nothing on standard error but what went wrong"),
    )
}

fn flag(arg: &'static Arg) -> Flag {
    let mut flag = Flag::new(arg.name).help(arg.help).required(arg.is_required);
    if arg.form != Form::Positional {
        flag = flag.long(arg.name);
    }
    if arg.form == Form::Switch {
        return flag.action(ArgAction::SetTrue);
    }
    flag = flag.value_name(arg.value);
    if arg.is_many {
        flag = flag.action(ArgAction::Append);
        if arg.form == Form::Positional {
            flag = flag.num_args(1..);
        }
    }
    if let Some(default) = arg.default {
        flag = flag.default_value(default);
    }
    match arg.words.is_empty() {
        true => flag,
        false => flag.value_parser(PossibleValuesParser::new(arg.words.iter().copied())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// clap looks at its own description, and each name in a path has an argument.
    #[test]
    fn the_description_is_whole() {
        let command = Asked::augment_subcommands(Command::new("chartroom"));
        command.debug_assert();
        for noun in NOUNS {
            for verb in noun.verbs {
                let names = verb.path.split('{').skip(1);
                for name in names.filter_map(|rest| rest.split('}').next()) {
                    let is_there = verb.args.iter().any(|arg| arg.name == name);
                    assert!(is_there, "{} {}: {name}", noun.name, verb.name);
                }
            }
        }
    }
}
