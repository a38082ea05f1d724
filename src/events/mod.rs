//! Who did what, when, from where: rows that are only ever added, in the transaction of what they
//! tell. `event` lists what can happen; `trail` is for what changes nothing and so has no
//! transaction; `model` is for those who read the trail.
//!
//! What the members of a project may follow goes into the outbox in the same statement. The
//! `sequencer` moves it to the feed and gives each event its number; `cloud` is how it is shown,
//! and the `ring` is where those hear of it who follow the feed.

pub mod cloud;
pub mod event;
pub mod model;
pub mod ring;
pub mod sequencer;
pub mod trail;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Text, Untyped, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::db::sql::Writer;
use crate::db::transaction::Tx;
use crate::db::{Db, DbError};
use crate::kernel::actor::Actor;
use crate::kernel::types::PrincipalId;
use crate::schema::{audit_events, outbox};

pub use event::{Event, Published};

/// Rows of one statement, whose parameters are counted in sixteen bits.
const AT_ONCE: usize = 1_000;

/// What a transaction leaves behind that put something into the outbox.
pub struct Outgoing;

const TELL_AND_PUBLISH: &str = "WITH told AS (INSERT INTO audit_events \
    (id, actor_id, action, target_id, address, request_id, detail) \
    VALUES (:id, :actor, :action, :target, :address, :request, :detail) \
    RETURNING id, actor_id, at) \
    INSERT INTO outbox (id, kind, project_id, subject, actor_id, at, data) \
    SELECT id, :kind, :project, :subject, actor_id, at, :data FROM told";

/// What happens in a transaction is told by it, and kept if the transaction is.
impl Tx<'_> {
    pub async fn tell(&mut self, event: Event) -> QueryResult<()> {
        let act = Act::new(self.actor(), &event);
        let published = event.published();
        let published = published.and_then(|it| Some((it.project?, it)));
        let Some((project, published)) = published else {
            diesel::insert_into(audit_events::table)
                .values(act)
                .execute(self.connection())
                .await?;
            return Ok(());
        };
        Writer::default()
            .text(TELL_AND_PUBLISH)
            .bind::<SqlUuid, _>("id", act.id)
            .bind::<Nullable<SqlUuid>, _>("actor", act.actor_id)
            .bind::<Text, _>("action", act.action)
            .bind::<Nullable<SqlUuid>, _>("target", act.target_id)
            .bind::<Nullable<Text>, _>("address", act.address)
            .bind::<Nullable<Text>, _>("request", act.request_id)
            .bind::<Jsonb, _>("detail", act.detail)
            .bind::<Text, _>("kind", published.kind)
            .bind::<SqlUuid, _>("project", project)
            .bind::<Text, _>("subject", published.subject)
            .bind::<Jsonb, _>("data", event.detail())
            .statement::<Untyped>()
            .execute(self.connection())
            .await?;
        self.after_commit(Outgoing);
        Ok(())
    }

    /// Many at once. Not for one: such a statement is not kept prepared.
    pub async fn tell_all(&mut self, events: &[Event]) -> QueryResult<()> {
        let (actor, now) = (self.actor(), Utc::now());
        for events in events.chunks(AT_ONCE) {
            let acts: Vec<_> = events.iter().map(|event| Act::new(actor, event)).collect();
            let rows = events.iter().zip(&acts);
            let rows: Vec<_> = rows
                .filter_map(|(event, act)| OutboxRow::new(event, act, now))
                .collect();
            diesel::insert_into(audit_events::table)
                .values(acts)
                .execute(self.connection())
                .await?;
            if !rows.is_empty() {
                diesel::insert_into(outbox::table)
                    .values(rows)
                    .execute(self.connection())
                    .await?;
                self.after_commit(Outgoing);
            }
        }
        Ok(())
    }
}

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct OutboxRow {
    id: Uuid,
    kind: &'static str,
    project_id: Uuid,
    subject: String,
    actor_id: Option<PrincipalId>,
    at: DateTime<Utc>,
    data: Value,
}

impl OutboxRow {
    fn new(event: &Event, act: &Act<'_>, at: DateTime<Utc>) -> Option<Self> {
        let published = event.published()?;
        Some(Self {
            id: act.id,
            kind: published.kind,
            project_id: published.project?,
            subject: published.subject,
            actor_id: act.actor_id,
            at,
            data: event.detail(),
        })
    }
}

/// Tells what changed nothing, and so has no transaction.
pub async fn tell_alone(db: &Db, actor: &Actor, event: Event) -> Result<(), DbError> {
    db.write(async |connection: &mut AsyncPgConnection| {
        diesel::insert_into(audit_events::table)
            .values(Act::new(actor, &event))
            .execute(connection)
            .await
    })
    .await?;
    Ok(())
}

/// What a statement writes that tells an event of the feed itself, in a project that it finds.
pub struct Telling<'a> {
    pub act: Act<'a>,
    pub published: Published,
    pub data: Value,
}

impl<'a> Telling<'a> {
    pub fn new(actor: &'a Actor, event: &Event) -> Self {
        Self {
            act: Act::new(actor, event),
            published: event.published().unwrap_or_default(),
            data: event.detail(),
        }
    }
}

/// An event as a row; for a statement of one's own where what is told and what it tells are to be
/// one.
///
/// No defaults where there is nothing: they would be part of the statement's text.
#[derive(Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
pub struct Act<'a> {
    pub id: Uuid,
    pub actor_id: Option<PrincipalId>,
    pub action: &'static str,
    pub target_id: Option<Uuid>,
    pub address: Option<String>,
    pub request_id: Option<&'a str>,
    pub detail: Value,
}

impl<'a> Act<'a> {
    pub fn new(actor: &'a Actor, event: &Event) -> Self {
        let Actor { id, origin } = actor;
        Self {
            id: Uuid::now_v7(),
            actor_id: *id,
            action: event.action(),
            target_id: event.subject(),
            address: origin.address(),
            request_id: origin.request_id(),
            detail: origin.complete(event.detail()),
        }
    }
}
