//! The two statements by which a column is profiled.

use diesel::Queryable;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Double, Float, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::{Bin, ColumnProfile, Distinct, Quantiles};
use crate::datasets::column::ColumnType;
use crate::datasets::records::shown;
use crate::datasets::scale::Scale;
use crate::datasets::table::{Moment, Table};
use crate::db::sql::Writer;

/// About how many parts a histogram has.
const PARTS: u32 = 20;
/// Beyond, sums of squares are no numbers any more. Others have no mean, deviation and histogram.
const USUAL: [&str; 2] = [" > -1e140", " < 1e140"];
/// The shares of the quantiles, in their order.
const SHARES: &str = "ARRAY[0.05, 0.25, 0.5, 0.75, 0.95]";

/// What can be said of all rows in one go.
#[derive(Queryable)]
struct Extent {
    present: i64,
    min: Option<String>,
    max: Option<String>,
    from: Option<f64>,
    to: Option<f64>,
    mean: Option<f64>,
    deviation: Option<f64>,
}

type ExtentColumns = (
    BigInt,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Double>,
    Nullable<Double>,
    Nullable<Double>,
    Nullable<Double>,
);

/// What has to be sorted and grouped.
#[derive(Queryable)]
struct Values {
    distinct: i64,
    frequent: Option<String>,
    quantiles: Option<String>,
    bins: Option<String>,
}

type ValuesColumns = (BigInt, Nullable<Text>, Nullable<Text>, Nullable<Text>);

/// A column of a table.
pub(super) struct Of<'a> {
    pub table: Table,
    pub moment: &'a Moment,
    pub kind: ColumnType,
    pub stored: String,
    /// How many of 100 rows are sorted and grouped, where that are not all.
    pub share: Option<f32>,
}

