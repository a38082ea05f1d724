//! What one is told, and what one wants to be told.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::form::{Asked, Form, parse};
use super::me::head;
use super::notices::{kind, sentence};
use super::parts::{empty, pager};
use super::view::{Done, View, done, went};
use crate::http::answer::page::PageParams;
use crate::http::body::extract::{ValidJson, ValidPath};
use crate::http::body::patch::MergePatch;
use crate::http::caller::Person;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::notifications::handlers::{
    NotificationFilter, list_preferences, put_preference, update_notification,
};
use crate::notifications::model::{Notification, NotificationSort};

pub async fn show(
    who: Person,
    app: AppState,
    view: View,
    page: PageParams<NotificationSort>,
    Asked(filter): Asked<NotificationFilter>,
) -> ApiResult<Response> {
    let (id, unread) = (who.id, filter.unread);
    let found = app
        .db
        .read(async |connection| Notification::page(connection, &page, id, unread).await)
        .await?;
    let found = page.neighbours(found);
    let lang = view.lang;
    let is_all = unread.is_none();
    Ok(view.page(lang.notifications()).await.api("/api/v1/me/notifications").show(html! {
        div.head {
            h1 { (lang.notifications()) }
            a.button href="/notifications/settings" { (lang.what_to_tell()) }
        }
        nav.tabs aria-label=(lang.filters()) {
            a href="/notifications" aria-current=[is_all.then_some("page")] { (lang.all_of_them()) }
            a href="/notifications?unread=true" aria-current=[(!is_all).then_some("page")] {
                (lang.only_unread())
            }
        }
        @if found.rows.is_empty() { (empty(&view, lang.no_notifications())) } @else {
            ul.cards data-rows { @for one in &found.rows { li { div.between {
                span { (sentence(lang, one)) " " span.hint { (view.at(one.at)) } }
                @if one.read_at.is_none() {
                    form method="post" action="/notifications" {
                        input type="hidden" name="id" value=(one.id);
                        button.small { (lang.mark_read()) }
                    }
                }
            } } } }
        }
        (pager(&view, &found))
    }))
}

pub async fn submit(who: Person, app: AppState, form: Form) -> ApiResult<Response> {
    let id = form
        .get("id")
        .parse()
        .or(Err(ApiError::not_found("notification")))?;
    let patch = MergePatch(parse(&json!({ "read": true }))?);
    update_notification(who, app, ValidPath(id), patch).await?;
    went("/notifications")
}

/// The settings as the API shows them.
fn settings_of(body: &[u8]) -> ApiResult<Vec<(String, String, String)>> {
    let body: Value = serde_json::from_slice(body).map_err(ApiError::internal)?;
    let items = body
        .get("items")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let text = |item: &Value, name: &str| {
        let found = item.get(name).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    Ok(items
        .map(|item| (text(item, "type"), text(item, "in_app"), text(item, "mail")))
        .collect())
}

pub async fn settings(who: Person, app: AppState, view: View) -> ApiResult<Response> {
    let answer = list_preferences(who, app).await?;
    let all = settings_of(answer.body())?;
    let lang = view.lang;
    let modes = [("now", lang.at_once()), ("off", lang.off())];
    let mails = [
        ("now", lang.at_once()),
        ("daily", lang.daily()),
        ("off", lang.off()),
    ];
    Ok(view
        .page(lang.what_to_tell())
        .await
        .api("/api/v1/me/preferences")
        .show(html! {
            (head(&view, lang.what_to_tell()))
            ul.cards { @for (one, in_app, mail) in &all { li {
                form.inline method="post" action="/notifications/settings" {
                    input type="hidden" name="type" value=(one);
                    strong.label { (kind(lang, one)) }
                    label { (lang.here()) (choice("in_app", in_app, &modes)) }
                    label { (lang.by_mail()) (choice("mail", mail, &mails)) }
                    button.small { (lang.save()) }
                }
            } } }
        }))
}

/// Without an id: there are several of each name on the page.
fn choice(name: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        select name=(name) {
            @for (value, text) in options {
                option value=(value) selected[*value == chosen] { (text) }
            }
        }
    }
}

pub async fn set(who: Person, app: AppState, form: Form) -> ApiResult<Response> {
    let kind = parse(&form.text("type"))?;
    let body = json!({ "in_app": form.get("in_app"), "mail": form.get("mail") });
    put_preference(who, app, ValidPath(kind), ValidJson(parse(&body)?)).await?;
    done(Done::Saved, "/notifications/settings")
}
