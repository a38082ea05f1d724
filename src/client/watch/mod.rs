//! `chartroom watch`: follows the feed. The place is kept where a stream ends or breaks, so that
//! what goes to standard output has no gap and nothing twice.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::account;
use super::call::Site;
use super::error::ClientError;
use super::output::{Format, closed, plain, say};
use super::sse::{Block, Parser};
use crate::kernel::chance::share;
use crate::net::Flow;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What a client in JavaScript can say exactly: no event has a larger number.
const LARGEST: u64 = 9_007_199_254_740_991;
const GONE: StatusCode = StatusCode::GONE;

/// How long each thing may last.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Trying, while there was no stream yet.
    first: Duration,
    /// Without a byte. The service says every 15 s that it is there.
    silence: Duration,
    /// The first wait after a failure. Each further one lasts twice as long.
    least: Duration,
    most: Duration,
    /// The longest wait that a service can ask for.
    asked: Duration,
}

const PATIENCE: Patience = Patience {
    first: Duration::from_secs(30),
    silence: Duration::from_secs(45),
    least: Duration::from_millis(500),
    most: Duration::from_secs(30),
    asked: Duration::from_secs(300),
};

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Environment:\n  CHARTROOM_URL         The service, such as https://chartroom.example.com\n  CHARTROOM_TOKEN       An API token or an access token\n  CHARTROOM_TOKEN_FILE  A file with the token, which is read again for each connection\n\nIn a pod, without either token, the one at /var/run/secrets/chartroom/token.\n\nExit codes: 0 ended by a signal or because nobody reads any more, 1 failed, 2 wrong usage, 3 refused, 4 not found, 6 not reached within 30 s."
)]
pub struct Watch {
    /// Only what happens in this project
    #[arg(long, value_name = "ID")]
    project: Option<Uuid>,
    /// Only events of this type, such as chartroom.project.changed
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Begin after the event with this sequence, with 0 at the oldest that is kept [default: with
    /// what happens next]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=LARGEST))]
    after: Option<u64>,
    /// How an event is written [default: text on a terminal, else json]
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    output: Option<Format>,
}

pub(super) async fn watch(arguments: Watch, context: Option<&str>) -> Result<(), ClientError> {
    let site = account::open(context)?;
    let unheard = |error: io::Error| ClientError::Failed(format!("signals: {error}"));
    let mut interrupted = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut watching = Watching::new(site, arguments, PATIENCE, io::stdout());
    tokio::select! {
        ended = watching.run() => ended,
        () = closed() => Ok(()),
        _ = interrupted.recv() => Ok(()),
        _ = terminated.recv() => Ok(()),
    }
}

/// Why a stream goes on no further.
enum End {
    /// The service ended it, as it does after half an hour and when it stops.
    Ended,
    Broken(ClientError),
    /// Nobody reads what is written.
    Unread,
}

struct Watching<W> {
    site: Site,
    target: String,
    format: Format,
    patience: Patience,
    out: Arc<Mutex<W>>,
    /// Up to here all has been written.
    place: Option<u64>,
    /// After how long the service wants to see us again.
    retry: Duration,
    has_begun: bool,
}

impl<W: Write + Send + 'static> Watching<W> {
    fn new(site: Site, arguments: Watch, patience: Patience, out: W) -> Self {
        let Watch {
            project,
            kind,
            after,
            output,
        } = arguments;
        let project = project.map(|project| ("project_id", project.to_string()));
        let kind = kind.map(|kind| ("type", kind));
        let query: Vec<_> = project.into_iter().chain(kind).collect();
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        Self {
            site,
            target: format!("/api/v1/events{mark}{query}"),
            format: output.unwrap_or_else(Format::usual),
            patience,
            out: Arc::new(Mutex::new(out)),
            place: after,
            retry: Duration::ZERO,
            has_begun: false,
        }
    }

