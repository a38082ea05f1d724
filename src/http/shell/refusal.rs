//! What is refused before it reaches a handler, as problems.

use http::HeaderValue;
use http::header::CONNECTION;

use super::routes::WrongQuery;
use crate::kernel::error::{ApiError, Code};
use crate::server::head::HeadRefusal;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

pub(super) fn refused_head(refusal: HeadRefusal) -> ApiError {
    let code = match refusal.status() {
        status if status.as_u16() == 414 => Code::UriTooLong,
        status if status.as_u16() == 431 => Code::HeadersTooLarge,
        status => Code::of_status(status),
    };
    ApiError::new(code, refusal.to_string()).with_header(CONNECTION, CLOSE)
}

pub(super) fn wrong_query(wrong: WrongQuery<'_>) -> ApiError {
    let shown = |name: &str| -> String {
        let name = name.chars().filter(|c| !c.is_control());
        name.take(64).collect()
    };
    match wrong {
        WrongQuery::Unknown(name, []) => ApiError::new(
            Code::UnknownParameter,
            format!(
                "there is no query parameter {:?} here; this operation takes none",
                shown(&name)
            ),
        ),
        WrongQuery::Unknown(name, known) => ApiError::new(
            Code::UnknownParameter,
            format!(
                "there is no query parameter {:?} here; there are {}",
                shown(&name),
                known.join(", ")
            ),
        ),
        WrongQuery::NotText(name) => ApiError::new(
            Code::InvalidParameter,
            format!(
                "the query parameter {:?} is not UTF-8, or holds the character U+0000",
                shown(&name)
            ),
        ),
    }
}
