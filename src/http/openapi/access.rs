//! What a route asks of its caller. Read from the OpenAPI document, so what is documented is what
//! is enforced; a route that says nothing, or a word that is none of these, is refused before the
//! service starts.

use anyhow::Context as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

/// Names a handler gives in `security(...)`; the document shows what they stand for.
const ADMIN: &str = "admin";
const CALLER: &str = "caller";
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
    /// `security(("caller" = []))`: whoever has good credentials.
    Caller,
    /// `security(("user" = []))`: a person, by whatever stands for them; a workload has no account.
    User,
    /// `security(("session" = []))`: a person who signed in with the password, not a machine's
    /// token.
    Session,
    /// `security(("admin" = []))`.
    Admin,
    /// `security(("service" = []))`: administrators and workloads.
    Service,
}

impl Access {
    pub fn of(operation: &Operation) -> anyhow::Result<Self> {
        let requirements = operation
            .security
            .as_ref()
            .context("it does not say who may call it: `security(..)` is missing")?;
        let words: Vec<String> = requirements.iter().flat_map(names_of).collect();
        match words.as_slice() {
            [] => Ok(Self::Public),
            [word] => Self::of_word(word)
                .with_context(|| format!("`security(..)` has {word:?}, which means nothing here")),
            _ => anyhow::bail!("`security(..)` has more than one word"),
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            ADMIN => Self::Admin,
            CALLER => Self::Caller,
            OPTIONAL => Self::Optional,
            SERVICE => Self::Service,
            SESSION => Self::Session,
            USER => Self::User,
            _ => return None,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::OperationBuilder;

    fn of(words: &[&str]) -> anyhow::Result<Access> {
        let said = words
            .iter()
            .map(|word| SecurityRequirement::new(*word, [""; 0]));
        Access::of(&OperationBuilder::new().securities(Some(said)).build())
    }

    #[test]
    fn a_word_means_what_it_says_or_is_refused() {
        assert_eq!(of(&[]).unwrap(), Access::Public);
        assert_eq!(of(&["admin"]).unwrap(), Access::Admin);
        assert_eq!(of(&["caller"]).unwrap(), Access::Caller);
        for bad in [
            &["amdin"][..],
            &["Admin"],
            &[""],
            &["bearer"],
            &["admin", "user"],
        ] {
            of(bad).unwrap_err();
        }
        Access::of(&OperationBuilder::new().build()).unwrap_err();
    }
}
