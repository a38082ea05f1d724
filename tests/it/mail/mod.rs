//! Mail: what goes over the wire, what becomes of what a mail server refuses, and what people do
//! with the links in mails.

mod corpora;
mod invitations;
mod links;
mod notified;
mod registration;
mod server;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chartroom::app::features;
use chartroom::config::Config;
use chartroom::db::Db;
use chartroom::db::transaction::transaction;
use chartroom::jobs::kind::{JobResult, Kinds, Lane};
use chartroom::jobs::runner::{Runner, Timing};
use chartroom::kernel::actor::Actor;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::kernel::types::PrincipalId;
use chartroom::mail::Mailer;
use chartroom::mail::letter::{Deliver, Letter, send};
use chartroom::mail::message::{Mail, Part, Recipient};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::app::{TestApp, config};
use crate::support::authority::Authority;
use crate::support::process::TempDir;
use crate::support::wait::until;
use server::{Received, Server, Tls};

const SOON: Duration = Duration::from_secs(30);
const PUBLIC_URL: &str = "https://chartroom.example.com";
const FROM: &str = "Chartroom <chartroom@example.com>";

/// A mail server, an authority that certifies it, and the settings that lead there.
struct Post {
    server: Server,
    authority: Authority,
    directory: TempDir,
    flags: Vec<String>,
}

impl Post {
    async fn new(tls: Tls) -> Self {
        let authority = Authority::new("post");
        let certificate = (tls != Tls::None).then(|| authority.certify("localhost"));
        let server = Server::start(tls, certificate).await;
        let directory = TempDir::new("mail").unwrap();
        let mut flags = vec![
            "--smtp-host=localhost".to_owned(),
            format!("--smtp-port={}", server.port),
            format!("--mail-from={FROM}"),
            format!("--public-url={PUBLIC_URL}"),
            "--smtp-timeout=3s".to_owned(),
        ];
        let security = match tls {
            Tls::None => "none",
            Tls::Later => "starttls",
            Tls::AtOnce => "tls",
        };
        flags.push(format!("--smtp-security={security}"));
        let post = Self {
            server,
            authority,
            directory,
            flags: Vec::new(),
        };
        if tls != Tls::None {
            let ca = post.file("ca.pem", &post.authority.pem);
            flags.push(format!("--smtp-ca-file={}", ca.display()));
        }
        Self { flags, ..post }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn with(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    fn config(&self) -> Config {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let config = config(&flags);
        config.validate().unwrap();
        config
    }

    async fn app(&self) -> TestApp {
        self.app_for("open").await
    }

    /// `who` may make an account.
    async fn app_for(&self, who: &str) -> TestApp {
        let who = format!("--registration={who}");
        let limits = [
            "--signin-per-address-burst=1000000",
            "--signin-per-address-per-minute=1000000",
            who.as_str(),
        ];
        let mine = self.flags.iter().map(String::as_str);
        let flags: Vec<&str> = limits.into_iter().chain(mine).collect();
        TestApp::with(&flags, Default::default()).await
    }

    /// Sends what is to be sent, and says what came.
    async fn mails(&self, app: &TestApp) -> Vec<Received> {
        let before = self.server.received().len();
        let kinds = features::kinds(&self.config(), &app.app.metrics);
        let worker = Worker::start(app, kinds);
        let session = app.database.session().await;
        let none = async || {
            let left = "SELECT count(*) FROM jobs WHERE kind LIKE 'mail.%'";
            let row = session.query_one(left, &[]).await.unwrap();
            (row.get::<_, i64>(0) == 0).then_some(())
        };
        until("the end of the jobs", SOON, none).await.unwrap();
        worker.stop().await;
        self.server.received().split_off(before)
    }

    async fn one(&self) -> Received {
        let come = async || self.server.received().pop();
        until("a mail", SOON, come).await.unwrap()
    }
}

/// What stands behind the name in the link of a mail.
fn token(mail: &Received, what: &str) -> String {
    let (text, html) = mail.bodies();
    let link = format!("{PUBLIC_URL}/mail#{what}=");
    let (_, rest) = text.split_once(&link).unwrap();
    let token = rest.lines().next().unwrap().to_owned();
    assert!(html.contains(&format!("href=\"{link}{token}\"")), "{html}");
    token
}

/// One that does jobs, until it is stopped.
struct Worker {
    shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Worker {
    fn start(app: &TestApp, kinds: Kinds) -> Self {
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: Duration::from_secs(10),
        });
        let runner = Runner::new(
            app.app.db.clone(),
            kinds.into(),
            app.app.metrics.clone(),
            app.app.job_wake.clone(),
            Timing {
                lease: Duration::from_secs(2),
                poll: Duration::from_millis(100),
                at_once: 8,
            },
        );
        let stopping = shutdown.clone();
        let running = tokio::spawn(async move { runner.run(&stopping).await });
        Self { shutdown, running }
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.running.await.unwrap();
    }
}

/// A letter that says what a test wants it to say.
#[derive(Clone, Serialize, Deserialize)]
struct Said {
    user: PrincipalId,
    email: String,
    subject: String,
    text: String,
    unsubscribe: Option<String>,
}

impl Letter for Said {
    const KIND: &'static str = "mail.said.1";
    const LANE: Lane = Lane::Normal;
    type Note = ();

