//! Importing a file: the form, and what it sends.

use std::pin::pin;

use axum::response::Response;
use maud::{Markup, html};

use super::head;
use crate::console::file::FileForm;
use crate::console::form::{key, select};
use crate::console::view::{View, went};
use crate::console::words::Lang;
use crate::datasets::access::DatasetAccess;
use crate::datasets::handlers::imports::{Loaded, NewFile, kind_of, load};
use crate::datasets::import::options::ImportOptions;
use crate::datasets::model::Dataset;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::projects::access::Editor;

/// What files are called that can be imported, and what they are.
const ENDINGS: [(&str, &str); 7] = [
    ("csv", "text/csv"),
    ("ndjson", "application/x-ndjson"),
    ("jsonl", "application/x-ndjson"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("parquet", "application/vnd.apache.parquet"),
    ("arrow", "application/vnd.apache.arrow.file"),
    ("arrows", "application/vnd.apache.arrow.stream"),
];

pub async fn show(access: DatasetAccess<Editor>, view: View) -> Response {
    let (lang, dataset) = (view.lang, access.dataset);
    let page = view
        .page(format!("{} - {}", lang.import(), dataset.name))
        .await;
    page.show(html! { (head(&view, &dataset)) (form(&view, &dataset)) })
}

fn form(view: &View, dataset: &Dataset) -> Markup {
    let (lang, id) = (view.lang, dataset.id);
    let mut modes = vec![
        ("append", lang.mode_append()),
        ("replace", lang.mode_replace()),
    ];
    if !dataset.key().is_empty() {
        modes.push(("upsert", lang.mode_upsert()));
    }
    let on_error = [
        ("abort", lang.on_error_abort()),
        ("skip", lang.on_error_skip()),
    ];
    html! {
        form method="post" enctype="multipart/form-data" action={ "/datasets/" (id) "/import" }
            data-upload={ "/api/v1/datasets/" (id) "/imports" } data-failed=(lang.state_failed()) {
            (key())
            div.field { label for="mode" { (lang.mode()) } (select("mode", "append", &modes)) }
            div.field {
                label for="on_error" { (lang.on_error()) }
                (select("on_error", "abort", &on_error))
            }
            div.field {
                label for="message" { (lang.message()) }
                input #message name="message" maxlength="1000";
            }
            label.check { input type="checkbox" name="dry_run" value="true"; (lang.dry_run()) }
            (file(lang))
        }
    }
}

/// The file and its way. The last of a form: what is said of a file is known when it arrives.
pub fn file(lang: Lang) -> Markup {
    let accepted = ENDINGS.map(|(ending, _)| format!(".{ending}")).join(",");
    html! {
        div.field {
            label for="file" { (lang.file()) } small #file-hint { (lang.file_hint()) }
            input #file type="file" name="file" accept=(accepted)
                aria-describedby="file-hint" required;
        }
        p.row { button.main { (lang.send_file()) } }
        progress hidden aria-label=(lang.import()) {}
        output role="status" {}
    }
}

pub async fn submit(
    access: DatasetAccess<Editor>,
    app: AppState,
    actor: Actor,
    mut form: FileForm,
) -> ApiResult<Response> {
    let id = access.dataset.id;
    let key = form.take("key");
    let file = NewFile {
        kind: kind_of(media_type(form.file_name())?)?,
        options: ImportOptions::read(std::mem::take(&mut form.fields))?,
        key,
    };
    let import = match load(&app, actor, access, file, pin!(form.bytes())).await? {
        Loaded::Earlier(import) | Loaded::Ended(import) | Loaded::Running(import) => import,
    };
    went(&format!("/datasets/{id}/imports/{}", import.id))
}

fn media_type(name: Option<&str>) -> ApiResult<&'static str> {
    let ending = name
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let known = ENDINGS
        .iter()
        .find(|(known, _)| Some(*known) == ending.as_deref());
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        ApiError::new(
            Code::UnsupportedMediaType,
            "the name of the file says what it is: it ends with .csv, .ndjson, .jsonl, .xlsx, .parquet, .arrow or .arrows",
        )
    })
}