impl Of<'_> {
    pub(super) async fn fill(
        &self,
        connection: &mut AsyncPgConnection,
        rows: i64,
        profile: &mut ColumnProfile,
    ) -> QueryResult<()> {
        let extent: Extent = self
            .extent()
            .statement::<ExtentColumns>()
            .get_result(connection)
            .await?;
        profile.nulls = rows - extent.present;
        profile.min = json(extent.min)?;
        profile.max = json(extent.max)?;
        (profile.mean, profile.deviation) = (extent.mean, extent.deviation);
        if self.kind == ColumnType::Json || extent.present == 0 {
            return Ok(());
        }
        let scale = Scale::of(self.kind).zip(extent.from.zip(extent.to));
        let edges = scale.map(|(scale, (from, to))| {
            let mut edges = scale.rounds(from, to, PARTS).at;
            edges.dedup();
            (scale, edges)
        });
        let places = edges.as_ref().map(|(_, edges)| edges.clone());
        let mut statement = self.values(extent.present, places);
        let values: Values = statement
            .statement::<ValuesColumns>()
            .get_result(connection)
            .await?;
        profile.distinct = Some(Distinct {
            count: values.distinct,
            exact: self.share.is_none(),
        });
        profile.frequent = read(values.frequent)?.unwrap_or_default();
        if let Some([p5, p25, p50, p75, p95]) = read::<[Value; 5]>(values.quantiles)? {
            profile.quantiles = Some(Quantiles {
                p5,
                p25,
                p50,
                p75,
                p95,
            });
        }
        if let Some((scale, edges)) = edges {
            let counts: Vec<(usize, i64)> = read(values.bins)?.unwrap_or_default();
            profile.histogram = bins(scale, &edges, &counts);
        }
        Ok(())
    }

    /// The statement for [`Extent`].
    fn extent(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text("SELECT present, to_json(");
        self.cut(&mut sql, "low");
        sql.text(")::text, to_json(");
        self.cut(&mut sql, "high");
        sql.text(")::text, ");
        for column in ["low", "high"] {
            self.position_if_usual(&mut sql, column);
            sql.text(", ");
        }
        sql.text("mean, deviation FROM (SELECT count(");
        sql.ident(&self.stored).text(") AS present, ");
        for (function, name) in [("min(", "low"), ("max(", "high")] {
            match self.has_order() {
                true => sql.text(function).ident(&self.stored).text(")"),
                false => sql.text("NULL::text"),
            };
            sql.text(" AS ").ident(name).text(", ");
        }
        for (function, name) in [("avg(", "mean"), ("stddev_samp(", "deviation")] {
            self.moment_of(&mut sql, function);
            sql.text(" AS ").ident(name);
            sql.text(if name == "mean" { ", " } else { " FROM " });
        }
        self.table.name(&mut sql);
        sql.text(" AS r WHERE ");
        self.moment.condition(&mut sql);
        sql.text(") AS extent");
        sql
    }

    /// The statement for [`Values`]. What is counted in a part of the rows is multiplied to what it
    /// would be in all.
    fn values(&self, present: i64, edges: Option<Vec<f64>>) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text("WITH counted AS MATERIALIZED (SELECT ");
        sql.ident(&self.stored).text(" AS v, count(*) AS n FROM ");
        self.table.name(&mut sql);
        sql.text(" AS r ");
        if let Some(share) = self.share {
            sql.text("TABLESAMPLE BERNOULLI (").value::<Float, _>(share);
            sql.text(") REPEATABLE (1) ");
        }
        self.moment.condition(sql.text("WHERE "));
        sql.text(" AND ").ident(&self.stored);
        sql.text(" IS NOT NULL GROUP BY 1), whole AS (SELECT sum(n) AS n FROM counted) ");
        sql.text("SELECT (SELECT count(*) FROM counted), ");
        sql.text("(SELECT json_agg(json_build_object('value', ");
        self.cut(&mut sql, "v");
        sql.text(", 'count', round(n * :present / (SELECT n FROM whole))::bigint) ORDER BY n DESC, v)::text ");
        sql.bind::<BigInt, _>("present", present);
        sql.text("FROM (SELECT v, n FROM counted ORDER BY n DESC, v LIMIT 20) AS frequent), ");
        match self.kind.is_number() {
            true => {
                sql.text("(SELECT json_agg(");
                self.cut(&mut sql, "q");
                sql.text(" ORDER BY share)::text FROM (SELECT share, min(v) AS q FROM ");
                sql.text("(SELECT v, sum(n) OVER (ORDER BY v) AS upto FROM counted) AS ranked, ");
                sql.texts(&["unnest(", SHARES, ") AS share "]);
                sql.text("WHERE upto >= share * (SELECT n FROM whole) GROUP BY share) AS found), ");
            }
            false => {
                sql.text("NULL::text, ");
            }
        }
        match edges {
            Some(edges) => {
                sql.text("(SELECT json_agg(json_build_array(bin, n))::text ");
                sql.text("FROM (SELECT width_bucket(");
                self.position(&mut sql, "v");
                sql.text(", ").value::<Array<Double>, _>(edges);
                sql.text(") AS bin, round(sum(n) * :present / (SELECT n FROM whole))::bigint ");
                sql.text("AS n FROM counted GROUP BY 1) AS binned)");
            }
            None => {
                sql.text("NULL::text");
            }
        }
        sql
    }

    /// Whether PostgreSQL has a least and a largest value of the type.
    fn has_order(&self) -> bool {
        !matches!(
            self.kind,
            ColumnType::Bool | ColumnType::Json | ColumnType::IntRange
        )
    }

    /// Writes a value as records show it, of texts the beginning.
    fn cut(&self, sql: &mut Writer<'_>, column: &str) {
        if self.kind == ColumnType::Text {
            sql.text("left(").ident(column).text(", 200)");
            return;
        }
        match column {
            "low" | "high" if !self.has_order() => {
                sql.ident(column);
            }
            _ => shown(sql, self.kind, column),
        }
    }

    /// Writes where on its scale a value lies.
    fn position(&self, sql: &mut Writer<'_>, column: &str) {
        match self.kind {
            ColumnType::Date => sql.text("(").ident(column).text(" - DATE '1970-01-01')"),
            ColumnType::Timestamp => sql.text("extract(epoch FROM ").ident(column).text(")"),
            _ => sql.ident(column),
        };
        sql.text("::double precision");
    }

    fn position_if_usual(&self, sql: &mut Writer<'_>, column: &str) {
        match self.kind {
            ColumnType::Float64 | ColumnType::Decimal => {
                sql.text("CASE WHEN low")
                    .texts(&[USUAL[0], " AND high", USUAL[1]]);
                self.position(sql.text(" THEN "), column);
                sql.text(" END");
            }
            _ if Scale::of(self.kind).is_some() => self.position(sql, column),
            _ => {
                sql.text("NULL::double precision");
            }
        }
    }

    /// Writes a mean or a deviation.
    fn moment_of(&self, sql: &mut Writer<'_>, function: &'static str) {
        match self.kind {
            ColumnType::Float64 | ColumnType::Decimal => {
                let is_usual = |sql: &mut Writer<'_>, before, after| {
                    sql.text(before).ident(&self.stored).text(after);
                };
                is_usual(sql, "CASE WHEN min(", ")");
                sql.text(USUAL[0]);
                is_usual(sql, " AND max(", ")");
                sql.texts(&[USUAL[1], " THEN ("]);
                is_usual(sql, function, ")");
                is_usual(sql, " FILTER (WHERE ", USUAL[0]);
                is_usual(sql, " AND ", USUAL[1]);
                sql.text("))::double precision END");
            }
            ColumnType::Int | ColumnType::Bigint => {
                sql.text(function).ident(&self.stored);
                sql.text(")::double precision");
            }
            _ => {
                sql.text("NULL::double precision");
            }
        }
    }
}

/// The part with the number `n` begins with the edge that has it, counted from 1.
fn bins(scale: Scale, edges: &[f64], counts: &[(usize, i64)]) -> Vec<Bin> {
    let pairs = edges.iter().zip(edges.iter().skip(1)).enumerate();
    let bins = pairs.map(|(at, (from, to))| Bin {
        from: scale.shown(*from),
        to: scale.shown(*to),
        count: counts
            .iter()
            .filter(|(bin, _)| *bin == at + 1)
            .map(|(_, count)| count)
            .sum(),
    });
    bins.collect()
}

fn json(text: Option<String>) -> QueryResult<Value> {
    Ok(read(text)?.unwrap_or_default())
}

fn read<T: serde::de::DeserializeOwned>(text: Option<String>) -> QueryResult<Option<T>> {
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    read.map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}
