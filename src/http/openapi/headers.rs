//! The headers that operations take and that answers carry, each described once among the
//! components.

use http::{Method, StatusCode};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{
    Components, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, Type,
};

use crate::http::openapi::access::Access;
use crate::kernel::error::Door;

const IF_MATCH: &str = "If-Match";
const IF_NONE_MATCH: &str = "If-None-Match";
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

const ETAG: &str = "ETag";
const LINK: &str = "Link";
const LOCATION: &str = "Location";
const RATE_LIMIT: &str = "RateLimit";
const RATE_LIMIT_POLICY: &str = "RateLimit-Policy";
const REPLAYED: &str = "Idempotency-Replayed";
const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";
const WWW_AUTHENTICATE: &str = "WWW-Authenticate";

/// Tags in quotes, separated by commas, or `*`.
const TAGS: &str = r#"^(\*|(W/)?"[!\x23-\x7e]*"( ?, ?(W/)?"[!\x23-\x7e]*")*)$"#;
/// In quotes, or as it is.
const KEY: &str = r#"^("[!\x23-\x5b\x5d-\x7e]{1,255}"|[!\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255})$"#;

/// What an operation is to its headers.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Of a resource that a GET shows with its ETag: all that is done to it can be made to depend
    /// on that.
    pub is_versioned: bool,
    /// A page of a list.
    pub is_page: bool,
    /// Makes something for a caller who is known, or may be, so that a repetition is recognised.
    pub is_repeatable: bool,
}

impl Kind {
    pub(super) fn of(
        method: &Method,
        access: Access,
        is_versioned: bool,
        operation: &Operation,
    ) -> Self {
        let is_public = access == Access::Public;
        let responses = operation.responses.responses.iter();
        let makes = responses
            .into_iter()
            .any(|(status, it)| is_made(status, it));
        let has_cursor =
            |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.name == "cursor");
        Self {
            is_versioned,
            is_page: operation.parameters.iter().flatten().any(has_cursor),
            is_repeatable: *method == Method::POST
                && !is_public
                && (makes || access == Access::Optional),
        }
    }

    fn takes(self) -> impl Iterator<Item = &'static str> {
        [
            (IF_MATCH, self.is_versioned),
            (IF_NONE_MATCH, self.is_versioned),
            (IDEMPOTENCY_KEY, self.is_repeatable),
        ]
        .into_iter()
        .filter_map(|(name, takes)| takes.then_some(name))
    }

    fn carries(self, status: &str, is_made: bool) -> impl Iterator<Item = &'static str> {
        let is_shown = ["200", "304"].contains(&status);
        [
            (ETAG, is_made || self.is_versioned && is_shown),
            (LINK, self.is_page),
            (
                LOCATION,
                is_made || status == StatusCode::SEE_OTHER.as_str(),
            ),
            (RATE_LIMIT, true),
            (RATE_LIMIT_POLICY, true),
            (REPLAYED, self.is_repeatable && (is_made || status == "200")),
            (REQUEST_ID, true),
        ]
        .into_iter()
        .filter_map(|(name, carries)| carries.then_some(name))
    }
}

/// There is a new resource, or work on one that can be watched, which the answer then shows.
fn is_made(status: &str, response: &RefOr<Response>) -> bool {
    let is_shown = matches!(response, RefOr::T(response) if !response.content.is_empty());
    status == StatusCode::CREATED.as_str() || status == StatusCode::ACCEPTED.as_str() && is_shown
}

/// Of an operation and of its successes; the failures have theirs already.
pub(super) fn describe(kind: Kind, door: Door, operation: &mut Operation) {
    let taken = kind.takes().map(|name| {
        let place = format!("#/components/parameters/{name}");
        RefOr::Ref(Ref::new(place))
    });
    let mut taken = taken.peekable();
    if taken.peek().is_some() {
        operation.parameters.get_or_insert_default().extend(taken);
    }
    for (status, response) in &mut operation.responses.responses {
        let is_made = is_made(status, response);
        if let RefOr::T(response) = response {
            let carried = kind.carries(status, is_made);
            let is_counted = door != Door::Inference;
            let limits = [RATE_LIMIT, RATE_LIMIT_POLICY];
            carry(
                response,
                carried.filter(|name| is_counted || !limits.contains(name)),
            );
        }
    }
}

