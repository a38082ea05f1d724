//! Values with a rule of their own: a text of at most so many characters, a number between two
//! others, a time to come.
//!
//! A value's rule is said once, by its type, and everything follows from that: what a body or a
//! query is refused for, what the API's document says, and the constants that tests compare with
//! the columns. So a bound that is documented is a bound that is kept. Most are a line of `text!`
//! or `number!`; the others implement [`Checked`] and are listed in `checked!`.

mod rules;
#[cfg(test)]
mod tests;

use std::any::type_name;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

pub use self::rules::{NameRule, NumberRule, TextRule};
use super::types::is_usual;

/// The member of a schema that names the type whose rule it describes. The document that clients
/// see does not have it.
pub const MARK: &str = "x-value";

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The kind of mistake, for programs.
    pub code: &'static str,
    pub detail: Cow<'static, str>,
}

impl Wrong {
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid-value", detail)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// A value that is made of what a request says and is only there if that keeps the rule.
pub trait Checked: Sized {
    /// What it is made of, as JSON has it.
    type Raw: DeserializeOwned;

    fn checked(raw: Self::Raw) -> Result<Self, Wrong>;

    /// How the document describes it. The description may admit more than the rule, never less.
    fn described() -> ObjectBuilder;
}

type Rule = fn(&Value) -> Result<(), Wrong>;

/// The rules by the names of their types. Whoever lists all mistakes of a body has only its schema,
/// so a schema names its rule, and the rule is put here when the schema is made.
static RULES: RwLock<BTreeMap<&'static str, Rule>> = RwLock::new(BTreeMap::new());

pub fn schema<T: Checked>() -> RefOr<Schema> {
    fn rule<T: Checked>(value: &Value) -> Result<(), Wrong> {
        match T::Raw::deserialize(value) {
            Ok(raw) => T::checked(raw).map(drop),
            // Of another type, which is for the schema to say.
            Err(_) => Ok(()),
        }
    }
    let name = type_name::<T>();
    let mut rules = RULES.write().unwrap_or_else(PoisonError::into_inner);
    rules.insert(name, rule::<T>);
    T::described()
        .extensions(Some(Extensions::from_iter([(MARK, name)])))
        .into()
}

/// What the rule of the schema, where it has one, says of a value.
pub fn judge(schema: &Object, value: &Value) -> Result<(), Wrong> {
    let name = schema.extensions.as_ref().and_then(|all| all.get(MARK));
    let rule = name.and_then(Value::as_str).and_then(|name| {
        let rules = RULES.read().unwrap_or_else(PoisonError::into_inner);
        rules.get(name).copied()
    });
    rule.map_or(Ok(()), |rule| rule(value))
}

/// A name that two types share. The document knows types by the last part of their names, so of
/// these it would describe one and mean both.
pub fn ambiguous() -> Option<String> {
    let rules = RULES.read().unwrap_or_else(PoisonError::into_inner);
    let mut seen = BTreeSet::new();
    let names = rules.keys().filter_map(|name| name.rsplit("::").next());
    let mut twice = names.filter(|name| !seen.insert(*name));
    twice.next().map(str::to_owned)
}

/// Implements reading and describing for types that are [`Checked`].
macro_rules! checked {
    ($($name:ty),+ $(,)?) => {
        $(
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let raw = serde::Deserialize::deserialize(deserializer)?;
                    <Self as $crate::kernel::values::Checked>::checked(raw).map_err(serde::de::Error::custom)
                }
            }

            impl utoipa::PartialSchema for $name {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                    $crate::kernel::values::schema::<Self>()
                }
            }

            impl utoipa::ToSchema for $name {}
        )+
    };
}

/// Types of texts: in JSON and in a query a text that keeps the rule, in the database a text, in
/// the document what the line says. A type is followed by how many characters it has, and by what
/// else it is: `no_control`, `not_blank`, `trimmed`. Instead, it can name a function that makes a
/// `String` of what came or says what is wrong, and one that describes what that takes.
macro_rules! text {
    ($($(#[doc = $doc:literal])+ $name:ident: $min:literal..=$max:literal $(, $word:ident)*;)+) => {
        $(
            $crate::kernel::values::text! {
                $(#[doc = $doc])+
                $name = |text| Self::RULE.checked(text),
                || Self::RULE.described().description(Some(concat!($($doc),+).trim()));
            }

            impl $name {
                pub const MIN: usize = $min;
                pub const MAX: usize = $max;
                const RULE: $crate::kernel::values::TextRule = $crate::kernel::values::TextRule {
                    $($word: true,)*
                    ..$crate::kernel::values::TextRule::new(Self::MIN, Self::MAX)
                };
            }
        )+
    };
    ($(#[doc = $doc:literal])+ $name:ident = $checked:expr, $described:expr;) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, diesel::expression::AsExpression)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl $crate::kernel::values::Checked for $name {
            type Raw = String;

            fn checked(raw: String) -> Result<Self, $crate::kernel::values::Wrong> {
                let checked: fn(String) -> Result<String, $crate::kernel::values::Wrong> = $checked;
                checked(raw).map(Self)
            }

            fn described() -> utoipa::openapi::schema::ObjectBuilder {
                let described: fn() -> utoipa::openapi::schema::ObjectBuilder = $described;
                described()
            }
        }

        $crate::kernel::values::checked!($name);

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg>>::to_sql(self.as_str(), out)
            }
        }
    };
}

/// Types of whole numbers, each with the least and the most that it can be.
macro_rules! number {
    ($($(#[doc = $doc:literal])+ $name:ident($of:ty): $min:literal..=$max:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name($of);

            impl $name {
                pub const MIN: $of = $min;
                pub const MAX: $of = $max;

                pub fn get(self) -> $of {
                    self.0
                }
            }

            impl $crate::kernel::values::Checked for $name {
                type Raw = $of;

                fn checked(raw: $of) -> Result<Self, $crate::kernel::values::Wrong> {
                    let (min, max) = (Self::MIN, Self::MAX);
                    $crate::kernel::values::NumberRule { min, max }.checked(raw).map(Self)
                }

                fn described() -> utoipa::openapi::schema::ObjectBuilder {
                    utoipa::openapi::schema::ObjectBuilder::new()
                        .schema_type(utoipa::openapi::schema::Type::Integer)
                        .minimum(Some(Self::MIN))
                        .maximum(Some(Self::MAX))
                }
            }

            $crate::kernel::values::checked!($name);
        )+
    };
}

pub(crate) use {checked, number, text};

fn time() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A time that PostgreSQL and RFC 3339 can both say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsualTime(pub DateTime<Utc>);

impl Checked for UsualTime {
    type Raw = DateTime<Utc>;

    fn checked(raw: DateTime<Utc>) -> Result<Self, Wrong> {
        match is_usual(raw) {
            true => Ok(Self(raw)),
            false => Err(Wrong::invalid("expected a year from 1 to 9999")),
        }
    }

    fn described() -> ObjectBuilder {
        time()
    }
}

/// When something ends that can also last for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutureTime(pub DateTime<Utc>);

impl Checked for FutureTime {
    type Raw = DateTime<Utc>;

    fn checked(raw: DateTime<Utc>) -> Result<Self, Wrong> {
        match raw > Utc::now() && is_usual(raw) {
            true => Ok(Self(raw)),
            false => Err(Wrong::invalid(
                "expected a time in the future, up to the year 9999, or null for never",
            )),
        }
    }

    fn described() -> ObjectBuilder {
        time()
    }
}

checked!(UsualTime, FutureTime);
