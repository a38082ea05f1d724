//! Uploading a version of a model.

use std::pin::pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _, try_unfold};
use http::{HeaderMap, HeaderName};
use tokio::time::{Instant, sleep};

use super::place;
use crate::blobs::{BlobWriter, Written};
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::once::Once;
use crate::http::body::too_large;
use crate::http::body::upload::Upload;
use crate::identity::api::AppState;
use crate::jobs::enqueue::{Enqueued, NewJob, enqueue};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{ModelId, PrincipalId};
use crate::models::access::ModelAccess;
use crate::models::check::CheckVersion;
use crate::models::model::Model;
use crate::models::serving::unavailable;
use crate::models::version::{NewVersion, Version, VersionState};
use crate::projects::access::{Editor, expired};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// For a version to be checked, before the answer shows it as it is then.
const PATIENCE: Duration = Duration::from_secs(3);
const EVERY: Duration = Duration::from_millis(100);

/// Upload a version
///
/// The body is an ONNX file. You need the role `editor` in the project. Its bytes never change from
/// then on; a correction is another version. `Content-Digest` is checked where it is sent.
///
/// The file is loaded once, apart from the service, to find out what it takes and gives. If that is
/// done within a few seconds, the answer shows the version as `ready`, or as `failed` with its
/// `problem`; else as `checking`. Where models run nowhere, it is 503. A repetition with the same
/// `Idempotency-Key` makes no other version.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}/versions",
    tag = "models",
    security(("caller" = [])),
    extensions(("x-policy" = json!("upload"))),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:..:` of the file (RFC 9530)"),
    ),
    request_body(content((String = "application/octet-stream"))),
    responses((status = CREATED, body = Version), ApiError),
)]
pub async fn create_model_version(
    access: ModelAccess<Editor>,
    app: AppState,
    actor: Actor,
    once: Once,
    headers: HeaderMap,
    upload: Upload,
) -> ApiResult<Answer> {
    let file = NewFile {
        key: once.key().map(str::to_owned),
        digest: digest(&headers)?,
    };
    let parts = try_unfold(upload, async |mut upload| {
        Ok(upload.next().await?.map(|bytes| (bytes, upload)))
    });
    let model = access.model.clone();
    match take(&app, actor, access, file, pin!(parts)).await? {
        Taken::Earlier(version) => Ok(answer(&model, &version)?.replayed()),
        Taken::Made(version) => {
            let checked = checked(&app, model.id, version).await?;
            answer(&model, &checked)
        }
    }
}

/// What is said of a file that arrives.
pub struct NewFile {
    /// What makes it the same as one that was sent before.
    pub key: Option<String>,
    /// Its SHA-256, where the sender knows it.
    pub digest: Option<Vec<u8>>,
}

/// What became of a file.
pub enum Taken {
    /// It was sent before.
    Earlier(Version),
    Made(Version),
}

/// Keeps a file as a version, which is checked from then on.
pub async fn take(
    app: &AppState,
    actor: Actor,
    access: ModelAccess<Editor>,
    file: NewFile,
    parts: impl Stream<Item = ApiResult<Bytes>> + Unpin,
) -> ApiResult<Taken> {
    let ModelAccess { model, who, .. } = access;
    let key = file.key.as_deref();
    if model.is_expired {
        return Err(expired());
    }
    if app.models.is_off() {
        return Err(unavailable());
    }
    if let Some(key) = key {
        let earlier = app
            .db
            .read_primary(async |connection| Version::of_key(connection, model.id, who, key).await)
            .await?;
        if let Some(version) = earlier {
            return Ok(Taken::Earlier(version));
        }
    }
    let blob = receive(app, parts).await?;
    if file
        .digest
        .is_some_and(|expected| expected != blob.sha256())
    {
        return Err(ApiError::new(
            Code::DigestMismatch,
            "the body is not the one that Content-Digest names; nothing was kept, send it again",
        ));
    }
    let made = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Version> {
        make(tx, who, &model.name, &blob, key).await
    });
    Ok(Taken::Made(made.await?))
}

fn answer(model: &Model, version: &Version) -> ApiResult<Answer> {
    Ok(Answer::created(place(model, version.version), version)?.with_version(version.revision))
}

/// What `Content-Digest` says, where it says it by SHA-256; other ways are not looked at.
fn digest(headers: &HeaderMap) -> ApiResult<Option<Vec<u8>>> {
    let all = headers.get_all(CONTENT_DIGEST).iter();
    let mut said = all.filter_map(|value| value.to_str().ok());
    let Some(said) = said.find_map(|list| {
        let mut members = list.split(',').map(str::trim);
        members.find_map(|member| member.strip_prefix("sha-256="))
    }) else {
        return Ok(None);
    };
    let digest = said
        .strip_prefix(':')
        .and_then(|said| said.strip_suffix(':'))
        .and_then(|said| STANDARD.decode(said).ok())
        .filter(|digest| digest.len() == 32);
    digest.map(Some).ok_or_else(|| {
        ApiError::new(
            Code::BadRequest,
            "Content-Digest: expected sha-256=:..: with 32 bytes in Base64 between the colons",
        )
    })
}

/// Keeps the body, of which nobody has anything yet.
async fn receive(
    app: &AppState,
    mut parts: impl Stream<Item = ApiResult<Bytes>> + Unpin,
) -> ApiResult<Written> {
    let most = app.config.models.model_size.0;
    let mut blob = BlobWriter::begin(&app.db).await?;
    let mut taken = 0_usize;
    while let Some(bytes) = parts.next().await.transpose()? {
        taken = taken.saturating_add(bytes.len());
        if taken > most {
            return Err(too_large(most));
        }
        blob.write(&bytes).await?;
    }
    if taken == 0 {
        return Err(ApiError::new(
            Code::BadRequest,
            "the body is empty; send the bytes of an ONNX file",
        ));
    }
    Ok(blob.end().await?)
}

async fn make(
    tx: &mut Tx<'_>,
    who: PrincipalId,
    name: &str,
    blob: &Written,
    key: Option<&str>,
) -> Work<Version> {
    let model = ModelAccess::<Editor>::to_write(tx, who, name).await?.model;
    if let Some(key) = key
        && let Some(earlier) = Version::of_key(tx.connection(), model.id, who, key).await?
    {
        return Ok(earlier);
    }
    blob.complete(tx.connection()).await?;
    let number = Model::next_version(tx.connection(), model.id).await?;
    let new = NewVersion {
        model: model.id,
        version: number,
        blob,
        key,
        by: who,
    };
    let made = Version::insert(tx.connection(), &new).await?;
    tx.tell(Event::ModelVersionCreated {
        project: model.project_id,
        model: model.id,
        name: model.name,
        version: number,
    })
    .await?;
    begin_check(tx, model.id, number).await?;
    Ok(made)
}

/// Has a version checked, unless it is being checked already.
pub(super) async fn begin_check(tx: &mut Tx<'_>, model: ModelId, version: i64) -> Work<()> {
    let check = CheckVersion { model, version };
    let key = format!("{model}/{version}");
    let job = NewJob::of(&check).unique(&key).owned_by(model.0);
    enqueue(tx.connection(), job).await?;
    tx.after_commit(Enqueued);
    Ok(())
}

/// The version once it has been checked, or as it is after some seconds.
async fn checked(app: &AppState, model: ModelId, mut version: Version) -> ApiResult<Version> {
    let until = Instant::now() + PATIENCE;
    while version.state == VersionState::Checking && Instant::now() < until {
        sleep(EVERY).await;
        let number = version.version;
        let found = app
            .db
            .read_primary(async |connection| Version::find(connection, model, number).await)
            .await?;
        version = found.ok_or(ApiError::not_found("version"))?;
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_digest_is_read_or_refused_or_another_ways() {
        let zeros = format!("sha-256=:{}:", STANDARD.encode([0; 32]));
        let both = format!("sha-512=:AAAA:, {zeros}");
        for (said, expected) in [
            (zeros.as_str(), Ok(Some(vec![0; 32]))),
            (both.as_str(), Ok(Some(vec![0; 32]))),
            ("sha-512=:AAAA:", Ok(None)),
            ("sha-256=:AAAA:", Err(())),
            ("sha-256=AAAA", Err(())),
            ("sha-256=:?:", Err(())),
        ] {
            let headers = [(CONTENT_DIGEST, HeaderValue::try_from(said).unwrap())];
            let read = digest(&headers.into_iter().collect()).map_err(|_error| ());
            assert_eq!(read, expected, "{said}");
        }
        assert_eq!(digest(&HeaderMap::new()).unwrap(), None);
    }
}
