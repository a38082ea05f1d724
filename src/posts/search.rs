//! What a search asks for, and which way to the answer is short.
//!
//! A common word is found by walking the list in its order until the page is full, a rare one by
//! the index of words. The planner would have to guess: of a word that is in none of its statistics
//! it knows only that it is not the most common one, and where it guesses wrong, one search reads
//! every post. So the first posts are asked how common the words are, and the statement leaves one
//! way open.
//!
//! What a post says that the caller may not see decides nothing and is not looked at, so that the
//! time of a search tells nothing of it: see docs/SECURITY-MODEL.md. A post in the order is judged
//! before its words are, and the index of words has the readers of each post beside them.

use std::marker::PhantomData;

use diesel::expression::{
    AppearsOnTable, Expression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool, SqlType, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::{VISIBLE, asked_by, visible_columns};
use crate::db::page::Direction;
use crate::db::sql::Writer;
use crate::kernel::types::PrincipalId;
use crate::kernel::values::text;

text! {
    // More would say nothing that these did not.
    /// The words of a search
    SearchText: 0..=500;
}

/// Common is what more than ten say of those of the first 2,000 that the caller may see: the walk
/// to a full page is then short.
const COMMON: &str = "SELECT count(*) > 10 FROM (";
const ENOUGH: &str = " LIMIT 11) AS found";

/// What the index of words has beside them. Who is in it is no more than a first sieve.
const READERS: &str =
    "post_readers(posts.published, posts.project_id, posts.author_id) && (SELECT reader_keys(:me))";

/// Whatever is typed is a question: there is no wrong syntax. In a select of its own it is read
/// once and not for each row.
pub(super) const ASKED: &str = "(SELECT websearch_to_tsquery(:language::regconfig, :words))";

#[derive(Clone)]
pub(super) struct Question {
    pub words: String,
    pub language: String,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    Order,
    Words,
}

impl Question {
    /// `end`: where the walk begins, as far as that is known.
    pub(super) async fn way(
        &self,
        connection: &mut AsyncPgConnection,
        me: Option<PrincipalId>,
        end: Direction,
    ) -> QueryResult<Way> {
        let mut sql = asked_by(me);
        let from = [
            "(SELECT * FROM posts ORDER BY id",
            match end {
                Direction::Ascending => "",
                Direction::Descending => " DESC",
            },
            " LIMIT 2000) AS posts",
        ];
        sql.text(COMMON);
        visible_columns(&mut sql, &[], &from);
        matches(sql.text(" AND "), Way::Order);
        self.bind(sql.text(ENOUGH));
        let commonness = sql.statement::<Bool>();
        let is_common: bool = commonness.get_result(connection).await?;
        Ok(if is_common { Way::Order } else { Way::Words })
    }

    /// Gives what [`ASKED`] names.
    pub(super) fn bind(&self, sql: &mut Writer<'_>) {
        sql.bind::<Text, _>("language", self.language.clone());
        sql.bind::<Text, _>("words", self.words.clone());
    }
}

pub(super) fn matches(sql: &mut Writer<'_>, way: Way) {
    match way {
        // Of a `CASE` the planner knows no index, and takes it for true of every other row. It
        // also keeps the words of what the caller may not see from being looked at.
        Way::Order => {
            sql.text("CASE WHEN ").texts(&VISIBLE);
            sql.texts(&[" THEN posts.words @@ ", ASKED, " END"]);
        }
        Way::Words => {
            sql.texts(&[READERS, " AND posts.words @@ ", ASKED]);
        }
    }
}

/// What a list of posts is sorted by, as SQL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sorted<T>(pub(super) &'static str, PhantomData<T>);

/// No index has the order of a `greatest`, so that the way of the words stays the only one.
pub(super) const fn by_id(way: Way) -> Sorted<Uuid> {
    Sorted(
        match way {
            Way::Order => "posts.id",
            Way::Words => "greatest(posts.id)",
        },
        PhantomData,
    )
}

pub(super) const fn by_votes(way: Way) -> Sorted<BigInt> {
    Sorted(
        match way {
            Way::Order => "post_scores.votes",
            Way::Words => "greatest(post_scores.votes)",
        },
        PhantomData,
    )
}

/// How well a post fits, in millionths: a whole number has its place in a cursor.
pub(super) const BY_RANK: Sorted<BigInt> = Sorted("ranked.rank", PhantomData);

impl<T: SqlType + TypedExpressionType> Expression for Sorted<T> {
    type SqlType = T;
}

impl<T, S> AppearsOnTable<S> for Sorted<T> where Self: Expression {}

impl<T> ValidGrouping<()> for Sorted<T> {
    type IsAggregate = is_aggregate::No;
}

impl<T> QueryFragment<Pg> for Sorted<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}
