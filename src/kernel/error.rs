//! Errors as users see them: RFC 9457 problem documents with a stable `code`.
//!
//! Handlers return [`ApiError`]; it travels in the response until the outermost middleware, which
//! knows the request id, writes the document. What went wrong inside is logged there once and never
//! shown.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal $status:ident $title:literal,)+) => {
        /// Every `code` there is. The documentation of each is the page behind the problem's
        /// `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n"),+),)+ }
            }
        }
    };
}

codes! {
    /// The request could not be understood as HTTP or as what this resource takes. `detail` says
    /// where; repeat it corrected.
    BadRequest = "bad-request" BAD_REQUEST "The request is malformed",
    /// The body is not valid JSON. `detail` names the line and column.
    MalformedJson = "malformed-json" BAD_REQUEST "The body is not valid JSON",
    /// A query parameter is not known here, for example because it is misspelt. `detail` lists the
    /// ones that are.
    UnknownParameter = "unknown-parameter" BAD_REQUEST "A query parameter is not known here",
    /// A query parameter or a part of the path has a value that cannot be used. `detail` names it
    /// and what it takes.
    InvalidParameter = "invalid-parameter" BAD_REQUEST "A parameter cannot be used",
    /// The body that arrived is not the one whose digest `Content-Digest` names, so it was damaged
    /// on its way. Send it again.
    DigestMismatch = "digest-mismatch" BAD_REQUEST "The body is not the one that was meant",
    /// The name, the password or the refresh token is not good, or not any more. Which of them is
    /// not said.
    InvalidGrant = "invalid-grant" BAD_REQUEST "The credentials are not good",
    /// This way to get a token is not offered here; the metadata document lists the ones that are.
    UnsupportedGrantType = "unsupported-grant-type" BAD_REQUEST "This grant is not offered",
    /// This needs a caller, and the credentials sent, if any, are not good (any more). Sign in and
    /// repeat.
    Unauthenticated = "unauthenticated" UNAUTHORIZED "Sign in first",
    /// You may see this but not do it.
    Forbidden = "forbidden" FORBIDDEN "You may not do this",
    /// A provider of single sign-on did not sign you in, or not as somebody who may sign in here.
    /// `detail` says why; begin again at `/sign-in`.
    SignInRefused = "sign-in-refused" FORBIDDEN "You are not signed in",
    /// There is nothing here, or nothing that you may see.
    NotFound = "not-found" NOT_FOUND "There is nothing here",
    /// This is done by mail, and the service is not set up to send any. Its operator can change
    /// that; an administrator can do the same for you in another way.
    MailOff = "mail-off" NOT_FOUND "No mail is sent here",
    /// The resource is there but takes other methods; the header `Allow` lists them.
    MethodNotAllowed = "method-not-allowed" METHOD_NOT_ALLOWED "The resource does not take this method",
    /// The change does not go together with what is there, for example because a name is taken.
    /// `detail` says what; repeating the request does not help before that has changed.
    Conflict = "conflict" CONFLICT "The request conflicts with what is there",
    /// Nobody would be left who administers. Make another administrator first, then repeat the
    /// request.
    LastAdmin = "last-admin" CONFLICT "Somebody has to administer",
    /// Nobody could sign in to the account any more. Set a password first, or link another
    /// provider, then repeat the request.
    LastWayIn = "last-way-in" CONFLICT "An account needs a way in",
    /// The first request with this `Idempotency-Key` is still being worked on. Repeat after the
    /// time in `Retry-After` to get its answer.
    RequestInFlight = "request-in-flight" CONFLICT "The same request is being worked on",
    /// Records break a rule of the dataset, which says what they have to be: those that are there
    /// break one that is to be set, or the change would leave such ones. `errors` says which rule,
    /// and how many. Correct the records, or the rule, then repeat the request.
    RulesBroken = "rules-broken" CONFLICT "Records break a rule of the dataset",
    /// The project's `expires_at` has passed: it can be read, and nothing in it can be changed. An
    /// owner can extend it by setting `expires_at` to a later time or to null.
    ProjectExpired = "project-expired" CONFLICT "The project has expired",
    /// The change would leave a project without an owner. Make somebody else an owner first, or
    /// delete the project; `detail` says which projects it is about where that is not plain.
    LastOwner = "last-owner" CONFLICT "A project needs an owner",
    /// An alias of a model leads to what you want to delete. Move or remove the alias first;
    /// `detail` names it.
    AliasInUse = "alias-in-use" CONFLICT "An alias leads here",
    /// The version of the model is still being checked, or its check has failed. Its `state` and
    /// `problem` say more.
    VersionNotReady = "version-not-ready" CONFLICT "The version is not ready",
    /// The version does not answer as its golden test wants, so no alias leads to it. Its
    /// `golden_problem` says where it differs; correct the test, or upload another version.
    GoldenFailed = "golden-failed" CONFLICT "The version fails its golden test",
    /// Events that came after the one you named are not kept any more. Read the resources
    /// themselves, then go on from the number in `detail`.
    EventsExpired = "events-expired" GONE "The events are not kept any more",
    /// The version of the dataset is not kept any more. Its number, time and message are in the
    /// list of versions; a pin keeps one for good.
    VersionPurged = "version-purged" GONE "The version is not kept any more",
    /// The resource has changed since you read it, or is there although you asked to create it.
    /// Read it again, then repeat the change with its new `ETag` in `If-Match`.
    PreconditionFailed = "precondition-failed" PRECONDITION_FAILED "The resource is not in the expected state",
    /// The request did not arrive in full in time. Send it faster, or in smaller pieces.
    RequestTimeout = "request-timeout" REQUEST_TIMEOUT "The request did not arrive in time",
    /// The body is larger than this resource takes, counted after decompression. `detail` says how
    /// much it takes.
    PayloadTooLarge = "payload-too-large" PAYLOAD_TOO_LARGE "The body is too large",
    /// The URL is longer than 8 KiB.
    UriTooLong = "uri-too-long" URI_TOO_LONG "The URL is too long",
    /// The file has no bytes where `Range` asks for some. `Content-Range` says how many it has.
    RangeNotSatisfiable = "range-not-satisfiable" RANGE_NOT_SATISFIABLE "The file has no such bytes",
    /// The tensors are not what the model takes: one is missing, has another type or another shape,
    /// or has values that the model cannot work on. `detail` names it and says what was expected.
    InvalidInput = "invalid-input" BAD_REQUEST "The tensors do not fit the model",
    /// The body has a type or an encoding that this resource does not take. `detail` says which it
    /// takes.
    UnsupportedMediaType = "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body has an unsupported type",
    /// The request names a host that this service does not answer for, which a page of somebody
    /// else's may do. Ask by `localhost`, or by the public URL that its operator has set.
    MisdirectedRequest = "misdirected-request" MISDIRECTED_REQUEST "The service does not answer by this name",
    /// The body is JSON but not what this resource takes. `errors` lists every field that is wrong,
    /// with a JSON pointer.
    ValidationFailed = "validation-failed" UNPROCESSABLE_ENTITY "The body does not fit",
    /// The file that was sent cannot be loaded, and nothing of it was. `errors` has the first
    /// mistakes by row and column; the import at `Location` has up to 1,000.
    ImportRefused = "import-refused" UNPROCESSABLE_ENTITY "The file cannot be loaded",
    /// A group that is compared has several records, and the request does not say how to make one
    /// value of them. Say it by `agg`, or filter so that one is left.
    AmbiguousCell = "ambiguous-cell" UNPROCESSABLE_ENTITY "A group has several records",
    /// The `Idempotency-Key` came before with another request within the last 24 hours. Use a new
    /// key for every new request.
    IdempotencyKeyReused = "idempotency-key-reused" UNPROCESSABLE_ENTITY "The Idempotency-Key belongs to another request",
    /// More requests came than the policy in `RateLimit-Policy` allows. Nothing was done; repeat
    /// after the time in `Retry-After`.
    TooManyRequests = "too-many-requests" TOO_MANY_REQUESTS "Too many requests",
    /// There are too many headers, or they are too large together.
    HeadersTooLarge = "headers-too-large" REQUEST_HEADER_FIELDS_TOO_LARGE "The headers are too large",
    /// A defect of the service. Its operator finds it in the log under the request id in
    /// `instance`.
    Internal = "internal" INTERNAL_SERVER_ERROR "Something went wrong inside",
    /// The method is not implemented anywhere in this service.
    NotImplemented = "not-implemented" NOT_IMPLEMENTED "The method is not implemented",
    /// More is asked of the service than it can do at once. Nothing was done; repeat after the time
    /// in `Retry-After`.
    Overloaded = "overloaded" SERVICE_UNAVAILABLE "The service is busy",
    /// The file is being made, which the first request for it began. Repeat after the time in
    /// `Retry-After`.
    FilePending = "file-pending" SERVICE_UNAVAILABLE "The file is being made",
    /// The process in which the model runs ended before it answered: it took more memory or time
    /// than there is for it, or what was asked made it end. The next request finds it running
    /// again.
    ModelFailed = "model-failed" SERVICE_UNAVAILABLE "The model ended before it answered",
    /// Models are not served by this process, or what runs them cannot be reached. Its operator can
    /// change that; everything else works.
    ModelsUnavailable = "models-unavailable" SERVICE_UNAVAILABLE "Models are not served at present",
    /// The answer took too long and was given up. A change may have been made or not; repeat it
    /// with the same `Idempotency-Key`.
    DeadlineExceeded = "deadline-exceeded" SERVICE_UNAVAILABLE "The answer took too long",
    /// There is no database connection. Nothing was done; repeat after the time in `Retry-After`.
    DatabaseUnavailable = "database-unavailable" SERVICE_UNAVAILABLE "The database cannot be reached",
    /// The operation was lost in the middle, or its answer was. A change may have been made or not;
    /// repeat it with the same `Idempotency-Key`.
    OutcomeUnknown = "outcome-unknown" SERVICE_UNAVAILABLE "The outcome is unknown",
    /// The database only reads at present, as it does for seconds while a standby takes over.
    /// Nothing was changed; repeat after the time in `Retry-After`.
    ReadOnly = "read-only" SERVICE_UNAVAILABLE "The service only reads at present",
    /// The database has no disk space left for the change. Nothing was done, and reading goes on;
    /// the operator has to make space. Repeat after the time in `Retry-After`.
    StorageFull = "storage-full" SERVICE_UNAVAILABLE "The database has no space left",
    /// The cluster, which alone knows whether the token of a workload is good, does not answer.
    /// Nothing was done; repeat after the time in `Retry-After`.
    IdentityUnavailable = "identity-unavailable" SERVICE_UNAVAILABLE "The cluster does not answer",
    /// The provider of single sign-on does not answer, or not as it should. Repeat after the time
    /// in `Retry-After`, or sign in with a password; the operator finds the reason in the log.
    ProviderUnavailable = "provider-unavailable" SERVICE_UNAVAILABLE "The sign-in provider does not answer",
    /// The process is not ready to serve; `detail` says why. Load balancers ask this on the ops
    /// listener.
    NotReady = "not-ready" SERVICE_UNAVAILABLE "Not ready",
}

