//! A version of a model: what it takes and gives, what it says of itself, checking and deleting it.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::edit::kept_by;
use super::timeline::again;
use super::{head, size, state};
use crate::console::form::{Fields, Form, is_shown, key};
use crate::console::markup::markdown;
use crate::console::merge::text_of;
use crate::console::parts::deletion;
use crate::console::projects::members::called;
use crate::console::view::{Done, View, done, went};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::access::ModelAccess;
use crate::models::alias::Target;
use crate::models::handlers::VersionPath;
use crate::models::handlers::verify::verify_model_version;
use crate::models::handlers::versions::delete_model_version;
use crate::models::model::Model;
use crate::models::overview::leading_to;
use crate::models::serving::route::DEFAULT;
use crate::models::signature::{Signature, TensorType};
use crate::models::version::{GoldenState, Version, VersionState};
use crate::projects::access::{Editor, Role, Viewer};
use crate::projects::members::people;

/// How often a page that waits looks again, in seconds.
const AGAIN: u32 = 2;

pub async fn show(
    access: ModelAccess<Viewer>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
) -> ApiResult<Response> {
    page(&app, &view, &access.model, path.version, None).await
}

async fn page(
    app: &AppState,
    view: &View,
    model: &Model,
    number: i64,
    error: Option<&ApiError>,
) -> ApiResult<Response> {
    let (lang, name, id) = (view.lang, &model.name, model.id);
    let found = app.db.read_primary(async |connection| {
        let version = Version::find(connection, id, number).await?;
        let aliases = leading_to(connection, id, number).await?;
        let by = version.iter().filter_map(|version| version.created_by);
        let by = people(connection, &by.collect::<Vec<_>>()).await?;
        Ok((version, aliases, by))
    });
    let (version, aliases, by) = found.await?;
    let version = version.ok_or(ApiError::not_found("version"))?;
    let by = by
        .first()
        .map_or_else(|| lang.somebody_gone().to_owned(), called);
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let path = format!("/models/{name}/versions/{number}");
    let waits = version.state == VersionState::Checking && error.is_none();
    let page = view
        .page(lang.version_of(number, name))
        .await
        .status(status);
    let page = page
        .api(format!("/api/v1{path}"))
        .again_in(waits.then_some(AGAIN));
    Ok(page.show(html! {
        (head(view, model))
        (Fields { lang, error }.summary())
        div.head {
            h2 { (lang.version_number(number)) " " (state(lang, version.state)) }
            (ways(view, model, &version))
        }
        @if waits { p.note role="status" { (lang.still_checked()) " " progress {} } }
        @if let Some(problem) = &version.problem {
            div.note.bad[version.state == VersionState::Failed] role="status" {
                @if version.state == VersionState::Ready { p { (lang.last_check()) ":" } }
                p lang="en" { (problem) }
            }
        }
        ul.facts {
            li { (lang.created()) " " (view.at(version.created_at)) " " (lang.by_author(&by)) }
            li { (lang.size()) ": " (size(version.size)) }
            @if let Some(licence) = &version.licence { li { (lang.licence()) ": " (licence) } }
            @for tag in version.tags.iter().flatten() { li { span.tag { (tag) } } }
            @match version.golden_state {
                Some(GoldenState::Passed) => li {
                    a.tag.good href={ (path) "/golden" } { (lang.golden_passed()) }
                },
                Some(GoldenState::Failed) => li {
                    a.tag.bad href={ (path) "/golden" } { (lang.golden_failed()) }
                },
                None => {},
            }
            @for alias in &aliases {
                li { a href={ "/models/" (name) "/aliases/" (alias) } { (alias) } }
            }
        }
        p.hint { (lang.digest()) ": " code { (version.digest()) } }
        @if let Some(text) = version.description.as_ref().filter(|text| !text.is_empty()) {
            h2 { (lang.card()) }
            (markdown(text))
        }
        @if !version.metrics.0.is_empty() { (metrics(view, &version)) }
        @if let Some(signature) = &version.signature { (signed(view, &signature.0)) }
        @if model.role >= Some(Role::Editor) {
            @if aliases.is_empty() {
                (deletion(
                    view,
                    &format!("{path}/delete"),
                    lang.delete_version(),
                    lang.delete_version_why(),
                    &number.to_string(),
                    &text_of(version.revision),
                ))
            } @else {
                @let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
                (kept_by(lang, name, lang.delete_version(), &aliases))
            }
        }
    }))
}

