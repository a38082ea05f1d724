//! Who did what, when, from where: rows that are only ever added, in the transaction of what they
//! tell. `event` lists what can happen; `trail` is for what changes nothing and so has no
//! transaction; `model` is for those who read it.

pub mod event;
pub mod model;
pub mod trail;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::db::transaction::Tx;
use crate::db::{Db, DbError};
use crate::kernel::actor::Actor;
use crate::kernel::types::PrincipalId;
use crate::schema::audit_events;

pub use event::Event;

/// Rows of one statement, whose parameters are counted in sixteen bits.
const AT_ONCE: usize = 1_000;

/// What happens in a transaction is told by it, and kept if the transaction is.
impl Tx<'_> {
    pub async fn tell(&mut self, event: Event) -> QueryResult<()> {
        let act = Act::new(self.actor(), &event);
        diesel::insert_into(audit_events::table)
            .values(act)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Many at once. Not for one: such a statement is not kept prepared.
    pub async fn tell_all(&mut self, events: &[Event]) -> QueryResult<()> {
        let actor = self.actor();
        for events in events.chunks(AT_ONCE) {
            let acts: Vec<_> = events.iter().map(|event| Act::new(actor, event)).collect();
            diesel::insert_into(audit_events::table)
                .values(acts)
                .execute(self.connection())
                .await?;
        }
        Ok(())
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
