//! What a route asks of its caller. Read from the OpenAPI document, so what is documented is what
//! is enforced; a route that says nothing, a word that is none of these, or another word than its
//! handler's first parameter (`http::caller`) is refused before the service starts.

use anyhow::{Context as _, ensure};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::principal::{Credential, Principal};

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

/// Where an operation has what its handler's first parameter is.
const DECLARED: &str = "x-caller";

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
        let said = match words.as_slice() {
            [] => Self::Public,
            [word] => Self::of_word(word).with_context(|| {
                format!("`security(..)` has {word:?}, which means nothing here")
            })?,
            _ => anyhow::bail!("`security(..)` has more than one word"),
        };
        let extensions = operation.extensions.as_ref();
        let declared = extensions
            .and_then(|all| all.get(DECLARED))
            .context("nobody looked at who its handler takes: use `routes!` of `http::caller`")?;
        ensure!(
            *declared == said.word(),
            "`security(..)` says {:?}, and the first parameter of its handler says {declared}",
            said.word()
        );
        Ok(said)
    }

    /// Whether somebody who is signed in is one of those.
    pub fn admits(self, who: &Principal) -> ApiResult<()> {
        let forbidden = |detail: &'static str| Err(ApiError::new(Code::Forbidden, detail));
        match self {
            Self::Admin if !who.is_admin => forbidden("this is for administrators"),
            Self::Service if !who.is_admin && who.workload().is_none() => {
                forbidden("this is for administrators and workloads")
            }
            Self::User | Self::Session if who.workload().is_some() => {
                forbidden("this is for people: a workload has no account and starts no projects")
            }
            Self::Session if matches!(who.credential, Credential::ApiToken { .. }) => {
                forbidden("this is not for API tokens")
            }
            _ => Ok(()),
        }
    }

    /// Notes what the handler of an operation takes first.
    pub fn declare(self, operation: &mut Operation) {
        let extensions = operation.extensions.get_or_insert_default();
        extensions.insert(DECLARED.to_owned(), self.word().into());
    }

    fn of_word(word: &str) -> Option<Self> {
        let known = Self::WITH_WORDS.iter().find(|it| it.word() == word);
        known.copied()
    }

    const WITH_WORDS: [Self; 6] = [
        Self::Optional,
        Self::Caller,
        Self::User,
        Self::Session,
        Self::Admin,
        Self::Service,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Public => "()",
            Self::Optional => OPTIONAL,
            Self::Caller => CALLER,
            Self::User => USER,
            Self::Session => SESSION,
            Self::Admin => ADMIN,
            Self::Service => SERVICE,
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

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::OperationBuilder;

    fn of(words: &[&str], declared: Option<Access>) -> anyhow::Result<Access> {
        let said = words
            .iter()
            .map(|word| SecurityRequirement::new(*word, [""; 0]));
        let mut operation = OperationBuilder::new().securities(Some(said)).build();
        if let Some(declared) = declared {
            declared.declare(&mut operation);
        }
        Access::of(&operation)
    }

    #[test]
    fn a_word_means_what_it_says_or_is_refused() {
        for (words, access) in [
            (&[][..], Access::Public),
            (&["admin"], Access::Admin),
            (&["caller"], Access::Caller),
            (&["optional"], Access::Optional),
            (&["service"], Access::Service),
            (&["session"], Access::Session),
            (&["user"], Access::User),
        ] {
            assert_eq!(of(words, Some(access)).unwrap(), access);
        }
        for bad in [
            &["amdin"][..],
            &["Admin"],
            &[""],
            &["()"],
            &["bearer"],
            &["admin", "user"],
        ] {
            of(bad, Some(Access::Admin)).unwrap_err();
        }
        Access::of(&OperationBuilder::new().build()).unwrap_err();
    }

    #[test]
    fn a_word_that_differs_from_the_type_is_refused() {
        let refused = |words: &[&str], declared| of(words, declared).unwrap_err().to_string();
        assert_eq!(
            refused(&["admin"], Some(Access::Caller)),
            "`security(..)` says \"admin\", and the first parameter of its handler says \"caller\""
        );
        assert_eq!(
            refused(&[], Some(Access::Admin)),
            "`security(..)` says \"()\", and the first parameter of its handler says \"admin\""
        );
        assert!(refused(&["admin"], None).contains("routes!"));
    }
}
