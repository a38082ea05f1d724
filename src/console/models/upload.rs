//! Uploading a version: the form, and what it sends.

use std::pin::pin;

use axum::response::Response;
use maud::html;

use super::{head, size};
use crate::console::file::FileForm;
use crate::console::form::key;
use crate::console::view::{View, went};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;
use crate::models::access::ModelAccess;
use crate::models::handlers::upload::{NewFile, Taken, take};
use crate::projects::access::Editor;

pub async fn show(access: ModelAccess<Editor>, app: AppState, view: View) -> Response {
    let (lang, model) = (view.lang, access.model);
    let name = &model.name;
    let most = i64::try_from(app.config.models.model_size.0).unwrap_or(i64::MAX);
    let page = view
        .page(format!("{} - {name}", lang.upload_version()))
        .await;
    page.show(html! {
        (head(&view, &model))
        h2 { (lang.upload_version()) }
        @if app.models.is_off() { p.note.warn { (lang.models_are_off()) } } @else {
            form method="post" enctype="multipart/form-data" action={ "/models/" (name) "/upload" }
                data-upload={ "/api/v1/models/" (name) "/versions" }
                data-type="application/octet-stream" data-failed=(lang.upload_failed()) {
                (key())
                div.field {
                    label for="file" { (lang.file()) }
                    small #file-hint { (lang.onnx_hint(size(most))) }
                    input #file type="file" name="file" accept=".onnx"
                        aria-describedby="file-hint" required;
                }
                p.row { button.main { (lang.upload()) } }
                progress hidden aria-label=(lang.upload()) {}
                output role="status" {}
            }
        }
    })
}

pub async fn submit(
    access: ModelAccess<Editor>,
    app: AppState,
    actor: Actor,
    mut form: FileForm,
) -> ApiResult<Response> {
    let name = access.model.name.clone();
    let file = NewFile {
        key: form.take("key"),
        digest: None,
    };
    let version = match take(&app, actor, access, file, pin!(form.bytes())).await? {
        Taken::Earlier(version) | Taken::Made(version) => version.version,
    };
    went(&format!("/models/{name}/versions/{version}"))
}
