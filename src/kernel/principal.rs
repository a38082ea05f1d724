//! Who a request acts for, and by which credential.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::Extensions;
use uuid::Uuid;

use super::workload::Workload;
use crate::kernel::error::ApiError;
use crate::kernel::types::{ApiTokenId, PrincipalId, SessionId};

/// A caller whose credential was good. Only `authenticate` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub id: PrincipalId,
    pub is_admin: bool,
    pub credential: Credential,
    /// When the credential was made or the password checked: what was revoked later than that is
    /// refused.
    pub since: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An access token.
    Bearer(SessionId),
    Cookie(SessionId),
    /// The account's password.
    Password,
    ApiToken {
        id: ApiTokenId,
        may_write: bool,
    },
    /// The token of a workload's service account.
    ServiceAccount(Arc<Workload>),
}

impl Principal {
    pub fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Bearer(id) | Credential::Cookie(id) => Some(id),
            Credential::Password | Credential::ApiToken { .. } | Credential::ServiceAccount(_) => {
                None
            }
        }
    }

    /// `None` for a person, whatever stands for them.
    pub fn workload(&self) -> Option<&Arc<Workload>> {
        match &self.credential {
            Credential::ServiceAccount(workload) => Some(workload),
            _ => None,
        }
    }

    /// What ends it when revoked: the one for ever, the other for what was issued before.
    pub fn revoked_by(&self) -> (Uuid, Uuid) {
        // A session ends by its own id, which also tells it from one begun in the same second; a
        // password has no id of its own.
        match self.credential {
            Credential::Bearer(id) | Credential::Cookie(id) => (id.0, Uuid::nil()),
            Credential::ApiToken { id, .. } => (id.0, self.id.0),
            Credential::Password | Credential::ServiceAccount(_) => (Uuid::nil(), self.id.0),
        }
    }

    pub fn may_write(&self) -> bool {
        !matches!(
            self.credential,
            Credential::ApiToken {
                may_write: false,
                ..
            }
        )
    }

    /// Who the middleware found before the handler runs. On a public route it looks for nobody.
    pub fn of(extensions: &Extensions) -> Result<Self, ApiError> {
        extensions.get().cloned().ok_or_else(|| {
            ApiError::internal(anyhow::anyhow!("a public route asks for a principal"))
        })
    }
}
