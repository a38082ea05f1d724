//! What a notification says, in a sentence with its way.

use maud::{Markup, html};
use serde_json::Value;

use super::parts::role;
use super::view::day;
use super::words::Lang;
use crate::notifications::model::Notification;
use crate::projects::access::Role;

fn text<'a>(data: &'a Value, member: &str) -> &'a str {
    data.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn role_of(lang: Lang, data: &Value) -> &'static str {
    let word = text(data, "role");
    let known = Role::ALL.iter().find(|role| role.as_str() == word);
    role(lang, known.copied())
}

pub fn sentence(lang: Lang, notice: &Notification) -> Markup {
    let Notification {
        kind,
        project_id,
        data,
        ..
    } = notice;
    let name = match text(data, "name") {
        name if kind.starts_with("chartroom.project.") && !name.is_empty() => name.to_owned(),
        _ => lang.a_project().to_owned(),
    };
    let end = text(data, "expires_at").parse::<chrono::DateTime<chrono::Utc>>();
    let end = end.map_or_else(|_| "…".to_owned(), |end| day(lang, end));
    let said = match kind.as_str() {
        "chartroom.project.expiring" => lang.told_expiring(&name, end),
        "chartroom.project.expired" => lang.told_expired(&name),
        "chartroom.project.extended" => lang.told_extended(&name),
        "chartroom.member.added" => lang.told_added(&name, role_of(lang, data)),
        "chartroom.member.changed" => lang.told_changed(&name, role_of(lang, data)),
        "chartroom.member.removed" => lang.told_removed(&name),
        "chartroom.post.changed" => lang.told_post_changed().to_owned(),
        "chartroom.post.deleted" => lang.told_post_deleted().to_owned(),
        other => format!("{other}: {name}"),
    };
    html! { a data-row href=(format!("/projects/{project_id}")) { (said) } }
}

/// What one can be told of, as the preferences call it.
pub fn kind(lang: Lang, kind: &str) -> &str {
    match kind {
        "chartroom.project.expiring" => lang.kind_expiring(),
        "chartroom.project.expired" => lang.kind_expired(),
        "chartroom.project.extended" => lang.kind_extended(),
        "chartroom.member.added" => lang.kind_added(),
        "chartroom.member.changed" => lang.kind_changed(),
        "chartroom.member.removed" => lang.kind_removed(),
        "chartroom.post.changed" => lang.kind_post_changed(),
        "chartroom.post.deleted" => lang.kind_post_deleted(),
        other => other,
    }
}