impl Code {
    /// The code for a bare status, as a library below us may answer it.
    pub fn of_status(status: StatusCode) -> Self {
        match Self::ALL.iter().find(|code| code.status() == status) {
            Some(code) => *code,
            None if status.is_client_error() => Self::BadRequest,
            None => Self::Internal,
        }
    }

    fn as_oauth(self) -> &'static str {
        match (self, self.status()) {
            (Self::InvalidGrant, _) => "invalid_grant",
            (Self::UnsupportedGrantType, _) => "unsupported_grant_type",
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => "invalid_client",
            (_, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                "temporarily_unavailable"
            }
            (_, status) if status.is_client_error() => "invalid_request",
            _ => "server_error",
        }
    }

    fn is_temporary(self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }
}

/// One thing wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the value; empty for the body itself
    pub pointer: String,
    /// What kind of mistake it is, for programs
    pub code: Cow<'static, str>,
    /// What is wrong, for people
    pub detail: String,
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem<'a> {
    /// URL of a page about this kind of problem
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words
    pub title: &'a str,
    /// The HTTP status
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong with this request and what to do
    pub detail: &'a str,
    /// The request id, as in the header `x-request-id` and in the log
    pub instance: &'a str,
    /// The kind of problem, for programs: the last segment of `type`
    #[schema(value_type = Code)]
    pub code: &'a str,
    /// Every field that is wrong
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub errors: &'a [FieldError],
    /// At the token endpoints: the code of RFC 6749, 5.2; at those of the inference protocol: the
    /// same as `detail`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// At the token endpoints: the same as `detail`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<&'a str>,
}

