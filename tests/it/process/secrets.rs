//! Row H3: what clients and operators keep secret is in no log line, metric, trace or problem
//! document, however much is logged.

use std::{fs, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;

use super::{ROUTE, embedded::Home};
use crate::support::{
    client::{Client, HttpRequest},
    collector::Collector,
    database::{SERVER, TestDatabase},
    process::TempDir,
    service::{PATIENCE, Ports, Service},
    wait::until,
};

/// Logged on purpose: if a search does not find it, the search is worth nothing.
const AGENT: &str = "c4n4ry-agent";
const BEARER: &str = "c4n4ry-bearer";
const BASIC_PASSWORD: &str = "c4n4ry-basic";
/// `ada:c4n4ry-basic`.
const BASIC: &str = "YWRhOmM0bjRyeS1iYXNpYw==";
const COOKIE: &str = "c4n4ry-cookie";
const QUERY: &str = "c4n4ry-query";
const PATH: &str = "c4n4ry-path";
const BODY: &str = "c4n4ry-body";

const SECRETS: [&str; 7] = [BEARER, BASIC_PASSWORD, BASIC, COOKIE, QUERY, PATH, BODY];

/// Everything that a run has shown to anybody.
#[derive(Default)]
struct Shown {
    answers: Vec<String>,
    lines: Vec<String>,
    metrics: String,
    traces: String,
}

impl Shown {
    fn holders(&self, secret: &str) -> Vec<String> {
        self.answers
            .iter()
            .chain(&self.lines)
            .chain([&self.metrics, &self.traces])
            .filter(|text| text.contains(secret))
            .cloned()
            .collect()
    }

    fn assert_free_of<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        for secret in secrets {
            assert!(!secret.is_empty());
            let holders = self.holders(secret);
            assert!(holders.is_empty(), "{secret} is shown: {holders:#?}");
        }
    }
}

