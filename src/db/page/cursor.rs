//! Cursors: where a page ended, as typed values that only this service can have written.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use ring::{digest, hmac};
use uuid::Uuid;

/// Raised when the encoding of a key changes, so that cursors from before are refused and not
/// misread. Another kind of key leaves it: the releases before refuse what they do not know.
const FORMAT: u8 = 1;
const TAG: usize = 32;

/// The value a row is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// Bounded to a few hundred characters, since it travels in URLs.
    Text(String),
    Int(i64),
    Time(DateTime<Utc>),
    Uuid(Uuid),
    Float(f64),
    /// As PostgreSQL writes it; bounded as a text is.
    Decimal(String),
    Date(NaiveDate),
    /// The row has no value.
    Null,
}

/// Where a row stands in a list: by its key, and among equal keys by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub key: Key,
    pub id: Uuid,
}

/// Authenticates cursors. Replicas that serve the same clients need the same one.
#[derive(Clone)]
pub struct CursorKey(hmac::Key);

/// What a cursor is good for. It is no part of the cursor, only of its authentication: with
/// another, the cursor is nobody's.
pub struct Scope([u8; TAG]);

impl Scope {
    /// `sort` with its direction; `filters` in any order.
    pub fn new(list: &str, path: &str, sort: &str, mut filters: Vec<(String, String)>) -> Self {
        filters.sort();
        let mut hash = digest::Context::new(&digest::SHA256);
        let pairs = filters
            .iter()
            .flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for part in [list, path, sort].into_iter().chain(pairs) {
            // The length keeps neighbours apart: without it ("ab", "c") and ("a", "bc") would be
            // one.
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut scope = [0; TAG];
        scope
            .iter_mut()
            .zip(hash.finish().as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(scope)
    }
}

impl CursorKey {
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Of a key that is for other purposes, too.
    pub fn derived(from: &hmac::Key) -> Self {
        Self::new(hmac::sign(from, b"chartroom list cursors").as_ref())
    }

    pub fn seal(&self, scope: &Scope, place: &Place) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(place.id.as_bytes());
        match &place.key {
            Key::Text(text) => {
                bytes.push(0);
                bytes.extend_from_slice(text.as_bytes());
            }
            Key::Int(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Key::Time(time) => {
                bytes.push(2);
                bytes.extend_from_slice(&time.timestamp_micros().to_be_bytes());
            }
            Key::Uuid(id) => {
                bytes.push(3);
                bytes.extend_from_slice(id.as_bytes());
            }
            Key::Float(number) => {
                bytes.push(4);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Key::Decimal(digits) => {
                bytes.push(5);
                bytes.extend_from_slice(digits.as_bytes());
            }
            Key::Date(date) => {
                bytes.push(6);
                bytes.extend_from_slice(&date.num_days_from_ce().to_be_bytes());
            }
            Key::Null => bytes.push(7),
        }
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&scope.0);
        context.update(&bytes);
        bytes.extend_from_slice(context.sign().as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for everything that [`Self::seal`] did not make with this key and this scope.
    pub fn open(&self, scope: &Scope, cursor: &str) -> Option<Place> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        hmac::verify(&self.0, &[scope.0.as_slice(), said].concat(), tag).ok()?;
        let (format, said) = said.split_first()?;
        if *format != FORMAT {
            return None;
        }
        let (id, said) = said.split_first_chunk::<16>()?;
        let (kind, value) = said.split_first()?;
        let key = match kind {
            0 => Key::Text(std::str::from_utf8(value).ok()?.to_owned()),
            1 => Key::Int(i64::from_be_bytes(value.try_into().ok()?)),
            2 => Key::Time(DateTime::from_timestamp_micros(i64::from_be_bytes(
                value.try_into().ok()?,
            ))?),
            3 => Key::Uuid(Uuid::from_bytes(value.try_into().ok()?)),
            4 => Key::Float(f64::from_be_bytes(value.try_into().ok()?)),
            5 => Key::Decimal(std::str::from_utf8(value).ok()?.to_owned()),
            6 => Key::Date(NaiveDate::from_num_days_from_ce_opt(i32::from_be_bytes(
                value.try_into().ok()?,
            ))?),
            7 if value.is_empty() => Key::Null,
            _ => return None,
        };
        Some(Place {
            key,
            id: Uuid::from_bytes(*id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope::new("things", "/things", "-created_at", vec![])
    }

    fn places() -> Vec<Place> {
        let now = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        [
            Key::Text(String::new()),
            Key::Text("Ünï\u{1F600}\0'\"".to_owned()),
            Key::Int(i64::MIN),
            Key::Int(i64::MAX),
            Key::Time(now),
            Key::Time(DateTime::UNIX_EPOCH - chrono::Duration::days(100_000)),
            Key::Uuid(Uuid::max()),
            Key::Float(-0.1),
            Key::Float(f64::INFINITY),
            Key::Decimal("-12345678901234567890.5000".to_owned()),
            Key::Date(NaiveDate::MIN),
            Key::Date(now.date_naive()),
            Key::Null,
        ]
        .into_iter()
        .map(|key| Place {
            key,
            id: Uuid::now_v7(),
        })
        .collect()
    }

    #[test]
    fn a_place_comes_back_as_it_was() {
        let key = CursorKey::new(&[7; 32]);
        for place in places() {
            let cursor = key.seal(&scope(), &place);
            assert_eq!(key.open(&scope(), &cursor), Some(place));
            assert!(
                cursor
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            );
        }
    }

    /// Every single bit counts, and so does every prefix.
    #[test]
    fn whatever_was_changed_is_refused() {
        let key = CursorKey::new(&[7; 32]);
        for place in places() {
            let cursor = key.seal(&scope(), &place);
            let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(key.open(&scope(), &URL_SAFE_NO_PAD.encode(changed)), None);
            }
            for length in 0..cursor.len() {
                assert_eq!(key.open(&scope(), &cursor[..length]), None);
            }
            assert_eq!(key.open(&scope(), &format!("{cursor}AAAA")), None);
            assert_eq!(CursorKey::new(&[8; 32]).open(&scope(), &cursor), None);
        }
    }

    #[test]
    fn a_cursor_is_good_for_one_list_sort_and_set_of_filters() {
        let key = CursorKey::new(&[7; 32]);
        let filter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let ab = || vec![filter("a", "1"), filter("b", "2")];
        let of = |list, path, sort, filters| Scope::new(list, path, sort, filters);
        let cursor = key.seal(&of("l", "/p", "s", ab()), &places()[0]);
        let turned = ab().into_iter().rev().collect();
        assert!(key.open(&of("l", "/p", "s", turned), &cursor).is_some());
        for other in [
            of("m", "/p", "s", ab()),
            of("l", "/q", "s", ab()),
            of("l", "/p", "-s", ab()),
            of("l", "/p", "s", vec![]),
            of("l", "/p", "s", vec![filter("a", "1"), filter("b", "3")]),
            of("l", "/p", "s", vec![filter("a", "1b"), filter("", "2")]),
        ] {
            assert_eq!(key.open(&other, &cursor), None);
        }
    }

    /// With the first four kinds, as every release has written them.
    #[test]
    fn a_cursor_of_an_earlier_release_opens() {
        let (key, id) = (CursorKey::new(&[7; 32]), Uuid::from_u128(5));
        let time = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        for (kind, value, expected) in [
            (0, b"title".to_vec(), Key::Text("title".to_owned())),
            (1, (-3_i64).to_be_bytes().to_vec(), Key::Int(-3)),
            (
                2,
                1_800_000_000_123_456_i64.to_be_bytes().to_vec(),
                Key::Time(time),
            ),
            (3, id.as_bytes().to_vec(), Key::Uuid(id)),
        ] {
            let mut bytes = [&[1], id.as_bytes().as_slice(), &[kind], &value].concat();
            let tag = hmac::sign(&key.0, &[scope().0.as_slice(), &bytes].concat());
            bytes.extend_from_slice(tag.as_ref());
            let place = key.open(&scope(), &URL_SAFE_NO_PAD.encode(bytes));
            assert_eq!(place, Some(Place { key: expected, id }));
        }
    }

    #[test]
    fn an_older_format_is_refused_even_when_authentic() {
        let key = CursorKey::new(&[7; 32]);
        let mut bytes = vec![FORMAT - 1];
        bytes.extend_from_slice(&[0; 17]);
        let tag = hmac::sign(&key.0, &[scope().0.as_slice(), &bytes].concat());
        bytes.extend_from_slice(tag.as_ref());
        assert_eq!(key.open(&scope(), &URL_SAFE_NO_PAD.encode(bytes)), None);
    }
}
