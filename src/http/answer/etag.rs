//! Entity tags (RFC 9110, section 8.8.3): the version of a resource as a tag, and lists of tags as
//! callers send them.

use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest;

use crate::kernel::error::{ApiError, ApiResult, Code};

/// What the compressed form of a representation has at the end of its tag: other bytes need another
/// strong tag.
pub(in crate::http) const GZIP_SUFFIX: &str = "-gzip";

/// What a tag stands for: the version of the row and, where the representation shows more than the
/// row, a digest of that.
///
/// Both together name the representation, so `If-None-Match` compares both. What somebody read and
/// means to change is the row, so `If-Match` compares the version alone: a vote must not fail an
/// edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    version: i64,
    rest: Option<u64>,
}

impl From<i64> for Edition {
    fn from(version: i64) -> Self {
        Self {
            version,
            rest: None,
        }
    }
}

impl Edition {
    /// `parts` are everything in the representation that can change while the version stays.
    pub fn with_rest<'a>(version: i64, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let rest = digest_of(parts).map(u64::from_be_bytes);
        Self { version, rest }
    }

    /// For a representation that shows less than the row: `parts` are everything in it that can
    /// change, and the version, which would tell of every other change of the row, is left out.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        digest_of(parts).map_or(0, i64::from_be_bytes).into()
    }

    fn opaque(self) -> String {
        match self.rest {
            None => self.version.to_string(),
            Some(rest) => format!("{}-{rest:016x}", self.version),
        }
    }
}

fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Option<[u8; 8]> {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in parts {
        // The length keeps neighbours apart.
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finish().as_ref().first_chunk().copied()
}

/// The strong tag of a version, or of a version and more.
pub fn etag(edition: impl Into<Edition>) -> HeaderValue {
    let opaque = edition.into().opaque();
    HeaderValue::try_from(format!("\"{opaque}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Tag {
    pub(in crate::http) is_weak: bool,
    pub(in crate::http) opaque: String,
}

impl Tag {
    fn without_encoding(&self) -> &str {
        self.opaque
            .strip_suffix(GZIP_SUFFIX)
            .unwrap_or(&self.opaque)
    }

    /// The same representation, in whichever encoding it was sent.
    pub(in crate::http) fn names(&self, edition: Edition) -> bool {
        self.without_encoding() == edition.opaque()
    }

    /// The same version, with whatever else was shown beside it.
    pub(in crate::http) fn names_version(&self, edition: Edition) -> bool {
        match edition.rest {
            None => self.names(edition),
            Some(_) => self.version() == Some(edition.version),
        }
    }

    /// The version as [`etag`] wrote it.
    pub(in crate::http) fn version(&self) -> Option<i64> {
        let text = self.without_encoding();
        let digits = text.split_once('-').map_or(text, |(version, _)| version);
        let version: i64 = digits.parse().ok()?;
        (version.to_string() == digits).then_some(version)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Tags {
    Any,
    List(Vec<Tag>),
}

/// The tags of one of the two headers.
pub(in crate::http) fn tags(headers: &HeaderMap, name: &HeaderName) -> ApiResult<Option<Tags>> {
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

/// A list of entity tags (section 8.8.3). Commas may stand inside a tag, so it cannot be split at
/// them.
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
