//! The ID token: a provider's word on who somebody is, and whether it is good here (OpenID Connect
//! Core, 3.1.3.7).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::identity::jwks::{Algorithm, Audiences, LEEWAY_SECONDS, Parts, Signed};

/// OpenID Connect Core, 2.
const LONGEST_SUBJECT: usize = 255;

/// Keys are never taken from the token: where its header names some, nobody looks.
#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: String,
    typ: Option<String>,
    /// Something that must be understood, and is not.
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    sub: String,
    aud: Audiences,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    #[serde(flatten)]
    said: Said,
}

/// What a provider says about a person beside who it is. What has another form than it should is
/// as if it were not said.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Said {
    email: Option<Value>,
    email_verified: Option<Value>,
    preferred_username: Option<Value>,
    name: Option<Value>,
    groups: Option<Value>,
}

/// A token in its parts, of which nothing is proven.
pub struct Unproven<'a> {
    pub signed: Signed<'a>,
    body: Vec<u8>,
}

/// What a token has to say to be good.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: i64,
}

/// Who it is, as the provider has signed it.
#[derive(Debug)]
pub struct Proven {
    pub subject: String,
    pub said: Said,
}

/// Why a token is not good; a clause that can follow what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it is not in the form that is taken here, which is a JWT with RS256 or ES256")]
    Form,
    #[error("it is not signed by a key of the provider")]
    Signature,
    #[error("it comes from another issuer")]
    Issuer,
    #[error("it is for another service")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it begins in the future; compare the clocks")]
    Early,
    #[error("it belongs to another sign-in")]
    Nonce,
    #[error("it is about somebody else")]
    Subject,
}

impl<'a> Unproven<'a> {
    pub fn of(token: &'a str) -> Option<Self> {
        let Parts {
            header,
            body,
            message,
            signature,
        } = Parts::of(token)?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        let is_jwt = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if !is_jwt || header.crit.is_some() {
            return None;
        }
        let signed = Signed {
            algorithm: header.alg,
            kid: header.kid,
            message,
            signature,
        };
        Some(Self { signed, body })
    }

    /// To be asked once the signature is proven.
    pub fn judge(&self, expected: &Expected<'_>) -> Result<Proven, Flaw> {
        let body: Body = serde_json::from_slice(&self.body).or(Err(Flaw::Form))?;
        let Expected {
            issuer,
            client_id,
            nonce,
            now,
        } = *expected;
        if body.iss != issuer {
            return Err(Flaw::Issuer);
        }
        let audiences = body.aud.all();
        let is_for_us = audiences.iter().any(|one| one == client_id);
        let is_shared = audiences.len() > 1;
        let is_ours = match &body.azp {
            Some(azp) => azp == client_id,
            None => !is_shared,
        };
        if !is_for_us || !is_ours {
            return Err(Flaw::Audience);
        }
        if body.exp <= now {
            return Err(Flaw::Expired);
        }
        let latest = now + LEEWAY_SECONDS;
        if body.iat > latest || body.nbf.is_some_and(|begin| begin > latest) {
            return Err(Flaw::Early);
        }
        if body.nonce.as_deref() != Some(nonce) {
            return Err(Flaw::Nonce);
        }
        let length = body.sub.chars().count();
        if !(1..=LONGEST_SUBJECT).contains(&length) || body.sub.chars().any(char::is_control) {
            return Err(Flaw::Form);
        }
        Ok(Proven {
            subject: body.sub,
            said: body.said,
        })
    }
}

impl Said {
    /// What the one does not say, the other may.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        // An email belongs together with the word on whether it is verified.
        let (email, email_verified) = match self.email {
            Some(email) => (Some(email), self.email_verified),
            None => (other.email, other.email_verified),
        };
        Self {
            email,
            email_verified,
            preferred_username: self.preferred_username.or(other.preferred_username),
            name: self.name.or(other.name),
            groups: self.groups.or(other.groups),
        }
    }

    pub fn email(&self) -> Option<&str> {
        self.email.as_ref()?.as_str()
    }

    /// `None` where the provider does not say it.
    pub fn is_email_verified(&self) -> Option<bool> {
        // Some write it as a text.
        let value = self.email_verified.as_ref()?;
        Some(value == &Value::Bool(true) || value == "true")
    }

    pub fn username(&self) -> Option<&str> {
        self.preferred_username.as_ref()?.as_str()
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_ref()?.as_str()
    }

    pub fn has_groups(&self) -> bool {
        self.groups.is_some()
    }

    pub fn groups(&self) -> BTreeSet<&str> {
        match &self.groups {
            Some(Value::String(one)) => [one.as_str()].into(),
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => BTreeSet::new(),
        }
    }
}
