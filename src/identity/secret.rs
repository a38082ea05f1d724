//! Secrets of API tokens and cookies: 256 random bits as text. What cannot be one is told without
//! asking the database.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::SecretString;

const RANDOM: usize = 32;
const CHECK: usize = 4;

/// How a secret is kept: no salt and no stretching are needed, nobody guesses it.
pub fn secret_hash(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes())
        .as_ref()
        .to_vec()
}

/// A new one, after a prefix that says what it is.
pub fn fresh_secret(prefix: &str) -> anyhow::Result<SecretString> {
    let mut bytes = vec![0; RANDOM];
    SystemRandom::new()
        .fill(&mut bytes)
        .or(Err(anyhow::anyhow!(
            "the operating system gave no randomness"
        )))?;
    let check = check(prefix, &bytes);
    bytes.extend_from_slice(&check);
    Ok(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into())
}

/// Whether a text may be a secret. The first ones had no check at their end, and are good for as
/// long as they live.
pub fn may_be_secret(prefix: &str, text: &str) -> bool {
    let Some(bytes) = text
        .strip_prefix(prefix)
        .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
    else {
        return false;
    };
    match bytes.split_at_checked(RANDOM) {
        Some((_, [])) => true,
        Some((random, end)) => check(prefix, random) == *end,
        None => false,
    }
}

/// Against slips and inventions alone: whoever wants to can work it out.
fn check(prefix: &str, random: &[u8]) -> [u8; CHECK] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(prefix.as_bytes());
    context.update(random);
    let mut check = [0; CHECK];
    for (to, from) in check.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn new_and_old_secrets_may_be_some_and_nothing_else() {
        for prefix in ["crt_", ""] {
            let secret = fresh_secret(prefix).unwrap();
            let secret = secret.expose_secret();
            assert_eq!(secret.len(), prefix.len() + 48);
            let random = &secret[prefix.len()..];
            let old = BASE64_URL_SAFE_NO_PAD.encode([7; RANDOM]);
            assert!(may_be_secret(prefix, secret));
            assert!(may_be_secret(prefix, &format!("{prefix}{old}")));
            for index in 0..random.len() {
                let mut other = random.to_owned().into_bytes();
                other[index] = if other[index] == b'A' { b'B' } else { b'A' };
                let other = String::from_utf8(other).unwrap();
                assert!(
                    !may_be_secret(prefix, &format!("{prefix}{other}")),
                    "{index}"
                );
            }
            for bad in [
                "",
                "x",
                &random[..47],
                &random[1..],
                &format!("{random}A"),
                &format!("{random}AAAA"),
                &format!(" {random}"),
                &old[..42],
                &format!("{old}A"),
                &format!("{}=", &old[..42]),
                &format!("{}.", &old[..42]),
                &format!("{}é", &old[..41]),
                &old.repeat(1_000),
            ] {
                assert!(!may_be_secret(prefix, &format!("{prefix}{bad}")), "{bad}");
            }
        }
        let token = fresh_secret("crt_").unwrap();
        assert!(!may_be_secret("", token.expose_secret()));
        assert!(!may_be_secret("", &token.expose_secret()[4..]));
    }
}
