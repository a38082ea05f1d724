//! Why a provider did not sign somebody in, and what is told of it: what a person can do, to the
//! person, and the rest to the log.

use std::borrow::Cow;

use super::id_token::Flaw;
use crate::config::OidcProvider;
use crate::identity::jwks::Unavailable;
use crate::kernel::error::{ApiError, Code};

/// Why a provider did not sign somebody in.
#[derive(Debug)]
pub enum No {
    Unavailable(Unavailable),
    /// It does not take the code, or not from us; with the code of its error.
    Code(String),
    Token(Flaw),
    /// Its answer came from somebody else (RFC 9207).
    Issuer,
}

impl From<Unavailable> for No {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<Flaw> for No {
    fn from(flaw: Flaw) -> Self {
        Self::Token(flaw)
    }
}

impl No {
    /// What is told to who wanted to sign in.
    pub fn told(self, settings: &OidcProvider) -> ApiError {
        let OidcProvider { id, name, .. } = settings;
        match self {
            Self::Unavailable(error) => {
                tracing::warn!(provider = id, error = %error, "a sign-in provider does not answer");
                let detail = format!(
                    "{name} does not answer as it should, so nobody can be signed in by it; repeat the request, or sign in with a password"
                );
                ApiError::new(Code::ProviderUnavailable, detail)
            }
            Self::Code(code) => {
                tracing::warn!(
                    provider = id,
                    error = code,
                    "a sign-in provider takes no code"
                );
                refused(format!(
                    "{name} does not take the answer that it gave your browser, as when it comes twice or too late; begin again at /sign-in"
                ))
            }
            Self::Token(flaw) => {
                tracing::warn!(provider = id, flaw = %flaw, "a sign-in provider sent a bad token");
                refused(format!(
                    "what {name} says about you is not good here: {flaw}; begin again at /sign-in, and tell who operates this service if it stays so"
                ))
            }
            Self::Issuer => {
                tracing::warn!(
                    provider = id,
                    "an answer to a sign-in came from another issuer"
                );
                refused(format!(
                    "this answer to a sign-in does not come from {name}; begin again at /sign-in"
                ))
            }
        }
    }
}

/// Nobody is signed in, for a reason that they may know.
pub fn refused(detail: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(Code::SignInRefused, detail)
}
