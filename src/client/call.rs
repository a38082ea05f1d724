//! Calls of the service that the command is for, with the token of who runs it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::error::ClientError;
use super::output::plain;
use crate::config::{ClientSettings, Secret};
use crate::net::{Client, Flow, Limits};

const AGENT: &str = concat!("chartroom/", env!("CARGO_PKG_VERSION"));
/// The largest answer that is read is an import with as many mistakes as it lists.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(10),
    answer_bytes: 4 * 1024 * 1024,
};
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// In a download, after so long without a byte there is none to come.
pub(super) const SILENCE: Duration = Duration::from_secs(60);
/// Of what the service says about a failure.
const MOST_SHOWN: usize = 500;
const MOST_ERRORS: usize = 20;

pub(super) struct Site {
    url: String,
    /// `None` for what is asked before there is one.
    token: Option<Secret>,
    client: Client,
}

impl Site {
    pub(super) fn new(settings: ClientSettings) -> Self {
        let ClientSettings { url, token } = settings;
        Self {
            url,
            token: Some(token),
            client: Client::new(LIMITS),
        }
    }

    /// For what is asked without a token, such as for one.
    pub(super) fn anonymous(url: String) -> Self {
        Self {
            url,
            token: None,
            client: Client::new(LIMITS),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Asks for a stream of events, and gives it if that is what comes. It is over when it is
    /// silent for longer than `silence`.
    pub(super) async fn follow(
        &self,
        target: &str,
        headers: &[(HeaderName, HeaderValue)],
        silence: Duration,
    ) -> Result<Flow, ClientError> {
        let accept = (ACCEPT, HeaderValue::from_static("text/event-stream"));
        let headers: Vec<_> = headers.iter().cloned().chain([accept]).collect();
        let answer = self
            .stream(Method::GET, target, headers, Bytes::new(), silence)
            .await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer).await);
        }
        if is_event_stream(answer.headers()) {
            return Ok(answer.into_body());
        }
        Err(ClientError::Failed(format!(
            "{} answered something else than a stream of events; is this the URL of a Chartroom?",
            self.url
        )))
    }

    /// Asks, and gives the answer once its head is there; the body is read as it comes.
    pub(super) async fn stream(
        &self,
        method: Method,
        target: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        silence: Duration,
    ) -> Result<Response<Flow>, ClientError> {
        let request = self.request(method, target, headers, body)?;
        let answer = self.client.follow(request, silence).await;
        answer.map_err(|error| ClientError::unanswered(&self.url, &error))
    }

    /// What an answer says that is not what was asked for.
    pub(super) async fn refused(&self, answer: Response<Flow>) -> ClientError {
        let (head, flow) = answer.into_parts();
        let rest = self.client.rest(Response::new(flow)).await;
        // The status alone says enough.
        let body = rest.map(Response::into_body).unwrap_or_default();
        self.refusal(&Response::from_parts(head, body))
    }

    /// What the service has at a path.
    pub(super) async fn get(&self, target: &str) -> Result<Value, ClientError> {
        self.ask(Method::GET, target, None).await
    }

    /// Asks for something to be done, and gives what the service says of it: null where it has
    /// nothing to say.
    pub(super) async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let kind = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let headers = body.map(|_| kind).into_iter().collect();
        let body = body.map(|body| body.to_string().into());
        let body = body.unwrap_or_default();
        let answer = self.exchange(method, target, headers, body).await?;
        self.read(&answer)
    }

    /// The whole answer, which is one of those that say that it was done.
    pub(super) async fn exchange(
        &self,
        method: Method,
        target: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Response<Bytes>, ClientError> {
        let request = self.request(method, target, headers, body)?;
        let answer = self.client.ask(request).await;
        let answer = answer.map_err(|error| ClientError::unanswered(&self.url, &error))?;
        if !answer.status().is_success() {
            return Err(self.refusal(&answer));
        }
        Ok(answer)
    }

    /// Sends what is made while it is sent, for as long as that takes.
    pub(super) async fn send<B>(
        &self,
        target: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: B,
    ) -> Result<Response<Bytes>, ClientError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request = self.request(Method::POST, target, headers, body)?;
        let answer = self.client.send(request).await;
        answer.map_err(|error| ClientError::unanswered(&self.url, &error))
    }

    /// The JSON of an answer.
    pub(super) fn read(&self, answer: &Response<Bytes>) -> Result<Value, ClientError> {
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body()).map_err(|_no_json| {
            ClientError::Failed(format!(
                "{} answered something else than JSON; is this the URL of a Chartroom?",
                self.url
            ))
        })
    }

    fn request<B>(
        &self,
        method: Method,
        target: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: B,
    ) -> Result<Request<B>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.url))
            .header(USER_AGENT, AGENT);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, authorization(token)?);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(body);
        request.map_err(|error| ClientError::Failed(error.to_string()))
    }

    /// What the service says is wrong.
    pub(super) fn refusal(&self, answer: &Response<Bytes>) -> ClientError {
        let status = answer.status();
        let retry_after = seconds(answer.headers());
        let problem: Option<Value> = serde_json::from_slice(answer.body()).ok();
        let url = &self.url;
        let said = problem.as_ref().map(told).unwrap_or_default();
        let text = match said.as_str() {
            "" => format!("{url} answered {status}"),
            said => plain(&format!("{url} answered {status}: {said}")),
        };
        ClientError::Answered {
            status,
            text,
            retry_after,
        }
    }
}