    async fn run(&mut self) -> Result<(), ClientError> {
        let began = Instant::now();
        let mut failures = 0;
        loop {
            let (problem, wait) = match self.connect().await {
                Ok(flow) => {
                    self.has_begun = true;
                    say(&format!("connected to {}", self.site.url()));
                    let opened = Instant::now();
                    let problem = match self.pass_on(flow).await? {
                        End::Unread => return Ok(()),
                        End::Ended => "the stream ended".to_owned(),
                        End::Broken(error) => error.to_string(),
                    };
                    // One that ends at once is no better than none.
                    if opened.elapsed() > self.patience.most {
                        failures = 0;
                    }
                    (problem, self.wait(failures, Some(self.retry)))
                }
                Err(ClientError::Answered { status: GONE, .. }) if self.place != Some(0) => {
                    self.say_gone();
                    self.place = Some(0);
                    continue;
                }
                Err(error) if self.is_final(&error) => return Err(error),
                Err(error) => {
                    let wait = self.wait(failures, error.retry_after());
                    if !self.has_begun && began.elapsed() + wait >= self.patience.first {
                        return Err(error);
                    }
                    (error.to_string(), wait)
                }
            };
            failures += 1;
            let again = match self.has_begun {
                true => "reconnecting",
                false => "trying again",
            };
            let seconds = wait.as_secs_f32();
            say(&format!("{problem}; {again} in {seconds:.1} s"));
            sleep(wait).await;
        }
    }

    fn is_final(&self, error: &ClientError) -> bool {
        // A file that is being replaced was there before.
        let is_replaced = self.has_begun && matches!(error, ClientError::Usage(_));
        !error.is_temporary() && !is_replaced
    }

    /// Twice as long each time and by chance a half shorter, so that those who lost the service
    /// together do not come back together.
    fn wait(&self, failures: u32, asked_for: Option<Duration>) -> Duration {
        let Patience {
            least, most, asked, ..
        } = self.patience;
        let wait = least.saturating_mul(2_u32.saturating_pow(failures));
        let wait = wait.min(most).mul_f64(0.5 + 0.5 * share());
        wait.max(asked_for.unwrap_or_default().min(asked))
    }

    async fn connect(&self) -> Result<Flow, ClientError> {
        let place = self.place.map(|place| (LAST_EVENT_ID, place.into()));
        let headers: Vec<(HeaderName, HeaderValue)> = place.into_iter().collect();
        let silence = self.patience.silence;
        self.site.follow(&self.target, &headers, silence).await
    }

    async fn pass_on(&mut self, mut flow: Flow) -> Result<End, ClientError> {
        let mut parser = Parser::default();
        loop {
            let bytes = match flow.next().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(End::Ended),
                Err(error) => {
                    let error = ClientError::unanswered(self.site.url(), &error);
                    return Ok(End::Broken(error));
                }
            };
            let blocks = parser
                .push(&bytes)
                .map_err(|error| ClientError::Failed(format!("{}: {error}", self.site.url())))?;
            for block in blocks {
                if !self.take(block).await? {
                    return Ok(End::Unread);
                }
            }
        }
    }

    /// False when nobody reads any more.
    async fn take(&mut self, block: Block) -> Result<bool, ClientError> {
        let Block {
            id,
            event,
            data,
            retry,
        } = block;
        if let Some(retry) = retry {
            self.retry = retry;
        }
        match (event.as_deref().unwrap_or("message"), data) {
            ("message", Some(data)) => {
                let line = line(&data, self.format).ok_or_else(|| {
                    let url = self.site.url();
                    ClientError::Failed(format!("{url} sent an event that is no CloudEvent"))
                })?;
                match self.write(line).await {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
                    Err(error) => {
                        return Err(ClientError::Failed(format!("standard output: {error}")));
                    }
                }
            }
            ("resync", Some(_)) => self.say_gone(),
            // An id alone, or what a later version has to say.
            _ => {}
        }
        let place = id.and_then(|id| id.parse().ok());
        self.place = place.or(self.place);
        Ok(true)
    }

    /// In a thread that may wait for a slow reader, while signals are heard.
    async fn write(&self, line: String) -> io::Result<()> {
        let out = self.out.clone();
        let write = move || {
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            out.write_all(line.as_bytes())?;
            out.flush()
        };
        spawn_blocking(write).await?
    }

    fn say_gone(&self) {
        let place = self.place.unwrap_or(0);
        say(&format!(
            "resync: not all events after {place} are kept any more; going on with the oldest that is"
        ));
    }
}

/// A line of the output; `None` where it is no CloudEvent.
fn line(data: &str, format: Format) -> Option<String> {
    let event: Value = serde_json::from_str(data).ok()?;
    let [time, kind, subject] =
        ["time", "type", "subject"].map(|name| event.get(name).and_then(Value::as_str));
    let (time, kind, subject) = (time?, kind?, subject?);
    Some(match format {
        // A text in JSON has no line end in it, so what there is stands between its parts.
        Format::Json => format!("{}\n", data.replace('\n', " ")),
        Format::Text => format!("{}\n", plain(&format!("{time}  {kind:<26}  {subject}"))),
    })
}

#[cfg(test)]
mod tests;
