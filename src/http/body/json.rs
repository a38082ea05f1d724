//! A closer look at a JSON body that was refused: what serde passes over in silence, and where in
//! the body an offset lies.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::kernel::error::{FieldError, MOST_FIELD_ERRORS};

/// The code of a text with U+0000.
pub const NUL_CHARACTER: &str = "nul-character";
/// Longest piece of a caller's name in a pointer; a longer one names nothing that we know.
const LONGEST_NAME: usize = 128;

pub fn mistake(pointer: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code: Cow::Borrowed(code),
        detail: detail.into(),
    }
}

/// The pointer to a member (RFC 6901).
pub fn child(pointer: &str, name: &str) -> String {
    let end = name.floor_char_boundary(LONGEST_NAME);
    let (kept, more) = name.split_at(end);
    let more = if more.is_empty() { "" } else { "…" };
    format!(
        "{pointer}/{}{more}",
        kept.replace('~', "~0").replace('/', "~1")
    )
}

/// Where in a value one is. Written out as a pointer only for a mistake: a large body is mostly
/// none.
#[derive(Clone, Copy)]
pub enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(of, name) => child(&of.pointer(), name),
            Self::Item(of, index) => format!("{}/{index}", of.pointer()),
        }
    }

    pub fn mistake(&self, code: &'static str, detail: impl Into<String>) -> FieldError {
        mistake(&self.pointer(), code, detail)
    }
}

/// What is wrong with a member of the outermost object that is not known there; `None` for one that
/// is.
pub type Unknown<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value, with all texts with a NUL character, which PostgreSQL cannot store. With `unknown`,
/// which is for bodies that were refused, also with all members that are given twice and those of
/// the outermost object that it does not know.
///
/// More mistakes than are listed end the search: the rest is only read to see that it is JSON, and
/// the value is not whole.
pub fn examine(
    body: &[u8],
    unknown: Option<Unknown<'_>>,
) -> serde_json::Result<(Value, Vec<FieldError>)> {
    let mut search = Search {
        unknown,
        found: Vec::new(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Examined {
        path: Path::Root,
        search: &mut search,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, search.found))
}

struct Search<'a> {
    unknown: Option<Unknown<'a>>,
    found: Vec<FieldError>,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.found.len() > MOST_FIELD_ERRORS
    }

    fn report(&mut self, path: Path<'_>, code: &'static str, detail: impl Into<String>) {
        if !self.is_over() {
            self.found.push(path.mistake(code, detail));
        }
    }

    fn check(&mut self, path: Path<'_>, text: &str) {
        if text.contains('\0') {
            let detail = "the character U+0000 is not allowed";
            self.report(path, NUL_CHARACTER, detail);
        }
    }

    fn is_unknown(&mut self, path: Path<'_>, name: &str) -> bool {
        let detail = match (path, self.unknown) {
            (Path::Root, Some(unknown)) => unknown(name),
            _ => None,
        };
        let is_unknown = detail.is_some();
        if let Some(detail) = detail {
            self.report(Path::Member(&path, name), "unknown-field", detail);
        }
        is_unknown
    }
}

struct Examined<'a, 's> {
    path: Path<'a>,
    search: &'a mut Search<'s>,
}

impl<'de> DeserializeSeed<'de> for Examined<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Examined<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.search.check(self.path, text);
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self { path, search } = self;
        let mut values = Vec::new();
        while !search.is_over() {
            let item = Examined {
                path: Path::Item(&path, values.len()),
                search: &mut *search,
            };
            match items.next_element_seed(item)? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Self { path, search } = self;
        let mut values = Map::new();
        while !search.is_over() {
            let Some(name) = members.next_key::<String>()? else {
                return Ok(Value::Object(values));
            };
            search.check(path, &name);
            if search.is_unknown(path, &name) {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let path = Path::Member(&path, &name);
            if search.unknown.is_some() && values.contains_key(&name) {
                search.report(path, "duplicate", "this member is given twice");
            }
            let value = members.next_value_seed(Examined {
                path,
                search: &mut *search,
            })?;
            values.insert(name, value);
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(values))
    }
}

/// The pointer to the value that ends at or last before a position, which is where serde was when
/// it refused it. The body must be valid JSON.
pub fn pointer_at(body: &[u8], line: usize, column: usize) -> String {
    let before: usize = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let mut place = Place::default();
    let mut bytes = body.iter().take(before + column).copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => place.open.push((place.name.take(), None)),
            b'[' => place.open.push((place.name.take(), Some(0))),
            b'}' | b']' => place.close(),
            b',' => place.next(),
            b'"' => place.text(&mut bytes),
            _ => {}
        }
    }
    place.pointer()
}

/// Where a scan of valid JSON is. Each open container has the name it has in its own, and an index
/// if it is an array.
#[derive(Default)]
struct Place {
    open: Vec<(Option<String>, Option<usize>)>,
    /// Name of the member being read.
    name: Option<String>,
}

