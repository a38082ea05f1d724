//! The accounts, and what an administrator does to them.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::head;
use crate::console::form::{Asked, Form, parse};
use crate::console::merge::text_of;
use crate::console::parts::{empty, given, pager};
use crate::console::view::{Done, View, done};
use crate::http::answer::page::PageParams;
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Administrator;
use crate::identity::account::directory::{Entry, Search, UserSort};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;
use crate::users::handlers::admin::update_user;

#[derive(Deserialize)]
pub struct Looked {
    q: Option<Search>,
}

pub async fn show(
    _: Administrator,
    app: AppState,
    view: View,
    page: PageParams<UserSort>,
    Asked(Looked { q }): Asked<Looked>,
) -> ApiResult<Response> {
    let found = app
        .db
        .read(async |connection| Entry::page(connection, &page, q.as_ref(), true).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, uri) = (view.lang, &view.frame.uri);
    Ok(view
        .page(lang.users())
        .await
        .api("/api/v1/users")
        .show(html! {
            (head(&view, lang.administration()))
            p.hint { (lang.instance()) ": Chartroom " (env!("CARGO_PKG_VERSION")) }
            form.search method="get" action="/admin" role="search" data-live="#found" {
                label.wide { (lang.search()) input type="search" name="q" value=(given(uri, "q")); }
                button { (lang.search()) }
            }
            div #found {
                @if found.rows.is_empty() { (empty(&view, lang.none())) } @else {
                    div.scroll tabindex="0" role="region" aria-label=(lang.users()) { table {
                        thead { tr {
                            th scope="col" { (lang.email()) }
                            th scope="col" { (lang.username()) }
                            th scope="col" { (lang.name()) }
                            th scope="col" { (lang.created()) }
                            th scope="col" { (lang.state()) }
                            th scope="col" { span.hidden-text { (lang.actions()) } }
                        } }
                        tbody { @for (_, user) in &found.rows { (row(&view, user)) } }
                    } }
                }
                (pager(&view, &found))
            }
        }))
}

fn row(view: &View, user: &Entry) -> Markup {
    let lang = view.lang;
    let is_me = view.who.as_ref().is_some_and(|who| who.id == user.id);
    let button = |what: &str, text: &str, title: Option<&str>| {
        html! { button.small name="do" value=(what) title=[title] { (text) } }
    };
    html! {
        tr {
            td { (user.email) }
            td { (user.username.as_deref().unwrap_or_default()) }
            td.text { (user.name.as_deref().unwrap_or_default()) }
            td { (view.at(user.created_at)) }
            td {
                @if user.is_admin { span.tag.good { (lang.administers()) } " " }
                @if user.is_disabled { span.tag.bad { (lang.disabled()) } }
                @if is_me { span.tag { (lang.it_is_you()) } }
            }
            td { @if !is_me {
                form.row method="post" action="/admin" {
                    input type="hidden" name="id" value=(user.id);
                    input type="hidden" name="etag" value=(text_of(user.version));
                    @if user.is_admin {
                        (button("unmake", lang.unmake_admin(), None))
                    } @else { (button("make", lang.make_admin(), None)) }
                    @if user.is_disabled {
                        (button("enable", lang.enable(), None))
                    } @else { (button("disable", lang.disable(), Some(lang.disable_why()))) }
                }
            } }
        }
    }
}

pub async fn submit(
    who: Administrator,
    app: AppState,
    actor: Actor,
    form: Form,
) -> ApiResult<Response> {
    let id = Uuid::try_parse(&form.get("id")).or(Err(ApiError::not_found("user")))?;
    let patch: Value = match form.get("do").as_str() {
        "make" => json!({ "admin": true }),
        "unmake" => json!({ "admin": false }),
        "disable" => json!({ "disabled": true }),
        "enable" => json!({ "disabled": false }),
        _ => json!({}),
    };
    let (holds, patch) = (form.conditions()?, MergePatch(parse(&patch)?));
    update_user(who, app, actor, holds, ValidPath(PrincipalId(id)), patch).await?;
    done(Done::Saved, "/admin")
}
