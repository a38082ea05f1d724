//! Access tokens (RFC 9068, ES256) and refresh tokens.
//!
//! An access token is accepted in exactly the form in which we make it: another header member,
//! another claim, another type refuses it, so none of the ways to say the same thing differently is
//! a second token. A refresh token is derived from its session and its generation, so none is
//! stored.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::{KeySet, Keys};
use crate::kernel::generations::Generations;
use crate::kernel::types::{PrincipalId, SessionId};

const TYPE: &str = "at+jwt";
/// Who the tokens are for: there is one client, the person's own.
const CLIENT: &str = "chartroom";
/// How far another replica's clock may be ahead.
const LEEWAY_SECONDS: i64 = 30;
/// Longer than any of ours.
const LONGEST: usize = 2_048;
const REFRESH_PREFIX: &str = "crr_";

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: PrincipalId,
    pub client_id: String,
    pub sid: SessionId,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
    /// Instance administrator; a change of it ends the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adm: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// That a token is not good; why is nobody's business.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

/// A refresh token taken apart and proven to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    pub session: SessionId,
    pub generation: i64,
}

pub struct Tokens {
    keys: Arc<Keys>,
    issuer: String,
    audience: String,
    /// Whether verified tokens are remembered at all.
    remembers: bool,
    verified: Mutex<Verified>,
}

/// Tokens whose signature was checked before.
struct Verified {
    /// The keys they were checked with; when these change, everything is checked again.
    keys: Option<Arc<KeySet>>,
    claims: Generations<Box<str>, Arc<Claims>>,
}

impl Verified {
    fn find(&self, token: &str, keys: &Arc<KeySet>) -> Option<Arc<Claims>> {
        let is_of_these = self.keys.as_ref().is_some_and(|of| Arc::ptr_eq(of, keys));
        is_of_these.then(|| self.claims.find(token).cloned())?
    }

    fn remember(&mut self, token: &str, claims: &Arc<Claims>, keys: &Arc<KeySet>) {
        if !self.keys.as_ref().is_some_and(|of| Arc::ptr_eq(of, keys)) {
            self.keys = Some(keys.clone());
            self.claims.clear();
        }
        self.claims.put(token.into(), claims.clone());
    }
}

impl Tokens {
    /// `cache` is how many verified tokens are remembered, at most.
    pub fn new(keys: Arc<Keys>, issuer: String, audience: String, cache: usize) -> Self {
        Self {
            keys,
            issuer,
            audience,
            remembers: cache > 0,
            verified: Mutex::new(Verified {
                keys: None,
                claims: Generations::new(cache),
            }),
        }
    }

    pub fn issue(
        &self,
        subject: PrincipalId,
        session: SessionId,
        is_admin: bool,
        now: DateTime<Utc>,
        seconds: i64,
    ) -> anyhow::Result<String> {
        let keys = self.keys.current();
        let key = keys
            .signing()
            .ok_or_else(|| anyhow::anyhow!("no signing key"))?;
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject,
            client_id: CLIENT.to_owned(),
            sid: session,
            iat: now.timestamp(),
            exp: now.timestamp() + seconds,
            jti: Uuid::now_v7(),
            adm: is_admin,
        };
        Ok(jsonwebtoken::encode(&header, &claims, &key.sign)?)
    }

    /// The claims of a token that is ours, whole and of this time. Revocation is another question.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Arc<Claims>, Refused> {
        let keys = self.keys.current();
        let known = self
            .remembers
            .then(|| self.verified().find(token, &keys))
            .flatten();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.check(token, &keys)?);
                if self.remembers {
                    self.verified().remember(token, &claims, &keys);
                }
                claims
            }
        };
        let is_timely =
            claims.exp > now.timestamp() && claims.iat <= now.timestamp() + LEEWAY_SECONDS;
        if is_timely { Ok(claims) } else { Err(Refused) }
    }

    fn verified(&self) -> MutexGuard<'_, Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, token: &str, keys: &KeySet) -> Result<Claims, Refused> {
        if token.len() > LONGEST {
            return Err(Refused);
        }
        let header = token.split('.').next().ok_or(Refused)?;
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).or(Err(Refused))?;
        let header: StrictHeader = serde_json::from_slice(&header).or(Err(Refused))?;
        if header.alg != "ES256" || header.typ != TYPE {
            return Err(Refused);
        }
        let key = keys.find(&header.kid).ok_or(Refused)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are judged by the caller, on every use and not only on the first.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verify, &validation)
            .or(Err(Refused))?
            .claims;
        if claims.client_id == CLIENT {
            Ok(claims)
        } else {
            Err(Refused)
        }
    }

    pub fn refresh_token(&self, refresh: Refresh) -> anyhow::Result<String> {
        let keys = self.keys.current();
        let key = keys
            .signing()
            .ok_or_else(|| anyhow::anyhow!("no signing key"))?;
        let mut bytes = refresh.bytes();
        let tag = hmac::sign(&key.derive, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        Ok(format!(
            "{REFRESH_PREFIX}{}",
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        ))
    }

    pub fn parse_refresh(&self, token: &str) -> Result<Refresh, Refused> {
        Refresh::parse(token, &self.keys.current())
    }
}

