//! Tokens as Kubernetes makes them, and in every way in which it would not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Utc;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::cluster::{AUDIENCE, ISSUER};

/// ring makes no RSA keys. This one signs nothing but what tests make up.
const RSA: &[u8] = include_bytes!("test-only-rsa.pem");

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

pub(crate) struct Key {
    pub kid: String,
    pair: Pair,
}

impl Key {
    pub(crate) fn rsa(kid: &str) -> Self {
        let der = PrivatePkcs8KeyDer::from_pem_slice(RSA).unwrap();
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Rsa(pair.into()),
        }
    }

    pub(crate) fn ec(kid: &str) -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let der = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Ec(
                EcdsaKeyPair::from_pkcs8(kind, der.as_ref(), &random)
                    .unwrap()
                    .into(),
            ),
        }
    }

    pub(crate) fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } =
                    RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256", "n": base64(n), "e": base64(e) })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "use": "sig", "kty": "EC", "kid": self.kid, "alg": "ES256", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..]) })
            }
        }
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.alg(), "kid": self.kid })
    }

    pub(crate) fn sign(&self, token: &Token) -> String {
        self.sign_with(&self.header(), token)
    }

    pub(crate) fn sign_with(&self, header: &Value, token: &Token) -> String {
        let message = message(header, token);
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message.as_bytes(),
                    &mut signature,
                )
                .unwrap();
                signature
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
                signature.as_ref().to_vec()
            }
        };
        format!("{message}.{}", base64(signature))
    }
}

/// Header and claims, as they are signed.
pub(crate) fn message(header: &Value, token: &Token) -> String {
    format!(
        "{}.{}",
        base64(header.to_string()),
        base64(token.0.to_string())
    )
}

/// The claims of a token.
#[derive(Clone)]
pub(crate) struct Token(pub Value);

impl Token {
    /// A projected one, of a pod.
    pub(crate) fn of(namespace: &str, name: &str) -> Self {
        let now = Utc::now().timestamp();
        Self(json!({
            "iss": ISSUER,
            "aud": [AUDIENCE],
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "iat": now,
            "nbf": now,
            "exp": now + 3_600,
            "jti": uuid::Uuid::new_v4(),
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": "node-1", "uid": "2d7b2d0c-0000-4000-8000-000000000001" },
                "pod": { "name": format!("{name}-0"), "uid": "2d7b2d0c-0000-4000-8000-000000000002" },
                "serviceaccount": { "name": name, "uid": uid(name) },
            },
        }))
    }

    pub(crate) fn with(&self, claim: &str, value: Value) -> Self {
        let mut claims = self.0.clone();
        claims[claim] = value;
        Self(claims)
    }

    pub(crate) fn without(&self, claim: &str) -> Self {
        let mut claims = self.0.clone();
        claims.as_object_mut().unwrap().remove(claim);
        Self(claims)
    }

    /// What is somewhere below.
    pub(crate) fn at(&self, pointer: &str, value: Value) -> Self {
        let mut claims = self.0.clone();
        *claims.pointer_mut(pointer).unwrap() = value;
        Self(claims)
    }
}

/// Of an account of this name.
pub(crate) fn uid(name: &str) -> String {
    format!("uid-of-{name}")
}

/// Signed by a secret that everybody knows.
pub(crate) fn by_hmac(secret: &[u8], header: &Value, token: &Token) -> String {
    let message = message(header, token);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let tag = ring::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", base64(tag))
}
