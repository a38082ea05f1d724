//! `chartroom api`: any operation of the API, with the credentials of the other commands.

use std::io::{self, IsTerminal as _};

use bytes::Bytes;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Response};
use serde_json::Value;

use super::account;
use super::call::SILENCE;
use super::error::ClientError;
use super::noun::{copy, file_bytes};
use super::output::{closed, write};
use super::shown::{json, printable};
use crate::net::Flow;

/// Nobody reads more on a terminal.
const MOST: usize = 16 * 1024 * 1024;

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The answer goes to standard output as it came, also one that says what is wrong; on a terminal JSON is indented.\n\nExamples:\n  chartroom api GET projects\n  chartroom api PATCH projects/ID --data '{\"name\": \"x\"}' -H 'If-Match: \"3\"'\n  chartroom api POST datasets/ID/imports --data @rows.csv -H 'Content-Type: text/csv'"
)]
pub struct Api {
    /// GET, POST, PUT, PATCH or DELETE
    #[arg(value_parser = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], ignore_case = true, hide_possible_values = true)]
    method: String,
    /// A path of the service, such as /v2/models/churn; without a slash at its beginning, one below
    /// /api/v1
    path: String,
    /// The body: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "BODY")]
    data: Option<String>,
    /// A header, such as 'If-Match: "3"'. Can be given more than once
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
}

pub(super) async fn api(arguments: Api, context: Option<&str>) -> Result<(), ClientError> {
    let Api {
        method,
        path,
        data,
        header,
    } = arguments;
    let method = Method::from_bytes(method.to_uppercase().as_bytes())
        .map_err(|error| ClientError::Usage(error.to_string()))?;
    let target = match path.starts_with('/') {
        true => path,
        false => format!("/api/v1/{path}"),
    };
    let mut headers: Vec<(HeaderName, HeaderValue)> = header
        .iter()
        .map(|text| header_of(text))
        .collect::<Result<_, _>>()?;
    let body = match data.as_deref() {
        None => Bytes::new(),
        Some("-") => file_bytes("-")?,
        Some(data) => match data.strip_prefix('@') {
            Some(file) => file_bytes(file)?,
            None => Bytes::from(data.to_owned()),
        },
    };
    if data.is_some() && !headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
    let site = account::open(context)?;
    let answer = site.stream(method, &target, headers, body, SILENCE).await?;
    if !answer.status().is_success() {
        let (head, flow) = answer.into_parts();
        let body = whole(site.url(), flow).await?;
        shown(&body)?;
        return Err(site.refusal(&Response::from_parts(head, body)));
    }
    if io::stdout().is_terminal() {
        return shown(&whole(site.url(), answer.into_body()).await?);
    }
    tokio::select! {
        ended = copy(site.url(), answer.into_body(), io::stdout()) => ended.map(|_| ()),
        () = closed() => Ok(()),
    }
}

fn header_of(text: &str) -> Result<(HeaderName, HeaderValue), ClientError> {
    let wrong = || ClientError::Usage("--header: expected NAME: VALUE".to_owned());
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_invalid| wrong())?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_invalid| wrong())?;
    Ok((name, value))
}

/// For people, and for failures.
async fn whole(url: &str, mut flow: Flow) -> Result<Bytes, ClientError> {
    let mut all = Vec::new();
    while let Some(part) = flow
        .next()
        .await
        .map_err(|error| ClientError::unanswered(url, &error))?
    {
        all.extend_from_slice(&part);
        if all.len() > MOST {
            return Err(ClientError::Failed(
                "the answer is too large for a terminal; write it into a file".to_owned(),
            ));
        }
    }
    Ok(all.into())
}

/// What a terminal must not obey is escaped there.
fn shown(body: &Bytes) -> Result<(), ClientError> {
    if !io::stdout().is_terminal() {
        return super::output::write_bytes(body);
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => write(&json(&value)),
        Err(_no_json) => write(&printable(&String::from_utf8_lossy(body))),
    }
}
