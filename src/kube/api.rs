//! Objects of the API server by their names, as JSON: what is set of CloudNativePG's types is the
//! chart's business, and what is read of them is little. Failures say what was asked for, so that a
//! missing right is named.

use std::fmt;
use std::time::Duration;

use kube::Client;
use kube::core::Request;
use kube::core::params::{GetParams, Patch, PatchParams};
use serde_json::Value;

use crate::kernel::error::with_causes;

/// An API server that takes longer than this will not answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the provisioning touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Secret,
    Cluster,
    /// A PersistentVolumeClaim.
    Claim,
}

impl Kind {
    fn path(self, namespace: &str) -> String {
        match self {
            Self::Secret => format!("/api/v1/namespaces/{namespace}/secrets"),
            Self::Cluster => {
                format!("/apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters")
            }
            Self::Claim => format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "Secret",
            Self::Cluster => "Cluster",
            Self::Claim => "PersistentVolumeClaim",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    #[error("the right to {0} is missing; the provisioning Role has to allow it")]
    Forbidden(String),
    /// Somebody else holds fields, or was quicker.
    #[error("{0}: {1}")]
    Conflict(String, String),
    /// Asking again changes nothing.
    #[error("the API server refuses to {0}: {1}")]
    Refused(String, String),
    #[error("the API server cannot {0} at the moment: {1}")]
    Unavailable(String, String),
    #[error("no connection to an API server: {0}")]
    NoClient(String),
}

impl KubeError {
    /// Whether asking again may help.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(..))
    }
}

/// The objects of one namespace.
pub struct Objects {
    client: Client,
    namespace: String,
}

impl Objects {
    /// With the credentials of the pod, else of the caller's kubeconfig.
    pub async fn connect(namespace: &str) -> Result<Self, KubeError> {
        let client = Client::try_default()
            .await
            .map_err(|error| KubeError::NoClient(with_causes(&error)))?;
        Ok(Self::new(client, namespace))
    }

    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
        }
    }

    /// Whether the API server knows the group of CloudNativePG.
    pub async fn has_operator(&self) -> Result<bool, KubeError> {
        let request = http::Request::get("/apis/postgresql.cnpg.io/v1").body(Vec::new());
        let what = "look for CloudNativePG (postgresql.cnpg.io)".to_owned();
        match self
            .ask(request.map_err(kube::Error::HttpError), &what)
            .await
        {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(sorted(error, what)),
        }
    }

    pub async fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>, KubeError> {
        let request = Request::new(kind.path(&self.namespace))
            .get(name, &GetParams::default())
            .map_err(kube::Error::BuildRequest);
        let what = format!("get the {kind} {name}");
        match self.ask(request, &what).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(sorted(error, what)),
        }
    }

    /// Server-side apply: as `create` with the object's name where it is not there yet, so that a
    /// Role can name it.
    pub async fn apply(
        &self,
        kind: Kind,
        object: &Value,
        how: &PatchParams,
    ) -> Result<Value, KubeError> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let name = name.unwrap_or_default();
        let request = Request::new(kind.path(&self.namespace))
            .patch(name, how, &Patch::Apply(object))
            .map_err(kube::Error::BuildRequest);
        let what = format!("create or patch the {kind} {name}");
        self.ask(request, &what)
            .await
            .map_err(|error| sorted(error, what))
    }

    /// Changes an object only where it is still the one that was read: `patch` tests its resource
    /// version.
    pub async fn patch(
        &self,
        kind: Kind,
        name: &str,
        patch: json_patch::Patch,
    ) -> Result<Value, KubeError> {
        let request = Request::new(kind.path(&self.namespace))
            .patch(name, &PatchParams::default(), &Patch::Json::<()>(patch))
            .map_err(kube::Error::BuildRequest);
        let what = format!("patch the {kind} {name}");
        self.ask(request, &what)
            .await
            .map_err(|error| sorted(error, what))
    }

    async fn ask(
        &self,
        request: kube::Result<http::Request<Vec<u8>>>,
        what: &str,
    ) -> kube::Result<Value> {
        let answer = self.client.request::<Value>(request?);
        tokio::time::timeout(PATIENCE, answer)
            .await
            .unwrap_or_else(|_elapsed| {
                let slow = format!("no answer to `{what}` within {} s", PATIENCE.as_secs());
                Err(kube::Error::Service(slow.into()))
            })
    }
}

fn sorted(error: kube::Error, what: String) -> KubeError {
    match error {
        kube::Error::Api(status) => match status.code {
            401 | 403 => KubeError::Forbidden(what),
            409 => KubeError::Conflict(what, status.message.clone()),
            // A webhook that is not up yet: the operator was installed a moment ago, or is being
            // replaced.
            429 | 500.. => KubeError::Unavailable(what, status.message.clone()),
            _ => KubeError::Refused(what, status.message.clone()),
        },
        error => KubeError::Unavailable(what, with_causes(&error)),
    }
}
