//! The tables with the rows of datasets. A dataset has one for each generation: a load that
//! replaces everything makes the next, beside which readers go on with the one before.
//!
//! A row carries the change that it came with and, once it is gone, the one that it went with.

use diesel::sql_types::{Array, BigInt};

use super::column::{Columns, stored};
use super::rules::table::{constraints, has_unique, unique};
use super::rules::unique::{WAITING, WAITING_GIVEN};
use crate::db::sql::Writer;

/// A generation's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(pub i64);

/// Which rows count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    Now,
    /// After the changes up to this one, but for those among them that were committed later.
    After {
        change: i64,
        but: Vec<i64>,
    },
}

impl Table {
    /// Writes its name.
    pub fn name(self, sql: &mut Writer<'_>) {
        sql.text("dataset_rows.").ident(&format!("g{}", self.0));
    }

    pub fn create(self, columns: &Columns) -> Writer<'static> {
        let mut sql = self.made("CREATE TABLE ", columns);
        constraints(&mut sql, columns);
        sql.text(")");
        sql
    }

    /// One for records that wait, which no crash has to leave. Where values are to be unique it
    /// knows where each record stood.
    pub fn create_for_a_while(self, columns: &Columns) -> Writer<'static> {
        let mut sql = self.made("CREATE UNLOGGED TABLE ", columns);
        sql.text(if has_unique(columns) { WAITING } else { "" });
        sql.text(")");
        sql
    }

    fn made(self, create: &'static str, columns: &Columns) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text(create));
        sql.text(" (rid bigint NOT NULL, came bigint NOT NULL, gone bigint");
        for (place, column) in columns.0.iter().enumerate() {
            sql.text(", ").ident(&stored(place)).text(" ");
            sql.text(column.kind.sql());
            sql.text(if column.nullable { "" } else { " NOT NULL" });
        }
        sql
    }

    /// `COPY` of the record's id, the change it comes with and its values; where values are to be
    /// unique, also of where it stood. The rows of a table that is new count for everybody who sees
    /// it, so that nothing has to mark them as such later.
    pub fn copy(self, columns: &Columns, is_new: bool) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text("COPY "));
        written(sql.text(" ("), columns);
        sql.text(if has_unique(columns) {
            WAITING_GIVEN
        } else {
            ""
        });
        sql.text(") FROM STDIN (FORMAT binary");
        sql.text(if is_new { ", FREEZE)" } else { ")" });
        sql
    }

    /// Made after the rows are there, which takes a fraction of the time.
    pub fn index(self, columns: &Columns, key: &[String]) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text("CREATE INDEX ON "));
        sql.text(" (rid)");
        if !key.is_empty() {
            self.write_key(sql.text("; "), columns, key);
        }
        for place in unique(columns) {
            self.write_unique(sql.text("; "), place);
        }
        sql
    }

    /// By which a key is another record's.
    pub fn key(self, columns: &Columns, key: &[String]) -> Writer<'static> {
        let mut sql = Writer::default();
        self.write_key(&mut sql, columns, key);
        sql
    }

    fn write_key(self, sql: &mut Writer<'_>, columns: &Columns, key: &[String]) {
        let places = key.iter().filter_map(|field| columns.place(field));
        sql.text("CREATE UNIQUE INDEX ")
            .ident(&format!("g{}_key", self.0));
        self.name(sql.text(" ON "));
        sql.text(" (").each(places, |sql, place| {
            sql.ident(&stored(place));
        });
        sql.text(") NULLS NOT DISTINCT WHERE gone IS NULL");
    }

    /// What reading does not wait for: the index by which what is gone is found when versions are
    /// purged, and a look at the rows, by which PostgreSQL plans.
    pub fn settle(self) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text("CREATE INDEX ON "));
        self.name(sql.text(" (gone) WHERE gone IS NOT NULL; ANALYZE "));
        sql
    }

    /// A look at the rows, by which PostgreSQL plans.
    pub fn analyze(self) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text("ANALYZE "));
        sql
    }

    pub fn drop(self) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text("DROP TABLE IF EXISTS "));
        sql
    }
}

/// Writes which columns of a table somebody fills: the record's id, the change it comes with and
/// its values.
pub fn written(sql: &mut Writer<'_>, columns: &Columns) {
    sql.text("rid, came");
    for place in 0..columns.0.len() {
        sql.text(", ").ident(&stored(place));
    }
}

impl Moment {
    /// Writes the condition.
    pub fn condition(&self, sql: &mut Writer<'_>) {
        match self {
            Self::Now => {
                sql.text("gone IS NULL");
            }
            Self::After { change, but } => {
                let but = || but.clone();
                sql.text("came <= ").value::<BigInt, _>(*change);
                sql.text(" AND came <> ALL (")
                    .value::<Array<BigInt>, _>(but());
                sql.text(") AND (gone IS NULL OR gone > ");
                sql.value::<BigInt, _>(*change).text(" OR gone = ANY (");
                sql.value::<Array<BigInt>, _>(but()).text("))");
            }
        }
    }
}
