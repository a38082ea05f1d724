//! One's sessions: seeing and ending them.

use axum::response::Response;
use maud::html;
use uuid::Uuid;

use super::head;
use crate::console::form::Form;
use crate::console::parts::pager;
use crate::console::view::{Done, View, done};
use crate::http::answer::page::PageParams;
use crate::http::body::extract::ValidPath;
use crate::http::caller::{Person, PersonInSession};
use crate::identity::api::AppState;
use crate::identity::session::{Session, SessionSort};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::SessionId;
use crate::users::handlers::sessions::{delete_session, delete_sessions};

pub async fn show(
    who: Person,
    app: AppState,
    view: View,
    page: PageParams<SessionSort>,
) -> ApiResult<Response> {
    let (id, own) = (who.id, who.session());
    let found = app
        .db
        .read_primary(async |connection| Session::page(connection, &page, id).await)
        .await?;
    let found = page.neighbours(found);
    let lang = view.lang;
    let kind = |kind: &str| match kind {
        "cookie" => lang.browser_session(),
        _ => lang.program_session(),
    };
    Ok(view.page(lang.sessions()).await.api("/api/v1/me/sessions").show(html! {
        (head(&view, lang.sessions()))
        p { (lang.sessions_why()) }
        div.scroll tabindex="0" role="region" aria-label=(lang.sessions()) { table {
            thead { tr {
                th scope="col" { (lang.kind()) }
                th scope="col" { (lang.from_where()) }
                th scope="col" { (lang.begun()) }
                th scope="col" { (lang.ends()) }
                th scope="col" { span.hidden-text { (lang.actions()) } }
            } }
            tbody { @for one in &found.rows { tr {
                td.text { (kind(&one.kind)) " " @if own == Some(one.id) { span.tag.good { (lang.this_session()) } }
                    @if let Some(agent) = &one.user_agent { span.hint { (agent) } } }
                td { (one.address.as_deref().unwrap_or_default()) }
                td { (view.at(one.created_at)) }
                td { (view.at(one.ends_at)) }
                td { @if own != Some(one.id) {
                    form method="post" action="/me/sessions" {
                        input type="hidden" name="id" value=(one.id);
                        button.small { (lang.end_session()) }
                    }
                } }
            } } }
        } }
        (pager(&view, &found))
        @if found.rows.len() > 1 {
            form method="post" action="/me/sessions" { button name="do" value="others" { (lang.end_others()) } }
        }
    }))
}

pub async fn submit(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    form: Form,
) -> ApiResult<Response> {
    if form.does("others") {
        delete_sessions(who, app, actor).await?;
    } else {
        let id = Uuid::try_parse(&form.get("id")).or(Err(ApiError::not_found("session")))?;
        delete_session(who, app, actor, ValidPath(SessionId(id))).await?;
    }
    done(Done::Ended, "/me/sessions")
}
