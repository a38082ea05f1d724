//! `chartroom smoke` against a real service: what it says, what it leaves behind, how it fails.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service, chartroom, run, text};

async fn smoke(ports: &Ports, more: &[&str]) -> (i32, String, String) {
    let dir = TempDir::new("smoke").unwrap();
    let mut command = chartroom(&dir.0);
    command
        .arg("smoke")
        .arg(format!("--url=http://{}", ports.public))
        .arg(format!("--ops-url=http://{}", ports.ops))
        .args(more);
    let output = run(command, PATIENCE).await;
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

async fn service(dir: &TempDir, ports: &Ports, registration: &str) -> (Service, TestDatabase) {
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let service = Service::start(
        &dir.0,
        ports,
        &[
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_REGISTRATION", registration),
        ],
    );
    service.wait_ready(PATIENCE).await;
    (service, database)
}

async fn count(database: &TestDatabase, table: &str) -> i64 {
    let question = format!("SELECT count(*) FROM {table}");
    let session = database.session().await;
    session.query_one(&question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_good_installation_passes_and_keeps_nothing() {
    let (dir, ports) = (TempDir::new("smoke").unwrap(), Ports::reserve());
    let (_service, database) = service(&dir, &ports, "open").await;
    let (code, said, complaint) = smoke(&ports, &[]).await;
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "ok: it is ready",
            "ok: it describes itself",
            "ok: it shows its metrics",
            "ok: signing in",
            "ok: writing a post, voting, reading it, deleting it",
            "ok: signing out",
            "ok: the account is deleted",
        ]
    );
    for table in ["posts", "post_votes", "users"] {
        assert_eq!(count(&database, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn where_nobody_may_register_it_says_what_it_skipped_unless_it_has_an_account() {
    let (dir, ports) = (TempDir::new("smoke").unwrap(), Ports::reserve());
    let (_service, database) = service(&dir, &ports, "closed").await;
    let (code, said, _) = smoke(&ports, &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("skipped: signing in, posting and voting"),
        "{said}"
    );

    let (email, password) = (dir.0.join("email"), dir.0.join("password"));
    std::fs::write(&email, "smoke@example.org\n").unwrap();
    std::fs::write(&password, "a password for smoke\n").unwrap();
    let mut command = chartroom(&dir.0);
    command
        .args([
            "user",
            "create-admin",
            "smoke@example.org",
            "--password-file",
        ])
        .arg(&password)
        .env("CHARTROOM_DATABASE_URL", database.url());
    assert_eq!(run(command, PATIENCE).await.status.code(), Some(0));
    let files = [
        format!("--email-file={}", email.display()),
        format!("--password-file={}", password.display()),
    ];
    let (code, said, complaint) = smoke(&ports, &files.each_ref().map(String::as_str)).await;
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    assert!(
        said.ends_with("ok: signing out\n"),
        "an account that it was given stays: {said}"
    );
    assert_eq!(count(&database, "users").await, 1);
    std::fs::write(&password, "another password").unwrap();
    let (code, _, complaint) = smoke(&ports, &files.each_ref().map(String::as_str)).await;
    assert_eq!(code, 1);
    assert!(
        complaint.contains("POST http://") && complaint.contains("invalid_grant"),
        "{complaint}"
    );
}

#[tokio::test]
async fn what_does_not_answer_is_named_in_one_line() {
    let ports = Ports::reserve();
    let (code, said, complaint) = smoke(&ports, &[]).await;
    assert_eq!((code, said.as_str()), (1, ""));
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(
        complaint.contains(&format!("GET http://{}/readyz was not answered", ports.ops)),
        "{complaint}"
    );
}

/// TLS in front of a listener, as an ingress has it, and the authority that vouches for it.
async fn in_front_of(listener: std::net::SocketAddr) -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let (issuer, key) = (Issuer::new(params, key), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = front.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = front.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outer = acceptor.accept(stream).await?;
                let mut inner = TcpStream::connect(listener).await?;
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await
            });
        }
    });
    (port, authority)
}

#[tokio::test]
async fn https_is_asked_where_its_authority_is_trusted() {
    let (dir, ports) = (TempDir::new("smoke").unwrap(), Ports::reserve());
    let (_service, _database) = service(&dir, &ports, "closed").await;
    let (port, authority) = in_front_of(ports.public).await;
    let file = dir.0.join("authority.pem");
    let ask = async |pem: &str| {
        std::fs::write(&file, pem).unwrap();
        let mut command = chartroom(&dir.0);
        command
            .arg("smoke")
            .arg(format!("--url=https://localhost:{port}"))
            .arg(format!("--ops-url=http://{}", ports.ops))
            .env("SSL_CERT_FILE", &file);
        run(command, PATIENCE).await
    };
    let output = ask(&authority).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(said.contains("ok: it describes itself"), "{said}");

    let output = ask(&in_front_of(ports.public).await.1).await;
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    let url = format!("GET https://localhost:{port}/openapi.json was not answered: TLS failed");
    assert!(complaint.contains(&url), "{complaint}");

    let output = ask("nothing of the kind").await;
    let complaint = text(&output.stderr);
    assert!(complaint.contains("SSL_CERT_FILE"), "{complaint}");
}
