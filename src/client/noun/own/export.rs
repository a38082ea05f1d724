//! `dataset export`: a file as it comes, whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Method;
use uuid::Uuid;

use super::super::super::call::SILENCE;
use super::super::super::error::ClientError;
use super::super::super::output::closed;
use super::super::run::Job;
use super::conditions;
use crate::net::Flow;

fn format_of(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_lowercase().as_str() {
        "csv" => "csv",
        "ndjson" | "jsonl" => "ndjson",
        "parquet" | "pq" => "parquet",
        "arrow" | "feather" => "arrow",
        "arrows" => "arrow-stream",
        _ => return None,
    })
}

pub(super) async fn export(mut job: Job<'_>) -> Result<(), ClientError> {
    let name = job.text("file").unwrap_or("-").to_owned();
    let is_told = job.call.query.iter().any(|(name, _)| *name == "format");
    if !is_told {
        let format = match name.as_str() {
            "-" => "csv",
            name => format_of(name).ok_or_else(|| {
                ClientError::Usage(format!(
                    "cannot tell by its name what the file {name} is to be; \
                     say it by --format csv, ndjson, parquet, arrow or arrow-stream"
                ))
            })?,
        };
        job.call.query.push(("format", format.to_owned()));
    }
    conditions(&mut job)?;
    let target = job.target();
    let answer = job
        .site
        .stream(Method::GET, &target, Vec::new(), Bytes::new(), SILENCE)
        .await?;
    if !answer.status().is_success() {
        return Err(job.site.refused(answer).await);
    }
    let body = answer.into_body();
    if name == "-" {
        return tokio::select! {
            ended = copy(job.site.url(), body, io::stdout()) => ended.map(|_| ()),
            () = closed() => Ok(()),
        };
    }
    let bytes = into_file(job.site.url(), body, Path::new(&name)).await?;
    job.say(&format!("{name}: {bytes} bytes"));
    Ok(())
}

/// The file takes its name once it is whole.
async fn into_file(url: &str, body: Flow, path: &Path) -> Result<u64, ClientError> {
    let failed = |error: io::Error| ClientError::Failed(format!("{}: {error}", path.display()));
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", Uuid::new_v4()));
    let part: PathBuf = path.with_file_name(name);
    let file = File::create_new(&part).map_err(failed)?;
    let copied = copy(url, body, &file).await;
    let copied = match copied {
        Ok(bytes) => std::fs::rename(&part, path).map_err(failed).map(|()| bytes),
        Err(error) => Err(error),
    };
    if copied.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    copied
}

pub(in super::super::super) async fn copy(
    url: &str,
    mut body: Flow,
    mut to: impl Write,
) -> Result<u64, ClientError> {
    let mut bytes = 0;
    loop {
        let part = body.next().await;
        let Some(part) = part.map_err(|error| ClientError::unanswered(url, &error))? else {
            break;
        };
        match to.write_all(&part) {
            Ok(()) => bytes += u64::try_from(part.len()).unwrap_or_default(),
            // Nobody reads any more, which is their decision.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(bytes),
            Err(error) => return Err(ClientError::Failed(format!("writing: {error}"))),
        }
    }
    match to.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(ClientError::Failed(format!("writing: {error}")))
        }
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_name_ends_with() {
        for (name, expected) in [
            ("a.csv", Some("csv")),
            ("x/a.JSONL", Some("ndjson")),
            ("a.parquet", Some("parquet")),
            ("a.arrows", Some("arrow-stream")),
            ("a.txt", None),
            ("csv", None),
        ] {
            assert_eq!(format_of(name), expected, "{name}");
        }
    }
}
