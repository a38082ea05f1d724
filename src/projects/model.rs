//! Rows of projects, and what is done to them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::schema::projects;
use crate::types::ProjectId;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    pub visibility: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
