//! The client against listeners that answer, lie or keep silent.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::service::service_fn;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(20),
    answer_bytes: 1000,
};

async fn listen(address: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind(address).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Answers every request of a connection with what was asked, by whom and with which body.
async fn echo(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let service = service_fn(|request: Request<hyper::body::Incoming>| async {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = format!(
            "{} {} {:?} {body:?}",
            head.method, head.uri, head.headers[HOST]
        );
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

async fn text(client: &Client, request: Request<Bytes>) -> String {
    let answer = client.ask(request).await.unwrap();
    String::from_utf8(answer.into_body().to_vec()).unwrap()
}

/// What a client makes of raw bytes, after which the connection ends.
async fn of(bytes: &'static [u8]) -> Result<Response<Bytes>, NetError> {
    let (listener, port) = listen("127.0.0.1:0").await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1000]).await;
        let _ = stream.write_all(bytes).await;
    });
    let client = Client::new(LIMITS);
    client.ask(get(&format!("http://127.0.0.1:{port}/"))).await
}

#[tokio::test]
async fn a_request_arrives_and_its_answer_comes_back() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (listener, port) = listen(address).await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(echo(stream));
            }
        });
        let client = Client::new(LIMITS);
        let host = address.replace(":0", &format!(":{port}"));
        let request = Request::post(format!("http://{host}/a?b=c"));
        let request = request.body(Bytes::from_static(b"said")).unwrap();
        let expected = format!("POST /a?b=c {host:?} b\"said\"");
        assert_eq!(text(&client, request).await, expected);
        let expected = format!("GET / {host:?} b\"\"");
        assert_eq!(
            text(&client, get(&format!("http://{host}"))).await,
            expected
        );
    }
}

#[tokio::test]
async fn an_answer_is_bounded_in_size() {
    let fits = of(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone").await;
    assert_eq!(fits.unwrap().status(), 404);
    let announced = of(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await;
    assert!(
        matches!(announced, Err(NetError::TooLarge(1000))),
        "{announced:?}"
    );
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'a'; 2000]].concat();
    let endless = of(endless.leak()).await;
    assert!(
        matches!(endless, Err(NetError::TooLarge(1000))),
        "{endless:?}"
    );
    let head = [
        b"HTTP/1.1 200 OK\r\na: ".as_slice(),
        &[b'a'; 2 * MOST_HEAD_BYTES],
    ]
    .concat();
    let head = of(head.leak()).await;
    assert!(matches!(head, Err(NetError::Broken(_))), "{head:?}");
}

#[tokio::test]
async fn what_does_not_answer_well_is_told_apart() {
    let closed = of(b"").await.unwrap_err();
    assert!(matches!(closed, NetError::Broken(_)), "{closed}");
    let foreign = of(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap_err();
    assert!(matches!(foreign, NetError::Broken(_)), "{foreign}");
    assert!(!foreign.to_string().contains("SSH"), "{foreign}");

    let (listener, port) = listen("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{port}/");
    let hasty = Client::new(Limits {
        time: Duration::from_millis(100),
        ..LIMITS
    });
    // The listener's backlog takes the connection, and nobody answers.
    let silent = hasty.ask(get(&url)).await.unwrap_err();
    assert!(matches!(silent, NetError::TooSlow(_)), "{silent}");
    drop(listener);
    let refused = Client::new(LIMITS).ask(get(&url)).await.unwrap_err();
    assert_eq!(refused.to_string(), "connection refused");
    let unknown = get("http://nobody.invalid/");
    let unknown = Client::new(LIMITS).ask(unknown).await.unwrap_err();
    assert!(matches!(unknown, NetError::Unresolved), "{unknown}");
}

#[tokio::test]
async fn an_answer_is_followed_while_it_comes_and_given_up_when_it_is_silent() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    // Longer than the head may take, and much larger than an answer may be.
    let chunk = [b"1388\r\n".as_slice(), &[b'a'; 5000], b"\r\n"].concat();
    let (listener, port) = listen("127.0.0.1:0").await;
    tokio::spawn(async move {
        for is_ended in [true, false] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let chunk = chunk.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1000]).await;
                stream.write_all(HEAD).await.unwrap();
                for _ in 0..4 {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    stream.write_all(&chunk).await.unwrap();
                }
                match is_ended {
                    true => stream.write_all(b"0\r\n\r\n").await.unwrap(),
                    // Until the client gives up.
                    false => drop(stream.read(&mut [0; 1]).await),
                }
            });
        }
    });
    let client = Client::new(Limits {
        time: Duration::from_millis(500),
        ..LIMITS
    });
    let silence = Duration::from_secs(2);
    for end in ["an end", "silence"] {
        let url = format!("http://127.0.0.1:{port}/");
        let answer = client.follow(get(&url), silence).await.unwrap();
        let (mut flow, mut bytes) = (answer.into_body(), 0);
        let ended = loop {
            match flow.next().await {
                Ok(Some(data)) => bytes += data.len(),
                ended => break ended,
            }
        };
        assert_eq!(bytes, 4 * 5000);
        match end {
            "an end" => assert!(matches!(ended, Ok(None)), "{ended:?}"),
            _ => assert_eq!(ended.unwrap_err().to_string(), "nothing came for 2 s"),
        }
    }
}

