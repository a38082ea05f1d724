//! Stopping mails from within one (RFC 8058): a POST to the link in its head, without signing in.
//!
//! A link is good for as long as somebody keeps the mail. It says who they are and which mails it
//! stops, signed with a key that each person has for this alone.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::{Channel, MailMode, choose};
use super::sink::KINDS;
use crate::db::Db;
use crate::db::transaction::transaction;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidQuery;
use crate::http::caller::Anyone;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;
use crate::kernel::values::text;
use crate::schema::{preferences, unsubscribe_keys};

/// What stands for the mails of once a day, where a kind of notification stands for its own.
pub(super) const DIGEST: &str = "digest";

const KEY_BYTES: usize = 32;

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Binary)]
    key: Vec<u8>,
}

const MAKE: &str = "WITH made AS (INSERT INTO unsubscribe_keys (user_id, key) VALUES ($1, $2) \
    ON CONFLICT DO NOTHING RETURNING key) \
    SELECT key FROM made UNION ALL SELECT key FROM unsubscribe_keys WHERE user_id = $1";

fn signed(key: &[u8], topic: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signature = hmac::sign(&key, topic.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(signature)
}

/// What a link has in it that stops mails of a topic.
pub(super) async fn token(db: &Db, user: PrincipalId, topic: &str) -> anyhow::Result<String> {
    let mut fresh = vec![0; KEY_BYTES];
    SystemRandom::new()
        .fill(&mut fresh)
        .or(Err(anyhow::anyhow!(
            "the operating system gave no randomness"
        )))?;
    let Key { key } = db
        .write(async |connection: &mut AsyncPgConnection| {
            diesel::sql_query(MAKE)
                .bind::<SqlUuid, _>(user)
                .bind::<Binary, _>(fresh)
                .get_result(connection)
                .await
        })
        .await?;
    let who = user.0.simple();
    Ok(format!("{who}.{topic}.{}", signed(&key, topic)))
}

/// Who it is, which mails, and the signature that says that it was this service who wrote it.
fn parts(token: &str) -> Option<(PrincipalId, &'static str, Vec<u8>)> {
    let (who, rest) = token.split_once('.')?;
    let (topic, signature) = rest.rsplit_once('.')?;
    let mut topics = KINDS.into_iter().chain([DIGEST]);
    Some((
        PrincipalId(Uuid::try_parse(who).ok()?),
        topics.find(|known| *known == topic)?,
        BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?,
    ))
}

text! {
    /// What the link in the mail has
    UnsubscribeToken: 1..=200;
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Unsubscribe {
    /// What the link in the mail has
    #[param(inline)]
    token: UnsubscribeToken,
}

/// Stop mails
///
/// What a mail program does for you when you unsubscribe (RFC 8058), and the page that the link in
/// the mail leads to. The link says whose mails of which kind stop; it can be used again and again.
/// Nothing is asked in the body, and what is in it is ignored. A GET stops nothing.
#[utoipa::path(
    post,
    path = "/mail/unsubscribe",
    tag = "notifications",
    security(()),
    params(Unsubscribe),
    responses((status = NO_CONTENT, description = "Stopped"), ApiError),
)]
pub async fn stop_mails(
    _: Anyone,
    app: AppState,
    ValidQuery(Unsubscribe { token }): ValidQuery<Unsubscribe>,
) -> ApiResult<Answer> {
    let wrong = || {
        let detail = "token: this is no link of a mail, or its account is gone";
        ApiError::new(Code::InvalidParameter, detail)
    };
    let (user, topic, signature) = parts(token.as_str()).ok_or_else(wrong)?;
    let key: Option<Vec<u8>> = app
        .db
        .read_primary(async |connection| {
            let own = unsubscribe_keys::table.find(user);
            let key = own.select(unsubscribe_keys::key);
            key.first(connection).await.optional()
        })
        .await?;
    let key = key.ok_or_else(wrong)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, topic.as_bytes(), &signature).map_err(|_unspecified| wrong())?;
    let nobody = Actor::default();
    transaction(&app.db, &nobody, async |tx| {
        let off = MailMode::Off.as_str();
        if topic != DIGEST {
            choose(tx, user, topic, Channel::Mail, off).await?;
            return Ok(Answer::no_content());
        }
        let daily = preferences::table
            .filter(preferences::user_id.eq(user))
            .filter(preferences::channel.eq(Channel::Mail))
            .filter(preferences::mode.eq(MailMode::Daily));
        diesel::update(daily)
            .set(preferences::mode.eq(MailMode::Off))
            .execute(tx.connection())
            .await?;
        Ok(Answer::no_content())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::values::Checked as _;

    #[test]
    fn a_token_has_three_parts_that_are_known() {
        let user = PrincipalId::fresh();
        let who = user.0.simple();
        for topic in KINDS.into_iter().chain([DIGEST]) {
            let token = format!("{who}.{topic}.{}", signed(b"key", topic));
            let (read, known, signature) = parts(&token).unwrap();
            assert_eq!((read, known, signature.len()), (user, topic, 32));
            UnsubscribeToken::checked(token).unwrap();
        }
        for token in [
            "",
            ".",
            "..",
            &format!("{who}.digest"),
            &format!("{who}.other.AAAA"),
            &format!("{who}.digest.!"),
            "x.digest.AAAA",
        ] {
            assert!(parts(token).is_none(), "{token}");
        }
    }
}
