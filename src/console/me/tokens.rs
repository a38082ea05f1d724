//! One's API tokens. A new one is shown once, with how to use it.

use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::head;
use crate::console::form::{Fields, Form, Input, is_shown, key, object, time};
use crate::console::parts::{copy, first};
use crate::console::view::{Done, View, done};
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidPath;
use crate::http::caller::PersonInSession;
use crate::identity::api::AppState;
use crate::identity::api_token::{ApiToken, MOST_PER_USER};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{ApiTokenId, PrincipalId};
use crate::users::handlers::tokens::{create_api_token, delete_api_token};

/// The member of the answer that is shown once.
#[derive(Deserialize)]
struct Made {
    secret: String,
    name: String,
}

async fn all(app: &AppState, id: PrincipalId) -> ApiResult<Vec<ApiToken>> {
    let most = usize::try_from(MOST_PER_USER).unwrap_or(usize::MAX);
    let found = app
        .db
        .read_primary(async |connection| ApiToken::page(connection, &first(most), id).await)
        .await?;
    Ok(found.parts(most).0)
}

pub async fn show(who: PersonInSession, app: AppState, view: View) -> ApiResult<Response> {
    let tokens = all(&app, who.id).await?;
    Ok(page(&view, &tokens, &Form::default(), None).await)
}

async fn page(view: &View, tokens: &[ApiToken], form: &Form, error: Option<&ApiError>) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let access = [("read", lang.may_read()), ("write", lang.may_write())];
    let page = view.page(lang.tokens()).await.status(status);
    page.api("/api/v1/me/tokens").show(html! {
        (head(view, lang.tokens()))
        p { (lang.tokens_why()) }
        (fields.summary())
        @if !tokens.is_empty() { (table(view, tokens)) }
        h2 { (lang.new_token()) }
        form method="post" action="/me/tokens" {
            (key())
            (fields.input(&Input {
                name: "name",
                label: lang.name(),
                value: &form.get("name"),
                needed: true,
                ..Input::default()
            }))
            (fields.choice("access", lang.token_access(), &form.get("access"), &access))
            (fields.input(&Input {
                name: "expires_at",
                label: lang.expires_at(),
                value: &form.get("expires_at"),
                kind: "datetime-local",
                hint: lang.expires_hint(),
                ..Input::default()
            }))
            button.main { (lang.make_token()) }
        }
    })
}

fn table(view: &View, tokens: &[ApiToken]) -> Markup {
    let lang = view.lang;
    let may = |access: &str| {
        if access == "write" {
            lang.may_write()
        } else {
            lang.may_read()
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.tokens()) { table {
            thead { tr {
                th scope="col" { (lang.name()) }
                th scope="col" { (lang.token_access()) }
                th scope="col" { (lang.created()) }
                th scope="col" { (lang.expires()) }
                th scope="col" { span.hidden-text { (lang.actions()) } }
            } }
            tbody { @for token in tokens { tr {
                td.text { (token.name) }
                td { (may(&token.access)) }
                td { (view.at(token.created_at)) }
                td {
                    @match token.expires_at { Some(end) => (view.at(end)), None => (lang.never()) }
                }
                td { form method="post" action="/me/tokens/delete" {
                    input type="hidden" name="id" value=(token.id);
                    button.small { (lang.delete()) }
                } }
            } } }
        } }
    }
}

pub async fn submit(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let id = who.id;
    let body = object([
        ("name", form.text("name")),
        ("access", form.text("access")),
        ("expires_at", time(&form.get("expires_at"))),
    ]);
    let made = async { create_api_token(who, app.clone(), actor, form.once(&body)?).await };
    let answer = match made.await {
        Ok(answer) => answer,
        Err(error) if is_shown(&error) => {
            return Ok(page(&view, &all(&app, id).await?, &form, Some(&error)).await);
        }
        Err(error) => return Err(error),
    };
    let made: Made = serde_json::from_slice(answer.body()).map_err(ApiError::internal)?;
    let mut response = secret(&view, &made).await;
    // Neither a cache nor the way back shows it again.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn secret(view: &View, made: &Made) -> Response {
    let lang = view.lang;
    let Made { secret, name } = made;
    let url = &view.public_url;
    let snippet = |id: &str, title: &str, text: &str| {
        html! {
            h2 { (title) }
            pre tabindex="0" { code #(id) { (text) } }
            (copy(lang, id))
        }
    };
    let shell =
        format!("export CHARTROOM_URL={url}\nexport CHARTROOM_TOKEN={secret}\nchartroom sample");
    let curl = format!("curl -H 'Authorization: Bearer {secret}' {url}/api/v1/projects");
    let python = format!(
        "import json, urllib.request\nrequest = urllib.request.Request(\n    \"{url}/api/v1/projects\",\n    headers={{\"Authorization\": \"Bearer {secret}\"}},\n)\nprint(json.load(urllib.request.urlopen(request))[\"items\"])"
    );
    let kubectl =
        format!("kubectl create secret generic chartroom --from-literal=CHARTROOM_TOKEN={secret}");
    view.page(lang.token_made())
        .await
        .width("middle")
        .show(html! {
            (head(view, lang.token_made()))
            p.note.warn { (lang.token_once()) }
            p { (name) }
            p { code.secret #secret { (secret) } }
            button type="button" hidden data-script data-copy="#secret" data-done=(lang.copied()) {
                (lang.copy())
            }
            (snippet("shell", "chartroom", &shell))
            (snippet("curl", "curl", &curl))
            (snippet("python", "Python", &python))
            (snippet("kubectl", "Kubernetes", &kubectl))
            p { a.button href="/me/tokens" { (lang.tokens()) } }
        })
}

pub async fn delete(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    form: Form,
) -> ApiResult<Response> {
    let id = Uuid::try_parse(&form.get("id")).or(Err(ApiError::not_found("API token")))?;
    let path = ValidPath(ApiTokenId(id));
    delete_api_token(who, app, actor, Conditions::default(), path).await?;
    done(Done::Deleted, "/me/tokens")
}
