//! Types that say what a value is: ids of each kind, and words out of a few.

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
                diesel::expression::AsExpression, diesel::deserialize::FromSqlRow, utoipa::ToSchema,
            )]
            #[diesel(sql_type = diesel::sql_types::Uuid)]
            #[serde(transparent)]
            pub struct $name(pub uuid::Uuid);

            impl $name {
                /// A new id; ids made later sort later (UUIDv7).
                #[must_use]
                pub fn fresh() -> Self {
                    Self(uuid::Uuid::now_v7())
                }

                /// The time in the id, in milliseconds.
                pub fn made_at(self) -> chrono::DateTime<chrono::Utc> {
                    let time = self.0.get_timestamp().and_then(|time| {
                        let (seconds, nanos) = time.to_unix();
                        chrono::DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
                    });
                    time.unwrap_or_else(chrono::Utc::now)
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                    <uuid::Uuid as diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg>>::to_sql(&self.0, out)
                }
            }

            impl diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
                fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                    <uuid::Uuid as diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg>>::from_sql(bytes).map(Self)
                }
            }
        )+
    };
}

ids! {
    /// The id of a user or of a workload.
    PrincipalId,
    /// The id of a session.
    SessionId,
    /// The id of a provider's word for who somebody is.
    IdentityId,
    /// The id of an API token.
    ApiTokenId,
    /// The id of a project.
    ProjectId,
    /// The id of an invitation to a project.
    InvitationId,
    /// The id of a post.
    PostId,
    /// The id of a dataset.
    DatasetId,
    /// The id of an import into a dataset.
    ImportId,
    /// The id of a model.
    ModelId,
    /// The id of bytes that are kept.
    BlobId,
}

/// Whether PostgreSQL and RFC 3339 can both say the time.
pub fn is_usual(time: chrono::DateTime<chrono::Utc>) -> bool {
    use chrono::Datelike as _;
    (1..=9999).contains(&time.year())
}

/// How answers write an instant: RFC 3339 in UTC with all six digits of the microseconds that
/// PostgreSQL keeps, so that clients need one format and the texts sort as the instants do. Every
/// instant in an answer has `#[serde(serialize_with = "instant")]`, be it there or optional.
pub fn instant<S: serde::Serializer>(
    time: &(impl Copy + Into<Option<chrono::DateTime<chrono::Utc>>>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match (*time).into() {
        Some(time) => {
            serializer.serialize_str(&time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
        }
        None => serializer.serialize_none(),
    }
}

/// An instant that always shows itself so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Instant(#[serde(serialize_with = "instant")] pub chrono::DateTime<chrono::Utc>);

/// An enum whose values are words, in JSON as in a text column.
macro_rules! words {
    ($(#[$meta:meta])+ $name:ident { $($(#[doc = $doc:literal])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow, utoipa::ToSchema,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name {
            $($(#[doc = $doc])* #[serde(rename = $word)] #[schema(rename = $word)] $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg>>::to_sql(self.as_str(), out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let is_it = |word: &&Self| word.as_str().as_bytes() == bytes.as_bytes();
                Self::ALL.iter().find(is_it).copied().ok_or_else(|| "a word that is not known".into())
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_knows_when_it_was_made() {
        let before = chrono::Utc::now();
        let made = PostId::fresh().made_at();
        // An id counts milliseconds.
        let after = chrono::Utc::now();
        assert!(before.timestamp_millis() <= made.timestamp_millis() && made <= after);
    }
}
