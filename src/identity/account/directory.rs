//! The directory: users in pages, and what each is found by.
//!
//! A search is a prefix of the username, of the name, or of any word in them, folded by case and
//! width. Each user has a row per word, which holds the text from there on, so a search is one
//! range of one index however many users there are. Emails are not in it: nobody finds out by
//! searching who has an account.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::names;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::identity::account::User;
use crate::kernel::types::PrincipalId;
use crate::kernel::values::{Checked, Wrong, checked};
use crate::schema::{user_words, users};

/// Characters of a search, and of what is kept to be found.
const LONGEST: usize = 64;
/// A name of more words is found by its first ones.
const MOST_WORDS: usize = 16;
/// Sorts after whatever may follow a prefix.
const LAST: char = char::MAX;

/// A user without the secrets.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Entry {
    pub id: PrincipalId,
    pub email: String,
    pub username: Option<String>,
    pub name: Option<String>,
    pub is_admin: bool,
    pub is_disabled: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A search that can be asked: folded, neither empty nor long.
#[derive(Debug)]
pub struct Search(String);

impl Checked for Search {
    type Raw = String;

    fn checked(raw: String) -> Result<Self, Wrong> {
        let key = names::key_of(raw.trim());
        if (1..=LONGEST).contains(&key.chars().count()) {
            return Ok(Self(key));
        }
        Err(Wrong::invalid(format!(
            "expected 1 to {LONGEST} characters"
        )))
    }

    fn described() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(LONGEST))
    }
}

checked!(Search);

#[derive(Clone, Copy, PartialEq)]
pub enum UserSort {
    Id,
}

impl Sorts for UserSort {
    /// With what was found, where a search was asked.
    type Row = (Option<String>, Entry);
    const LIST: &'static str = "users";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
    const DEFAULT: (Self, Direction) = (Self::Id, Direction::Ascending);

    fn place(self, (word, entry): &Self::Row) -> Place {
        let id = entry.id.0;
        let key = match word {
            Some(word) => Key::Text(word.clone()),
            None => Key::Uuid(id),
        };
        Place { key, id }
    }
}

pub type UserPage = PageQuery<UserSort>;

impl Entry {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        id: PrincipalId,
    ) -> QueryResult<Option<Self>> {
        users::table
            .find(id)
            .select(Self::as_select())
            .first(&mut connection)
            .await
            .optional()
    }

    /// Users by id, or by what a search finds. Disabled ones only for those who can enable them.
    pub async fn page(
        connection: &mut AsyncPgConnection,
        page: &UserPage,
        search: Option<&Search>,
        with_disabled: bool,
    ) -> QueryResult<Found<<UserSort as Sorts>::Row>> {
        let UserSort::Id = page.sort;
        let Some(Search(from)) = search else {
            let wanted = || {
                let all = users::table
                    .select((sql::<Nullable<Text>>("NULL::text"), Self::as_select()))
                    .into_boxed();
                if with_disabled {
                    all
                } else {
                    all.filter(not(users::is_disabled))
                }
            };
            return page.load(connection, wanted, users::id, users::id).await;
        };
        let to = format!("{from}{LAST}");
        // Two words of a user may match; the first in the order is the one that is shown.
        let earlier = diesel::alias!(user_words as earlier);
        let wanted = || {
            let is_repeated = earlier
                .filter(earlier.field(user_words::user_id).eq(user_words::user_id))
                .filter(earlier.field(user_words::word).ge(from.clone()))
                .filter(earlier.field(user_words::word).lt(user_words::word));
            let all = user_words::table
                .inner_join(users::table)
                .filter(user_words::word.ge(from.clone()))
                .filter(user_words::word.lt(to.clone()))
                .filter(not(exists(is_repeated)))
                .select((user_words::word.nullable(), Self::as_select()))
                .into_boxed();
            if with_disabled {
                all
            } else {
                all.filter(not(users::is_disabled))
            }
        };
        page.load(connection, wanted, user_words::word, user_words::user_id)
            .await
    }
}

/// Keeps what a user is found by; call it wherever a username or a name is written, in the same
/// transaction.
pub async fn remember(connection: &mut AsyncPgConnection, user: &User) -> QueryResult<()> {
    let words = words_of(user.username.as_deref(), user.name.as_deref());
    diesel::sql_query(
        "WITH outdated AS (DELETE FROM user_words WHERE user_id = $1 AND word <> ALL ($2)) \
         INSERT INTO user_words (user_id, word) SELECT $1, unnest($2) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(user.id)
    .bind::<Array<Text>, _>(words.into_iter().collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(|_| ())
}

fn words_of(username: Option<&str>, name: Option<&str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for text in [username, name].into_iter().flatten() {
        let key = names::key_of(text);
        let mut was_word = false;
        let begins = key.char_indices().filter(|(at, c)| {
            let is_word = c.is_alphanumeric();
            let begins = *at == 0 || (is_word && !was_word);
            was_word = is_word;
            begins
        });
        let rests = begins.filter_map(|(at, _)| key.get(at..));
        let kept = rests.map(|rest| rest.chars().take(LONGEST).collect());
        words.extend(kept.take(MOST_WORDS));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_from_every_word_on() {
        let words = |username, name| words_of(username, name).into_iter().collect::<Vec<_>>();
        assert_eq!(
            words(Some("ada.L"), Some("Ａda  O'Hara")),
            ["ada  o'hara", "ada.l", "hara", "l", "o'hara"]
        );
        assert_eq!(words(Some("ann"), Some("ANN")), ["ann"]);
        assert_eq!(words(None, Some("\u{1f642}")), ["\u{1f642}"]);
        assert_eq!(words(None, None), [""; 0]);
        let long = words(None, Some(&"\u{fdfa} ".repeat(100)));
        assert!(long.len() <= MOST_WORDS && long.iter().all(|it| it.chars().count() <= LONGEST));
    }

    #[test]
    fn a_search_is_folded_and_bounded() {
        let search = |text: &str| Search::checked(text.to_owned());
        assert_eq!(search(" ＡＮＮ ").unwrap().0, "ann");
        search(&"x".repeat(64)).unwrap();
        for bad in ["", " ", &"x".repeat(65)] {
            search(bad).unwrap_err();
        }
    }
}
