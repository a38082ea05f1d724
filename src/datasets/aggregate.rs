//! Groups of records, and what is computed of each. One statement.

use diesel::Queryable;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::column::{ColumnType, Columns, stored};
use super::measure::Measure;
use super::model::Shown;
use super::query::Filters;
use super::records::shown;
use super::table::{Moment, Table};
use crate::db::sql::Writer;
use crate::kernel::types::DatasetId;

/// The most groups of an answer.
pub const MOST_GROUPS: i64 = 1_000;
/// By how many fields records are grouped at most.
pub const MOST_FIELDS: usize = 5;

/// What is asked.
pub struct Wanted<'a> {
    pub dataset: DatasetId,
    pub shown: &'a Shown,
    pub columns: &'a Columns,
    /// The places of the columns.
    pub group_by: &'a [usize],
    pub measures: &'a [Measure],
    pub filters: &'a Filters,
}

/// The groups, each as JSON, and the version that they are of.
pub struct Groups {
    pub version: i64,
    pub groups: Vec<String>,
    /// There are more groups than an answer has.
    pub is_cut: bool,
}

#[derive(Queryable)]
struct Row {
    version: i64,
    group: Option<String>,
}

/// Writes the beginning of a statement that reads rows of a dataset: each comes with the version
/// that it is of, and where the table is not the dataset's any more, there is none.
pub fn with_version(sql: &mut Writer<'_>, shown: &Shown) {
    match shown.moment {
        Moment::Now => {
            sql.text("SELECT datasets.version, page.* FROM datasets LEFT JOIN LATERAL (")
        }
        Moment::After { .. } => {
            sql.bind::<BigInt, _>("version", shown.version);
            sql.text("SELECT :version, page.* FROM datasets LEFT JOIN LATERAL (")
        }
    };
}

pub fn of_dataset(sql: &mut Writer<'_>, dataset: DatasetId, shown: &Shown, table: Table) {
    sql.text(") AS page ON true WHERE datasets.id = :dataset");
    sql.bind::<Uuid, _>("dataset", dataset);
    if shown.moment == Moment::Now {
        sql.text(" AND datasets.generation = :generation");
        sql.bind::<BigInt, _>("generation", table.0);
    }
}

impl Wanted<'_> {
    /// `None` where the table is not the dataset's any more: look again.
    pub async fn load(&self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Groups>> {
        let Some(table) = self.shown.table else {
            return Ok(Some(Groups {
                version: self.shown.version,
                groups: Vec::new(),
                is_cut: false,
            }));
        };
        let mut sql = Writer::default();
        with_version(&mut sql, self.shown);
        sql.text("SELECT row_to_json(g)::text AS record FROM (SELECT ");
        let fields = self.group_by.iter().enumerate();
        let fields = fields.filter_map(|(at, place)| Some((at, self.columns.0.get(*place)?)));
        for (at, column) in fields {
            shown(&mut sql, column.kind, &grouped(at));
            sql.text(" AS ").ident(&column.field).text(", ");
        }
        sql.each(self.measures.iter().enumerate(), |sql, (at, measure)| {
            sql.ident(&measured(at)).text(" AS ").ident(&measure.name);
        });
        sql.text(" FROM (SELECT ");
        for (at, place) in self.group_by.iter().enumerate() {
            sql.ident(&stored(*place))
                .text(" AS ")
                .ident(&grouped(at))
                .text(", ");
        }
        sql.each(self.measures.iter().enumerate(), |sql, (at, measure)| {
            measure.show(sql);
            sql.text(" AS ").ident(&measured(at));
        });
        table.name(sql.text(" FROM "));
        self.filters.write(sql.text(" WHERE "), &self.shown.moment);
        if !self.group_by.is_empty() {
            sql.text(" GROUP BY ").each(self.group_by, |sql, place| {
                sql.ident(&stored(*place));
            });
            sql.text(" ORDER BY ").each(self.group_by, |sql, place| {
                sql.ident(&stored(*place));
            });
        }
        sql.text(" LIMIT ").value::<BigInt, _>(MOST_GROUPS + 1);
        sql.text(") AS computed) AS g");
        of_dataset(&mut sql, self.dataset, self.shown, table);
        let groups = sql.statement::<(BigInt, Nullable<Text>)>();
        let rows: Vec<Row> = RunQueryDsl::load(groups, connection).await?;
        let Some(version) = rows.as_slice().first().map(|row| row.version) else {
            return Ok(None);
        };
        let mut groups: Vec<String> = rows.into_iter().filter_map(|row| row.group).collect();
        let most = usize::try_from(MOST_GROUPS).unwrap_or(usize::MAX);
        let is_cut = groups.len() > most;
        groups.truncate(most);
        Ok(Some(Groups {
            version,
            groups,
            is_cut,
        }))
    }
}

fn grouped(at: usize) -> String {
    format!("g{at}")
}

fn measured(at: usize) -> String {
    format!("m{at}")
}

/// Whether records can be grouped by columns of the type.
pub fn groups(kind: ColumnType) -> bool {
    kind != ColumnType::Json
}
