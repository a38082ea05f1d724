//! `chartroom config`: what is in force, secrets masked, and where each value came from.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::check::keys;

/// A table of every key. A setting whose environment value clap hides is a secret.
pub fn show(command: &Command, matches: &ArgMatches, from_file: &[String]) -> String {
    let rows: Vec<(String, String, &str)> = keys(command)
        .map(|(arg, key)| {
            let id = arg.get_id().as_str();
            let source = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => "flag",
                Some(ValueSource::EnvVariable) => "environment",
                _ if from_file.contains(&key) => "env file",
                Some(_) => "default",
                None => "not set",
            };
            let value = match matches.get_raw(id) {
                Some(_) if arg.is_hide_env_values_set() => "********".to_owned(),
                Some(values) => values
                    .map(|value| value.to_string_lossy().into_owned())
                    .collect::<Vec<_>>()
                    .join(","),
                None => "-".to_owned(),
            };
            (key, value, source)
        })
        .collect();
    let width =
        |column: fn(&(String, String, &str)) -> usize| rows.iter().map(column).max().unwrap_or(0);
    let (keys, values) = (width(|row| row.0.len()), width(|row| row.1.len()));
    rows.iter()
        .fold(String::new(), |mut text, (key, value, source)| {
            let _ = writeln!(text, "{key:keys$}  {value:values$}  {source}");
            text
        })
}
