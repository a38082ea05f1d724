//! `chartroom context` and `whoami`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::super::error::ClientError;
use super::super::output::say;
use super::super::shown::{Column, Output, show_list, show_one};
use super::credentials::{Credentials, path};

#[derive(Clone, Debug, Subcommand)]
pub enum Contexts {
    /// List the services that you are signed in to; the one in use has a star
    Ls(Shown),
    /// Use another one from now on
    Use { name: String },
    /// Forget one, and leave its token as it is
    Rm { name: String },
}

#[derive(Args, Clone, Debug)]
pub struct Shown {
    /// How it is written
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "table"
    )]
    output: Output,
}

#[derive(Args, Clone, Debug)]
pub struct Whoami {
    #[command(flatten)]
    shown: Shown,
}

const CONTEXTS: &[Column] = &[
    Column::table("", "current"),
    Column::table("NAME", "name"),
    Column::table("URL", "url"),
    Column::table("USER", "user"),
    Column::wide("KIND", "kind"),
];
const ME: &[Column] = &[
    Column::table("USERNAME", "username"),
    Column::table("NAME", "name"),
    Column::table("EMAIL", "email"),
    Column::table("ADMIN", "admin"),
    Column::table("URL", "url"),
    Column::wide("ID", "id"),
];

pub(in super::super) fn contexts(command: &Contexts) -> Result<(), ClientError> {
    let mut kept = Credentials::load()?;
    match command {
        Contexts::Ls(Shown { output }) => {
            let rows = kept.contexts.iter().map(|(name, context)| {
                let is_current = kept.current.as_ref() == Some(name);
                json!({
                    "current": if is_current { "*" } else { "" }, "name": name, "url": context.url,
                    "user": context.user, "kind": context.kind,
                })
            });
            if let Some(path) = path() {
                say(&format!("kept in {}", path.display()));
            }
            show_list(&rows.collect::<Vec<_>>(), CONTEXTS, "name", *output)
        }
        Contexts::Use { name } => {
            kept.named(name)?;
            kept.current = Some(name.clone());
            kept.store().map(|_| ())
        }
        Contexts::Rm { name } => {
            kept.named(name)?;
            kept.contexts.remove(name);
            if kept.current.as_ref() == Some(name) {
                kept.current = None;
            }
            kept.store().map(|_| ())
        }
    }
}

pub(in super::super) async fn whoami(
    arguments: Whoami,
    context: Option<&str>,
) -> Result<(), ClientError> {
    let site = super::open(context)?;
    let mut me = site.get("/api/v1/me").await?;
    if let Value::Object(members) = &mut me {
        members.insert("url".to_owned(), site.url().into());
    }
    show_one(&me, ME, "username", arguments.shown.output)
}