/// What a failure carries, of whichever operation.
pub(super) fn of_failure(status: StatusCode, door: Door, response: &mut Response) {
    let more: &[&str] = match status {
        StatusCode::UNAUTHORIZED => &[WWW_AUTHENTICATE],
        StatusCode::CONFLICT => &[LOCATION, RETRY_AFTER],
        StatusCode::PRECONDITION_FAILED => &[ETAG],
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &[RETRY_AFTER],
        _ => &[],
    };
    let always: &[&str] = match door {
        // Its callers are not counted.
        Door::Inference => &[REQUEST_ID],
        Door::Ours | Door::OAuth => &[RATE_LIMIT, RATE_LIMIT_POLICY, REQUEST_ID],
    };
    carry(response, always.iter().chain(more).copied());
}

fn carry(response: &mut Response, names: impl Iterator<Item = &'static str>) {
    let references = names.map(|name| {
        let place = format!("#/components/headers/{name}");
        (name.to_owned(), RefOr::Ref(Ref::new(place)))
    });
    response.headers.extend(references);
}

pub(super) fn components(components: &mut Components) {
    for parameter in parameters() {
        let name = parameter.name.clone();
        components.parameters.insert(name, parameter.into());
    }
    let headers = headers();
    components
        .headers
        .extend(headers.map(|(name, header)| (name.to_owned(), header.into())));
}

fn parameters() -> [Parameter; 3] {
    let parameter = |name, description, pattern, example| {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(pattern))
            .examples([example]);
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .description(Some(description))
            .schema(Some(schema))
            .build()
    };
    [
        parameter(
            IF_MATCH,
            "Carry the request out only if the resource still has one of these ETags, or any with `*`. Otherwise the answer is 412 and nothing is changed.",
            TAGS,
            "\"7\"",
        ),
        parameter(
            IF_NONE_MATCH,
            "Carry the request out only if the resource has none of these ETags, or does not exist with `*`. Otherwise a read answers 304 without a body, and a change answers 412.",
            TAGS,
            "\"7\"",
        ),
        parameter(
            IDEMPOTENCY_KEY,
            "A key that you make up for this request, such as a UUID. For 24 hours a repetition with the same key and body gets the first answer again and does nothing twice. The same key with another body is refused with 422.",
            KEY,
            "8e03978e-40d5-43e8-bc93-6894a57f9324",
        ),
    ]
}

fn headers() -> [(&'static str, Header); 9] {
    let header = |kind, description: &str| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(kind)))
            .description(Some(description))
            .build()
    };
    [
        (
            ETAG,
            header(
                Type::String,
                "The version of the resource, in quotes. Send it in `If-Match` to change only what you have seen, or in `If-None-Match` to read only what is new.",
            ),
        ),
        (
            LINK,
            header(
                Type::String,
                "The URL of the next page, with `rel=\"next\"` (RFC 8288). The last page does not have it.",
            ),
        ),
        (
            LOCATION,
            header(
                Type::String,
                "The path of the resource, or where to go next.",
            ),
        ),
        (
            RATE_LIMIT,
            header(
                Type::String,
                "How many requests are left under each limit that counted this one, and in how many seconds there will be more.",
            ),
        ),
        (
            RATE_LIMIT_POLICY,
            header(
                Type::String,
                "The limits that counted this request: how many requests in how many seconds.",
            ),
        ),
        (
            REPLAYED,
            header(
                Type::String,
                "`true` where this is the answer to an earlier request with the same `Idempotency-Key`.",
            ),
        ),
        (
            REQUEST_ID,
            header(
                Type::String,
                "The id of the request, which the log of the service has too.",
            ),
        ),
        (
            RETRY_AFTER,
            header(Type::Integer, "In how many seconds to repeat the request."),
        ),
        (
            WWW_AUTHENTICATE,
            header(Type::String, "The ways to sign in."),
        ),
    ]
}