    async fn write(&self, _: &Arc<Db>, _: &Mailer) -> JobResult<Option<(Mail, ())>> {
        let this = self.clone();
        let mail = Mail {
            to: Recipient {
                user: Some(this.user),
                email: this.email,
            },
            subject: this.subject,
            parts: vec![Part::Text(this.text.clone()), Part::List(vec![this.text])],
            unsubscribe: this.unsubscribe,
        };
        Ok(Some((mail, ())))
    }
}

/// Somebody, and a worker that writes to them.
struct Desk {
    app: TestApp,
    user: PrincipalId,
    worker: Worker,
}

impl Desk {
    async fn new(post: &Post) -> Self {
        let app = post.app().await;
        let user = register(&app, "ann@example.org").await;
        let metrics = app.app.metrics.clone();
        let mailer = Mailer::new(&post.config(), metrics).unwrap();
        let kinds = Kinds::default().with::<Deliver<Said>>(mailer.into());
        let worker = Worker::start(&app, kinds);
        Self { app, user, worker }
    }

    fn letter(&self) -> Said {
        Said {
            user: self.user,
            email: "ann@example.org".to_owned(),
            subject: "Hello".to_owned(),
            text: "How are you?".to_owned(),
            unsubscribe: None,
        }
    }

    async fn send(&self, letter: Said) {
        let nobody = Actor::default();
        let sent = transaction(&self.app.app.db, &nobody, async |tx| {
            Ok(send(tx, letter).await?)
        });
        sent.await.unwrap();
    }

    /// What went wrong last with the job that there is.
    async fn failure(&self) -> String {
        let session = self.app.database.session().await;
        let last = async || {
            let query = "SELECT last_error FROM jobs WHERE kind = 'mail.said.1'";
            let row = session.query_opt(query, &[]).await.unwrap()?;
            row.get::<_, Option<String>>(0)
        };
        until("a failure", SOON, last).await.unwrap()
    }

    async fn count(&self, query: &str) -> i64 {
        let session = self.app.database.session().await;
        session.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn done(&self) {
        let left = "SELECT count(*) FROM jobs WHERE kind = 'mail.said.1'";
        let none = async || (self.count(left).await == 0).then_some(());
        until("the end of the job", SOON, none).await.unwrap();
    }

    fn counted(&self, outcome: &str) -> u64 {
        let counter = &self.app.app.metrics.chartroom_mail_total;
        counter.with_label_values(&[outcome]).get()
    }
}

async fn register(app: &TestApp, email: &str) -> PrincipalId {
    let body = json!({ "email": email, "password": "correct horse battery" });
    let answer = app.post_json("/api/v1/users", body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    serde_json::from_value(answer.json()["id"].clone()).unwrap()
}
