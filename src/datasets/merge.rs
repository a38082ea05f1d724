//! Files whose records meet those that are there by the key, or are to have other values than they.
//! They are copied into a table of their own first, which is gone with the transaction, and put
//! into their place by a few statements for all of them, while nobody else changes the dataset.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::column::{Columns, stored};
use super::rules::table::has_unique;
use super::table::{Table, written};
use crate::db::sql::Writer;

/// What becomes of records that are there already.
#[derive(Clone, Copy, Debug)]
pub struct Merge<'a> {
    pub columns: &'a Columns,
    /// The places of the columns that make the key.
    pub key: &'a [usize],
    /// Where the records of the file wait.
    pub incoming: Table,
    /// Where those are that they meet, if there are any.
    pub there: Option<Table>,
}

/// How many records of the file were there with other values, and how many with the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    pub changed: i64,
    pub unchanged: i64,
}

impl Merge<'_> {
    /// The records of the file go where the others are. Those that are there with the same values
    /// stay as they are, and those with other values keep their ids.
    pub async fn upsert(
        &self,
        connection: &mut AsyncPgConnection,
        into: Table,
        change: i64,
    ) -> QueryResult<Met> {
        let unchanged = self.forget_same(into).statement::<BigInt>();
        let unchanged = unchanged.execute(connection).await?;
        let changed = self.succeed(into, change).statement::<BigInt>();
        let changed = changed.execute(connection).await?;
        self.append(connection, into).await?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Met {
            changed: count(changed),
            unchanged: count(unchanged),
        })
    }

    /// The records of the file go where the others are; one with the key of another is a violation.
    pub async fn append(&self, connection: &mut AsyncPgConnection, into: Table) -> QueryResult<()> {
        let mut insert = Writer::default();
        self.insert(&mut insert, into);
        written(insert.text(" SELECT "), self.columns);
        self.incoming.name(insert.text(" FROM "));
        insert.text(" ORDER BY rid");
        insert.statement::<BigInt>().execute(connection).await?;
        Ok(())
    }

    /// The records of the file go into a new table, but for those that are marked; those that meet
    /// one have its id.
    pub fn replace(&self, into: Table) -> Writer<'static> {
        let there = self.there.filter(|_| !self.key.is_empty());
        let mut sql = Writer::default();
        self.insert(&mut sql, into);
        sql.text(match there {
            Some(_) => " SELECT coalesce(was.rid, i.rid), i.came",
            None => " SELECT i.rid, i.came",
        });
        for place in 0..self.columns.0.len() {
            sql.text(", i.").ident(&stored(place));
        }
        self.incoming.name(sql.text(" FROM "));
        sql.text(" AS i");
        if let Some(there) = there {
            there.name(sql.text(" LEFT JOIN "));
            self.meet(sql.text(" AS was ON was.gone IS NULL"));
        }
        if has_unique(self.columns) {
            sql.text(" WHERE i.wrong IS NULL");
        }
        sql.text(" ORDER BY i.rid");
        sql
    }

    /// Where the records waited is not needed any more.
    pub async fn end(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let mut drop = self.incoming.drop();
        drop.statement::<BigInt>().execute(connection).await?;
        Ok(())
    }

    fn forget_same(&self, there: Table) -> Writer<'static> {
        let mut sql = Writer::default();
        self.incoming.name(sql.text("DELETE FROM "));
        there.name(sql.text(" AS i USING "));
        self.meet(sql.text(" AS was WHERE was.gone IS NULL"));
        for place in self.others() {
            let column = stored(place);
            sql.text(" AND was.").ident(&column);
            sql.text(" IS NOT DISTINCT FROM i.").ident(&column);
        }
        sql
    }

    /// Those that were go, and those that come have their ids.
    fn succeed(&self, there: Table, change: i64) -> Writer<'static> {
        let mut sql = Writer::default();
        there.name(sql.text("WITH gone AS (UPDATE "));
        sql.text(" AS was SET gone = :change FROM ");
        self.incoming.name(&mut sql);
        self.meet(sql.text(" AS i WHERE was.gone IS NULL"));
        sql.text(" RETURNING was.rid AS was, i.rid AS comes) UPDATE ");
        self.incoming.name(&mut sql);
        sql.text(" AS i SET rid = gone.was FROM gone WHERE i.rid = gone.comes");
        sql.bind::<BigInt, _>("change", change);
        sql
    }

    /// The condition that a record of the file has the key of one that is there.
    fn meet(&self, sql: &mut Writer<'_>) {
        for place in self.key {
            let column = stored(*place);
            sql.text(" AND was.").ident(&column);
            sql.text(" = i.").ident(&column);
        }
    }

    fn others(&self) -> impl Iterator<Item = usize> {
        (0..self.columns.0.len()).filter(|place| !self.key.contains(place))
    }

    fn insert(&self, sql: &mut Writer<'_>, into: Table) {
        into.name(sql.text("INSERT INTO "));
        written(sql.text(" ("), self.columns);
        sql.text(")");
    }
}
