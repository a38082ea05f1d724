//! Settings that cannot work, and that nothing is asked where workloads are not let in.

use chartroom::config::Broken;
use chartroom::kernel::shutdown::{Shutdown, Timings};

use super::cluster::{AUDIENCE, ISSUER};
use super::*;
use crate::support::app::{KEYS, config};
use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service, chartroom};

#[tokio::test]
async fn where_it_is_off_nobody_is_asked() {
    let cluster = Cluster::start().await;
    let place = Place::on(cluster, &["--service-accounts-mode=off"]).await;
    assert_eq!(
        place.outcome(&place.workload("shop", "etl")).await,
        refused()
    );
    assert!(place.app.app.identity.workloads.is_none());
    let state = place.cluster.state();
    assert_eq!(
        (state.asked_keys, state.asked_rights, state.asked_reviews),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_its_key() {
    let cluster = Cluster::start().await;
    let database = TestDatabase::migrated().await;
    let refuses = |flags: &[&str], key: &str, problem: &str| {
        let flags = cluster.flags(flags);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let shutdown = Shutdown::new(Timings::default());
        let made = chartroom::app::serve::app(config(&flags), database.runtime(), None, shutdown);
        let error = made.err().unwrap_or_else(|| panic!("{key}: accepted"));
        let broken = error.downcast_ref::<Broken>().unwrap();
        assert_eq!(broken.key, format!("CHARTROOM_SERVICE_ACCOUNTS_{key}"));
        assert!(broken.problem.contains(problem), "{}", broken.problem);
    };
    refuses(
        &["--service-accounts-token-file=/nowhere"],
        "TOKEN_FILE",
        "cannot read the file",
    );
    refuses(
        &[
            "--service-accounts-server=https://kubernetes.default.svc",
            "--service-accounts-ca-file=/nowhere",
        ],
        "CA_FILE",
        "cannot read the file",
    );
    let same = format!("--service-accounts-audience={ISSUER}");
    refuses(&[&same], "AUDIENCE", "another audience");
    cluster.write_token(&json!([ISSUER, AUDIENCE]));
    refuses(&[], "AUDIENCE", "another audience");
    cluster.write_token(&json!([ISSUER]));
    let empty = std::env::temp_dir().join(format!("no-token-{}", Uuid::new_v4()));
    std::fs::write(&empty, "not a token").unwrap();
    let file = format!("--service-accounts-token-file={}", empty.display());
    refuses(&[&file], "ISSUER", "names none");
    std::fs::remove_file(empty).unwrap();
}

/// The issuer may be given where the token of the service does not name it, or another one.
#[tokio::test]
async fn the_issuer_that_is_set_counts() {
    let place = Place::new(&["--service-accounts-issuer=https://tokens.example"]).await;
    assert_eq!(
        place.outcome(&place.workload("shop", "etl")).await,
        refused()
    );
    let other = Token::of("shop", "etl").with("iss", json!("https://tokens.example"));
    let etl = Caller(place.cluster.rsa.sign(&other));
    assert_eq!(place.outcome(&etl).await, good());
}

/// Our image has none.
#[tokio::test]
async fn the_certificates_of_the_system_are_not_looked_for() {
    let (cluster, dir, ports) = (
        Cluster::start().await,
        TempDir::new("bare").unwrap(),
        Ports::reserve(),
    );
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertificateParams::default().self_signed(&key);
    let file = dir.0.join("ca.crt");
    std::fs::write(&file, authority.unwrap().pem()).unwrap();
    let file = format!("--service-accounts-ca-file={}", file.display());
    let mut command = chartroom(&dir.0);
    command
        .args(["serve", "--listen", &ports.public.to_string()])
        .args(["--ops-listen", &ports.ops.to_string()])
        .args(cluster.flags(&[
            "--service-accounts-server=https://kubernetes.default.svc",
            &file,
        ]))
        .env("CHARTROOM_KEYS_DIR", &*KEYS)
        .env(
            "CHARTROOM_DATABASE_URL",
            "postgres://nobody@127.0.0.1:1/none",
        )
        .envs([("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")]);
    let service = Service::spawn(command, ports.public, ports.ops);
    service.wait_unready("the database", PATIENCE).await;
}
