//! A bucket by itself, for what is no sign-in but tells whether a name has an account, or sends
//! mail.

use std::net::IpAddr;
use std::time::Duration;

use diesel::sql_types::{Binary, Bool, Double};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl as _;

use super::key::{address_key, hash};
use super::{HOUR, Limited, Limiter, Policy, QUEUE, Refused};
use crate::db::{Db, DbError};
use crate::http::shell::client::Prefix;
use crate::kernel::types::PrincipalId;

/// Changes of its email that an account may try in any hour; half of them at once.
const EMAIL_CHANGES_AN_HOUR: u32 = 10;
/// Requests for a new password of one email in any hour; half of them at once.
const PASSWORD_RESETS_AN_HOUR: u32 = 10;
/// Registrations with one email in any day that are to be confirmed by a mail; half of them at
/// once.
const REGISTRATIONS_A_DAY: u32 = 10;

/// Invitations that one principal may send in any day; half of them at once.
const INVITATIONS_A_DAY: u32 = 100;
/// Those of them that may go to one address.
const INVITATIONS_TO_ONE_A_DAY: u32 = 10;
/// Invitations that may be sent to one address in any day, by whomever; half of them at once.
const INVITATIONS_TO_AN_ADDRESS_A_DAY: u32 = 20;
const DAY: f64 = 24.0 * HOUR;

/// A token of a bucket; it is spent unless it is given back.
#[must_use = "a token that told nothing is given back"]
#[derive(Debug)]
pub struct Token {
    key: [u8; 32],
    burst: f64,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
    #[diesel(sql_type = Double)]
    wait_seconds: f64,
}

impl Limiter {
    /// Asks whether a registration may find out that a name is taken: it counts as a guess from
    /// that address.
    pub async fn registration(&self, db: &Db, address: IpAddr) -> Result<Token, Refused> {
        let ([.., burst], [.., per_second]) = (self.bursts, self.per_second);
        let key = address_key(&Prefix::of(address));
        let taken = self.take_alone(db, key, burst, per_second).await?;
        taken.map_err(|retry_after| {
            Refused::Limited(Limited {
                retry_after,
                policy: Policy::Address,
                quota: self.settings.signin_per_address_per_minute,
                window: Duration::from_secs(60),
                is_busy: false,
            })
        })
    }

    /// Asks for one try to change the email of an account. Nothing gives it back: whoever has the
    /// right password is told of a taken email too.
    pub async fn email_change(&self, db: &Db, user: PrincipalId) -> Result<(), Refused> {
        let key = hash(&[b"email change", user.0.as_bytes()]);
        self.spend(db, key, EMAIL_CHANGES_AN_HOUR, HOUR, Policy::EmailChange)
            .await
    }

    /// Asks whether a new password may be asked for: by the network, as a sign-in is, and by the
    /// email, whether it has an account or not. Nothing gives it back.
    pub async fn password_reset(
        &self,
        db: &Db,
        folded: &str,
        address: IpAddr,
    ) -> Result<(), Refused> {
        let _spent = self.registration(db, address).await?;
        let key = hash(&[b"password reset", folded.as_bytes()]);
        self.spend(
            db,
            key,
            PASSWORD_RESETS_AN_HOUR,
            HOUR,
            Policy::PasswordReset,
        )
        .await
    }

    /// Asks whether a mail may be sent that confirms a registration: by the network, as a sign-in
    /// is, and by the email, whether it has an account or not. Nothing gives it back.
    pub async fn registration_mail(
        &self,
        db: &Db,
        folded: &str,
        address: IpAddr,
    ) -> Result<(), Refused> {
        let _spent = self.registration(db, address).await?;
        let key = hash(&[b"registration", folded.as_bytes()]);
        self.spend(db, key, REGISTRATIONS_A_DAY, DAY, Policy::Registration)
            .await
    }

