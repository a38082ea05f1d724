//! The links of mails that everybody in the matrix has.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use uuid::Uuid;

/// To a new password.
pub(super) fn reset(user: Uuid) -> String {
    secret("crr_", user)
}

/// To a confirmed address.
pub(super) fn confirm(user: Uuid) -> String {
    secret("cre_", user)
}

const ISSUER: &str = "https://sso.example";

/// A row of `user_identities`: issuer, subject, user.
pub(super) fn identity_row(user: Uuid) -> String {
    format!(",('{ISSUER}', '{user}', '{user}')")
}

/// The id that the service makes of that row.
pub(super) fn identity(user: Uuid) -> Uuid {
    let text = format!("{ISSUER}\n{user}");
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let bytes = hash.as_ref()[..16].try_into().unwrap();
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// To an account.
pub(super) fn registration(user: Uuid) -> String {
    secret("crn_", user)
}

/// A row of `registrations`: id, emails, profile, password, link, end.
pub(super) fn registration_row(user: Uuid) -> String {
    let (email, hash) = (format!("{user}@example.net"), hash(&registration(user)));
    format!(
        ",(gen_random_uuid(), '{email}', '{email}', '{{}}', 'none', '\\x{hash}', now() + interval '1 hour')"
    )
}

/// To a membership.
pub(super) fn invitation(id: Uuid) -> String {
    secret("cri_", id)
}

/// What stops the mails of once a day; the key is the id.
pub(super) fn unsubscribe(user: Uuid) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, user.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"digest"));
    format!("{}.digest.{signature}", user.simple())
}

fn secret(prefix: &str, user: Uuid) -> String {
    let random = digest::digest(&digest::SHA256, user.as_bytes());
    format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

fn hash(secret: &str) -> String {
    let hash = digest::digest(&digest::SHA256, secret.as_bytes());
    hash.as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

/// A row of `invitation_links`: hash, invitation.
pub(super) fn invitation_row(id: Uuid) -> String {
    format!(",('\\x{}', '{id}')", hash(&invitation(id)))
}

/// A row of `mail_links`: hash, user, purpose, end.
fn row(secret: &str, user: Uuid, purpose: &str) -> String {
    let hash = hash(secret);
    format!(",('\\x{hash}', '{user}', '{purpose}', now() + interval '1 hour')")
}

pub(super) fn rows(user: Uuid) -> String {
    row(&reset(user), user, "password_reset") + &row(&confirm(user), user, "email_confirm")
}

pub(super) fn key(user: Uuid) -> String {
    format!(",('{user}', '\\x{}')", user.simple())
}
