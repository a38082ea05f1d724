//! Who did what, when, from where: rows that are only ever added, in the transaction of what they
//! tell. `trail` is for what changes nothing and so has no transaction; `model` and `handlers` are
//! for those who read it.

pub mod model;
pub mod trail;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::kernel::origin::Origin;
use crate::kernel::types::PrincipalId;
use crate::schema::audit_events;

/// Rows of one statement, whose parameters are counted in sixteen bits.
const AT_ONCE: usize = 1_000;

/// One act. `action` is `<thing>.<deed>`, such as `session.started`.
pub async fn record(
    connection: &mut AsyncPgConnection,
    origin: &Origin,
    actor: Option<PrincipalId>,
    action: &'static str,
    target: Option<Uuid>,
    detail: Value,
) -> QueryResult<()> {
    let act = Act::new(origin, actor, action, target, detail);
    diesel::insert_into(audit_events::table)
        .values(act)
        .execute(connection)
        .await
        .map(|_| ())
}

/// One act that many things have a part in, each with its own target and detail. Not for one: such
/// a statement is not kept prepared.
pub async fn record_each(
    connection: &mut AsyncPgConnection,
    origin: &Origin,
    actor: Option<PrincipalId>,
    action: &'static str,
    mut told: Vec<(Option<Uuid>, Value)>,
) -> QueryResult<()> {
    while !told.is_empty() {
        let acts: Vec<_> = told
            .drain(..told.len().min(AT_ONCE))
            .map(|(target, detail)| Act::new(origin, actor, action, target, detail))
            .collect();
        diesel::insert_into(audit_events::table)
            .values(acts)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// A row to be; for a statement of one's own where what is told and what it tells are to be one.
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
    pub fn new(
        origin: &'a Origin,
        actor_id: Option<PrincipalId>,
        action: &'static str,
        target_id: Option<Uuid>,
        detail: Value,
    ) -> Self {
        Self {
            id: Uuid::now_v7(),
            actor_id,
            action,
            target_id,
            address: origin.address(),
            request_id: origin.request_id(),
            detail: origin.complete(detail),
        }
    }
}
