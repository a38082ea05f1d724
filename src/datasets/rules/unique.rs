//! Values that no two records have. Which records of a file, or of a request, break that is found
//! by statements about all of them, while nobody else changes the dataset; the index of the table
//! refuses what they would not see.

use diesel::QueryResult;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};

use super::table::unique;
use crate::datasets::column::{Columns, stored};
use crate::datasets::edit::Values;
use crate::datasets::export::fields;
use crate::datasets::merge::Merge;
use crate::datasets::table::Table;
use crate::db::sql::Writer;

/// A record that is left out can leave another in its place, whose value a third has: so often it
/// is looked again. What is found no more is refused by the index.
const MOST_ROUNDS: usize = 20;

/// What a table has besides, in which records wait: where they stood in the file, and the columns,
/// by their places from 1 on, in which they are not unique.
pub const WAITING: &str = ", file_row bigint NOT NULL, file_line bigint NOT NULL, wrong smallint[]";
pub const WAITING_GIVEN: &str = ", file_row, file_line";

/// A record that is not unique: its row and its line in the file, the places of the columns counted
/// from 1, and its values as files have them.
pub type Marked = (i64, i64, Vec<i16>, Vec<Option<String>>);
pub type MarkedRow = (BigInt, BigInt, Array<SmallInt>, Array<Nullable<Text>>);

impl Merge<'_> {
    /// Marks the records that wait whose value another one before them has, or, where `meets`, one
    /// of the dataset that does not go with this import. The text has no values.
    fn mark(&self, place: usize, meets: bool, replaces: bool) -> Writer<'static> {
        let column = stored(place);
        let number = (place + 1).to_string();
        let mut sql = Writer::default();
        sql.text("WITH wrong AS (SELECT rid FROM (SELECT rid, row_number() OVER (PARTITION BY ");
        sql.ident(&column).text(" ORDER BY rid) AS nth FROM ");
        self.incoming.name(&mut sql);
        sql.text(" WHERE ").ident(&column);
        sql.text(" IS NOT NULL) AS numbered WHERE nth > 1");
        if let Some(there) = self.there.filter(|_| meets) {
            self.incoming.name(sql.text(" UNION SELECT i.rid FROM "));
            there.name(sql.text(" AS i JOIN "));
            sql.text(" AS was ON was.gone IS NULL AND was.")
                .ident(&column);
            sql.text(" = i.").ident(&column);
            if replaces {
                self.incoming.name(sql.text(" LEFT JOIN "));
                sql.text(" AS own ON own.wrong IS NULL");
                for key in self.key {
                    let key = stored(*key);
                    sql.text(" AND own.").ident(&key);
                    sql.text(" = was.").ident(&key);
                }
                sql.text(" WHERE own.rid IS NULL");
            }
        }
        self.incoming.name(sql.text(") UPDATE "));
        sql.text(" AS i SET wrong = array_append(i.wrong, ");
        sql.literal(&number).text("::smallint)");
        sql.text(" FROM wrong WHERE wrong.rid = i.rid AND ");
        sql.literal(&number);
        sql.text("::smallint <> ALL (coalesce(i.wrong, '{}'))");
        sql
    }

    /// The same for files that meet no record, for a connection that only takes texts.
    pub fn marks(&self) -> impl Iterator<Item = Writer<'static>> {
        unique(self.columns).map(|place| self.mark(place, false, false))
    }

    /// The same with the records that are there; those with the key of one of the file go, where it
    /// `replaces`.
    pub async fn mark_all(
        &self,
        connection: &mut AsyncPgConnection,
        replaces: bool,
    ) -> QueryResult<()> {
        for _ in 0..MOST_ROUNDS {
            let mut found = 0;
            for place in unique(self.columns) {
                let mut mark = self.mark(place, true, replaces);
                let mark = mark.statement::<BigInt>();
                found += mark.execute(connection).await?;
            }
            if found == 0 || !replaces {
                break;
            }
        }
        Ok(())
    }

    pub async fn count_marked(&self, connection: &mut AsyncPgConnection) -> QueryResult<i64> {
        let mut sql = Writer::default();
        self.incoming.name(sql.text("SELECT count(*) FROM "));
        sql.text(" WHERE wrong IS NOT NULL");
        sql.statement::<BigInt>().get_result(connection).await
    }

    /// All that are marked, as [`MarkedRow`].
    pub fn marked(&self) -> Writer<'static> {
        let all: Vec<usize> = (0..self.columns.0.len()).collect();
        let mut sql = Writer::default();
        sql.text("SELECT file_row, file_line, wrong, ");
        fields(&mut sql, self.columns, &all);
        self.incoming.name(sql.text(" FROM "));
        sql.text(" WHERE wrong IS NOT NULL ORDER BY rid");
        sql
    }

    /// Leaves out what is marked.
    pub async fn forget_marked(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let mut sql = Writer::default();
        self.incoming.name(sql.text("DELETE FROM "));
        sql.text(" WHERE wrong IS NOT NULL");
        let text = sql
            .plain()
            .map_err(|mistake| diesel::result::Error::QueryBuilderError(mistake.into()))?;
        connection.batch_execute(&text).await
    }
}

/// A value of a request that another record has: the number of the record in the request, and the
/// place of the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub record: usize,
    pub place: usize,
}

/// The values that another record has, of the request or of the dataset. `but` is the record that
/// is to have them.
pub async fn taken(
    connection: &mut AsyncPgConnection,
    table: Table,
    columns: &Columns,
    records: &[Values],
    but: Option<i64>,
) -> QueryResult<Vec<Taken>> {
    let mut found = Vec::new();
    for place in unique(columns) {
        let of = |values: &Values| {
            let given = values.iter().find(|(given, _)| *given == place);
            given.and_then(|(_, text)| text.clone())
        };
        let texts: Vec<Option<String>> = records.iter().map(of).collect();
        let Some(column) = columns.0.get(place) else {
            continue;
        };
        if texts.iter().all(Option::is_none) {
            continue;
        }
        let mut sql = Writer::default();
        sql.text("WITH given AS (SELECT t::")
            .text(column.kind.sql());
        sql.text(" AS v, at, row_number() OVER (PARTITION BY t::");
        sql.text(column.kind.sql());
        sql.text(" ORDER BY at) AS nth FROM unnest(:texts) WITH ORDINALITY AS texts(t, at) ");
        sql.text("WHERE t IS NOT NULL) SELECT at FROM given WHERE nth > 1 OR EXISTS (SELECT FROM ");
        table.name(&mut sql);
        sql.text(" AS was WHERE was.gone IS NULL AND was.");
        sql.ident(&stored(place))
            .text(" = given.v AND was.rid <> :but) ORDER BY at");
        sql.bind::<Array<Nullable<Text>>, _>("texts", texts);
        sql.bind::<BigInt, _>("but", but.unwrap_or(-1));
        let taken: Vec<i64> = sql.statement::<BigInt>().load(connection).await?;
        let records = taken
            .into_iter()
            .filter_map(|at| usize::try_from(at - 1).ok());
        found.extend(records.map(|record| Taken { record, place }));
    }
    Ok(found)
}
