//! The jobs that remove, once a minute, the rows of sign-in limits, sessions, revocations, kept
//! answers, events, notifications, invitations, registrations, links of mails, addresses that
//! took none or that an account has no more, once they say nothing any more, and of the audit trail
//! once they are too old. Each run removes some thousands at most; what is left waits for the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::events;
use crate::feed;
use crate::http::answer::idempotency;
use crate::identity::{limiter, revocation, session};
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobError, JobResult, Lane};
use crate::mail;
use crate::notifications;
use crate::projects::invitations;
use crate::users;

macro_rules! sweeps {
    ($($name:ident: $kind:literal = $purge:path,)+) => {$(
        #[derive(Serialize, Deserialize)]
        pub(super) struct $name {}

        impl Job for $name {
            const KIND: &'static str = $kind;
            const LANE: Lane = Lane::Bulk;
            /// The next minute brings another.
            const MAX_FAILURES: i32 = 3;
            type Tools = ();

            async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
                ended($purge(context.db()).await)
            }
        }
    )+};
}

sweeps! {
    PurgeAttempts: "attempts.purge.1" = limiter::purge,
    PurgeSessions: "sessions.purge.1" = session::purge,
    PurgeRevocations: "revocations.purge.1" = revocation::purge,
    PurgeAnswers: "answers.purge.1" = idempotency::purge,
    PurgeAudit: "audit.purge.1" = events::model::purge,
    PurgeMailLinks: "mail_links.purge.1" = mail::links::purge,
    PurgeRefusedAddresses: "refused_addresses.purge.1" = mail::address::purge,
    PurgeRegistrations: "registrations.purge.1" = users::registration::purge,
    PurgeFormerAddresses: "former_addresses.purge.1" = users::former::purge,
    PurgeInvitations: "invitations.purge.1" = invitations::purge,
    PurgeNotifications: "notifications.purge.1" = notifications::model::purge,
}

/// The feed forgets its oldest events.
#[derive(Serialize, Deserialize)]
pub(super) struct PurgeEvents {}

impl Job for PurgeEvents {
    const KIND: &'static str = "events.purge.1";
    const LANE: Lane = Lane::Bulk;
    const MAX_FAILURES: i32 = 3;
    /// How long they are kept.
    type Tools = Duration;

    async fn run(&self, context: &Context, kept_for: &Duration) -> JobResult<Ended> {
        ended(feed::model::purge(context.db(), *kept_for).await)
    }
}

fn ended<E>(purged: Result<usize, E>) -> JobResult<Ended>
where
    JobError: From<E>,
{
    purged?;
    Ok(Ended::Done)
}
