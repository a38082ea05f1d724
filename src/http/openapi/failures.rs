//! The failures in the OpenAPI document: the statuses that an operation may end in, read from what
//! it takes, each described once.

use http::{Method, StatusCode};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{
    Components, Content, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::headers;
use crate::http::openapi::access::Access;
use crate::http::shell::routes::is_counted;
use crate::kernel::error::{Code, Door};

/// What [`ApiError`](crate::kernel::error::ApiError) stands for in a handler's attribute, until the
/// failures take its place.
const ANY: &str = "default";
const FORM: &str = "application/x-www-form-urlencoded";

/// In whose form failures at this path are too.
pub fn door(path: &str) -> Door {
    match path {
        "/auth/token" | "/auth/revoke" | "/auth/introspect" => Door::OAuth,
        "/v2" => Door::Inference,
        _ if path.starts_with("/v2/") => Door::Inference,
        _ => Door::Ours,
    }
}

/// Puts the statuses in the place of the one that stands for them all, and what they are among the
/// components.
pub fn spell_out(
    path: &str,
    method: &Method,
    access: Access,
    operation: &mut Operation,
    components: &mut Components,
) {
    let responses = &mut operation.responses.responses;
    if responses.remove(ANY).is_none() {
        return;
    }
    // Said by a handler that is not there with every setting.
    let may_be_off = responses.remove(StatusCode::NOT_FOUND.as_str()).is_some();
    let (may_be_seen, takes_form) = (
        responses.contains_key(StatusCode::NOT_MODIFIED.as_str()),
        operation
            .request_body
            .as_ref()
            .is_some_and(|body| matches!(body, RefOr::T(body) if body.content.contains_key(FORM))),
    );
    let names_one = operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Path))
    });
    // One that may not be kept any more.
    let names_version = operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query)
            && ["version", "from", "to"].contains(&parameter.name.as_str()))
    });
    let door = door(path);
    let is_read = method.is_safe();
    let is_public = access == Access::Public;
    let changes = !is_read && !takes_form;
    let table = [
        (StatusCode::BAD_REQUEST, true),
        (StatusCode::UNAUTHORIZED, !is_public),
        (
            StatusCode::FORBIDDEN,
            !is_read
                || matches!(
                    access,
                    Access::User | Access::Session | Access::Admin | Access::Service
                ),
        ),
        (StatusCode::NOT_FOUND, names_one || !is_public || may_be_off),
        (StatusCode::REQUEST_TIMEOUT, !is_read),
        (StatusCode::CONFLICT, changes),
        (
            StatusCode::GONE,
            names_version || path.ends_with("/pins") && changes,
        ),
        (StatusCode::PRECONDITION_FAILED, changes || may_be_seen),
        (StatusCode::PAYLOAD_TOO_LARGE, !is_read),
        (StatusCode::URI_TOO_LONG, true),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, !is_read),
        (StatusCode::MISDIRECTED_REQUEST, true),
        (StatusCode::UNPROCESSABLE_ENTITY, changes),
        (StatusCode::TOO_MANY_REQUESTS, is_counted(path)),
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, true),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
        (StatusCode::SERVICE_UNAVAILABLE, true),
    ];
    for (status, _) in table.into_iter().filter(|(_, may_be)| *may_be) {
        let name = name(status, door);
        let reference = Ref::from_response_name(&name);
        responses
            .entry(status.as_str().to_owned())
            .or_insert(reference.into());
        components
            .responses
            .entry(name)
            .or_insert_with(|| response(status, door).into());
    }
}

fn name(status: StatusCode, door: Door) -> String {
    let form = match door {
        Door::Ours => "Problem",
        Door::OAuth => "OAuthProblem",
        Door::Inference => "InferenceProblem",
    };
    format!("{form}{}", status.as_u16())
}

fn response(status: StatusCode, door: Door) -> Response {
    let codes: Vec<String> = Code::ALL
        .iter()
        .filter(|code| code.status() == status)
        .map(|code| format!("`{}`", code.as_str()))
        .collect();
    let media_type = match door {
        Door::OAuth => "application/json",
        Door::Ours | Door::Inference => "application/problem+json",
    };
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    let mut response = ResponseBuilder::new()
        .description(codes.join(", "))
        .content(media_type, content)
        .build();
    headers::of_failure(status, door, &mut response);
    response
}

/// A text and no enumeration: generated clients refuse a value that is not in theirs, and a code
/// that is new must not break them.
impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let codes: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "The kind of problem, for programs. There may be new ones: treat one that you do not know by its status",
            ))
            .examples(["validation-failed"])
            .extensions(Some(Extensions::from_iter([("x-extensible-enum", codes)])))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProblemCode".into()
    }
}
