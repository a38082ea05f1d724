//! A service for its own machine alone answers by this machine's names: a foreign page that a
//! browser was led to it with is refused.

use axum::body::Body;
use http::{Method, Request, StatusCode, Version};

use crate::support::app::TestApp;
use crate::support::client::{Client, get};
use crate::support::sockets::Served;

async fn by(app: &TestApp, host: &str, more: &[(&str, &str)]) -> StatusCode {
    let headers = [&[("host", host)], more].concat();
    let answer = app
        .send(Method::GET, "/api/v1/version", &headers, Body::empty())
        .await;
    if answer.status != StatusCode::OK {
        assert_eq!(answer.problem(), "misdirected-request", "{host}");
    }
    answer.status
}

#[tokio::test]
async fn audit_l10_on_loopback_only_own_names_are_answered() {
    let (own, foreign) = (StatusCode::OK, StatusCode::MISDIRECTED_REQUEST);
    for listen in ["--listen=127.0.0.1:8080", "--listen=[::1]:8080"] {
        let app = TestApp::with(
            &[listen, "--public-url=https://charts.example"],
            Default::default(),
        )
        .await;
        for host in [
            "localhost",
            "localhost:1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "charts.example",
            "CHARTS.example:443",
        ] {
            assert_eq!(by(&app, host, &[]).await, own, "{host}");
        }
        for host in [
            "evil.test",
            "evil.test:8080",
            "localhost.evil.test",
            "192.0.2.1",
        ] {
            assert_eq!(by(&app, host, &[]).await, foreign, "{host}");
            for header in ["x-forwarded-host", "forwarded", "x-original-host"] {
                let value = if header == "forwarded" {
                    "host=localhost"
                } else {
                    "localhost"
                };
                assert_eq!(
                    by(&app, host, &[(header, value)]).await,
                    foreign,
                    "{header}"
                );
            }
        }
        assert_eq!(
            by(&app, "localhost", &[("x-forwarded-host", "evil.test")]).await,
            own
        );
        // HTTP/2 names the host in the target.
        for (target, expected) in [
            ("http://localhost/api/v1/version", own),
            ("http://evil.test/api/v1/version", foreign),
        ] {
            let request = Request::get(target)
                .version(Version::HTTP_2)
                .body(Body::empty());
            let answer = app.shell.clone().handle(request.unwrap()).await;
            assert_eq!(answer.status(), expected, "{target}");
        }
    }
}

/// Who may reach another address is for others to say.
#[tokio::test]
async fn on_other_addresses_every_name_is_answered() {
    for listen in [
        "--listen=0.0.0.0:8080",
        "--listen=[::]:8080",
        "--listen=192.0.2.1:80",
    ] {
        let app = TestApp::with(&[listen], Default::default()).await;
        assert_eq!(by(&app, "evil.test", &[]).await, StatusCode::OK, "{listen}");
    }
}

#[tokio::test]
async fn audit_l10_the_ops_listener_too() {
    for (listen, expected) in [("127.0.0.1:9090", 421), ("0.0.0.0:9090", 200)] {
        let app = TestApp::with(&[&format!("--ops-listen={listen}")], Default::default()).await;
        let served = Served::ops(app.app.clone()).await;
        let ops = Client::fresh(served.addr);
        for path in ["/livez", "/readyz?gate=start", "/metrics"] {
            let mut request = get(path);
            request
                .headers_mut()
                .insert("host", "evil.test".parse().unwrap());
            let answer = ops.send(request).await.unwrap();
            if expected == 421 {
                assert_eq!(answer.json()["code"], "misdirected-request", "{path}");
            }
            if path != "/readyz?gate=start" {
                assert_eq!(answer.status, expected, "{path}");
                assert_eq!(ops.get(path).await.unwrap().status, 200, "{path}");
            }
        }
    }
}
