//! What a request head must satisfy before anything else looks at it.
//!
//! Paths are not normalised: `//`, `.`, `..`, `%2e%2e` and `%2F` mean themselves, match no route
//! and end as 404; the trailing slash is the router's. TRACE and unknown methods are left to the
//! router's 405, which knows `Allow`.

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, Uri, Version};

pub const MAX_URI: usize = 8 * 1024;
pub const MAX_HEADERS: usize = 64;
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
const MAX_HOST: usize = 255;
/// `: ` and CRLF.
const LINE_OVERHEAD: usize = 4;

/// Seen in the raw head and gone from the parsed one; the server puts it into the extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawFlaw {
    ConflictingLength,
    RepeatedLength,
    Fragment,
    BareLineFeed,
}

/// Each is answered with a problem document and `Connection: close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail())]
pub enum HeadRefusal {
    UriTooLong,
    TooManyHeaders,
    HeadersTooLarge,
    ConflictingLength,
    RepeatedLength,
    BareLineFeed,
    UnknownTransferCoding,
    MissingHost,
    BadHost,
    BadTarget,
    BadPath,
    ConnectUnsupported,
}

impl HeadRefusal {
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyHeaders | Self::HeadersTooLarge => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::UnknownTransferCoding | Self::ConnectUnsupported => StatusCode::NOT_IMPLEMENTED,
            Self::ConflictingLength
            | Self::RepeatedLength
            | Self::BareLineFeed
            | Self::MissingHost
            | Self::BadHost
            | Self::BadTarget
            | Self::BadPath => StatusCode::BAD_REQUEST,
        }
    }

    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::UriTooLong => "The request target is longer than 8 KiB.",
            Self::TooManyHeaders => "The request has more than 64 header fields.",
            Self::HeadersTooLarge => "The request's header fields are larger than 32 KiB.",
            Self::ConflictingLength => {
                "The request has both Content-Length and Transfer-Encoding; send one of them."
            }
            Self::RepeatedLength => {
                "The request needs exactly one Content-Length, a decimal number."
            }
            Self::BareLineFeed => "The lines of a request head end with CR and LF, not LF alone.",
            Self::UnknownTransferCoding => "The only transfer coding understood is chunked.",
            Self::MissingHost => "The request has no Host header field.",
            Self::BadHost => {
                "The request needs exactly one Host header field: a name or address, and a port if any."
            }
            Self::BadTarget => {
                "The request target must be a path with an optional query, or an http URL without user and fragment."
            }
            Self::BadPath => {
                "The path must be ASCII; percent-encoded bytes must be UTF-8 without control characters."
            }
            Self::ConnectUnsupported => "This server is not a proxy.",
        }
    }
}

/// Refuses what must not reach a route. It changes nothing; [`admit`] also normalises the target.
pub fn check(parts: &Parts) -> Result<(), HeadRefusal> {
    if let Some(flaw) = parts.extensions.get::<RawFlaw>() {
        return Err(match flaw {
            RawFlaw::ConflictingLength => HeadRefusal::ConflictingLength,
            RawFlaw::RepeatedLength => HeadRefusal::RepeatedLength,
            RawFlaw::Fragment => HeadRefusal::BadTarget,
            RawFlaw::BareLineFeed => HeadRefusal::BareLineFeed,
        });
    }
    sizes(parts)?;
    transfer_coding(parts)?;
    let authority = target(parts)?;
    host(parts, authority)?;
    path(parts.uri.path())
}

/// [`check`], then turns an absolute-form target into a path and a `Host`: its authority wins (RFC
/// 9112 3.2.2).
pub fn admit(parts: &mut Parts) -> Result<(), HeadRefusal> {
    check(parts)?;
    if parts.version == Version::HTTP_2 {
        return Ok(());
    }
    let Some(authority) = parts.uri.authority() else {
        return Ok(());
    };
    let host = HeaderValue::from_str(authority.as_str()).or(Err(HeadRefusal::BadHost))?;
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    parts.headers.insert(HOST, host);
    Ok(())
}

