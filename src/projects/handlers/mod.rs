//! What is asked about projects, a file for each matter.

pub mod accept;
pub mod create;
pub mod invitations;
pub mod list;
pub mod members;
pub mod one;
pub mod trail;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::Role;
use super::model::{Project, Visibility};
use super::reminders::shown;
use crate::kernel::types::{ProjectId, instant};

/// A project, as its reader sees it
#[derive(Serialize, ToSchema)]
pub struct ProjectBody {
    id: ProjectId,
    name: String,
    description: Option<String>,
    visibility: Visibility,
    /// When the project expires; null if it never does. An expired project can be read but not
    /// changed, until an owner extends it
    #[serde(serialize_with = "instant")]
    expires_at: Option<DateTime<Utc>>,
    /// How long before its end the project reminds its owners and editors, as ISO 8601 durations
    reminders: Vec<String>,
    /// Your role in the project; null if you are no member and can read it because it is internal
    role: Option<Role>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    updated_at: DateTime<Utc>,
}

impl ProjectBody {
    fn new(project: Project, role: Option<Role>) -> Self {
        let Project {
            id,
            name,
            description,
            visibility,
            expires_at,
            reminders,
            version: _,
            created_at,
            updated_at,
        } = project;
        Self {
            id,
            name,
            description,
            visibility,
            expires_at,
            reminders: shown(&reminders.0),
            role,
            created_at,
            updated_at,
        }
    }
}
