//! Importing a file: the form, and what it sends. With a script the file goes to the API with its
//! progress; without one the browser sends all of the form, which is read as it arrives.

use std::pin::pin;

use axum::response::Response;
use futures_util::stream::try_unfold;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use maud::{Markup, html};

use super::head;
use crate::console::form::{key, select};
use crate::console::view::{View, went};
use crate::datasets::access::DatasetAccess;
use crate::datasets::handlers::imports::{Loaded, NewFile, kind_of, load};
use crate::datasets::import::options::ImportOptions;
use crate::datasets::model::Dataset;
use crate::http::body::upload::Upload;
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
/// A field of the form beside the file.
const LONGEST: usize = 10_000;

pub async fn show(access: DatasetAccess<Editor>, view: View) -> Response {
    let (lang, dataset) = (view.lang, access.dataset);
    let page = view.page(format!("{} - {}", lang.import(), dataset.name));
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
    let accepted = ENDINGS.map(|(ending, _)| format!(".{ending}")).join(",");
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
            // The last one: what is said of the file is known when it arrives.
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
}

fn not_so(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest, detail)
}

pub async fn submit(
    access: DatasetAccess<Editor>,
    app: AppState,
    actor: Actor,
    headers: HeaderMap,
    upload: Upload,
) -> ApiResult<Response> {
    let id = access.dataset.id;
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default());
    let boundary = boundary.or(Err(not_so(
        "the form with the file is not as this page made it",
    )))?;
    let parts = try_unfold(upload, async |mut upload| {
        let bytes = upload.next().await.map_err(Refused)?;
        Ok::<_, Refused>(bytes.map(|bytes| (bytes, upload)))
    });
    let mut form = multer::Multipart::new(Box::pin(parts), boundary);
    let (mut options, mut key) = (Vec::new(), None);
    loop {
        let field = form.next_field().await.map_err(broken)?;
        let field = field.ok_or(not_so("the form has no file: choose one"))?;
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            let text = text(field).await?;
            match name.as_str() {
                "key" => key = Some(text),
                _ if text.is_empty() => {}
                _ => options.push((name, text)),
            }
            continue;
        }
        let file = NewFile {
            kind: kind_of(media_type(field.file_name())?)?,
            options: ImportOptions::read(options)?,
            key,
        };
        let bytes = try_unfold(field, async |mut field| {
            let chunk = field.chunk().await.map_err(broken)?;
            Ok(chunk.map(|bytes| (bytes, field)))
        });
        let import = match load(&app, actor, access, file, pin!(bytes)).await? {
            Loaded::Earlier(import) | Loaded::Ended(import) | Loaded::Running(import) => import,
        };
        return went(&format!("/datasets/{id}/imports/{}", import.id));
    }
}

async fn text(mut field: multer::Field<'_>) -> ApiResult<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST {
            return Err(not_so("a field of the form is too long"));
        }
    }
    String::from_utf8(bytes).or(Err(not_so("a field of the form is no text")))
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

/// What the body was refused for, on its way through the reader of the form.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail)]
struct Refused(ApiError);

/// What the body itself said, where it broke off; else what is wrong with the form around the file.
fn broken(error: multer::Error) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Refused>() {
            Ok(refused) => refused.0,
            Err(cause) => ApiError::internal(anyhow::anyhow!(cause)),
        },
        _ => not_so("the form with the file did not arrive whole"),
    }
}
