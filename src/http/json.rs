//! A closer look at a JSON body that was refused: what serde passes over in silence, and where in the body an offset lies.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{FieldError, MOST_FIELD_ERRORS};

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

/// The value, with all members that are given twice and all texts with a NUL character, which PostgreSQL cannot store.
pub fn examine(body: &[u8]) -> serde_json::Result<(Value, Vec<FieldError>)> {
    let mut found = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Examined {
        pointer: String::new(),
        found: &mut found,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, found))
}

struct Examined<'a> {
    pointer: String,
    found: &'a mut Vec<FieldError>,
}

impl Examined<'_> {
    fn report(&mut self, pointer: &str, code: &'static str, detail: &str) {
        if self.found.len() <= MOST_FIELD_ERRORS {
            self.found.push(mistake(pointer, code, detail));
        }
    }

    fn check(&mut self, text: &str) {
        if text.contains('\0') {
            let pointer = self.pointer.clone();
            self.report(
                &pointer,
                "nul-character",
                "the character U+0000 is not allowed",
            );
        }
    }
}

impl<'de> DeserializeSeed<'de> for Examined<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Examined<'_> {
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

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Value, E> {
        self.check(text);
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Examined {
            pointer: format!("{}/{}", self.pointer, values.len()),
            found: &mut *self.found,
        })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.check(&name);
            let pointer = child(&self.pointer, &name);
            if values.contains_key(&name) {
                self.report(&pointer, "duplicate", "this member is given twice");
            }
            let value = members.next_value_seed(Examined {
                pointer,
                found: &mut *self.found,
            })?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

/// The pointer to the value that ends at or last before a position, which is where serde was when it refused it.
/// The body must be valid JSON.
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

/// Where a scan of valid JSON is. Each open container has the name it has in its own, and an index if it is an array.
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
        let (value, found) = examine(body).unwrap();
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
            assert!(examine(bad).is_err());
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
