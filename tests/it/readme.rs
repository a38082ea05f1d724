//! The documentation says what the program says: its table of settings is made from the command
//! line's own description.

use std::path::Path;

use crate::support::snapshot;

const BEGIN: &str =
    "<!-- settings: made from `chartroom --help` by `just readme`; do not edit -->\n";
const END: &str = "<!-- end of settings -->";

fn table() -> String {
    let command = chartroom::app::cli::command();
    let mut text = String::new();
    let mut heading = None;
    for arg in command.get_arguments() {
        let Some(key) = arg.get_env().map(|key| key.to_string_lossy().into_owned()) else {
            continue;
        };
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            text.push_str(&format!(
                "\n**{}**\n\n| variable | default | |\n|---|---|---|\n",
                heading.unwrap_or("Other")
            ));
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let stated = help.rsplit_once("[default: ").map(|(help, default)| {
            (
                help.trim().to_owned(),
                default.trim_end_matches(']').to_owned(),
            )
        });
        let declared = arg
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(", ");
        let (help, default) = stated.unwrap_or((help, declared));
        let values: Vec<_> = arg
            .get_possible_values()
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        let values = if values.is_empty() {
            String::new()
        } else {
            format!("; {}", values.join(", "))
        };
        text.push_str(&format!("| `{key}` | {default} | {help}{values} |\n"));
    }
    text.push('\n');
    text
}

#[test]
fn the_table_of_settings_is_fresh() {
    snapshot::between(Path::new("docs/CONFIGURATION.md"), BEGIN, END, &table());
}

#[test]
fn every_setting_is_described() {
    for arg in chartroom::app::cli::command()
        .get_arguments()
        .filter(|arg| arg.get_env().is_some())
    {
        assert!(
            arg.get_help()
                .is_some_and(|help| !help.to_string().is_empty()),
            "{}",
            arg.get_id()
        );
    }
}