/// Reads the file again each time, because it is replaced before its token ends.
fn authorization(secret: &Secret) -> Result<HeaderValue, ClientError> {
    let unusable = |problem: &str| {
        ClientError::Usage(match secret {
            Secret::Value(_) => format!("CHARTROOM_TOKEN: {problem}"),
            Secret::File(path) => format!("the token file {}: {problem}", path.display()),
        })
    };
    let token = secret.read().map_err(|problem| unusable(&problem))?;
    let token = token.expose_secret().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable("expected a token, which has no spaces in it"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_invalid| unusable("expected a token"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A problem document as one line: what is wrong, where, and the request in the service's log.
fn told(problem: &Value) -> String {
    let text = |of: &Value, member: &str| -> Option<String> {
        let text = of.get(member)?.as_str()?;
        Some(text.chars().take(MOST_SHOWN).collect())
    };
    let Some(whole) = text(problem, "detail") else {
        return String::new();
    };
    let mut said = whole.clone();
    let errors = problem.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten().take(MOST_ERRORS) {
        let detail = text(error, "detail").or_else(|| text(error, "code"));
        // Of a file that is refused, the row stands in the place of the pointer.
        let place = text(error, "pointer").or_else(|| Some(format!("row {}", error.get("row")?)));
        if let (Some(place), Some(detail)) = (place, detail) {
            let one = format!("{place}: {detail}");
            // The only mistake is the detail of the whole already.
            if one != whole {
                said.push_str("; ");
                said.push_str(&one);
            }
        }
    }
    if let Some(request) = text(problem, "instance") {
        said.push_str(&format!(" (request {request})"));
    }
    said
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/event-stream")
}

fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_without_its_line_end_and_never_shown() {
        let value = |token: &str| authorization(&Secret::Value(token.into()));
        let sent = value("c4n4ry\n").unwrap();
        assert_eq!(sent.to_str().unwrap(), "Bearer c4n4ry");
        assert!(!format!("{sent:?}").contains("c4n4ry"));
        for token in ["c4n4ry and", "c4n4r\u{fd}", "c4n4ry\r\nx: y", "c4n4ry\0"] {
            let refused = value(token).unwrap_err().to_string();
            assert!(refused.starts_with("CHARTROOM_TOKEN: "), "{refused}");
            assert!(!refused.contains("c4n4r"), "{refused}");
        }
    }

    #[test]
    fn a_problem_is_one_line_with_every_mistake() {
        let problem = serde_json::json!({
            "detail": "2 fields are wrong", "instance": "r-1", "errors": [
                { "pointer": "/name", "code": "missing", "detail": "this member is required" },
                { "pointer": "/role", "code": "unknown-value", "detail": "expected another" },
            ],
        });
        let expected = "2 fields are wrong; /name: this member is required; \
            /role: expected another (request r-1)";
        assert_eq!(told(&problem), expected);
        assert_eq!(told(&serde_json::json!({ "title": "no" })), "");
        let only = serde_json::json!({
            "detail": "/share: expected a number", "errors": [
                { "pointer": "/share", "code": "wrong-type", "detail": "expected a number" },
            ],
        });
        assert_eq!(told(&only), "/share: expected a number");
    }

    #[test]
    fn headers_of_an_answer_are_read_leniently() {
        let with = |name: HeaderName, value: &str| {
            HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
        };
        for (value, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("text/html", false),
            ("application/json", false),
        ] {
            assert_eq!(is_event_stream(&with(CONTENT_TYPE, value)), expected);
        }
        assert!(!is_event_stream(&HeaderMap::new()));
        let five = seconds(&with(RETRY_AFTER, "5"));
        assert_eq!(five, Some(Duration::from_secs(5)));
        let date = with(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(seconds(&date), None);
    }
}
