//! What is asked about projects, a file for each matter.

pub mod create;
pub mod list;
pub mod members;
pub mod one;
pub mod trail;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::Role;
use super::model::{Project, Visibility};
use crate::http::body::json::mistake;
use crate::kernel::error::{ApiError, ApiResult, FieldError};
use crate::kernel::types::{ProjectId, instant, is_usual};

const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 10_000;

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
            role,
            created_at,
            updated_at,
        }
    }
}

/// A body's mistakes as they are found.
#[derive(Default)]
struct Mistakes(Vec<FieldError>);

impl Mistakes {
    fn add(&mut self, pointer: &str, detail: &str) {
        self.0.push(mistake(pointer, "invalid-value", detail));
    }

    /// As it is kept.
    fn name(&mut self, text: &str) -> String {
        // As it came: the document's length counts the spaces around it, too.
        let long = text.chars().count() > LONGEST_NAME;
        let text = text.trim();
        if long || text.is_empty() || text.chars().any(char::is_control) {
            self.add(
                "/name",
                "expected 1 to 200 characters, none of them a control character",
            );
        }
        text.to_owned()
    }

    fn description(&mut self, text: &str) {
        if text.chars().count() > LONGEST_DESCRIPTION {
            self.add("/description", "expected at most 10,000 characters");
        }
    }

    fn expires_at(&mut self, time: DateTime<Utc>) {
        if time <= Utc::now() || !is_usual(time) {
            self.add(
                "/expires_at",
                "expected a time in the future, up to the year 9999, or null for never",
            );
        }
    }

    fn none(self) -> ApiResult<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(ApiError::validation(self.0))
    }
}
