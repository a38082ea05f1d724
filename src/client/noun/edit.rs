//! `edit`: what can be changed goes through an editor, or comes by `--set`. What was changed is
//! sent as a merge patch, unless the thing has changed meanwhile.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::super::error::ClientError;
use super::super::output::say;
use super::super::shown::json;
use super::command::SET;
use super::run::{Job, texts};

pub(super) async fn edit(job: &mut Job<'_>, members: &[&str]) -> Result<(), ClientError> {
    let target = job.target();
    let answer = job
        .site
        .exchange(Method::GET, &target, Vec::new(), Bytes::new())
        .await?;
    let version = answer.headers().get(ETAG).cloned();
    let before = job.site.read(&answer)?;
    let sets: Vec<&str> = texts(job.given, SET).collect();
    let (patch, file) = match sets.as_slice() {
        [] => {
            let (after, file) = edited(&before, members)?;
            (difference(&chosen(&before, members), &after), Some(file))
        }
        sets => (set(&before, sets)?, None),
    };
    let has_changes = patch.as_object().is_some_and(|patch| !patch.is_empty());
    if !has_changes {
        forget(file.as_deref());
        job.say("nothing was changed");
        return Ok(());
    }
    let kind = HeaderValue::from_static("application/merge-patch+json");
    let condition = version.map(|version| (IF_MATCH, version));
    let headers = [(CONTENT_TYPE, kind)].into_iter().chain(condition);
    let sent = job.site.exchange(
        Method::PATCH,
        &target,
        headers.collect(),
        Bytes::from(patch.to_string()),
    );
    match sent.await {
        Ok(answer) => {
            forget(file.as_deref());
            let made = job.site.read(&answer)?;
            job.show_made(&made)
        }
        Err(error) => {
            if let ClientError::Answered {
                status: StatusCode::PRECONDITION_FAILED,
                ..
            } = error
            {
                say("somebody else has changed it meanwhile, and nothing of yours was saved");
            }
            if let Some(file) = file {
                say(&format!("what you wrote is in {}", file.display()));
            }
            Err(error)
        }
    }
}

fn forget(file: Option<&Path>) {
    if let Some(file) = file {
        let _ = std::fs::remove_file(file);
    }
}

/// Those of the members that are there; what is left out of a body is as good as null.
fn chosen(item: &Value, members: &[&str]) -> Value {
    let chosen = members.iter().map(|name| {
        let value = item.get(*name).cloned().unwrap_or_default();
        ((*name).to_owned(), value)
    });
    Value::Object(chosen.collect())
}

/// What somebody makes of it, and the file that it is in.
fn edited(item: &Value, members: &[&str]) -> Result<(Value, PathBuf), ClientError> {
    let path = std::env::temp_dir().join(format!("chartroom-{}.json", Uuid::new_v4()));
    let failed = |error: std::io::Error| {
        ClientError::Failed(format!("the file {}: {error}", path.display()))
    };
    let text = json(&chosen(item, members));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    drop(file);
    if let Err(error) = run_editor(&path) {
        forget(Some(&path));
        return Err(error);
    }
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    match serde_json::from_str(&text) {
        Ok(after @ Value::Object(_)) => Ok((after, path)),
        wrong => {
            let problem = wrong.map_or_else(|error| error.to_string(), |_| "no object".to_owned());
            Err(ClientError::Usage(format!(
                "expected a JSON object in {}: {problem}; nothing was changed, and the file is kept",
                path.display()
            )))
        }
    }
}

