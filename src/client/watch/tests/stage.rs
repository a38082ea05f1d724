//! A listener that says what a test writes for it, and who follows it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const SHORT: Patience = Patience {
    first: Duration::from_millis(300),
    silence: Duration::from_millis(300),
    least: Duration::from_millis(10),
    most: Duration::from_millis(40),
    asked: Duration::from_secs(2),
};
pub(super) const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

/// What a connection is answered, and whether it is left open after that.
pub(super) struct Turn(pub(super) String, pub(super) bool);

/// A stream that ends.
pub(super) fn stream(body: &str) -> Turn {
    Turn(format!("{STREAM}{body}"), false)
}

pub(super) fn refusal(status: &str, headers: &str, body: &str) -> Turn {
    Turn(format!("HTTP/1.1 {status}\r\n{headers}\r\n{body}"), false)
}

/// An event as the service sends it.
pub(super) fn event(number: u64) -> String {
    format!("id: {number}\ndata: {}\n\n", cloud_event(number))
}

pub(super) fn cloud_event(number: u64) -> String {
    format!(
        r#"{{"type":"chartroom.project.changed","subject":"projects/{number}","time":"2026-01-01T00:00:00Z"}}"#
    )
}

/// Standard output, for as many lines as somebody reads.
#[derive(Clone)]
pub(super) struct Out {
    lines: Arc<Mutex<Vec<String>>>,
    most: usize,
    /// A file that is replaced after the first line, and is away meanwhile.
    pub(super) replaced: Option<PathBuf>,
}

impl Out {
    pub(super) fn reading(most: usize) -> Self {
        Self {
            lines: Arc::default(),
            most,
            replaced: None,
        }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.lines.lock().unwrap();
        if lines.len() == self.most {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        lines.push(String::from_utf8(bytes.to_vec()).unwrap());
        if let Some(file) = self.replaced.take() {
            std::fs::remove_file(&file).unwrap();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                std::fs::write(&file, "second\n").unwrap();
            });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How it ended, what it wrote, and what it asked for, each request as its lines.
pub(super) struct Ran {
    pub(super) ended: Result<(), ClientError>,
    pub(super) lines: Vec<String>,
    pub(super) requests: Vec<Vec<String>>,
}

impl Ran {
    pub(super) fn headers(&self, name: &str) -> Vec<Option<&str>> {
        let prefix = format!("{name}: ");
        let of = |request: &Vec<String>| {
            let mut values = request.iter().filter_map(|line| line.strip_prefix(&prefix));
            values.next().map(|value| value.to_owned())
        };
        let all = self.requests.iter().map(of);
        all.map(|value| value.map(|value| &*value.leak())).collect()
    }
}

/// Runs until nobody reads what it writes, or it ends by itself. The last turn is repeated.
pub(super) async fn run(token: Secret, arguments: Watch, out: Out, turns: Vec<Turn>) -> Ran {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::<Mutex<Vec<Vec<String>>>>::default();
    let seen = requests.clone();
    let serving = tokio::spawn(async move {
        let mut open = Vec::new();
        for at in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4000];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let heads = request.lines().map(str::to_owned).collect();
            seen.lock().unwrap().push(heads);
            let Turn(answer, is_left_open) = &turns[at.min(turns.len() - 1)];
            let _ = stream.write_all(answer.as_bytes()).await;
            if *is_left_open {
                open.push(stream);
            }
        }
    });
    let site = Site::new(ClientSettings { url, token });
    let mut watching = Watching::new(site, arguments, SHORT, out.clone());
    let ended = tokio::time::timeout(Duration::from_secs(20), watching.run()).await;
    serving.abort();
    let requests = requests.lock().unwrap().clone();
    Ran {
        ended: ended.unwrap(),
        lines: out.lines(),
        requests,
    }
}

pub(super) fn plainly() -> Watch {
    Watch {
        project: None,
        kind: None,
        after: None,
        output: Some(Format::Json),
    }
}

pub(super) async fn ran(lines: usize, turns: Vec<Turn>) -> Ran {
    let token = Secret::Value("c4n4ry".into());
    run(token, plainly(), Out::reading(lines), turns).await
}
