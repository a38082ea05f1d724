//! What a route asks of its caller. Read from the OpenAPI document, so what is documented is what is enforced; a route that
//! says nothing asks for a caller.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

/// Names a handler gives in `security(...)`; the document shows what they stand for.
const ADMIN: &str = "admin";
const SESSION: &str = "session";
const OPTIONAL: &str = "optional";
const USER: &str = "user";
const SERVICE: &str = "service";
/// Besides `admin`, what the document says of a caller.
const WORKLOAD: &str = "workload";
const OAUTH2: &str = "oauth2";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `security(())`: credentials are not looked at.
    Public,
    /// `security(("optional" = []))`: a caller where credentials are sent, and they must be good.
    Optional,
    /// Nothing said.
    Caller,
    /// `security(("user" = []))`: a person, by whatever stands for them; a workload has no account.
    User,
    /// `security(("session" = []))`: a person who signed in with the password, not a machine's token.
    Session,
    /// `security(("admin" = []))`.
    Admin,
    /// `security(("service" = []))`: administrators and workloads.
    Service,
}

impl Access {
    pub fn of(operation: &Operation) -> Self {
        let Some(requirements) = &operation.security else {
            return Self::Caller;
        };
        let names: Vec<String> = requirements.iter().flat_map(names_of).collect();
        match names.first().map(String::as_str) {
            None => Self::Public,
            Some(ADMIN) => Self::Admin,
            Some(SERVICE) => Self::Service,
            Some(SESSION) => Self::Session,
            Some(USER) => Self::User,
            Some(OPTIONAL) => Self::Optional,
            Some(_) => Self::Caller,
        }
    }

    /// What the document says instead of our names.
    pub fn document(self) -> Vec<SecurityRequirement> {
        let is_for_admins = matches!(self, Self::Admin | Self::Service);
        // Only OAuth's scheme has scopes that tools know of.
        let schemes = ["bearer", "oauth2", "basic", "cookie"].map(|name| {
            let is_scoped = is_for_admins && name == OAUTH2;
            SecurityRequirement::new(name, is_scoped.then_some(ADMIN))
        });
        match self {
            Self::Public => Vec::new(),
            Self::Optional => std::iter::once(SecurityRequirement::default())
                .chain(schemes)
                .collect(),
            Self::Service => {
                let workload = SecurityRequirement::new(OAUTH2, [WORKLOAD]);
                schemes.into_iter().chain([workload]).collect()
            }
            Self::Caller | Self::User | Self::Session | Self::Admin => schemes.to_vec(),
        }
    }
}

/// The requirement's scheme names; the type shows them only when serialised.
fn names_of(requirement: &SecurityRequirement) -> Vec<String> {
    match serde_json::to_value(requirement) {
        Ok(serde_json::Value::Object(members)) => members.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
