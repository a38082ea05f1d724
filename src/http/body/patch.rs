//! Merge patches (RFC 7396): a member left out stays, null clears, a value replaces.
//!
//! A patch type denies unknown fields and has, each with `#[serde(default)]`, a [`Patch`] for every
//! member that can be cleared and a [`Change`] for every one that cannot. (On the whole type the
//! attribute would put defaults into the API document.) A time needs `#[schema(value_type =
//! Option<DateTime<Utc>>)]` besides: utoipa knows it only at the top of a type.

use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};

use super::extract;
use crate::kernel::error::ApiError;

/// What a patch does to a member that can be null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

/// What a patch does to a member that always has a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    #[default]
    Absent,
    Value(T),
}

impl<T> Patch<T> {
    /// As diesel's changesets want it: `None` leaves the column, `Some(None)` sets NULL.
    pub fn into_update(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// The same of what it holds.
    pub fn as_update(&self) -> Option<Option<&T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

impl<T> Change<T> {
    pub fn into_update(self) -> Option<T> {
        match self {
            Self::Absent => None,
            Self::Value(value) => Some(value),
        }
    }

    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Absent => None,
            Self::Value(value) => Some(value),
        }
    }
}

// Both go through `Value` and not through `Option<T>`: serde reads a member that is left out as
// `None`, which would clear it wherever `#[serde(default)]` was forgotten. This way the mistake is
// an error at the first use.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::Null),
            value => T::deserialize(value)
                .map(Self::Value)
                .map_err(D::Error::custom),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        T::deserialize(value)
            .map(Self::Value)
            .map_err(D::Error::custom)
    }
}

impl<T> ComposeSchema for Patch<T> {
    fn compose(of: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        match of.into_iter().next() {
            // One type list reads better in the document, and in the mistakes found with it, than
            // two alternatives.
            Some(RefOr::T(Schema::Object(mut object))) if object.enum_values.is_none() => {
                if let SchemaType::Type(one) = object.schema_type {
                    object.schema_type = SchemaType::Array(vec![one, Type::Null]);
                }
                RefOr::T(Schema::Object(object))
            }
            Some(other) => OneOfBuilder::new()
                .item(other)
                .item(ObjectBuilder::new().schema_type(Type::Null))
                .into(),
            None => anything(),
        }
    }
}

impl<T> ComposeSchema for Change<T> {
    fn compose(of: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        of.into_iter().next().unwrap_or_else(anything)
    }
}

fn anything() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .into()
}

impl<T> ToSchema for Patch<T> {}
impl<T> ToSchema for Change<T> {}

/// Merges a patch into an object that has no members of its own in the schema (RFC 7396, section
/// 2). Both come from JSON that was parsed, which bounds how deep this goes.
pub fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(change) => {
                let member = target.entry(name).or_insert(Value::Null);
                if !member.is_object() {
                    *member = Value::Object(Map::new());
                }
                if let Value::Object(member) = member {
                    merge(member, change);
                }
            }
            value => {
                target.insert(name, value);
            }
        }
    }
}

/// The body of a PATCH: `application/merge-patch+json`, or `application/json` taken the same.
pub struct MergePatch<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for MergePatch<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        const TYPES: [&str; 2] = ["application/merge-patch+json", "application/json"];
        let body = extract::json_body(request, state, |essence| TYPES.contains(&essence),
            "the body must be a merge patch: send Content-Type: application/merge-patch+json or application/json").await?;
        extract::parse(&body).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::shape::Shape;
    use utoipa::PartialSchema as _;

    #[derive(Debug, Default, PartialEq, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct PatchThing {
        #[serde(default)]
        title: Change<String>,
        #[serde(default)]
        note: Patch<String>,
        #[serde(default)]
        votes: Patch<i64>,
        #[serde(default)]
        tags: Patch<Vec<String>>,
        #[serde(default)]
        #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
        until: Patch<chrono::DateTime<chrono::Utc>>,
        #[serde(default)]
        owner: Patch<crate::kernel::types::PrincipalId>,
    }

    fn parse(text: &str) -> Result<PatchThing, ApiError> {
        extract::parse(text.as_bytes())
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        assert_eq!(parse("{}").unwrap(), PatchThing::default());
        let patch = parse(r#"{"note": null, "votes": 3, "title": "t", "tags": [], "owner": null}"#);
        let patch = patch.unwrap();
        assert_eq!(patch.note.into_update(), Some(None));
        assert_eq!(patch.votes.into_update(), Some(Some(3)));
        assert_eq!(patch.until.into_update(), None);
        assert_eq!(patch.tags, Patch::Value(vec![]));
        assert_eq!(patch.title.into_update(), Some("t".to_owned()));
    }

    #[test]
    fn every_mistake_is_listed() {
        let error = parse(r#"{"note": 1, "titel": "", "title": null, "tags": [2], "votes": ""}"#);
        let errors = error.unwrap_err().errors;
        let found: Vec<_> = errors
            .iter()
            .map(|one| (one.pointer.as_str(), one.code.as_ref()))
            .collect();
        assert_eq!(
            found,
            [
                ("/note", "wrong-type"),
                ("/tags/0", "wrong-type"),
                ("/titel", "unknown-field"),
                ("/title", "wrong-type"),
                ("/votes", "wrong-type"),
            ]
        );
        assert_eq!(errors[0].detail, "expected a text or null");
    }

    /// The examples of RFC 7396, appendix A, whose patch and target are objects.
    #[test]
    fn objects_merge_as_the_standard_says() {
        for (target, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let mut target: Map<String, Value> = serde_json::from_str(target).unwrap();
            merge(&mut target, serde_json::from_str(patch).unwrap());
            assert_eq!(serde_json::to_string(&target).unwrap(), expected, "{patch}");
        }
    }

    #[derive(Deserialize)]
    struct Forgetful {
        #[expect(dead_code, reason = "only its absence is of interest")]
        note: Patch<String>,
    }

    #[test]
    fn a_forgotten_default_cannot_clear_a_member() {
        assert!(serde_json::from_str::<Forgetful>("{}").is_err());
    }

    #[test]
    fn the_schema_says_optional_and_nullable() {
        let shape = Shape::of::<PatchThing>();
        let schema = serde_json::to_value(PatchThing::schema()).unwrap();
        assert_eq!(schema.get("required"), None, "{schema}");
        let nulls = serde_json::json!({
            "note": null, "votes": null, "tags": null, "until": null, "owner": null,
        });
        assert_eq!(shape.mistakes(&nulls), []);
        let texts = serde_json::json!({ "title": null });
        assert_eq!(shape.mistakes(&texts).len(), 1);
    }
}
