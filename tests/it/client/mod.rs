//! `chartroom` as the command line of those who use a service that runs elsewhere.

mod account;
mod dataset;
mod help;
mod nouns;
mod outputs;
mod sample;
mod shells;
mod things;
mod usage;
mod watch;

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::database::TestDatabase;
use crate::support::process::{Process, TempDir};
use crate::support::service::{PATIENCE, Ports, Service, chartroom};
use crate::support::wait::until;

const PASSWORD: &str = "correct horse battery";

/// A service as a process of its own, and somebody with an account there.
struct Place {
    dir: TempDir,
    ports: Ports,
    service: Service,
    database: TestDatabase,
    asks: Client,
}

impl Place {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let (dir, ports) = (TempDir::new("client").unwrap(), Ports::reserve());
        let database = TestDatabase::migrated().await;
        let service = started(&dir, &ports, &database, variables).await;
        let asks = Client::fresh(ports.public);
        let place = Self {
            dir,
            ports,
            service,
            database,
            asks,
        };
        let body = json!({ "email": "ann@example.com", "username": "ann", "password": PASSWORD });
        place.send("", Method::POST, "/api/v1/users", body).await;
        place
    }

    /// Without a farewell to anybody, and on the same addresses.
    async fn kill_and_start_again(&mut self) {
        self.service.signal("KILL");
        self.service.exit(PATIENCE).await;
        self.service = started(&self.dir, &self.ports, &self.database, &[]).await;
    }

    /// A token of a new session.
    async fn token(&self) -> String {
        let form = [
            ("grant_type", "password"),
            ("username", "ann"),
            ("password", PASSWORD),
        ];
        let form = serde_urlencoded::to_string(form).unwrap();
        let request = Request::post("/auth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(form))
            .unwrap();
        let answer = self.asks.send(request).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, token: &str, method: Method, target: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.header("content-type", "application/json");
        let body = Full::from(body.to_string());
        let answer = self.asks.send(request.body(body).unwrap()).await.unwrap();
        assert!(answer.status.is_success(), "{target}: {}", answer.text());
        answer
    }

    async fn project(&self, token: &str, name: &str) -> String {
        let body = json!({ "name": name });
        let made = self.send(token, Method::POST, "/api/v1/projects", body);
        made.await.json()["id"].as_str().unwrap().to_owned()
    }

    async fn change(&self, token: &str, project: &str, text: &str) {
        let target = format!("/api/v1/projects/{project}");
        let body = json!({ "description": text });
        self.send(token, Method::PATCH, &target, body).await;
    }

    /// A subcommand of a client, with variables beside the URL.
    fn client(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let url = format!("http://{}", self.ports.public);
        let all = [&[("CHARTROOM_URL", url.as_str())], variables].concat();
        Running::start(&self.dir, arguments, &all)
    }
}

async fn started(
    dir: &TempDir,
    ports: &Ports,
    database: &TestDatabase,
    more: &[(&str, &str)],
) -> Service {
    let url = database.url();
    let variables = [
        ("CHARTROOM_DATABASE_URL", url.as_str()),
        ("CHARTROOM_REGISTRATION", "open"),
    ];
    let service = Service::start(&dir.0, ports, &[&variables, more].concat());
    service.wait_ready(PATIENCE).await;
    service
}

/// What a run came to.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Somebody at a command line: a home of their own, and a token of the environment.
struct Desk {
    place: Place,
    token: String,
}

impl Desk {
    async fn new() -> Self {
        Self::at(Place::new().await).await
    }

    async fn at(place: Place) -> Self {
        let token = place.token().await;
        Self { place, token }
    }

    fn url(&self) -> String {
        format!("http://{}", self.place.ports.public)
    }

    /// Runs it to its end.
    async fn ask(&self, arguments: &[&str]) -> Said {
        let variables = [
            ("CHARTROOM_URL", self.url()),
            ("CHARTROOM_TOKEN", self.token.clone()),
        ];
        self.run(arguments, &variables, "").await
    }

    /// The same, where it has to go well.
    async fn done(&self, arguments: &[&str]) -> String {
        let said = self.ask(arguments).await;
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// With these variables beside a home in the folder, and something on standard input.
    async fn run(&self, arguments: &[&str], variables: &[(&str, String)], input: &str) -> Said {
        let mut command = chartroom(&self.place.dir.0);
        let file = self
            .place
            .dir
            .0
            .join(format!("in-{}", uuid::Uuid::new_v4()));
        std::fs::write(&file, input).unwrap();
        command
            .args(arguments)
            .env("HOME", &self.place.dir.0)
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdin(std::fs::File::open(&file).unwrap());
        let ended = crate::support::service::run(command, PATIENCE).await;
        std::fs::remove_file(&file).unwrap();
        let text = crate::support::service::text;
        Said {
            code: ended.status.code().unwrap(),
            out: text(&ended.stdout),
            err: text(&ended.stderr),
        }
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

/// A subcommand that goes on, killed when dropped.
struct Running {
    child: Child,
    out: Lines,
    err: Lines,
}

impl Running {
    fn start(dir: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::reading(Stdio::null(), dir, arguments, variables)
    }

    fn reading(
        input: Stdio,
        dir: &TempDir,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = chartroom(&dir.0);
        command.stdin(input);
        command.args(arguments).envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = collect(child.stdout.take().unwrap());
        let err = collect(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    fn out(&self) -> Vec<String> {
        self.out.lock().unwrap().clone()
    }

    fn err(&self) -> Vec<String> {
        self.err.lock().unwrap().clone()
    }

    async fn lines(&self, count: usize) -> Vec<String> {
        let there = async || Some(self.out()).filter(|lines| lines.len() >= count);
        let lines = until("lines", PATIENCE, there).await;
        lines.unwrap_or_else(|error| panic!("{error}: {:?} {:?}", self.out(), self.err()))
    }

    async fn says(&self, part: &str, times: usize) {
        let said = async || {
            let lines = self.err();
            (lines.iter().filter(|line| line.contains(part)).count() >= times).then_some(())
        };
        let said = until(part, PATIENCE, said).await;
        said.unwrap_or_else(|error| panic!("{error}: {:?}", self.err()));
    }

    fn signal(&self, name: &str) {
        Process::find(self.child.id())
            .unwrap()
            .signal(name)
            .unwrap();
    }

    /// Its exit code.
    async fn ended(&mut self) -> Option<i32> {
        let ended = until("its end", PATIENCE, async || self.child.try_wait().unwrap()).await;
        ended
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.err()))
            .code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn collect(from: impl Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let kept = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            kept.lock().unwrap().push(line);
        }
    });
    lines
}
