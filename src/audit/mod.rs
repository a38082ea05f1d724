//! Who did what, when, from where: rows that are only ever added, in the transaction of what they tell. `trail` is for what
//! changes nothing and so has no transaction; `model` and `handlers` are for those who read it.

pub mod handlers;
pub mod model;
pub mod trail;

use std::net::IpAddr;
use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::workload::Workload;
use crate::http::request::RequestId;
use crate::schema::audit_events;
use crate::state::AppState;
use crate::types::PrincipalId;

/// Rows of one statement, whose parameters are counted in sixteen bits.
const AT_ONCE: usize = 1_000;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(handlers::list_audit_events))
}

/// Where an act came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request_id: Option<RequestId>,
    /// Which of the workload's pods, where the actor is one.
    pub workload: Option<Arc<Workload>>,
}

impl Origin {
    pub fn address(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }

    fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().map(RequestId::as_str)
    }

    /// A workload says its name, and which account and pod it was, beside whatever else there is to say.
    fn complete(&self, mut detail: Value) -> Value {
        if let (Some(workload), Some(members)) = (&self.workload, detail.as_object_mut()) {
            let Workload { name, uid, pod } = &**workload;
            let said = json!({ "name": name.as_str(), "uid": uid, "pod": pod });
            members.insert("workload".to_owned(), said);
        }
        detail
    }
}

/// The middleware has put it there.
impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

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

/// One act that many things have a part in, each with its own target and detail. Not for one: such a statement is not kept prepared.
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
