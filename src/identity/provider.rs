//! `jsonwebtoken` on ring: ES256 and nothing else. Its own backends would bring a second crypto
//! library or the `rsa` crate.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};

/// The order of P-256, and half of it (SEC 2, 2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Once per process; later calls do nothing.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

struct Es256Signer(EcdsaKeyPair);
struct Es256Verifier(UnparsedPublicKey<Vec<u8>>);

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    if *algorithm != Algorithm::ES256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let pair = EcdsaKeyPair::from_pkcs8(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        key.as_bytes(),
        &SystemRandom::new(),
    )
    .or(Err(ErrorKind::InvalidEcdsaKey))?;
    Ok(Box::new(Es256Signer(pair)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if *algorithm != Algorithm::ES256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Es256Verifier(UnparsedPublicKey::new(
        &ECDSA_P256_SHA256_FIXED,
        key.try_get_as_bytes()?.to_vec(),
    ))))
}

impl Signer<Vec<u8>> for Es256Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let signature = self
            .0
            .sign(&SystemRandom::new(), message)
            .or(Err(SignatureError::new()))?;
        Ok(with_low_s(signature.as_ref()))
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        if !has_low_s(signature) {
            return Err(SignatureError::new());
        }
        self.0
            .verify(message, signature)
            .or(Err(SignatureError::new()))
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

/// Of the two signatures that say the same, (r, s) and (r, n-s), only the lower counts, so that
/// nobody makes a second token of one.
fn has_low_s(signature: &[u8]) -> bool {
    signature.len() == 64 && signature.get(32..).is_some_and(|s| *s <= HALF_ORDER[..])
}

fn with_low_s(signature: &[u8]) -> Vec<u8> {
    let mut signature = signature.to_vec();
    if has_low_s(&signature) {
        return signature;
    }
    let mut borrow = 0_u16;
    for (byte, order) in signature.iter_mut().skip(32).rev().zip(ORDER.iter().rev()) {
        let difference = 0x100 + u16::from(*order) - u16::from(*byte) - borrow;
        borrow = u16::from(difference < 0x100);
        *byte = difference.to_be_bytes()[1];
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_form_of_a_signature_is_valid_and_ours_is_the_low_one() {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .unwrap();
        let public = UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            ring::signature::KeyPair::public_key(&pair)
                .as_ref()
                .to_vec(),
        );
        for round in 0..64_u8 {
            let plain = pair.sign(&random, &[round]).unwrap();
            let low = with_low_s(plain.as_ref());
            assert!(has_low_s(&low));
            public.verify(&[round], &low).unwrap();
        }
    }

    #[test]
    fn half_the_order_is_half_the_order() {
        let doubled =
            HALF_ORDER
                .iter()
                .rev()
                .fold((Vec::new(), 0_u16), |(mut bytes, carry), byte| {
                    let sum = u16::from(*byte) * 2 + carry;
                    bytes.push(sum.to_be_bytes()[1]);
                    (bytes, sum >> 8)
                });
        let mut odd = ORDER;
        odd[31] -= 1;
        assert_eq!(doubled.0.into_iter().rev().collect::<Vec<_>>(), odd);
    }
}