/// Whose protocol a path is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Ours,
    /// RFC 6749, which says in 5.2 what an error is.
    OAuth,
    /// The Open Inference Protocol.
    Inference,
}

/// More mistakes than anybody corrects at once; a body can hold a hundred thousand.
pub const MOST_FIELD_ERRORS: usize = 100;

#[derive(Clone, Debug)]
pub struct ApiError {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub errors: Vec<FieldError>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The cause, for the log alone.
    pub cause: Option<std::sync::Arc<anyhow::Error>>,
}

pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// One thing wrong with a body.
    pub fn wrong_field(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::validation(vec![FieldError {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        }])
    }

    pub fn validation(mut errors: Vec<FieldError>) -> Self {
        errors.sort();
        errors.dedup();
        let detail = match errors.as_slice() {
            [one] => format!(
                "{}{}{}",
                one.pointer,
                if one.pointer.is_empty() { "" } else { ": " },
                one.detail
            ),
            more if more.len() > MOST_FIELD_ERRORS => format!(
                "more than {MOST_FIELD_ERRORS} fields are wrong; `errors` lists the first {MOST_FIELD_ERRORS}"
            ),
            more => format!("{} fields are wrong; `errors` lists them", more.len()),
        };
        errors.truncate(MOST_FIELD_ERRORS);
        Self {
            errors,
            ..Self::new(Code::ValidationFailed, detail)
        }
    }

    pub fn not_found(what: &'static str) -> Self {
        Self::new(
            Code::NotFound,
            format!("there is no such {what}, or you may not see it"),
        )
    }

    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            cause: Some(std::sync::Arc::new(cause.into())),
            ..Self::new(
                Code::Internal,
                "the service failed; its operator finds the cause under this request id",
            )
        }
    }

    /// What a trigger refused, in its own words: a rule that holds for every statement is kept, and
    /// explained, by the database.
    pub fn refused_by_trigger(error: &diesel::result::Error) -> Option<Self> {
        use diesel::result::{DatabaseErrorKind, Error};
        let Error::DatabaseError(DatabaseErrorKind::CheckViolation, info) = error else {
            return None;
        };
        let code = match info.constraint_name()? {
            "project_members_last_owner" => Code::LastOwner,
            "models_alias_in_use" => Code::AliasInUse,
            _ => return None,
        };
        Some(Self::new(code, info.message().to_owned()))
    }

    /// Whether the cause is a panic in a task that the handler waited for, `spawn_blocking` among
    /// them.
    pub fn is_panic_elsewhere(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| {
            cause
                .chain()
                .filter_map(|it| it.downcast_ref::<tokio::task::JoinError>())
                .any(tokio::task::JoinError::is_panic)
        })
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The document's bytes.
    ///
    /// A protocol of others adds the members that its clients read.
    pub fn document(&self, public_url: &str, instance: &str, door: Door) -> Vec<u8> {
        let problem = Problem {
            kind: format!("{public_url}/errors/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            instance,
            code: self.code.as_str(),
            errors: &self.errors,
            error: match door {
                Door::Ours => None,
                Door::OAuth => Some(self.code.as_oauth()),
                Door::Inference => Some(&self.detail),
            },
            error_description: (door == Door::OAuth).then_some(&*self.detail),
        };
        serde_json::to_vec(&problem).unwrap_or_default()
    }

    /// Seconds after which a repetition makes sense, spread out so that clients do not come back
    /// all at once.
    pub fn retry_after(&self, spread: u64) -> Option<u64> {
        self.code.is_temporary().then_some(1 + spread % 5)
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl utoipa::IntoResponses for ApiError {
    fn responses()
    -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        use utoipa::openapi::{Content, Ref, ResponseBuilder};
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new()
            .description("A problem document; `code` tells which")
            .content("application/problem+json", content)
            .build();
        [("default".to_owned(), response.into())].into()
    }
}

/// An error in a line with its causes, which often hold what helps; none is repeated that the text
/// before has said.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_urls() {
        let mut seen: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(
            seen.iter()
                .all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        );
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), Code::ALL.len());
    }

    #[test]
    fn a_bare_status_keeps_its_status() {
        for code in Code::ALL {
            assert_eq!(Code::of_status(code.status()).status(), code.status());
        }
        assert_eq!(Code::of_status(StatusCode::IM_A_TEAPOT), Code::BadRequest);
        assert_eq!(Code::of_status(StatusCode::BAD_GATEWAY), Code::Internal);
    }
}
