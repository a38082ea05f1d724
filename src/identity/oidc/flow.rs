//! A sign-in that was begun: what a browser keeps of it, sealed, until the provider sends it back.
//!
//! It is good for ten minutes, with one provider, in the browser that has begun it. The provider
//! takes a code once, and only with the verifier that is in here (RFC 7636); an answer that is sent
//! again finds the code used and the cookie gone.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use ring::digest;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::http::answer::Seal as _;
use crate::http::shell::pages::cookie;
use crate::identity::keys::KeySet;
use crate::identity::secret::fresh_secret;

const COOKIE: &str = "__Host-oidc";
const LASTS_SECONDS: i64 = 600;
/// What else is sealed by the same keys does not begin so.
const KIND: &[u8] = b"oidc flow 1\0";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub provider: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    /// A path of this site.
    pub next: String,
    ends_at: i64,
}

impl Flow {
    pub fn begin(provider: &str, next: &str, now: i64) -> anyhow::Result<Self> {
        let random = || Ok::<_, anyhow::Error>(fresh_secret("")?.expose_secret().to_owned());
        Ok(Self {
            provider: provider.to_owned(),
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            next: next.to_owned(),
            ends_at: now + LASTS_SECONDS,
        })
    }

    /// What the provider is shown of the verifier.
    pub fn challenge(&self) -> String {
        let hash = digest::digest(&digest::SHA256, self.verifier.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(hash)
    }

    pub fn cookie(&self, keys: &KeySet) -> anyhow::Result<HeaderValue> {
        let plain = [KIND, &serde_json::to_vec(self)?].concat();
        let sealed = BASE64_URL_SAFE_NO_PAD.encode(keys.seal(&plain)?);
        Ok(header(&sealed, LASTS_SECONDS)?)
    }

    /// The one that this browser has begun with this provider and this state, while it lasts.
    pub fn of(
        headers: &HeaderMap,
        keys: &KeySet,
        provider: &str,
        state: &str,
        now: i64,
    ) -> Option<Self> {
        let sealed = BASE64_URL_SAFE_NO_PAD
            .decode(cookie(headers, COOKIE)?)
            .ok()?;
        let plain = keys.open(&sealed)?;
        let flow: Self = serde_json::from_slice(plain.strip_prefix(KIND)?).ok()?;
        let is_it = flow.provider == provider && flow.state == state && flow.ends_at > now;
        is_it.then_some(flow)
    }
}

/// The header that takes the cookie back.
pub fn gone() -> HeaderValue {
    const GONE: &str = "__Host-oidc=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
    HeaderValue::from_static(GONE)
}

/// `Lax`, because it has to come along when the provider sends the browser back.
fn header(value: &str, seconds: i64) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    HeaderValue::try_from(format!(
        "{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::keys;
    use std::time::Duration;

    #[test]
    fn a_flow_is_found_by_its_provider_and_state_until_it_ends() {
        let directory =
            std::env::temp_dir().join(format!("chartroom-keys-{}", uuid::Uuid::new_v4()));
        keys::generate(&directory, Duration::ZERO).unwrap();
        let keys = KeySet::read(&directory).unwrap();
        let flow = Flow::begin("sso", "/home", 1_000).unwrap();
        assert_ne!(Flow::begin("sso", "/home", 1_000).unwrap(), flow);
        assert!(flow.verifier.len() >= 43 && flow.challenge().len() == 43);
        let set = flow.cookie(&keys).unwrap();
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let (_, value) = pair.split_once('=').unwrap();
        let of = |value: &str, provider: &str, state: &str, now| {
            let mut headers = HeaderMap::new();
            let pair = HeaderValue::try_from(format!("{COOKIE}={value}")).unwrap();
            headers.insert(http::header::COOKIE, pair);
            Flow::of(&headers, &keys, provider, state, now)
        };
        assert_eq!(of(value, "sso", &flow.state, 1_599).unwrap(), flow);
        assert!(of(value, "sso", &flow.state, 1_600).is_none());
        assert!(of(value, "other", &flow.state, 1_000).is_none());
        assert!(of(value, "sso", "", 1_000).is_none());
        assert!(of(&value[1..], "sso", &flow.state, 1_000).is_none());
        // Sealed by the same key, for something else.
        let other = keys.seal(&serde_json::to_vec(&flow).unwrap()).unwrap();
        let other = BASE64_URL_SAFE_NO_PAD.encode(other);
        assert!(of(&other, "sso", &flow.state, 1_000).is_none());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
