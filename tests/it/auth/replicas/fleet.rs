//! The two processes, the ways in which their feed of revocations is cut, and what happens to
//! people.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::task::AbortOnDropHandle;

use super::super::PASSWORD;
use super::person::{Event, Person};
use crate::process::url_through;
use crate::support::chaos_proxy::{ChaosProxy, Mode};
use crate::support::client::Client;
use crate::support::database::{TestDatabase, behind_proxy};
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service, chartroom, run, text};
use crate::support::wait::until;

/// What becomes of both replicas' connections that listen for revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Not,
    /// Ended as often as they come back.
    Repeatedly,
    /// Ended, and none can be made again; the connections of requests live on.
    ForGood,
}

const ADMINISTRATOR: &str = "root@example.com";

/// Ends both feeds; `RETURNING` their number.
const END_FEEDS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE application_name = 'chartroom/listen' AND datname = current_database()";

pub(super) struct Fleet {
    pub(super) clients: Vec<Client>,
    pub(super) session: tokio_postgres::Client,
    services: Vec<(Service, Ports)>,
    proxy: ChaosProxy,
    dir: TempDir,
    database: TestDatabase,
}

impl Fleet {
    pub(super) async fn start() -> Self {
        let database = TestDatabase::migrated().await;
        let (proxy, _) = behind_proxy(&database).await;
        let dir = TempDir::new("replicas").unwrap();
        let url = url_through(proxy.addr, &database);
        // Limits have tests of their own; the grace lets one refresh token be tried again and
        // again.
        let many = "1000000";
        let settings = [
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            // One issuer for both, or neither takes the other's tokens.
            ("CHARTROOM_PUBLIC_URL", "http://chartroom.test"),
            ("CHARTROOM_REGISTRATION", "open"),
            ("CHARTROOM_REFRESH_GRACE", "5m"),
            ("CHARTROOM_SIGNIN_PER_ADDRESS_BURST", many),
            ("CHARTROOM_SIGNIN_PER_ADDRESS_PER_MINUTE", many),
            ("CHARTROOM_SIGNIN_PER_ACCOUNT_PER_HOUR", many),
            ("CHARTROOM_SIGNIN_PER_PAIR_BURST", "1000"),
            ("CHARTROOM_SIGNIN_PER_PAIR_PER_HOUR", "1000"),
            ("CHARTROOM_LOG", "warn"),
        ];
        let start = |_| {
            let ports = Ports::reserve();
            (Service::start(&dir.0, &ports, &settings), ports)
        };
        let services: Vec<(Service, Ports)> = (0..2).map(start).collect();
        for (service, _) in &services {
            service.wait_ready(PATIENCE).await;
        }
        let clients = services
            .iter()
            .map(|(service, _)| Client::keep_alive(service.public));
        let this = Self {
            clients: clients.collect(),
            session: database.session().await,
            services,
            proxy,
            dir,
            database,
        };
        this.user(&["create-admin", ADMINISTRATOR], PASSWORD).await;
        this
    }

    /// One for each event.
    pub(super) async fn people(&self, round: &str) -> Vec<Person> {
        let made = Event::ALL.into_iter().enumerate().map(|(number, event)| {
            let name = format!("{round}-{number}");
            async move { Person::new(self, &name, event).await }
        });
        join_all(made).await
    }

    pub(super) async fn happen(&self, person: &Person) {
        match person.event {
            Event::Disable => {
                self.user(&["disable", &person.email], "").await;
            }
            Event::Reset => {
                let reset = ["reset-password", &person.email];
                self.user(&reset, "another password").await;
            }
            Event::Promote | Event::Demote => {
                person.get_role(&self.clients[0], ADMINISTRATOR).await;
            }
            Event::SignOut | Event::CookieSignOut | Event::NewPassword | Event::Delete => {
                person.act(&self.clients[0]).await;
            }
        }
    }

    /// `chartroom user ...`, which reaches the database by itself.
    async fn user(&self, arguments: &[&str], input: &str) {
        let file = self.dir.0.join(format!("input-{}", arguments[0]));
        fs::write(&file, input).unwrap();
        let mut command = chartroom(&self.dir.0);
        command
            .arg("user")
            .args(arguments)
            .env("CHARTROOM_DATABASE_URL", self.database.url())
            .stdin(Stdio::from(fs::File::open(&file).unwrap()));
        let output = run(command, PATIENCE).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    async fn end_feeds(&self) -> i64 {
        self.session.query_one(END_FEEDS, &[]).await.unwrap().get(0)
    }

    pub(super) async fn cut(&self, cut: Cut) -> Option<AbortOnDropHandle<()>> {
        match cut {
            Cut::Not => None,
            Cut::Repeatedly => {
                let session = self.database.session().await;
                assert_eq!(self.end_feeds().await, 2, "nothing was cut");
                Some(AbortOnDropHandle::new(tokio::spawn(async move {
                    loop {
                        session.query_one(END_FEEDS, &[]).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                })))
            }
            Cut::ForGood => {
                self.proxy.set(Mode::Refuse).await;
                assert_eq!(self.end_feeds().await, 2, "nothing was cut");
                assert!(self.proxy.counts.refusals.load(SeqCst) > 0);
                None
            }
        }
    }

    /// Returns when both follow again.
    pub(super) async fn heal(&self, cut: Cut, cutting: Option<AbortOnDropHandle<()>>) {
        drop(cutting);
        if cut == Cut::ForGood {
            let age = self.oldest_picture().await;
            assert!(age >= 5, "the feed was {age} s old: it was not cut");
            self.proxy.set(Mode::Forward).await;
        }
        let fresh = async || (self.oldest_picture().await <= 1).then_some(());
        until("fresh feeds", PATIENCE, fresh).await.unwrap();
    }

    /// Seconds since the last good look of the replica that is farther behind.
    async fn oldest_picture(&self) -> i64 {
        let mut oldest = 0;
        for (service, _) in &self.services {
            let metrics = service.ops("/metrics").await.unwrap().text();
            let name = "revocations_polled_timestamp_seconds ";
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            let looked_at: i64 = line.unwrap().parse().unwrap();
            oldest = oldest.max(chrono::Utc::now().timestamp() - looked_at);
        }
        oldest
    }
}
