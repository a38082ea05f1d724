//! The client's address: from the peer, or from the one header of a trusted proxy, read from its
//! right end.

use axum::body::Body;
use chartroom::http::shell::client::ClientAddress;
use chartroom::identity::api::AppState;
use chartroom::kernel::error::ApiError;
use chartroom::server::Peer;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use utoipa_axum::router::OpenApiRouter;

use crate::support::app::{TestApp, config};

const PROXIES: &str = "10.0.0.0/8,192.0.2.7,fd00::/8";

fn client(flags: &[&str], peer: &str, headers: &[(&str, &str)]) -> String {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    ClientAddress::of(&config(flags).http, peer.parse().unwrap(), &map)
        .0
        .to_string()
}

/// Names and values, in the order of their arrival.
type Lines<'a> = &'a [(&'a str, &'a str)];

const X: &str = "x-forwarded-for";
const F: &str = "forwarded";

#[test]
fn x_forwarded_for_is_read_from_its_trusted_end() {
    let flags = ["--trusted-proxies", PROXIES];
    let table: &[(&str, Lines<'_>, &str)] = &[
        // Nobody is believed but a listed peer.
        ("203.0.113.9", &[], "203.0.113.9"),
        ("203.0.113.9", &[(X, "198.51.100.1")], "203.0.113.9"),
        ("::ffff:203.0.113.9", &[(X, "198.51.100.1")], "203.0.113.9"),
        ("2001:db8::9", &[(X, "198.51.100.1")], "2001:db8::9"),
        // A listed peer without the header is the client itself.
        ("10.1.1.1", &[], "10.1.1.1"),
        ("10.1.1.1", &[(X, "")], "10.1.1.1"),
        ("10.1.1.1", &[(X, "198.51.100.1")], "198.51.100.1"),
        ("::ffff:10.1.1.1", &[(X, "198.51.100.1")], "198.51.100.1"),
        ("fd00::1", &[(X, "2001:db8::5")], "2001:db8::5"),
        // What the client wrote itself stands on the left.
        ("10.1.1.1", &[(X, "1.1.1.1, 198.51.100.1")], "198.51.100.1"),
        ("10.1.1.1", &[(X, "10.9.9.9, 198.51.100.1")], "198.51.100.1"),
        (
            "10.1.1.1",
            &[(X, "1.1.1.1, 198.51.100.1, 192.0.2.7, 10.2.2.2")],
            "198.51.100.1",
        ),
        (
            "10.1.1.1",
            &[(X, "198.51.100.1, ::ffff:10.2.2.2")],
            "198.51.100.1",
        ),
        // All listed: the farthest.
        ("10.1.1.1", &[(X, "10.3.3.3, 10.2.2.2")], "10.3.3.3"),
        // Repeated lines are one list.
        (
            "10.1.1.1",
            &[(X, "1.1.1.1"), (X, "198.51.100.1")],
            "198.51.100.1",
        ),
        (
            "10.1.1.1",
            &[(X, "198.51.100.1"), (X, "10.2.2.2")],
            "198.51.100.1",
        ),
        (
            "10.1.1.1",
            &[(X, "198.51.100.1"), ("X-Forwarded-For", "10.2.2.2,")],
            "198.51.100.1",
        ),
        // Another header is another header.
        (
            "10.1.1.1",
            &[("x_forwarded_for", "198.51.100.1")],
            "10.1.1.1",
        ),
        (
            "10.1.1.1",
            &[(X, "198.51.100.1"), ("x_forwarded_for", "1.1.1.1")],
            "198.51.100.1",
        ),
        (
            "10.1.1.1",
            &[("x-real-ip", "1.1.1.1"), ("true-client-ip", "1.1.1.1")],
            "10.1.1.1",
        ),
        ("10.1.1.1", &[(F, "for=1.1.1.1")], "10.1.1.1"),
        (
            "10.1.1.1",
            &[(F, "for=1.1.1.1"), (X, "198.51.100.1")],
            "198.51.100.1",
        ),
        // Forms of an address.
        ("10.1.1.1", &[(X, "198.51.100.1:4711")], "198.51.100.1"),
        ("10.1.1.1", &[(X, "[2001:db8::5]:4711")], "2001:db8::5"),
        ("10.1.1.1", &[(X, "[2001:db8::5]")], "2001:db8::5"),
        ("10.1.1.1", &[(X, "  198.51.100.1\t")], "198.51.100.1"),
        // What cannot be read ends the walk; nothing left of it has a witness.
        ("10.1.1.1", &[(X, "198.51.100.1, unknown")], "10.1.1.1"),
        (
            "10.1.1.1",
            &[(X, "198.51.100.1, unknown, 10.2.2.2")],
            "10.2.2.2",
        ),
        ("10.1.1.1", &[(X, "1.1.1.1, 198.51.100.01")], "10.1.1.1"),
        ("10.1.1.1", &[(X, "1.1.1.1, fe80::1%eth0")], "10.1.1.1"),
        ("10.1.1.1", &[(X, "1.1.1.1, [198.51.100.1]")], "10.1.1.1"),
        ("10.1.1.1", &[(X, "1.1.1.1"), (X, "\u{e9}")], "10.1.1.1"),
    ];
    for (peer, headers, expected) in table {
        assert_eq!(
            client(&flags, peer, headers),
            *expected,
            "{peer} {headers:?}"
        );
    }
    // Without proxies nothing is believed, loopback and private peers included.
    for peer in ["127.0.0.1", "10.1.1.1", "::1"] {
        assert_eq!(
            client(&[], peer, &[(X, "1.1.1.1"), (F, "for=1.1.1.1")]),
            peer
        );
    }
}

#[test]
fn forwarded_is_read_where_it_is_configured() {
    let flags = [
        "--trusted-proxies",
        PROXIES,
        "--forwarded-header",
        "forwarded",
    ];
    let table: &[(Lines<'_>, &str)] = &[
        (&[(X, "1.1.1.1")], "10.1.1.1"),
        (&[(F, "for=198.51.100.1")], "198.51.100.1"),
        (
            &[(F, "FOR=198.51.100.1;proto=https;by=10.1.1.1")],
            "198.51.100.1",
        ),
        (
            &[(F, "proto=https; for=\"[2001:db8::5]:4711\"")],
            "2001:db8::5",
        ),
        (
            &[(F, "for=1.1.1.1, for=198.51.100.1, for=10.2.2.2")],
            "198.51.100.1",
        ),
        (
            &[(F, "for=1.1.1.1"), (F, "for=198.51.100.1")],
            "198.51.100.1",
        ),
        // A quote that the client opened swallows nothing that a proxy appended.
        (&[(F, "for=\"1.1.1.1, for=198.51.100.1")], "198.51.100.1"),
        (&[(F, "for=1.1.1.1, for=unknown")], "10.1.1.1"),
        (&[(F, "for=1.1.1.1, for=_hidden")], "10.1.1.1"),
        (&[(F, "for=1.1.1.1, by=10.1.1.1")], "10.1.1.1"),
        (&[(F, "for=1.1.1.1;for=2.2.2.2")], "10.1.1.1"),
    ];
    for (headers, expected) in table {
        assert_eq!(
            client(&flags, "10.1.1.1", headers),
            *expected,
            "{headers:?}"
        );
    }
}

#[utoipa::path(get, path = "/who", responses((status = 200), ApiError))]
async fn who(ClientAddress(address): ClientAddress) -> String {
    address.to_string()
}

/// The handler's view, through the whole middleware.
#[tokio::test]
async fn a_handler_is_told_the_client() {
    let routes = OpenApiRouter::<AppState>::new().routes(utoipa_axum::routes!(who));
    let app = TestApp::with(&["--trusted-proxies", "10.0.0.0/8"], routes).await;
    for (peer, expected) in [
        ([10, 1, 1, 1], "198.51.100.1"),
        ([203, 0, 113, 9], "203.0.113.9"),
    ] {
        let request = Request::get("/who")
            .header("host", "localhost")
            .header(X, "1.1.1.1, 198.51.100.1")
            .extension(Peer((peer, 4711).into()))
            .body(Body::empty())
            .unwrap();
        let answer = app.shell.clone().handle(request).await;
        let body = axum::body::to_bytes(answer.into_body(), 1_000)
            .await
            .unwrap();
        assert_eq!(body, expected.as_bytes());
    }
}
