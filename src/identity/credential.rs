//! What a request brings to say who it is: one of the four kinds, taken apart but believed in
//! nothing.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use secrecy::SecretString;

use crate::http::openapi::COOKIE_NAME;
use crate::kernel::error::{ApiError, Code};

pub const API_TOKEN_PREFIX: &str = "crt_";

pub enum Presented {
    Bearer(String),
    ApiToken(SecretString),
    Basic {
        login: String,
        password: SecretString,
    },
    Cookie(SecretString),
}

/// The credential of a request; `Authorization` wins over the cookie. Two `Authorization` headers
/// are a mistake or an attack.
pub fn presented(headers: &HeaderMap) -> Result<Option<Presented>, ApiError> {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    match (authorizations.next(), authorizations.next()) {
        (Some(_), Some(_)) => Err(ApiError::new(
            Code::BadRequest,
            "there are two Authorization headers; send one",
        )),
        (Some(value), None) => {
            // What is no text is no good credential either, and is answered like one.
            let value = String::from_utf8_lossy(value.as_bytes());
            let (scheme, rest) = value.split_once(' ').ok_or_else(not_understood)?;
            authorization(scheme, rest).map(Some)
        }
        (None, _) => Ok(cookie(headers).map(|secret| Presented::Cookie(secret.into()))),
    }
}

fn not_understood() -> ApiError {
    ApiError::new(
        Code::Unauthenticated,
        "the Authorization header is neither `Bearer <token>` nor `Basic <credentials>`",
    )
}

fn authorization(scheme: &str, rest: &str) -> Result<Presented, ApiError> {
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(if rest.starts_with(API_TOKEN_PREFIX) {
            Presented::ApiToken(rest.into())
        } else {
            Presented::Bearer(rest.to_owned())
        });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(not_understood());
    }
    let decoded = BASE64_STANDARD
        .decode(rest.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(not_understood)?;
    // The first colon ends the name; the password may hold more of them (RFC 7617, 2).
    let (login, password) = decoded.split_once(':').ok_or_else(not_understood)?;
    if password.starts_with(API_TOKEN_PREFIX) {
        return Ok(Presented::ApiToken(password.into()));
    }
    Ok(Presented::Basic {
        login: login.to_owned(),
        password: password.into(),
    })
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use secrecy::ExposeSecret as _;

    fn of(headers: &[(&'static str, &str)]) -> Result<Option<Presented>, ApiError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        presented(&map)
    }

    #[test]
    fn each_kind_is_told_apart() {
        assert!(matches!(of(&[]), Ok(None)));
        assert!(
            matches!(of(&[("authorization", "bearer x.y.z")]), Ok(Some(Presented::Bearer(token))) if token == "x.y.z")
        );
        assert!(matches!(
            of(&[("authorization", "Bearer crt_x")]),
            Ok(Some(Presented::ApiToken(_)))
        ));
        let basic = format!("Basic {}", BASE64_STANDARD.encode("ann@example.com:p:w é"));
        assert!(
            matches!(of(&[("authorization", &basic)]), Ok(Some(Presented::Basic { login, password })) if login == "ann@example.com" && password.expose_secret() == "p:w é")
        );
        let machine = format!("Basic {}", BASE64_STANDARD.encode("anything:crt_x"));
        assert!(matches!(
            of(&[("authorization", &machine), ("cookie", "__Host-session=a")]),
            Ok(Some(Presented::ApiToken(_)))
        ));
        assert!(
            matches!(of(&[("cookie", "a=b; __Host-session=s3; c=d")]), Ok(Some(Presented::Cookie(secret))) if secret.expose_secret() == "s3")
        );
        assert!(matches!(of(&[("cookie", "x__Host-session=s3")]), Ok(None)));
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for bad in ["", "Bearer", "Digest x", "Basic !!!", "Basic eA=="] {
            assert_eq!(
                of(&[("authorization", bad)]).err().map(|error| error.code),
                Some(Code::Unauthenticated),
                "{bad}"
            );
        }
        assert_eq!(
            of(&[("authorization", "Bearer a"), ("authorization", "Bearer b")])
                .err()
                .map(|error| error.code),
            Some(Code::BadRequest)
        );
    }
}