fn sizes(parts: &Parts) -> Result<(), HeadRefusal> {
    let path = parts.uri.path_and_query().map_or(0, |it| it.as_str().len());
    let authority = parts.uri.authority().map_or(0, |it| it.as_str().len());
    if path + authority > MAX_URI {
        return Err(HeadRefusal::UriTooLong);
    }
    if parts.headers.len() > MAX_HEADERS {
        return Err(HeadRefusal::TooManyHeaders);
    }
    let bytes: usize = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + LINE_OVERHEAD)
        .sum();
    if bytes > MAX_HEADER_BYTES {
        return Err(HeadRefusal::HeadersTooLarge);
    }
    Ok(())
}

/// Any other coding would leave the body's bytes for somebody else to guess at.
fn transfer_coding(parts: &Parts) -> Result<(), HeadRefusal> {
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(HeadRefusal::UnknownTransferCoding),
    }
}

/// The target's own authority, if it has one.
fn target(parts: &Parts) -> Result<Option<&str>, HeadRefusal> {
    let uri = &parts.uri;
    if parts.method == Method::CONNECT {
        return Err(HeadRefusal::ConnectUnsupported);
    }
    let authority = uri.authority().map(http::uri::Authority::as_str);
    match (uri.scheme_str(), authority) {
        (None, None) if uri.path().starts_with('/') => Ok(None),
        (None, None) if uri.path() == "*" && parts.method == Method::OPTIONS => Ok(None),
        (Some("http" | "https"), Some(authority)) => Ok(Some(authority)),
        _ => Err(HeadRefusal::BadTarget),
    }
}

fn host(parts: &Parts, authority: Option<&str>) -> Result<(), HeadRefusal> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if parts.version == Version::HTTP_10 => {}
        (None, _) if parts.version == Version::HTTP_2 && authority.is_some() => {}
        (None, _) => return Err(HeadRefusal::MissingHost),
        (Some(host), None) if is_host(host.as_bytes()) => {}
        (Some(_), _) => return Err(HeadRefusal::BadHost),
    }
    match authority {
        Some(authority) if !is_host(authority.as_bytes()) => Err(HeadRefusal::BadHost),
        _ => Ok(()),
    }
}

fn is_host(host: &[u8]) -> bool {
    if host.is_empty() || host.len() > MAX_HOST {
        return false;
    }
    let (name, port) = if let Some(inner) = host.strip_prefix(b"[") {
        let Some(end) = inner.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, rest) = inner.split_at(end);
        let valid = std::str::from_utf8(address)
            .is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        if !valid {
            return false;
        }
        (None, rest.get(1..).unwrap_or_default())
    } else {
        let end = host.iter().position(|byte| *byte == b':');
        let (name, port) = host.split_at(end.unwrap_or(host.len()));
        (Some(name), port)
    };
    let named = name.is_none_or(|name| {
        !name.is_empty()
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte))
    });
    named && is_port(port)
}

/// Nothing, or a colon and a number; RFC 3986 lets the number be missing.
fn is_port(port: &[u8]) -> bool {
    match port.split_first() {
        None => true,
        Some((b':', [])) => true,
        Some((b':', digits)) => {
            digits.len() <= 5
                && digits.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(digits).is_ok_and(|text| text.parse::<u16>().is_ok())
        }
        Some(_) => false,
    }
}

fn path(path: &str) -> Result<(), HeadRefusal> {
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(HeadRefusal::BadPath);
    }
    if !path.contains('%') {
        return Ok(());
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(bytes.next()), digit(bytes.next()));
            let (Some(high), Some(low)) = (high, low) else {
                return Err(HeadRefusal::BadPath);
            };
            u8::try_from(high * 16 + low).or(Err(HeadRefusal::BadPath))?
        } else {
            byte
        };
        if byte.is_ascii_control() {
            return Err(HeadRefusal::BadPath);
        }
        decoded.push(byte);
    }
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(HeadRefusal::BadPath),
    }
}
