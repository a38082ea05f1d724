//! What a mail says of a notification, in a sentence.

use serde_json::Value;

use super::mail::Row;

fn text<'a>(data: &'a Value, member: &str) -> &'a str {
    data.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// To the minute, which is what people plan by.
fn time(data: &Value, member: &str) -> Option<String> {
    let time: chrono::DateTime<chrono::Utc> = text(data, member).parse().ok()?;
    Some(time.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// The name that the event had, or the one that the project has now.
fn project(row: &Row) -> String {
    let name = match row.data.get("name").and_then(Value::as_str) {
        // Of a member, it is the name of a workload.
        Some(name) if row.kind.starts_with("chartroom.project.") => Some(name),
        _ => row.project.as_deref(),
    };
    name.map_or_else(
        || "a project".to_owned(),
        |name| format!("the project \"{name}\""),
    )
}

pub(super) fn said(row: &Row) -> String {
    let (project, data) = (project(row), &row.data);
    let when = time(data, "expires_at");
    match row.kind.as_str() {
        "chartroom.project.expiring" => format!(
            "It will soon be the end of {project}: from {} on it can only be read. An owner can \
             extend it.",
            when.unwrap_or_else(|| "then".to_owned())
        ),
        "chartroom.project.expired" => {
            format!("It was the end of {project}: it can only be read now. An owner can extend it.")
        }
        "chartroom.project.extended" => match when {
            Some(when) => format!("There is more time for {project}: it expires on {when}."),
            None => format!("There is more time for {project}: it does not expire any more."),
        },
        "chartroom.member.added" => {
            format!(
                "You are a member of {project} now, as {}.",
                text(data, "role")
            )
        }
        "chartroom.member.changed" => {
            format!("Your role in {project} is {} now.", text(data, "role"))
        }
        "chartroom.member.removed" => format!("You are no member of {project} any more."),
        "chartroom.post.changed" => format!("Somebody changed a post of yours in {project}."),
        "chartroom.post.deleted" => format!("Somebody deleted a post of yours in {project}."),
        other => format!("{other} has happened in {project}."),
    }
}

pub(super) fn subject(row: &Row) -> String {
    let project = project(row);
    match row.kind.as_str() {
        "chartroom.project.expiring" => format!("The end of {project} is near"),
        "chartroom.project.expired" => format!("The end of {project}"),
        "chartroom.project.extended" => format!("More time for {project}"),
        "chartroom.member.added" => format!("You are a member of {project}"),
        "chartroom.member.changed" => format!("Your role in {project}"),
        "chartroom.member.removed" => format!("You are no member of {project} any more"),
        "chartroom.post.changed" => "A post of yours was changed".to_owned(),
        "chartroom.post.deleted" => "A post of yours was deleted".to_owned(),
        other => other.to_owned(),
    }
}
