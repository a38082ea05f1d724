//! Where a version of a dataset or of a model came from, and what came from it: a picture, and the
//! same as a table.

mod picture;

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::view::{View, link};
use super::words::Lang;
use super::{datasets, models};
use crate::datasets::access::DatasetAccess;
use crate::http::body::extract::ValidPath;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::models::access::ModelAccess;
use crate::models::handlers::VersionPath;
use crate::models::lineage::{Lineage, LineageKind, LineageNode, LineageType, Of, find};
use crate::projects::access::Viewer;

/// More than so many boxes are no picture any more.
const MOST: usize = 60;

#[derive(Deserialize)]
pub struct DatasetVersionPath {
    version: i64,
}

pub async fn of_model(
    access: ModelAccess<Viewer>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
) -> ApiResult<Response> {
    let (name, version) = (&access.model.name, path.version);
    let of = Of::Model(name.clone(), version);
    let head = html! {
        (models::head(&view, &access.model))
        h2 { a href=(version_of_model(name, version)) { (view.lang.version_number(version)) } }
    };
    page(&app, &view, access.who, &of, &head).await
}

pub async fn of_dataset(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<DatasetVersionPath>,
) -> ApiResult<Response> {
    let (id, version) = (access.dataset.id, path.version);
    let of = Of::Dataset(id, version);
    let head = html! {
        (datasets::head(&view, &access.dataset))
        h2 { a href=(version_of_dataset(id, version)) { (view.lang.version_number(version)) } }
    };
    page(&app, &view, access.who, &of, &head).await
}

async fn page(
    app: &AppState,
    view: &View,
    me: PrincipalId,
    of: &Of,
    head: &Markup,
) -> ApiResult<Response> {
    let found = app
        .db
        .read(async |connection| find(connection, me, of).await)
        .await?;
    let lineage = found.ok_or(ApiError::not_found("version"))?;
    let lang = view.lang;
    let asked = match of {
        Of::Dataset(id, version) => format!("dataset:{id}@{version}"),
        Of::Model(name, version) => format!("model:{name}@{version}"),
    };
    let call = link("/api/v1/lineage", &[("of".to_owned(), asked)]);
    Ok(view.page(lang.lineage()).await.api(call).show(html! {
        (head)
        h3 { (lang.lineage()) }
        @if lineage.edges.is_empty() { p.note { (lang.no_lineage()) } } @else {
            @if lineage.nodes.len() <= MOST {
                (picture::draw(lang, &lineage))
                p.hint { (lang.lineage_hint()) }
            }
            @if lineage.truncated { p.hint { (lang.lineage_is_cut()) } }
            (table(view, &lineage))
        }
    }))
}

fn table(view: &View, lineage: &Lineage) -> Markup {
    let lang = view.lang;
    let node = |number: i64| {
        let found = lineage.nodes.iter().find(|node| node.node == number);
        html! { @if let Some(node) = found { (way(lang, node)) } }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.lineage()) { table {
            thead { tr {
                th scope="col" { (lang.version()) }
                th scope="col" { (lang.how()) }
                th scope="col" { (lang.of_what()) }
                th scope="col" { (lang.when()) }
            } }
            tbody { @for edge in &lineage.edges { tr {
                td { (node(edge.to)) }
                td { (kind(lang, edge.kind)) }
                td { (node(edge.from)) }
                td { @if let Some(at) = edge.at { (view.at(at)) } }
            } } }
        } }
    }
}

/// What one was, seen from the one that came of it.
fn kind(lang: Lang, kind: LineageKind) -> &'static str {
    match kind {
        LineageKind::TrainedOn => lang.trained_on(),
        LineageKind::Scored => lang.scored_by(),
        LineageKind::MadeFrom => lang.made_from(),
    }
}

fn way(lang: Lang, node: &LineageNode) -> Markup {
    let (name, what) = called(lang, node);
    html! {
        @match page_of(node) {
            Some(page) => a href=(page) { (name) },
            None => span.hint { (name) },
        }
        " " small { (what) }
    }
}

/// What a node is called, and what it is.
fn called(lang: Lang, node: &LineageNode) -> (String, String) {
    let what = match node.kind {
        LineageType::Dataset => lang.dataset(),
        LineageType::Model => lang.model(),
    };
    let version = node.version.map(|version| lang.version_number(version));
    let what = match version {
        Some(version) => format!("{what}, {version}"),
        None => what.to_owned(),
    };
    let name = node.name.clone();
    (name.unwrap_or_else(|| lang.not_seen().to_owned()), what)
}

/// The page of its version, where it may be seen.
fn page_of(node: &LineageNode) -> Option<String> {
    let (name, version) = (node.name.as_deref()?, node.version?);
    Some(match node.kind {
        LineageType::Model => version_of_model(name, version),
        LineageType::Dataset => version_of_dataset(DatasetId(node.id?), version),
    })
}

fn version_of_model(name: &str, version: i64) -> String {
    format!("/models/{name}/versions/{version}")
}

/// The page of a version of a dataset.
pub fn version_of_dataset(id: DatasetId, version: i64) -> String {
    format!("/datasets/{id}?version={version}")
}