    /// Asks whether somebody may send an invitation to an address, whether it has an account or
    /// not. Nothing gives it back: the mail is sent.
    pub async fn invitation(&self, db: &Db, by: PrincipalId, folded: &str) -> Result<(), Refused> {
        let (by, to) = (by.0.as_bytes().as_slice(), folded.as_bytes());
        for (key, quota, policy) in [
            (
                hash(&[b"invitation", by]),
                INVITATIONS_A_DAY,
                Policy::Invitation,
            ),
            (
                hash(&[b"invitation by", by, to]),
                INVITATIONS_TO_ONE_A_DAY,
                Policy::InvitationAddress,
            ),
            (
                hash(&[b"invitation to", to]),
                INVITATIONS_TO_AN_ADDRESS_A_DAY,
                Policy::InvitationAddress,
            ),
        ] {
            self.spend(db, key, quota, DAY, policy).await?;
        }
        Ok(())
    }

    /// Takes one of a quota for good, of which there is half at once; the window is in seconds.
    async fn spend(
        &self,
        db: &Db,
        key: [u8; 32],
        quota: u32,
        window: f64,
        policy: Policy,
    ) -> Result<(), Refused> {
        let burst = f64::from(quota) / 2.0;
        match self.take_alone(db, key, burst, burst / window).await? {
            Ok(_spent) => Ok(()),
            Err(retry_after) => Err(Refused::Limited(Limited {
                retry_after,
                policy,
                quota,
                window: Duration::from_secs_f64(window),
                is_busy: false,
            })),
        }
    }

    /// A token, or the time until there is one.
    async fn take_alone(
        &self,
        db: &Db,
        key: [u8; 32],
        burst: f64,
        per_second: f64,
    ) -> Result<Result<Token, Duration>, DbError> {
        let permit = tokio::time::timeout(QUEUE, self.connections.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(DbError::Busy);
        };
        let Taken {
            taken,
            wait_seconds,
        } = db
            .write(async |connection| {
                sql_query(
                    "WITH taken AS ( \
                       INSERT INTO attempt_buckets AS bucket (key, tokens, counted_at, forget_at) \
                       VALUES ($1, $2 - 1, clock_timestamp(), clock_timestamp() + make_interval(secs => 1 / $3)) \
                       ON CONFLICT (key) DO UPDATE SET \
                         tokens = tokens_now(bucket, $2, $3) - 1, \
                         counted_at = clock_timestamp(), \
                         forget_at = greatest(bucket.forget_at, clock_timestamp() \
                           + make_interval(secs => ($2 + 1 - tokens_now(bucket, $2, $3)) / $3)) \
                         WHERE tokens_now(bucket, $2, $3) >= 1 \
                       RETURNING 1) \
                     SELECT EXISTS (SELECT FROM taken) AS taken, coalesce((SELECT (1 - tokens_now(bucket, $2, $3)) / $3 \
                       FROM attempt_buckets AS bucket WHERE key = $1), 1 / $3) AS wait_seconds",
                )
                .bind::<Binary, _>(key.to_vec())
                .bind::<Double, _>(burst)
                .bind::<Double, _>(per_second)
                .get_result(connection)
                .await
            })
            .await?;
        if taken {
            return Ok(Ok(Token { key, burst }));
        }
        let wait = wait_seconds.ceil().max(1.0);
        Ok(Err(
            Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX)
        ))
    }
}

impl Token {
    /// Where this fails the token stays spent, which is logged.
    pub async fn give_back(self, db: &Db) {
        let Self { key, burst } = self;
        let returned = db
            .write(async |connection| {
                sql_query(
                    "UPDATE attempt_buckets SET tokens = least($2, tokens + 1) WHERE key = $1",
                )
                .bind::<Binary, _>(key.to_vec())
                .bind::<Double, _>(burst)
                .execute(connection)
                .await
            })
            .await;
        if let Err(error) = returned {
            tracing::warn!(error = %error, "the token of a registration was not returned");
        }
    }
}
