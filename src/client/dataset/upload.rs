//! A file on its way, and the import that the service makes of it. The import says what became of
//! the file, also where its answer was lost: the key of the request finds it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::Stream;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::super::call::{IDEMPOTENCY_KEY, Site};
use super::super::error::ClientError;
use super::super::names::text;
use super::super::output::say;
use super::file::Kind;
use super::progress::Sending;

const EVERY: Duration = Duration::from_secs(1);
/// For the service to notice that a file broke off, or that one has begun.
const SETTLED: Duration = Duration::from_secs(15);
/// How long a service that is away is asked again about an import.
const AWAY: Duration = Duration::from_secs(60);
/// How often a line says how many records were read.
const SAID: Duration = Duration::from_secs(10);

pub(super) const CANCELLED: &str = "the import was cancelled; nothing was loaded";

/// A request that loads a file into a dataset.
pub(in super::super) struct Upload<'a> {
    pub(in super::super) site: &'a Site,
    /// The dataset's id.
    pub(in super::super) dataset: String,
    pub(in super::super) query: String,
    pub(in super::super) kind: Kind,
    pub(in super::super) is_gzip: bool,
    /// A repetition with the same loads nothing twice.
    pub(in super::super) key: String,
}

impl<'a> Upload<'a> {
    pub(in super::super) fn new(site: &'a Site, dataset: String, kind: Kind) -> Self {
        Self {
            site,
            dataset,
            query: String::new(),
            kind,
            is_gzip: false,
            key: Uuid::new_v4().to_string(),
        }
    }

    fn list(&self) -> String {
        format!("/api/v1/datasets/{}/imports", self.dataset)
    }

    /// Sends the parts, and gives the import, which may go on after that.
    pub(in super::super) async fn send(
        &self,
        parts: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        sending: Sending,
    ) -> Result<Value, ClientError> {
        let key = HeaderValue::from_str(&format!("\"{}\"", self.key)).map_err(|_invalid| {
            ClientError::Usage("--idempotency-key: expected visible characters".to_owned())
        })?;
        let mut headers = vec![
            (
                CONTENT_TYPE,
                HeaderValue::from_static(self.kind.media_type()),
            ),
            (IDEMPOTENCY_KEY, key),
        ];
        if self.is_gzip {
            headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        let mark = if self.query.is_empty() { "" } else { "?" };
        let target = format!("{}{mark}{}", self.list(), self.query);
        let body = sending.body(parts);
        let answer = self.site.send(&target, headers, body).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error @ ClientError::Usage(_)) => return Err(error),
            // The service may have ended the import before all of the file was sent.
            Err(error) => return self.settled(error).await,
        };
        if matches!(answer.status(), StatusCode::CREATED | StatusCode::ACCEPTED) {
            return self.site.read(&answer);
        }
        let location = answer.headers().get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        match location.filter(|path| path.starts_with(&self.list())) {
            Some(path) => self.site.get(path).await,
            None => Err(self.site.refusal(&answer)),
        }
    }

    /// What became of an import whose answer did not come.
    async fn settled(&self, error: ClientError) -> Result<Value, ClientError> {
        let until = Instant::now() + SETTLED;
        loop {
            match self.find().await {
                Ok(Some(import)) if state(&import) == "cancelled" => return Err(error),
                Ok(Some(import)) if has_ended(&import) => return Ok(import),
                _ if Instant::now() > until => return Err(error),
                _ => sleep(EVERY).await,
            }
        }
    }

    /// The import that this request has made.
    async fn find(&self) -> Result<Option<Value>, ClientError> {
        let query = serde_urlencoded::to_string([("idempotency_key", &self.key)]);
        let query = query.unwrap_or_default();
        let mut page = self.site.get(&format!("{}?{query}", self.list())).await?;
        let items = page.get_mut("items").and_then(Value::as_array_mut);
        Ok(items.and_then(Vec::pop))
    }

    /// Stops the import. What has ended before that is given as it is.
    pub(super) async fn cancel(&self) -> Result<Value, ClientError> {
        let until = Instant::now() + SETTLED;
        let import = loop {
            match self.find().await? {
                Some(import) => break import,
                None if Instant::now() > until => {
                    return Err(ClientError::Failed(
                        "stopped before the service had begun; nothing was loaded".to_owned(),
                    ));
                }
                None => sleep(EVERY / 5).await,
            }
        };
        let path = format!("{}/{}", self.list(), text(&import, "id")?);
        match self.site.ask(Method::DELETE, &path, None).await {
            Ok(_) => Err(ClientError::Failed(CANCELLED.to_owned())),
            Err(ClientError::Answered {
                status: StatusCode::CONFLICT,
                ..
            }) => self.site.get(&path).await,
            Err(error) => Err(error),
        }
    }

    /// Waits until the import has ended.
    pub(in super::super) async fn followed(&self, mut import: Value) -> Result<Value, ClientError> {
        let path = format!("{}/{}", self.list(), text(&import, "id")?);
        let mut reached = Instant::now();
        let mut said = Instant::now();
        while !has_ended(&import) {
            sleep(EVERY).await;
            match self.site.get(&path).await {
                Ok(now) => (import, reached) = (now, Instant::now()),
                Err(error) if error.is_temporary() && reached.elapsed() < AWAY => {
                    say(&format!("{error}; asking again"));
                }
                Err(error) => return Err(error),
            }
            if said.elapsed() > SAID {
                said = Instant::now();
                let rows = import.get("rows_read").and_then(Value::as_u64);
                say(&format!(
                    "{}: {} records read",
                    state(&import),
                    rows.unwrap_or_default()
                ));
            }
        }
        Ok(import)
    }
}

pub(super) fn state(import: &Value) -> &str {
    import
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn has_ended(import: &Value) -> bool {
    import.get("ended_at").is_some_and(|at| !at.is_null())
}
