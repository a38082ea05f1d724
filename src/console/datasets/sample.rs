//! The sample in one click: the same project, dataset and files as `chartroom sample` makes.

use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use crate::client::sample::{COLUMNS, DESCRIPTION, NAME, OPTIONS, WORKBOOKS};
use crate::console::form::{Form, object};
use crate::console::view::went;
use crate::datasets::access::DatasetAccess;
use crate::datasets::handlers::datasets::create_dataset;
use crate::datasets::handlers::imports::{NewFile, load};
use crate::datasets::import::options::ImportOptions;
use crate::datasets::import::source::FileKind;
use crate::db::transaction::{Tx, Work, transaction};
use crate::http::caller::{Person, Signed};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::process::Format;
use crate::projects::access::Editor;
use crate::projects::handlers::create::create_project;

/// The project that it is in.
const PROJECT: &str = "Sample";

pub async fn submit(
    who: Person,
    signed: Signed,
    app: AppState,
    actor: Actor,
    form: Form,
) -> ApiResult<Response> {
    let me = who.id;
    let project = form.once_as(
        "-project",
        &object([("name", Value::String(PROJECT.to_owned()))]),
    )?;
    let project = create_project(who, app.clone(), actor.clone(), project).await?;
    let columns = COLUMNS.map(|(name, kind)| json!({ "name": name, "type": kind }));
    let dataset = form.once_as(
        "-dataset",
        &object([
            ("project_id", id_of(project.body())?),
            ("name", Value::String(NAME.to_owned())),
            ("description", Value::String(DESCRIPTION.to_owned())),
            ("columns", Value::Array(columns.to_vec())),
        ]),
    )?;
    let dataset = create_dataset(signed, app.clone(), actor.clone(), dataset).await?;
    let id = id_of(dataset.body())?;
    let id: DatasetId = serde_json::from_value(id).map_err(ApiError::internal)?;
    for (name, bytes) in WORKBOOKS {
        let message = [("mode", "append"), ("message", name)];
        let options = OPTIONS.into_iter().chain(message);
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let file = NewFile {
            kind: FileKind::Child(Format::Xlsx),
            options: ImportOptions::read(options.collect())?,
            key: Some(format!("chartroom-sample-{name}")),
        };
        let access = writable(&app, &actor, me, id).await?;
        let parts = stream::iter([Ok(Bytes::from_static(bytes))]);
        load(&app, actor.clone(), access, file, parts).await?;
    }
    went(&format!("/datasets/{id}"))
}

fn id_of(body: &[u8]) -> ApiResult<Value> {
    let body: Value = serde_json::from_slice(body).map_err(ApiError::internal)?;
    Ok(body.get("id").cloned().unwrap_or_default())
}

async fn writable(
    app: &AppState,
    actor: &Actor,
    me: PrincipalId,
    id: DatasetId,
) -> ApiResult<DatasetAccess<Editor>> {
    let access = async |tx: &mut Tx<'_>| -> Work<DatasetAccess<Editor>> {
        DatasetAccess::<Editor>::to_write(tx, me, id).await
    };
    transaction(&app.db, actor, access).await
}