impl Refresh {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(56);
        bytes.extend_from_slice(self.session.0.as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes
    }

    fn parse(token: &str, keys: &KeySet) -> Result<Self, Refused> {
        let text = token
            .strip_prefix(REFRESH_PREFIX)
            .filter(|text| text.len() == 75)
            .ok_or(Refused)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).or(Err(Refused))?;
        let (said, tag) = bytes.split_at_checked(24).ok_or(Refused)?;
        if !keys
            .all()
            .any(|key| hmac::verify(&key.derive, said, tag).is_ok())
        {
            return Err(Refused);
        }
        let (session, generation) = said.split_at_checked(16).ok_or(Refused)?;
        let session = SessionId(Uuid::from_slice(session).or(Err(Refused))?);
        Ok(Self {
            session,
            generation: i64::from_be_bytes(generation.try_into().or(Err(Refused))?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::keys;
    use std::time::Duration;

    fn tokens() -> (Tokens, std::path::PathBuf) {
        let directory = std::env::temp_dir().join(format!("chartroom-keys-{}", Uuid::new_v4()));
        keys::generate(&directory, Duration::ZERO).unwrap();
        let keys = Arc::new(Keys::open(&directory).unwrap());
        (
            Tokens::new(
                keys,
                "https://issuer.test".to_owned(),
                "chartroom".to_owned(),
                16,
            ),
            directory,
        )
    }

    #[test]
    fn a_token_is_good_until_it_ends_and_no_character_of_it_may_change() {
        let (tokens, directory) = tokens();
        let (subject, session, now) = (PrincipalId::fresh(), SessionId::fresh(), Utc::now());
        let token = tokens.issue(subject, session, false, now, 1_800).unwrap();
        let claims = tokens.verify(&token, now).unwrap();
        assert_eq!(
            (claims.sub, claims.sid, claims.adm),
            (subject, session, false)
        );
        assert_eq!(
            tokens.verify(&token, now + chrono::TimeDelta::seconds(1_800)),
            Err(Refused)
        );
        assert_eq!(
            tokens.verify(&token, now - chrono::TimeDelta::seconds(31)),
            Err(Refused)
        );
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                tokens.verify(std::str::from_utf8(&changed).unwrap(), now),
                Err(Refused),
                "character {index}"
            );
        }
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_refresh_token_says_its_session_and_generation_and_nothing_else_parses() {
        let (tokens, directory) = tokens();
        let refresh = Refresh {
            session: SessionId::fresh(),
            generation: 7,
        };
        let token = tokens.refresh_token(refresh).unwrap();
        assert_eq!(tokens.parse_refresh(&token), Ok(refresh));
        assert_eq!(tokens.refresh_token(refresh).unwrap(), token);
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                tokens.parse_refresh(std::str::from_utf8(&changed).unwrap()),
                Err(Refused),
                "character {index}"
            );
        }
        for other in [
            "",
            "crr_",
            &token[..token.len() - 1],
            &format!("{token}A"),
            &format!(" {token}"),
            &token.to_lowercase(),
        ] {
            assert_eq!(tokens.parse_refresh(other), Err(Refused));
        }
        std::fs::remove_dir_all(directory).unwrap();
    }
}
