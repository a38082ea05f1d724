//! Tokens that others sign, and the keys that they publish for that (RFC 7515, RFC 7517): the
//! cluster for service accounts, a provider for people.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

/// Longer than any that is made; a header of a request may hold more.
const LONGEST: usize = 16 * 1024;
/// How far the clock of who signs may be ahead.
pub const LEEWAY_SECONDS: i64 = 30;
/// Rubbish names keys that nobody knows, and must not make the issuer work: so often in a row
/// they are asked for anew.
const LOOKS: u32 = 6;
/// In this time a look is regained. Whoever's it is, it finds a new key for everybody: none stays
/// unknown for longer.
const REGAINED: Duration = Duration::from_secs(10);
/// After a failure, everybody is told so for a moment instead of waiting for another one.
const PAUSE: Duration = Duration::from_secs(1);

/// What a token is signed by. A key is for one of them, so none can be taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    RS256,
    ES256,
}

/// Whom a token is for.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl Audiences {
    pub fn all(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// A signature, of which nothing is proven.
pub struct Signed<'a> {
    pub algorithm: Algorithm,
    pub kid: String,
    pub message: &'a [u8],
    pub signature: Vec<u8>,
}

/// The parts of a token, decoded; `message` is what is signed.
pub struct Parts<'a> {
    pub header: Vec<u8>,
    pub body: Vec<u8>,
    pub message: &'a [u8],
    pub signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub fn of(token: &'a str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, body) = message.split_once('.')?;
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        Some(Self {
            header: bytes(header)?,
            body: bytes(body)?,
            message: message.as_bytes(),
            signature: bytes(signature)?,
        })
    }
}

/// Whoever publishes the keys did not answer, or not so that it says anything about a token. Why is
/// for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(String);

impl Unavailable {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

#[derive(Deserialize)]
pub struct Published {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    alg: Option<Algorithm>,
    #[serde(rename = "use")]
    usage: Option<String>,
    #[serde(flatten)]
    material: Material,
}

#[derive(Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
}

struct Key {
    kid: String,
    public: Public,
}

enum Public {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(UnparsedPublicKey<Vec<u8>>),
}

#[derive(Default)]
struct Asked {
    /// When the looks that were taken will all be regained.
    regained: Option<Instant>,
    failed: Option<(Instant, Unavailable)>,
}

#[derive(Default)]
pub struct Keys {
    current: ArcSwap<Vec<Key>>,
    asked: Mutex<Asked>,
}

impl Key {
    /// `None` for a key that is for something else, or for a kind of signature that is not taken
    /// here.
    fn of(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        if jwk.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let (public, algorithm) = match jwk.material {
            Material::Rsa { n, e } => {
                let (n, e) = (bytes(&n)?, bytes(&e)?);
                let public = Public::Rsa(RsaPublicKeyComponents { n, e });
                (public, Algorithm::RS256)
            }
            Material::Ec { crv, x, y } if crv == "P-256" => {
                let point = [vec![4], bytes(&x)?, bytes(&y)?].concat();
                let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                (Public::P256(public), Algorithm::ES256)
            }
            Material::Ec { .. } => return None,
        };
        let is_for_it = jwk.alg.is_none_or(|alg| alg == algorithm);
        is_for_it.then_some(Self {
            kid: jwk.kid,
            public,
        })
    }

    fn has_signed(&self, token: &Signed<'_>) -> bool {
        match (&self.public, token.algorithm) {
            (Public::Rsa(key), Algorithm::RS256) => key
                .verify(&RSA_PKCS1_2048_8192_SHA256, token.message, &token.signature)
                .is_ok(),
            (Public::P256(key), Algorithm::ES256) => {
                key.verify(token.message, &token.signature).is_ok()
            }
            (Public::Rsa(_), Algorithm::ES256) | (Public::P256(_), Algorithm::RS256) => false,
        }
    }
}

impl Keys {
    /// Whether one of them has signed it. A key that is not known may be a new one, so they are
    /// asked for again by `ask`, within bounds.
    pub async fn have_signed(
        &self,
        token: &Signed<'_>,
        ask: impl Future<Output = Result<Published, Unavailable>>,
    ) -> Result<bool, Unavailable> {
        let known = |keys: &[Key]| {
            let key = keys.iter().find(|key| key.kid == token.kid);
            key.map(|key| key.has_signed(token))
        };
        let seen = self.current.load_full();
        if let Some(verdict) = known(&seen) {
            return Ok(verdict);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else has asked in the meantime.
        if !Arc::ptr_eq(&seen, &self.current.load())
            && let Some(verdict) = known(&self.current.load())
        {
            return Ok(verdict);
        }
        asked.may_ask()?;
        self.take(&mut asked, ask).await?;
        Ok(known(&self.current.load()).unwrap_or(false))
    }

    /// Keys that were taken back go, new ones come. Where there is no answer, those in force stay.
    pub async fn refresh(
        &self,
        ask: impl Future<Output = Result<Published, Unavailable>>,
    ) -> Result<(), Unavailable> {
        let mut asked = self.asked.lock().await;
        self.take(&mut asked, ask).await
    }

    async fn take(
        &self,
        asked: &mut Asked,
        ask: impl Future<Output = Result<Published, Unavailable>>,
    ) -> Result<(), Unavailable> {
        match ask.await {
            Ok(published) => {
                let keys = published.keys.into_iter().filter_map(Key::of).collect();
                self.current.store(Arc::new(keys));
                asked.failed = None;
                Ok(())
            }
            Err(error) => {
                asked.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl Asked {
    /// Counts as asking. While there is no answer, or nobody may be asked, there is no telling
    /// whose the key is.
    fn may_ask(&mut self) -> Result<(), Unavailable> {
        if let Some((at, error)) = &self.failed {
            return match at.elapsed() < PAUSE {
                true => Err(error.clone()),
                false => Ok(()),
            };
        }
        let now = Instant::now();
        let regained = self.regained.map_or(now, |at| at.max(now)) + REGAINED;
        if regained.duration_since(now) > REGAINED * LOOKS {
            return Err(Unavailable::new(
                "too many tokens name keys that are not known: they are asked for again within 10 s",
            ));
        }
        self.regained = Some(regained);
        Ok(())
    }
}
