//! What the document says of an answer that is no failure, where its handler says nothing better.

use http::Method;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, RefOr};

use super::headers::Kind;

const MERGE_PATCH: &str = "application/merge-patch+json";

pub(super) fn describe(method: &Method, kind: Kind, operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            text(method, kind, status).clone_into(&mut response.description);
        }
    }
}

fn text(method: &Method, kind: Kind, status: &str) -> &'static str {
    match (status, method) {
        ("200", _) if kind.is_page => "A page of the list, which is empty if nothing matches.",
        ("200", &Method::GET) => "The resource as it is now.",
        ("200", &Method::PATCH | &Method::PUT) => "The resource as it is after the change.",
        ("201", _) => "The new resource. `Location` says where it is.",
        ("204", _) => "Done. The answer has no body.",
        ("304", _) => "The resource is as you have it.",
        _ => "The request was carried out.",
    }
}

/// A merge patch is taken as plain JSON too, which is all that some clients can send.
pub(super) fn take_plain_patches(operation: &mut Operation) {
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(patch) = body.content.get(MERGE_PATCH)
    {
        let plain: RefOr<Content> = patch.clone();
        body.content.insert("application/json".to_owned(), plain);
    }
}