#[tokio::test]
async fn the_head_of_what_is_followed_and_the_rest_of_what_is_not_are_bounded() {
    let (listener, port) = listen("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{port}/");
    let hasty = Client::new(Limits {
        time: Duration::from_millis(100),
        ..LIMITS
    });
    let silent = hasty.follow(get(&url), LIMITS.time).await.err().unwrap();
    assert!(matches!(silent, NetError::TooSlow(_)), "{silent}");
    drop(listener);

    for (answer, fits) in [(b"none".as_slice(), true), (&[b'a'; 2000], false)] {
        let (listener, port) = listen("127.0.0.1:0").await;
        let head = b"HTTP/1.1 404 Not Found\r\n\r\n".as_slice();
        let whole = [head, answer].concat();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1000]).await;
            let _ = stream.write_all(&whole).await;
        });
        let client = Client::new(LIMITS);
        let url = format!("http://127.0.0.1:{port}/");
        let head = client.follow(get(&url), LIMITS.time).await.unwrap();
        assert_eq!(head.status(), 404);
        match client.rest(head).await {
            Ok(rest) => assert!(fits && rest.body() == "none"),
            Err(error) => assert!(
                !fits && matches!(error, NetError::TooLarge(1000)),
                "{error}"
            ),
        }
    }
}

#[tokio::test]
async fn a_url_has_a_scheme_and_a_host_and_no_password() {
    for url in [
        "/path",
        "host:80",
        "ftp://host/",
        "http://:80/",
        "http://a:s3cret@host/",
    ] {
        let Ok(request) = Request::get(url).body(Bytes::new()) else {
            continue;
        };
        let refused = Client::new(LIMITS).ask(request).await.unwrap_err();
        assert!(matches!(refused, NetError::Url(_)), "{url}: {refused}");
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
}

#[tokio::test]
async fn https_takes_a_certificate_of_a_known_authority_for_the_name_alone() {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap();
    let authority = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (listener, port) = listen("127.0.0.1:0").await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(echo(stream));
            }
        }
    });

    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let trusting = Client {
        limits: LIMITS,
        tls: Tls::trusting(roots),
    };
    let url = format!("https://localhost:{port}/a");
    let expected = format!("GET /a \"localhost:{port}\" b\"\"");
    assert_eq!(text(&trusting, get(&url)).await, expected);
    let by_address = get(&format!("https://127.0.0.1:{port}/a"));
    let wrong_name = trusting.ask(by_address).await.unwrap_err();
    assert!(
        wrong_name.to_string().contains("certificate"),
        "{wrong_name}"
    );

    let stranger = Client {
        limits: LIMITS,
        tls: Tls::trusting(rustls::RootCertStore::empty()),
    };
    let unknown = stranger.ask(get(&url)).await.unwrap_err();
    assert!(unknown.to_string().contains("UnknownIssuer"), "{unknown}");
}
