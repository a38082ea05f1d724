//! Entity tags (RFC 9110, section 8.8.3): the version of a resource as a tag, and lists of tags as callers send them.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{ApiError, ApiResult, Code};

/// What the compressed form of a representation has at the end of its tag: other bytes need another strong tag.
pub(super) const GZIP_SUFFIX: &str = "-gzip";

/// The strong tag of a version.
pub fn etag(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) is_weak: bool,
    pub(super) opaque: String,
}

impl Tag {
    /// The same version, in whichever encoding it was sent.
    pub(super) fn names(&self, version: &str) -> bool {
        self.opaque
            .strip_suffix(GZIP_SUFFIX)
            .unwrap_or(&self.opaque)
            == version
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tags {
    Any,
    List(Vec<Tag>),
}

/// The tags of one of the two headers.
pub(super) fn tags(headers: &HeaderMap, name: &HeaderName) -> ApiResult<Option<Tags>> {
    let mut list = Vec::new();
    let mut any = false;
    let mut given = false;
    for value in headers.get_all(name) {
        given = true;
        // Beyond ASCII a tag is legal and never one of ours.
        let text = String::from_utf8_lossy(value.as_bytes());
        match text.trim() {
            "*" => any = true,
            text => list.extend(parse(text).ok_or_else(|| unreadable(name))?),
        }
    }
    match (given, any, list.is_empty()) {
        (false, ..) => Ok(None),
        (true, true, true) => Ok(Some(Tags::Any)),
        (true, false, false) => Ok(Some(Tags::List(list))),
        _ => Err(unreadable(name)),
    }
}

/// A list of entity tags (section 8.8.3). Commas may stand inside a tag, so it cannot be split at them.
fn parse(text: &str) -> Option<Vec<Tag>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(found);
        }
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if opaque
            .chars()
            .any(|c| c.is_ascii_whitespace() || c.is_control())
        {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with(',')) {
            return None;
        }
        found.push(Tag {
            is_weak,
            opaque: opaque.to_owned(),
        });
    }
}

fn unreadable(name: &HeaderName) -> ApiError {
    ApiError::new(
        Code::BadRequest,
        format!("{name}: expected * or a list of entity tags in quotes, such as \"7\""),
    )
}
