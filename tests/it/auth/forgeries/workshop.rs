//! Where access tokens are forged: with the service's own key, so that only what is wrong with each
//! refuses it.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _,
};
use serde_json::{Map, Value, json};

use crate::support::app::KEYS;

/// The order of P-256 (SEC 2, 2.4.2).
pub(super) const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

type Members = Map<String, Value>;

#[derive(Clone, Copy, Debug)]
pub(in crate::auth) enum Signed {
    Us,
    Stranger,
    P384,
    HmacOfPoint,
    HmacOfJwk,
    HmacOfNothing,
    Nobody,
}

pub(in crate::auth) struct Forge {
    ours: EcdsaKeyPair,
    stranger: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    pub(super) header: Members,
    pub(super) claims: Members,
    pub(super) original: String,
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn members(part: &str) -> Members {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn fresh(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
}

fn key_file(kid: &str) -> PathBuf {
    let mut files = std::fs::read_dir(&*KEYS)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .find(|path| path.to_str().unwrap().ends_with(&format!("-{kid}.pem")))
        .unwrap()
}

/// (r, s) as (r, n-s).
pub(super) fn other_s(signature: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut flipped = signature.to_vec();
    for i in (0..32).rev() {
        let order = i32::from(u8::from_str_radix(&ORDER[2 * i..2 * i + 2], 16).unwrap());
        let difference = order - i32::from(signature[32 + i]) - borrow;
        borrow = i32::from(difference < 0);
        flipped[32 + i] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    flipped
}

impl Forge {
    /// With the header and claims of an honest token to change.
    pub(in crate::auth) fn of(original: &str) -> Self {
        let mut parts = original.split('.');
        let header = members(parts.next().unwrap());
        let claims = members(parts.next().unwrap());
        let pem = std::fs::read_to_string(key_file(header["kid"].as_str().unwrap())).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64_STANDARD.decode(body).unwrap();
        let random = SystemRandom::new();
        Self {
            ours: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random)
                .unwrap(),
            stranger: fresh(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: fresh(&ECDSA_P384_SHA384_FIXED_SIGNING),
            header,
            claims,
            original: original.to_owned(),
        }
    }

    pub(in crate::auth) fn kid(&self) -> String {
        self.header["kid"].as_str().unwrap().to_owned()
    }

    pub(in crate::auth) fn header(&self) -> Members {
        self.header.clone()
    }

    pub(in crate::auth) fn header_with(&self, member: &str, value: Value) -> Members {
        let mut header = self.header();
        header.insert(member.to_owned(), value);
        header
    }

    pub(in crate::auth) fn header_without(&self, member: &str) -> Members {
        let mut header = self.header();
        header.remove(member).unwrap();
        header
    }

    pub(in crate::auth) fn claims(&self) -> Members {
        self.claims.clone()
    }

    pub(in crate::auth) fn claim(&self, name: &str) -> Value {
        self.claims[name].clone()
    }

    pub(in crate::auth) fn claims_with(&self, claim: &str, value: Value) -> Members {
        let mut claims = self.claims();
        claims.insert(claim.to_owned(), value);
        claims
    }

    pub(in crate::auth) fn claims_without(&self, claim: &str) -> Members {
        let mut claims = self.claims();
        claims.remove(claim).unwrap();
        claims
    }

    pub(in crate::auth) fn stranger_jwk(&self) -> Value {
        let point = self.stranger.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
    }

    pub(in crate::auth) fn token(&self, header: &Members, claims: &Members) -> String {
        self.sign_by(Signed::Us, header, claims)
    }

    pub(in crate::auth) fn sign_by(
        &self,
        how: Signed,
        header: &Members,
        claims: &Members,
    ) -> String {
        let (header, claims) = (json!(header).to_string(), json!(claims).to_string());
        self.sign_text(how, &header, &claims)
    }

    pub(super) fn sign_text(&self, how: Signed, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.signature(how, &message);
        format!("{message}.{}", encode(signature))
    }

    fn signature(&self, how: Signed, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        let message = message.as_bytes();
        let ecdsa = |pair: &EcdsaKeyPair| pair.sign(&random, message).unwrap().as_ref().to_vec();
        let mac = |secret: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, message).as_ref().to_vec()
        };
        let point = self.ours.public_key().as_ref();
        match how {
            Signed::Us => {
                let signature = ecdsa(&self.ours);
                // Ours are the low ones.
                let other = other_s(&signature);
                if other[32..] < signature[32..] {
                    other
                } else {
                    signature
                }
            }
            Signed::Stranger => ecdsa(&self.stranger),
            Signed::P384 => ecdsa(&self.p384),
            Signed::HmacOfPoint => mac(point),
            Signed::HmacOfJwk => mac(encode(&point[1..33]).as_bytes()),
            Signed::HmacOfNothing => mac(b""),
            Signed::Nobody => Vec::new(),
        }
    }
}
