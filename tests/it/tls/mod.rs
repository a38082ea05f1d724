//! TLS to the database as libpq defines it: five modes against four servers, and a CA that is
//! replaced while the service runs.

mod server;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use chartroom::config::endpoint::Endpoint;
use chartroom::config::{Secret, SslMode};
use chartroom::db::connect::{ConnectError, connect};
use chartroom::db::pool::PoolSettings;
use chartroom::db::purpose::Purpose;
use chartroom::db::{Db, DbError};
use chartroom::telemetry::metrics::Metrics;

use crate::support::authority::Authority;
use crate::support::wait::until;
use server::Postgres;

const SOON: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Plain,
    Encrypted,
    Refused,
}

async fn outcome(endpoint: &Endpoint) -> Outcome {
    let session = match connect(endpoint, Purpose::READ, SOON).await {
        Ok(session) => session,
        Err(ConnectError::Tls(_)) => return Outcome::Refused,
        Err(error) => panic!("{error}"),
    };
    tokio::spawn(session.connection);
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    match session.client.query_one(query, &[]).await.unwrap().get(0) {
        true => Outcome::Encrypted,
        false => Outcome::Plain,
    }
}

#[tokio::test]
async fn five_modes_meet_four_servers() {
    use Outcome::{Encrypted as E, Plain as P, Refused as R};
    let server = Postgres::start().await;
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let ca = server.directory.0.join("ca.crt");
    fs::write(&ca, &ours.pem).unwrap();
    let servers = [
        ("right", Some(ours.certify("localhost")), [P, E, E, E, E]),
        (
            "wrong name",
            Some(ours.certify("db.example")),
            [P, E, E, E, R],
        ),
        (
            "wrong CA",
            Some(theirs.certify("localhost")),
            [P, E, E, R, R],
        ),
        ("without TLS", None, [P, P, R, R, R]),
    ];
    let modes = [
        (SslMode::Disable, None),
        (SslMode::Prefer, None),
        (SslMode::Require, None),
        (SslMode::VerifyCa, Some(ca.clone())),
        (SslMode::VerifyFull, Some(ca.clone())),
    ];
    let mut cells = 0;
    for (name, certificate, expected) in servers {
        server.presents(certificate.clone()).await;
        for ((mode, ca_file), expected) in modes.iter().zip(expected) {
            let found = outcome(&server.endpoint(*mode, ca_file.clone())).await;
            assert_eq!(found, expected, "{mode:?}, {name}");
            cells += 1;
        }
        // As libpq has it, `require` with a CA checks the chain like `verify-ca`.
        let found = outcome(&server.endpoint(SslMode::Require, Some(ca.clone()))).await;
        assert_eq!(found, expected[3], "require with a CA, {name}");
    }
    assert_eq!(cells, 20);
}

#[tokio::test]
async fn a_ca_replaced_while_running_counts_for_new_connections() {
    let server = Postgres::start().await;
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    // Replaced as the kubelet does it: a link to a directory is renamed over the one before.
    let root = &server.directory.0;
    let publish = |version: &str, pem: &str| {
        fs::create_dir(root.join(version)).unwrap();
        fs::write(root.join(version).join("ca.crt"), pem).unwrap();
        symlink(version, root.join("next")).unwrap();
        fs::rename(root.join("next"), root.join("current")).unwrap();
    };
    publish("1", &old.pem);
    let ca = root.join("current/ca.crt");
    server.presents(Some(old.certify("localhost"))).await;
    let url = format!(
        "postgres://chartroom:not%20a%20secret@localhost:{}/postgres?sslmode=verify-full&sslrootcert={}",
        server.port,
        ca.display()
    );
    let settings = PoolSettings {
        connections: 2,
        queue: 64,
        wait: Duration::from_millis(500),
        connect_timeout: Duration::from_secs(2),
        max_age: Duration::from_secs(600),
    };
    let endpoint = Endpoint::Url(Secret::Value(url.into()));
    let metrics = Arc::new(Metrics::new().unwrap());
    let db = Db::new(
        endpoint.clone(),
        None,
        settings,
        Duration::from_secs(3),
        metrics,
    )
    .unwrap();
    let ask = async || {
        use diesel_async::SimpleAsyncConnection as _;
        db.read(async |conn| conn.batch_execute("SELECT 1").await)
            .await
    };
    ask().await.unwrap();

    server.presents(Some(new.certify("localhost"))).await;
    assert_eq!(outcome(&endpoint).await, Outcome::Refused);
    ask().await.unwrap();
    publish("2", &new.pem);
    assert_eq!(outcome(&endpoint).await, Outcome::Encrypted);
    // Both in one file, as while a CA is being replaced.
    publish("3", &format!("{}{}", old.pem, new.pem));
    assert_eq!(outcome(&endpoint).await, Outcome::Encrypted);

    publish("4", "not a certificate");
    let answer = connect(&endpoint, Purpose::READ, SOON).await.err().unwrap();
    assert_eq!(
        answer.to_string(),
        "the database settings cannot be used: the CA file: expected at least one certificate in PEM format"
    );
    ask().await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chartroom/write'";
    server
        .plain()
        .await
        .unwrap()
        .execute(end, &[])
        .await
        .unwrap();
    until("a refusal", SOON, async || match ask().await {
        Err(DbError::NoConnection(cause)) => cause.contains("the CA file").then_some(()),
        _ => None,
    })
    .await
    .unwrap();
}