/// Secrets in every place where a client may put them, on routes that exist and on others, in
/// requests that fit and that do not.
fn requests() -> Vec<HttpRequest> {
    let targets = [
        ROUTE.to_owned(),
        format!("{ROUTE}?token={QUERY}"),
        format!("/api/v1/reset/{PATH}?token={QUERY}"),
        "/openapi.json".to_owned(),
        "/".to_owned(),
    ];
    let mut requests = Vec::new();
    for target in &targets {
        for authorization in [
            format!("Bearer {BEARER}"),
            format!("Basic {BASIC}"),
            format!("{BEARER} and nothing known"),
        ] {
            for method in ["GET", "POST", "DELETE", "BREW"] {
                let body = format!(r#"{{"password":"{BODY}","#);
                requests.push(
                    Request::builder()
                        .method(method)
                        .uri(target)
                        .header("authorization", &authorization)
                        .header("cookie", format!("session={COOKIE}; theme=dark"))
                        .header("x-api-key", BEARER)
                        .header("user-agent", AGENT)
                        .header("content-type", "application/json")
                        .body(Full::new(if method == "GET" {
                            Bytes::new()
                        } else {
                            body.into()
                        }))
                        .unwrap(),
                );
            }
        }
    }
    requests
}

/// A request that the server has to refuse before it is one.
fn flawed() -> Vec<String> {
    let secrets = format!("Authorization: Bearer {BEARER}\r\nCookie: session={COOKIE}\r\n");
    vec![
        format!("GET {ROUTE}?token={QUERY} HTTP/1.1\r\n{secrets}\r\n"),
        format!("GET {ROUTE} HTTP/1.1\r\nHost: localhost\r\n{secrets}Broken {BEARER}\r\n\r\n"),
        format!(
            "POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\n{secrets}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{BODY}"
        ),
        format!(
            "POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\n{secrets}Transfer-Encoding: chunked\r\n\r\n{BODY}\r\n"
        ),
        format!("{BEARER}\r\n\r\n"),
    ]
}

async fn raw(service: &Service, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(service.public).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn over_http2(service: &Service) -> Vec<String> {
    let stream = TcpStream::connect(service.public).await.unwrap();
    let (mut sender, connection) =
        http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for mut request in requests() {
        let target = format!("http://{}{}", service.public, request.uri());
        *request.uri_mut() = target.parse().unwrap();
        *request.version_mut() = Version::HTTP_2;
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        answers.push(format!("{head:?} {}", String::from_utf8_lossy(&body)));
    }
    answers
}

async fn shown_by(service: &mut Service, http2: bool, collector: Option<&Collector>) -> Shown {
    let mut shown = Shown::default();
    let client = Client::keep_alive(service.public);
    for request in requests() {
        let answer = client.send(request).await.unwrap();
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        shown
            .answers
            .push(format!("{:?} {}", answer.headers, answer.text()));
    }
    for request in flawed() {
        shown.answers.push(raw(service, &request).await);
    }
    if http2 {
        shown.answers.extend(over_http2(service).await);
    }
    shown.metrics = service.ops("/metrics").await.unwrap().text();
    shown.answers.push(
        service
            .ops(&format!("/reset/{PATH}?token={QUERY}"))
            .await
            .unwrap()
            .text(),
    );
    service.signal("TERM");
    service.exit(PATIENCE).await;
    shown.lines = service.lines();
    if let Some(collector) = collector {
        // It stops before the last batch is off only if the collector hangs.
        let sent = until("traces", PATIENCE, async || {
            collector.text().contains(ROUTE).then_some(())
        });
        sent.await.unwrap();
        shown.traces = collector.text();
        assert!(!shown.traces.contains(AGENT));
    }
    assert!(shown.lines.len() > 60, "{:#?}", shown.lines);
    assert_only_ours_is_loud(&shown.lines);
    assert!(!shown.holders(AGENT).is_empty(), "the search finds nothing");
    assert!(shown.metrics.contains(ROUTE));
    shown
}

/// A driver logs the parameters of its statements if it may, and those are passwords one day.
fn assert_only_ours_is_loud(lines: &[String]) {
    for line in lines {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let (level, target) = (&event["level"], event["target"].as_str().unwrap());
        assert!(
            target.starts_with("chartroom") || !(level == "DEBUG" || level == "TRACE"),
            "{line}"
        );
    }
}

const LOUD: [(&str, &str); 3] = [
    (
        "CHARTROOM_LOG",
        "trace,tokio_postgres=trace,hyper=trace,h2=trace,rustls=trace",
    ),
    ("CHARTROOM_LOG_FORMAT", "json"),
    ("CHARTROOM_DRAIN_DELAY", "0ms"),
];

#[tokio::test]
async fn no_secret_of_a_client_or_of_the_database_is_shown_with_the_url_in_a_variable() {
    let (dir, ports) = (TempDir::new("secrets").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.addr);
    let settings = [
        &LOUD[..],
        &[
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_HTTP2", "true"),
            ("CHARTROOM_OTLP_ENDPOINT", &endpoint),
            ("CHARTROOM_TRACE_RATIO", "1"),
        ],
    ]
    .concat();
    let mut service = Service::start(&dir.0, &ports, &settings);
    service.wait_ready(PATIENCE).await;
    let shown = shown_by(&mut service, true, Some(&collector)).await;
    shown.assert_free_of(SECRETS);
    shown.assert_free_of([SERVER.address.password.expose_secret(), url.as_str()]);
}

#[tokio::test]
async fn no_password_from_a_file_is_shown_neither_the_right_nor_the_wrong_one() {
    let (dir, ports) = (TempDir::new("secrets").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let right = SERVER.address.password.expose_secret();
    let file = dir.0.join("password");
    fs::write(&file, "c4n4ry-wrong-password").unwrap();
    let port = SERVER.address.port.to_string();
    let socket = SERVER.address.socket_dir.to_str().unwrap();
    let settings = [
        &LOUD[..],
        &[
            ("CHARTROOM_DATABASE_HOST", socket),
            ("CHARTROOM_DATABASE_PORT", &port),
            ("CHARTROOM_DATABASE_USER", SERVER.address.user),
            ("CHARTROOM_DATABASE_NAME", &database.name),
            ("CHARTROOM_DATABASE_PASSWORD_FILE", file.to_str().unwrap()),
        ],
    ]
    .concat();
    let mut service = Service::start(&dir.0, &ports, &settings);
    service
        .wait_unready("the database refused the user or the password", PATIENCE)
        .await;
    fs::write(&file, format!("{right}\n")).unwrap();
    service.wait_ready(Duration::from_secs(5)).await;
    let shown = shown_by(&mut service, false, None).await;
    shown.assert_free_of(SECRETS);
    shown.assert_free_of([right, "c4n4ry-wrong-password"]);
}

#[tokio::test]
async fn the_private_postgres_keeps_its_password_to_itself() {
    let home = Home::new();
    let mut service = home.start(&LOUD);
    service.wait_ready(PATIENCE).await;
    let password = fs::read_to_string(home.data().join("password")).unwrap();
    let shown = shown_by(&mut service, false, None).await;
    shown.assert_free_of(SECRETS);
    shown.assert_free_of([password.trim()]);
    let log = fs::read_dir(home.data()).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        (path.extension()? == "log").then(|| fs::read_to_string(path).unwrap())
    });
    for text in log {
        assert!(!text.contains(password.trim()));
    }
}
