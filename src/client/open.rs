//! `chartroom open`: where the console shows a thing.

use std::io::{self, IsTerminal as _};
use std::process::{Command, Stdio};

use clap::Args;

use super::account;
use super::error::ClientError;
use super::names::{POST, PROJECT, dataset_id, segment};
use super::output::{say, write};

#[derive(Args, Clone, Debug)]
pub struct Open {
    #[arg(value_parser = ["home", "project", "post", "dataset", "model", "token", "notification", "user", "audit", "job"])]
    noun: String,
    /// Which one; without it, the page that lists them
    name: Option<String>,
}

pub(super) async fn open(arguments: Open, context: Option<&str>) -> Result<(), ClientError> {
    let site = account::open(context)?;
    let list = match arguments.noun.as_str() {
        "project" => "/projects",
        "post" => "/posts",
        "dataset" => "/datasets",
        "model" => "/models",
        "token" => "/me/tokens",
        "notification" => "/notifications",
        "user" => "/admin",
        "audit" => "/admin/audit",
        "job" => "/admin/jobs",
        _ => "/home",
    };
    let path = match (arguments.name, arguments.noun.as_str()) {
        (None, _) => list.to_owned(),
        (Some(name), noun) => {
            let id = match noun {
                "project" => PROJECT.id(&site, &name).await?,
                "post" => POST.id(&site, &name).await?,
                "dataset" => dataset_id(&site, &name).await?,
                "model" => name,
                noun => {
                    return Err(ClientError::Usage(format!(
                        "the console has one page for all of these: chartroom open {noun}"
                    )));
                }
            };
            format!("{list}/{}", segment(&id))
        }
    };
    let url = format!("{}{path}", site.url());
    write(&format!("{url}\n"))?;
    if io::stdout().is_terminal() && !show(&url) {
        say("neither xdg-open nor open could show it");
    }
    Ok(())
}

/// By the first of the programs that is there.
fn show(url: &str) -> bool {
    ["xdg-open", "open"].into_iter().any(|program| {
        Command::new(program)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}
