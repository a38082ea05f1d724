//! What is particular: verbs that take more than one request, or whose arguments are no members.

mod export;
mod predict;
mod push;

pub(in super::super) use export::copy;

use std::time::Duration;

use http::{Method as Verb, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::super::call::Site;
use super::super::error::ClientError;
use super::super::names::{PROJECT, segment, text};
use super::super::shown::{Output, member, show_columns};
use super::run::{Job, texts};
use super::{Condition, Method};

/// How often what is being made is asked for.
const EVERY: Duration = Duration::from_secs(1);
/// For how long.
const PATIENCE: u32 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Alias,
    Audit,
    Compare,
    CreatePost,
    CreateProject,
    Export,
    Head,
    Predict,
    Profile,
    Push,
    Read,
    Rows,
    Vote,
}

pub(super) async fn own(mut job: Job<'_>, what: Own) -> Result<(), ClientError> {
    match what {
        Own::Alias => alias(job).await,
        Own::Audit => {
            if let Some(project) = job.text("project") {
                let id = PROJECT.id(job.site, project).await?;
                job.call.path = format!("/api/v1/projects/{}/audit", segment(&id));
            }
            let items = job.items().await?;
            job.show_list(&items)
        }
        Own::Compare => {
            conditions(&mut job)?;
            let answer = job.site.get(&job.target()).await?;
            job.show_rows(&answer, &["measures", "values"])
        }
        Own::CreatePost => {
            if !job.call.body.contains_key("content") {
                return Err(ClientError::Usage(
                    "expected --content TEXT, or --file FILE with it".to_owned(),
                ));
            }
            let made = job.send(Method::Post, Condition::None).await?;
            job.show_made(&made)
        }
        Own::CreateProject => create_project(job).await,
        Own::Export => Box::pin(export::export(job)).await,
        Own::Head => {
            let page = job.site.get(&job.target()).await?;
            let items = page.get("items").and_then(Value::as_array);
            show_records(&job, items.map_or(&[], Vec::as_slice)).await
        }
        Own::Predict => Box::pin(predict::predict(job)).await,
        Own::Profile => profile(job).await,
        Own::Push => Box::pin(push::push(job)).await,
        Own::Read => {
            job.call.body = Map::from_iter([("read".to_owned(), true.into())]);
            let path = job.target();
            let body = Value::Object(job.call.body.clone());
            let read = job.site.ask(Verb::PATCH, &path, Some(&body)).await?;
            job.show_made(&read)
        }
        Own::Rows => {
            conditions(&mut job)?;
            let items = job.items().await?;
            show_records(&job, &items).await
        }
        Own::Vote => {
            let is_back = job.given.get_flag("back");
            let method = if is_back { Method::Delete } else { Method::Put };
            job.send(method, Condition::None).await?;
            job.say(if is_back {
                "took the vote back"
            } else {
                "voted"
            });
            Ok(())
        }
    }
}

/// `--where field__op=value`, as the API has it.
fn conditions(job: &mut Job<'_>) -> Result<(), ClientError> {
    for text in texts(job.given, "where") {
        let (field, value) = text
            .split_once('=')
            .filter(|(field, _)| !field.is_empty())
            .ok_or_else(|| {
                ClientError::Usage(format!("--where: expected FIELD=VALUE instead of {text:?}"))
            })?;
        job.call.more.push((field.to_owned(), value.to_owned()));
    }
    Ok(())
}

/// Records in the order of the dataset's columns, which JSON does not keep.
async fn show_records(job: &Job<'_>, items: &[Value]) -> Result<(), ClientError> {
    let output = job.common.output.unwrap_or(Output::Table);
    let selected = job.text("select").map(str::to_owned);
    let fields: Vec<String> = match (output, selected) {
        (Output::Json | Output::Jsonl | Output::Yaml | Output::Name, _) => Vec::new(),
        (_, Some(selected)) => selected.split(',').map(|it| it.trim().to_owned()).collect(),
        (_, None) => {
            let path = job.call.path.trim_end_matches("/records");
            let dataset = job.site.get(path).await?;
            let columns = member(&dataset, "columns").as_array();
            let fields = columns.into_iter().flatten();
            std::iter::once(Ok("rid".to_owned()))
                .chain(fields.map(|column| text(column, "field")))
                .collect::<Result<_, _>>()?
        }
    };
    let columns: Vec<_> = fields
        .into_iter()
        .map(|field| (field.clone(), field))
        .collect();
    show_columns(items, &columns, "rid", output)
}

async fn create_project(job: Job<'_>) -> Result<(), ClientError> {
    // What is misspelt is found before anything is made.
    let members: Vec<(&str, &str)> = texts(job.given, "member")
        .map(|member| member.rsplit_once('=').unwrap_or((member, "viewer")))
        .collect();
    if let Some((member, role)) = members
        .iter()
        .find(|(_, role)| !["viewer", "editor", "owner"].contains(role))
    {
        return Err(ClientError::Usage(format!(
            "--member {member}={role}: expected the role viewer, editor or owner"
        )));
    }
    let made = job.send(Method::Post, Condition::None).await?;
    let id = text(&made, "id")?;
    // Its name is what goes on, also where a member cannot be taken.
    job.show_made(&made)?;
    for (member, role) in members {
        let path = format!("/api/v1/projects/{id}/members/{}", segment(member));
        let body = json!({ "role": role });
        if let Err(error) = job.site.ask(Verb::PUT, &path, Some(&body)).await {
            job.say(&format!(
                "the project {id} is made, but {member} could not be made a member"
            ));
            return Err(error);
        }
    }
    Ok(())
}

async fn alias(mut job: Job<'_>) -> Result<(), ClientError> {
    let wanted = job.text("version").unwrap_or_default();
    let wrong = || {
        ClientError::Usage(format!(
            "VERSION: expected a number such as 3, or several by weight such as 3=90,4=10, instead of {wanted:?}"
        ))
    };
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_no_number| wrong());
    let (name, value) = match wanted.contains('=') {
        false => ("version", Value::from(number(wanted)?)),
        true => {
            let weights = wanted.split(',').map(|one| {
                let (version, weight) = one.split_once('=').ok_or_else(wrong)?;
                Ok((number(version)?.to_string(), number(weight)?.into()))
            });
            let weights: Map<_, _> = weights.collect::<Result<_, ClientError>>()?;
            ("weights", Value::Object(weights))
        }
    };
    job.call.body.insert(name.to_owned(), value);
    let moved = job.send(Method::Put, Condition::None).await?;
    job.show_one(&moved)
}

/// A profile that is still computed is waited for.
async fn profile(job: Job<'_>) -> Result<(), ClientError> {
    let target = job.target();
    let answer = until(job.site, &target, |answer| answer.get("columns").is_some());
    let answer = answer.await?;
    job.show_rows(&answer, &["columns"])
}

/// Asks again until it is so.
async fn until(
    site: &Site,
    target: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Result<Value, ClientError> {
    for _ in 0..PATIENCE {
        let answer = site.get(target).await?;
        if is_so(&answer) {
            return Ok(answer);
        }
        sleep(EVERY).await;
    }
    Err(ClientError::Answered {
        status: StatusCode::SERVICE_UNAVAILABLE,
        text: format!("{target} is not ready after {PATIENCE} s; ask again later"),
        retry_after: None,
    })
}