impl Place {
    fn close(&mut self) {
        self.name = self.open.pop().and_then(|(name, _)| name);
    }

    fn next(&mut self) {
        match self.open.last_mut() {
            Some((_, Some(index))) => *index += 1,
            _ => self.name = None,
        }
    }

    fn text(&mut self, bytes: &mut impl Iterator<Item = u8>) {
        let mut raw = vec![b'"'];
        while let Some(byte) = bytes.next() {
            raw.push(byte);
            match byte {
                b'\\' => raw.extend(bytes.next()),
                b'"' => break,
                _ => {}
            }
        }
        if matches!(self.open.last(), Some((_, None))) && self.name.is_none() {
            self.name = serde_json::from_slice(&raw).ok();
        }
    }

    fn pointer(self) -> String {
        let mut pointer = String::new();
        for (name, index) in &self.open {
            // An array's own name is before its index; the outermost container has none.
            if let Some(name) = name {
                pointer = child(&pointer, name);
            }
            if let Some(index) = index {
                pointer = format!("{pointer}/{index}");
            }
        }
        match self.name {
            Some(name) => child(&pointer, &name),
            None => pointer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_serde_passes_over_is_found() {
        let body =
            br#"{"a":1,"a":2,"b":[{"c/d":"x\u0000"},{"e":{"f":1,"f":1}}],"g\u0000":"\\u0000"}"#;
        let (value, found) = examine(body, Some(&|_| None)).unwrap();
        assert_eq!(value, serde_json::from_slice::<Value>(body).unwrap());
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.pointer.as_str(), it.code.as_ref()))
            .collect();
        assert_eq!(
            found,
            [
                ("/a", "duplicate"),
                ("/b/0/c~1d", "nul-character"),
                ("/b/1/e/f", "duplicate"),
                ("", "nul-character")
            ]
        );
        for bad in [
            &b"{} x"[..],
            b"[1e400]",
            b"[\"\\ud800\"]",
            b"\xef\xbb\xbf{}",
            b"[1,]",
        ] {
            assert!(examine(bad, None).is_err());
        }
        // What was taken may have members twice where any are taken.
        let (_, found) = examine(br#"{"a":1,"a":2,"b":"\u0000"}"#, None).unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn audit_l9_the_search_ends_with_the_list() {
        let many = |member: &str| {
            let members: Vec<_> = (0..90_000)
                .map(|n| member.replace('#', &format!("{n:x}")))
                .collect();
            format!("{{{}}}", members.join(","))
        };
        let nested = format!("{{\"title\":{}}}", many("\"a\":1"));
        let list = format!("{{\"title\":[{}1]}}", "\"\\u0000\",".repeat(90_000));
        for (body, most_names) in [
            (many("\"k#\":1"), MOST_FIELD_ERRORS + 1),
            (many("\"title\":1"), MOST_FIELD_ERRORS + 2),
            (nested, 1),
            (list, 1),
        ] {
            let names = std::cell::Cell::new(0);
            let unknown = |name: &str| {
                names.set(names.get() + 1);
                (name != "title").then(String::new)
            };
            let (value, found) = examine(body.as_bytes(), Some(&unknown)).unwrap();
            assert_eq!(found.len(), MOST_FIELD_ERRORS + 1);
            assert_eq!(names.get(), most_names);
            let kept = value["title"].as_array().map_or(0, Vec::len);
            assert!(kept <= MOST_FIELD_ERRORS + 1, "{kept}");
            // What follows is still read, and has to be JSON.
            let (broken, _) = body.split_at(body.len() - 1);
            assert!(examine(broken.as_bytes(), Some(&unknown)).is_err());
        }
    }

    #[test]
    fn a_position_has_a_pointer() {
        let body = "{\"a\": 1,\n \"b\": [true, {\"c\\\"\": \"x\"}, 3],\n \"d\": {\"e\": [[7]]}}";
        let of = |upto: &str| {
            let seen = &body[..body.find(upto).unwrap() + upto.len()];
            let line = seen.matches('\n').count() + 1;
            pointer_at(
                body.as_bytes(),
                line,
                seen.len() - seen.rfind('\n').map_or(0, |at| at + 1),
            )
        };
        let expected = [
            ("1", "/a"),
            ("true", "/b/0"),
            ("\"x\"", "/b/1/c\""),
            (", 3", "/b/2"),
            ("]", "/b"),
            ("7", "/d/e/0/0"),
            ("]]}", "/d"),
        ];
        for (upto, pointer) in expected {
            assert_eq!(of(upto), pointer, "{upto}");
        }
    }

    #[test]
    fn a_long_name_makes_no_long_pointer() {
        assert!(child("", &"é".repeat(100_000)).len() < 160);
    }
}