/// By a shell, because it may be a command with arguments, as git takes it.
fn run_editor(path: &Path) -> Result<(), ClientError> {
    let variable = |name| std::env::var(name).ok().filter(|it| !it.trim().is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
    let editor = editor.ok_or_else(|| {
        ClientError::Usage(
            "set VISUAL or EDITOR to your editor, or use --set NAME=VALUE".to_owned(),
        )
    })?;
    // Ctrl-C is for the editor, which may stay.
    let _heard = signal(SignalKind::interrupt());
    let ended = Command::new("sh")
        .args(["-c", &format!("{editor} \"$@\""), "sh"])
        .arg(path)
        // What an editor writes is no data of ours.
        .stdout(Stdio::from(std::io::stderr()))
        .status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ClientError::Failed(format!(
            "the editor {editor:?} ended with {status}; nothing was changed"
        ))),
        Err(error) => Err(ClientError::Failed(format!("sh: {error}"))),
    }
}

/// What leads from one to the other as a merge patch (RFC 7396).
fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return after.clone();
    };
    let gone = old
        .iter()
        .filter(|(name, value)| !value.is_null() && !new.contains_key(*name));
    let gone = gone.map(|(name, _)| (name.clone(), Value::Null));
    let changed = new.iter().filter_map(|(name, value)| {
        let was = old.get(name).unwrap_or(&Value::Null);
        (was != value).then(|| (name.clone(), difference(was, value)))
    });
    Value::Object(changed.chain(gone).collect())
}

/// The changes of `--set`, as a merge patch.
fn set(before: &Value, sets: &[&str]) -> Result<Value, ClientError> {
    let mut patch = Value::Object(Map::new());
    for text in sets {
        let wrong = || {
            ClientError::Usage(format!(
                "--set: expected NAME=VALUE or NAME:=JSON instead of {text:?}"
            ))
        };
        let (path, value) = text.split_once('=').ok_or_else(wrong)?;
        let (path, value) = match path.strip_suffix(':') {
            Some(path) => (
                path,
                serde_json::from_str(value).map_err(|_no_json| wrong())?,
            ),
            None => (path, typed(before, path, value)),
        };
        if path.is_empty() {
            return Err(wrong());
        }
        let mut at = &mut patch;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            let Value::Object(members) = at else {
                return Err(wrong());
            };
            let next = match names.peek() {
                Some(_) => Value::Object(Map::new()),
                None => value.clone(),
            };
            at = members.entry(name).or_insert(next);
        }
    }
    Ok(patch)
}

/// A text where there is one now; else a number, a list or the like where it looks so.
fn typed(before: &Value, path: &str, text: &str) -> Value {
    let now = path.split('.').try_fold(before, |at, name| at.get(name));
    match now {
        Some(Value::String(_)) => Value::from(text),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_changed_is_sent() {
        let before =
            json!({ "name": "a", "description": null, "card": { "source": "x", "tags": ["t"] } });
        for (after, expected) in [
            (before.clone(), json!({})),
            (
                json!({ "name": "b", "description": null, "card": { "source": "x", "tags": ["t"] } }),
                json!({ "name": "b" }),
            ),
            (
                json!({ "name": "a", "description": "d", "card": { "tags": [] } }),
                json!({ "description": "d", "card": { "tags": [], "source": null } }),
            ),
            (json!({ "name": "a", "card": before["card"] }), json!({})),
        ] {
            assert_eq!(difference(&before, &after), expected);
        }
    }

    #[test]
    fn values_are_of_the_kind_that_is_there() {
        let before =
            json!({ "name": "1", "disabled": false, "keep_days": null, "expires_at": null });
        let sets = [
            "name=12",
            "disabled=true",
            "keep_days=30",
            "expires_at=2027-01-31T12:00:00Z",
            "card.licence:=null",
            "card.source=a=b",
        ];
        let expected = json!({
            "name": "12", "disabled": true, "keep_days": 30, "expires_at": "2027-01-31T12:00:00Z",
            "card": { "licence": null, "source": "a=b" },
        });
        assert_eq!(set(&before, &sets).unwrap(), expected);
        for wrong in ["name", "=x", "a:=x", "a=1,a.b"] {
            let sets = [wrong, "a.b=1"];
            let refused = set(&before, &sets);
            assert_eq!(refused.unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
