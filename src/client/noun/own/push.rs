//! `model push`: an ONNX file as a version, and what its check says.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use ring::digest::{Context, SHA256};
use serde_json::Value;
use uuid::Uuid;

use super::super::super::call::IDEMPOTENCY_KEY;
use super::super::super::dataset::{Sending, parts};
use super::super::super::error::ClientError;
use super::super::super::output::plain;
use super::super::run::Job;
use super::until;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

pub(super) async fn push(job: Job<'_>) -> Result<(), ClientError> {
    let name = job.text("file").unwrap_or_default();
    let wrong = |error: io::Error| ClientError::Usage(format!("the file {name}: {error}"));
    let length = std::fs::metadata(name).map_err(wrong)?.len();
    let digest = digest(Path::new(name)).map_err(wrong)?;
    let file = File::open(name).map_err(wrong)?;
    let value = |text: String| {
        HeaderValue::from_str(&text).map_err(|error| ClientError::Failed(error.to_string()))
    };
    let headers = vec![
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (CONTENT_DIGEST, value(format!("sha-256=:{digest}:"))?),
        (IDEMPOTENCY_KEY, value(format!("\"{}\"", Uuid::new_v4()))?),
    ];
    let sending = Sending::default();
    let target = job.target();
    let body = sending.clone().body(parts(file));
    let sends = Box::pin(job.site.send(&target, headers, body));
    let answer = sending.shown(Some(length), sends).await?;
    if !answer.status().is_success() {
        return Err(job.site.refusal(&answer));
    }
    let mut version = job.site.read(&answer)?;
    if is_checking(&version) && !job.given.get_flag("no-wait") {
        let number = version.get("version").cloned().unwrap_or_default();
        job.say(&format!("version {number} is being checked"));
        let path = format!("{target}/{number}");
        version = until(job.site, &path, |version| !is_checking(version)).await?;
    }
    job.show_made(&version)?;
    match version.get("state").and_then(Value::as_str) {
        Some("failed") => {
            let problem = version.get("problem").and_then(Value::as_str);
            Err(ClientError::Failed(format!(
                "the version cannot be used: {}",
                plain(problem.unwrap_or_default())
            )))
        }
        _ => Ok(()),
    }
}

fn is_checking(version: &Value) -> bool {
    version.get("state").and_then(Value::as_str) == Some("checking")
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut part = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut part)?;
        let Some(read) = part.get(..read).filter(|read| !read.is_empty()) else {
            break;
        };
        context.update(read);
    }
    Ok(BASE64_STANDARD.encode(context.finish()))
}
