//! Who may call a handler, which is the type of its first parameter. `security(..)` says the same
//! to the reader of the document in a word, and a route whose word and type differ keeps the
//! service from starting.

use std::convert::Infallible;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::request::Parts;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::http::openapi::access::Access;
use crate::http::shell::routes::operations;
use crate::kernel::error::ApiError;
use crate::kernel::principal::Principal;

/// What a handler takes first.
pub trait Caller {
    /// What the middleware has made sure of before the handler runs.
    const ACCESS: Access;
}

/// Everybody, with or without credentials, which are not looked at.
pub struct Anyone;

impl Caller for Anyone {
    const ACCESS: Access = Access::Public;
}

impl<S: Send + Sync> FromRequestParts<S> for Anyone {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Whoever calls: somebody where credentials are sent, which must be good, else nobody.
pub struct MaybeSigned(pub Option<Principal>);

impl Caller for MaybeSigned {
    const ACCESS: Access = Access::Optional;
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeSigned {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

/// A value of these types is proof that somebody is what it says: only a request makes one.
macro_rules! callers {
    ($($(#[doc = $doc:literal])+ $name:ident: $access:ident,)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone)]
            pub struct $name(Principal);

            impl Caller for $name {
                const ACCESS: Access = Access::$access;
            }

            impl Deref for $name {
                type Target = Principal;

                fn deref(&self) -> &Principal {
                    &self.0
                }
            }

            impl<S: Send + Sync> FromRequestParts<S> for $name {
                type Rejection = ApiError;

                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                    let who = Principal::of(&parts.extensions)?;
                    // The middleware has asked the same for the first parameter, and nobody has for
                    // another.
                    Self::ACCESS.admits(&who)?;
                    Ok(Self(who))
                }
            }
        )+
    };
}

callers! {
    /// Whoever has good credentials.
    Signed: Caller,
    /// A person, by whatever stands for them; a workload has no account.
    Person: User,
    /// A person who signed in with the password, not a machine's token.
    PersonInSession: Session,
    /// An administrator.
    Administrator: Admin,
    /// An administrator or a workload.
    Service: Service,
}

/// A function that says who may call it. Every handler that `routes!` takes is one.
#[diagnostic::on_unimplemented(
    message = "the first parameter of a handler says who may call it",
    label = "begin its parameters with `Anyone`, `Signed`, `Person` or another `Caller`"
)]
pub trait Handler<Parameters> {
    const ACCESS: Access;
}

macro_rules! handlers {
    ($($more:ident)*) => {
        impl<F, R, C: Caller, $($more),*> Handler<(C, $($more,)*)> for F
        where
            F: Fn(C, $($more),*) -> R,
        {
            const ACCESS: Access = C::ACCESS;
        }
    };
}

handlers!();
handlers!(A1);
handlers!(A1 A2);
handlers!(A1 A2 A3);
handlers!(A1 A2 A3 A4);
handlers!(A1 A2 A3 A4 A5);
handlers!(A1 A2 A3 A4 A5 A6);
handlers!(A1 A2 A3 A4 A5 A6 A7);

/// The route of one handler, which is declared in its operation.
pub fn typed<S, H: Handler<P>, P>(
    (schemas, mut paths, methods): UtoipaMethodRouter<S>,
    _: H,
) -> UtoipaMethodRouter<S> {
    for item in paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            H::ACCESS.declare(operation);
        }
    }
    (schemas, paths, methods)
}

/// The routes of one path.
pub fn together<S: Clone>(
    (mut schemas, mut paths, methods): UtoipaMethodRouter<S>,
    (more_schemas, more_paths, more_methods): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    schemas.extend(more_schemas);
    paths.merge(more_paths);
    (schemas, paths, methods.merge(more_methods))
}

/// What `routes!` of utoipa does, and besides it notes of each handler who may call it.
#[doc(hidden)]
#[macro_export]
macro_rules! typed_routes {
    ($($first:ident)::+ $(,)?) => {
        $crate::http::caller::typed(utoipa_axum::routes!($($first)::+), $($first)::+)
    };
    ($($first:ident)::+, $($more:tt)+) => {
        $crate::http::caller::together(
            $crate::http::caller::routes!($($first)::+),
            $crate::http::caller::routes!($($more)+),
        )
    };
}

#[doc(inline)]
pub use typed_routes as routes;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::Utc;
    use http::Request;

    use super::*;
    use crate::kernel::error::Code;
    use crate::kernel::principal::Credential;
    use crate::kernel::types::{ApiTokenId, PrincipalId, SessionId};
    use crate::kernel::workload::Workload;

    async fn extract<C: FromRequestParts<(), Rejection = ApiError>>(
        who: Option<&Principal>,
    ) -> Result<(), Code> {
        let (mut parts, ()) = Request::new(()).into_parts();
        if let Some(who) = who {
            parts.extensions.insert(who.clone());
        }
        let extracted = C::from_request_parts(&mut parts, &()).await;
        extracted.map(drop).map_err(|error| error.code)
    }

    /// Wherever it stands among the parameters, and whatever the middleware asked.
    #[tokio::test]
    async fn a_caller_is_proof_that_somebody_is_one() {
        let who = |is_admin, credential| Principal {
            id: PrincipalId::fresh(),
            is_admin,
            credential,
            since: Utc::now(),
        };
        let session = || Credential::Bearer(SessionId::fresh());
        let token = Credential::ApiToken {
            id: ApiTokenId::fresh(),
            may_write: true,
        };
        let name = "k8s:team/app".parse().unwrap();
        let (uid, pod) = (String::new(), None);
        let workload = Credential::ServiceAccount(Arc::new(Workload { name, uid, pod }));
        // Signed, a person, in session, an administrator, a service.
        for (who, admitted) in [
            (who(false, session()), [true, true, true, false, false]),
            (who(true, session()), [true; 5]),
            (who(false, token), [true, true, false, false, false]),
            (who(false, workload), [true, false, false, false, true]),
        ] {
            let who = Some(&who);
            let found = [
                extract::<Signed>(who).await,
                extract::<Person>(who).await,
                extract::<PersonInSession>(who).await,
                extract::<Administrator>(who).await,
                extract::<Service>(who).await,
            ];
            let expected = admitted.map(|is| if is { Ok(()) } else { Err(Code::Forbidden) });
            assert_eq!(found, expected, "{who:?}");
        }
        // On a public route nobody was looked for.
        assert_eq!(extract::<Signed>(None).await, Err(Code::Internal));
    }
}
