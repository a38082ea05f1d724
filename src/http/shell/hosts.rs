//! Whose name a request may come by. A service for its own machine alone is reached by foreign
//! pages too, where a name of theirs leads to the machine (DNS rebinding): to a browser that is one
//! origin. The name in `Host` gives them away.

use std::net::{IpAddr, SocketAddr};

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::kernel::error::{ApiError, Code};

/// The names by which a service on a loopback address answers; on any other address others decide
/// who reaches it.
pub struct Hosts(Option<Names>);

struct Names {
    /// Of the public URL, for a proxy on the same machine.
    public: Option<String>,
}

impl Hosts {
    pub fn new(listen: SocketAddr, public_url: &str) -> Self {
        Self(listen.ip().is_loopback().then(|| {
            Names {
                public: public_url
                    .split_once("://")
                    .and_then(|(_, authority)| authority.parse::<Authority>().ok())
                    .map(|authority| authority.host().to_owned()),
            }
        }))
    }

    /// After the head was checked: there is one `Host`, and it is well-formed. HTTP/2 names it in
    /// the target.
    pub fn check(&self, parts: &Parts) -> Result<(), ApiError> {
        let Some(names) = &self.0 else {
            return Ok(());
        };
        let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let named = named.or(parts.uri.authority().map(Authority::as_str));
        match named.map(name_of) {
            Some(host) if !names.have(host) => Err(ApiError::new(
                Code::MisdirectedRequest,
                "this service listens for its own machine alone, and answers by the name localhost and by that of its public URL; ask by one of them, or set CHARTROOM_PUBLIC_URL where you run it",
            )),
            _ => Ok(()),
        }
    }
}

impl Names {
    fn have(&self, host: &str) -> bool {
        let is_public = |public: &String| public.eq_ignore_ascii_case(host);
        is_local(host) || self.public.as_ref().is_some_and(is_public)
    }
}

/// Without the port.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => authority,
    }
}

/// Names that nobody can lead elsewhere (RFC 6761, 6.3), and addresses.
fn is_local(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Ok(address) = address.unwrap_or(host).parse::<IpAddr>() {
        return address.is_loopback();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let top = host.rsplit('.').next().unwrap_or(host);
    top.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_told_from_others() {
        let names = Names {
            public: Some("Chartroom.example".to_owned()),
        };
        for host in [
            "localhost",
            "LOCALHOST:80",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1",
            "127.9.9.9:8080",
            "[::1]",
            "[::1]:8080",
            "chartroom.example:443",
            "localhost:",
        ] {
            assert!(names.have(name_of(host)), "{host}");
        }
        for host in [
            "evil.test",
            "localhost.evil.test",
            "evil-localhost",
            "127.0.0.1.evil.test",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::2]:80",
            "chartroom.example.evil.test",
            "xchartroom.example",
            "",
        ] {
            assert!(!names.have(name_of(host)), "{host}");
        }
    }
}
