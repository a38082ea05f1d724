//! An event of the feed as others see it: CloudEvents 1.0 in its JSON form, with the members that
//! Standard Webhooks ask for.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::types::instant;

/// A row of the table `events`.
#[derive(Clone, Debug, QueryableByName)]
pub struct FeedEvent {
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub project_id: Uuid,
    #[diesel(sql_type = Text)]
    pub subject: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
}

/// Something that happened, as CloudEvents 1.0 write it
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct CloudEvent {
    /// The version of CloudEvents
    #[schema(pattern = r"^1\.0$")]
    specversion: &'static str,
    id: Uuid,
    /// The service that it happened in
    #[schema(format = "uri")]
    source: String,
    /// `chartroom.<thing>.<deed>`
    #[serde(rename = "type")]
    kind: String,
    /// What it is about: a path below `/api/v1`
    subject: String,
    #[serde(serialize_with = "instant")]
    time: DateTime<Utc>,
    /// The same as `time`, by the name that Standard Webhooks give it
    #[serde(serialize_with = "instant")]
    timestamp: DateTime<Utc>,
    /// The type of `data`
    #[schema(pattern = "^application/json$")]
    datacontenttype: &'static str,
    /// The place in the feed: later events have larger ones, and none is left out
    #[schema(pattern = "^[1-9][0-9]*$")]
    sequence: String,
    /// The project that it happened in
    projectid: Uuid,
    /// Who did it, where it was somebody
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    actorid: Option<Uuid>,
    /// What else there is to say; the document's `webhooks` list it for each type
    #[schema(value_type = Object)]
    data: Value,
}

impl CloudEvent {
    pub fn new(row: FeedEvent, source: &str) -> Self {
        let FeedEvent {
            seq,
            id,
            kind,
            project_id,
            subject,
            actor_id,
            at,
            data,
        } = row;
        Self {
            specversion: "1.0",
            id,
            source: source.to_owned(),
            kind,
            subject,
            time: at,
            timestamp: at,
            datacontenttype: "application/json",
            sequence: seq.to_string(),
            projectid: project_id,
            actorid: actor_id,
            data,
        }
    }

    /// As a message of a stream of Server-Sent Events. JSON on one line needs no escapes there.
    pub fn to_message(&self, seq: i64) -> Bytes {
        let json = serde_json::to_string(self).unwrap_or_default();
        Bytes::from(format!("id: {seq}\ndata: {json}\n\n"))
    }
}