/// What can be done with it.
fn ways(view: &View, model: &Model, version: &Version) -> Markup {
    let (lang, name, number) = (view.lang, &model.name, version.version);
    let path = format!("/models/{name}/versions/{number}");
    let is_ready = version.state == VersionState::Ready;
    html! {
        div.row {
            @if is_ready {
                a.button.small href={ "/models/" (name) "/try?version=" (number) } {
                    (lang.try_it())
                }
                @if model.role == Some(Role::Owner) {
                    a.button.small href=(again(name, DEFAULT, &Target::of(number))) {
                        (lang.lead_here(DEFAULT))
                    }
                }
            }
            a.button.small href={ (path) "/lineage" } { (lang.lineage()) }
            a.button.small href={ "/api/v1" (path) "/bytes" }
                download={ (name) "-" (number) ".onnx" } { (lang.download()) }
            @if model.role >= Some(Role::Editor) {
                a.button.small href={ (path) "/edit" } { (lang.edit()) }
                @if is_ready && version.golden_state.is_none() {
                    a.button.small href={ (path) "/golden" } { (lang.golden_test()) }
                }
                form method="post" action={ (path) "/verify" } {
                    (key())
                    button.small { (lang.check_again()) }
                }
            }
        }
    }
}

fn metrics(view: &View, version: &Version) -> Markup {
    html! {
        h2 { (view.lang.metrics()) }
        ul.facts { @for (name, value) in &version.metrics.0 { li { (name) ": " (value) } } }
    }
}

/// What it takes and gives.
fn signed(view: &View, signature: &Signature) -> Markup {
    let lang = view.lang;
    let table = |title: &str, tensors: &[TensorType]| {
        html! {
            h2 { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) { table {
                thead { tr {
                    th scope="col" { (lang.name()) }
                    th scope="col" { (lang.type_word()) }
                    th scope="col" { (lang.shape()) }
                } }
                tbody { @for tensor in tensors { tr {
                    td { (tensor.name) }
                    td { (tensor.datatype.word()) }
                    td { (format!("{:?}", tensor.shape)) }
                } } }
            } }
        }
    };
    html! {
        (table(lang.inputs(), &signature.inputs))
        (table(lang.outputs(), &signature.outputs))
        p.hint { (lang.shape_hint()) }
        ul.facts {
            li { (lang.opset()) ": " (signature.opset) }
            @if !signature.producer.is_empty() {
                li { (lang.made_with()) ": " (signature.producer) }
            }
            li { (lang.runs_on()) ": " (signature.runtime) }
        }
        @if !signature.notes.is_empty() {
            h2 { (lang.notes()) }
            ul lang="en" { @for note in &signature.notes { li { (note) } } }
        }
    }
}

pub async fn verify(
    access: ModelAccess<Editor>,
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<VersionPath>,
    form: Form,
) -> ApiResult<Response> {
    let place = format!("/models/{}/versions/{}", access.model.name, path.version);
    let once = form.once_of("", b"")?;
    verify_model_version(who, app, actor, ValidPath(path), once).await?;
    went(&place)
}

pub async fn delete(
    access: ModelAccess<Editor>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
    form: Form,
) -> ApiResult<Response> {
    let (model, number) = (access.model, path.version);
    if form.get("name").trim() != number.to_string() {
        return Err(ApiError::new(Code::Conflict, view.lang.name_differs()));
    }
    let holds = form.conditions()?;
    match delete_model_version(who, app.clone(), actor, ValidPath(path), holds).await {
        Ok(_gone) => done(Done::Deleted, &format!("/models/{}", model.name)),
        Err(error) if is_shown(&error) => page(&app, &view, &model, number, Some(&error)).await,
        Err(error) => Err(error),
    }
}
