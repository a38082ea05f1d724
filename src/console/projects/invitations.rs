//! The invitations to a project: those that are open, and a form for another.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use uuid::Uuid;

use crate::console::form::{Fields, Form, Input, conditions, is_shown, key, object, time};
use crate::console::merge::text_of;
use crate::console::parts::{first, role, roles};
use crate::console::view::{Done, View, done};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::InvitationId;
use crate::mail;
use crate::projects::access::{Owner, ProjectAccess};
use crate::projects::handlers::invitations::{
    InvitationPath, create_invitation, delete_invitation,
};
use crate::projects::invitations::{Invitation, LetterState};

/// A project has no more of them.
const ALL: usize = 100;

pub async fn show(access: ProjectAccess<Owner>, app: AppState, view: View) -> ApiResult<Response> {
    mail::required(&app.config)?;
    page(&app, &view, &access, &Form::default(), None).await
}

async fn page(
    app: &AppState,
    view: &View,
    access: &ProjectAccess<Owner>,
    form: &Form,
    error: Option<&ApiError>,
) -> ApiResult<Response> {
    let found = app
        .db
        .read_primary(async |connection| access.invitations(connection, &first(ALL)).await)
        .await?;
    let open = found.parts(ALL).0;
    let (lang, project) = (view.lang, &access.project);
    let path = format!("/projects/{}", project.id);
    let action = format!("{path}/invitations");
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let chosen = match form.get("role") {
        chosen if chosen.is_empty() => "viewer".to_owned(),
        chosen => chosen,
    };
    let page = view
        .page(lang.invitations())
        .await
        .width("middle")
        .status(status);
    Ok(page.api(format!("/api/v1{action}")).show(html! {
        p.crumbs {
            a href="/projects" { (lang.projects()) } " / " a href=(path) { (project.name) }
        }
        h1 { (lang.invitations()) }
        (fields.summary())
        @if open.is_empty() { p.note { (lang.no_invitations()) } } @else {
            (table(view, &action, &open))
        }
        h2 { (lang.invite()) }
        form method="post" action=(action) data-guard {
            (key())
            (fields.input(&Input {
                name: "email",
                label: lang.email(),
                value: &form.get("email"),
                kind: "email",
                hint: lang.invite_hint(),
                needed: true,
                ..Input::default()
            }))
            (fields.choice("role", lang.role(), &chosen, &roles(lang)))
            (fields.input(&Input {
                name: "expires_at",
                label: lang.expires_at(),
                value: &form.get("expires_at"),
                kind: "datetime-local",
                hint: lang.invitation_ends_hint(),
                ..Input::default()
            }))
            p.row { button.main { (lang.invite()) } a.button href=(path) { (lang.cancel()) } }
        }
    }))
}

fn table(view: &View, action: &str, open: &[Invitation]) -> Markup {
    let lang = view.lang;
    let letter = |state: LetterState| match state {
        LetterState::Waiting => lang.letter_waiting(),
        LetterState::Sent => lang.letter_sent(),
        LetterState::Refused => lang.letter_refused(),
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.invitations()) { table {
            thead { tr {
                th scope="col" { (lang.email()) }
                th scope="col" { (lang.role()) }
                th scope="col" { (lang.letter()) }
                th scope="col" { (lang.ends()) }
                th scope="col" { span.hidden-text { (lang.actions()) } }
            } }
            tbody { @for one in open { tr {
                td.text { (one.email) }
                td { (role(lang, Some(one.role))) }
                td { (letter(one.letter)) }
                td { (view.at(one.expires_at)) }
                td { form method="post" action=(action) {
                    input type="hidden" name="id" value=(one.id);
                    input type="hidden" name="etag" value=(text_of(one.version));
                    button.small name="do" value="withdraw" { (lang.withdraw()) }
                } }
            } } }
        } }
    }
}

pub async fn submit(
    access: ProjectAccess<Owner>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let id = access.project.id;
    let here = format!("/projects/{id}/invitations");
    if form.does("withdraw") {
        let iid = Uuid::try_parse(&form.get("id")).or(Err(ApiError::not_found("invitation")))?;
        let path = ValidPath(InvitationPath {
            id,
            iid: InvitationId(iid),
        });
        let holds = conditions(&form.get("etag"))?;
        delete_invitation(who, app, actor, path, holds).await?;
        return done(Done::Deleted, &here);
    }
    let body = object([
        ("email", form.text("email")),
        ("role", form.text("role")),
        ("expires_at", time(&form.get("expires_at"))),
    ]);
    let made = async {
        let once = form.once(&body)?;
        create_invitation(who, app.clone(), actor, ValidPath(id), once).await
    };
    match made.await {
        Ok(_) => done(Done::Created, &here),
        // Somebody whose own address is not confirmed is an owner all the same.
        Err(error) if is_shown(&error) || error.code == Code::Forbidden => {
            page(&app, &view, &access, &form, Some(&error)).await
        }
        Err(error) => Err(error),
    }
}
