//! Where an act came from, for the audit trail.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kernel::request::RequestId;
use crate::kernel::workload::Workload;

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

    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().map(RequestId::as_str)
    }

    /// A workload says its name, and which account and pod it was, beside whatever else there is to
    /// say.
    pub fn complete(&self, mut detail: Value) -> Value {
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
