//! Rules of all records of a dataset together, judged of the records that there would be.

use diesel::QueryResult;
use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{DatasetRules, TOO_FEW_ROWS, TOO_MANY_NULLS, TOO_MANY_ROWS};
use crate::datasets::column::{Columns, stored};
use crate::datasets::merge::Merge;
use crate::datasets::table::Table;
use crate::db::sql::Writer;
use crate::kernel::error::FieldError;

/// How many records there are, and in how many of them the columns with a share have no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub rows: i64,
    nulls: Vec<(String, i64)>,
}

/// Which records are counted.
#[derive(Clone, Copy)]
pub enum Of<'a> {
    /// Those that live in a table.
    Living(Table),
    /// Those that there would be if the records that wait came; it `keeps` those that are there, or
    /// only those whose key no other has.
    Both { merge: &'a Merge<'a>, keeps: bool },
}

impl Counted {
    pub fn of_rows(rows: i64) -> Self {
        Self {
            rows,
            nulls: Vec::new(),
        }
    }

    /// Counts what the rules ask for.
    pub async fn count(
        connection: &mut AsyncPgConnection,
        of: Of<'_>,
        columns: &Columns,
        rules: &DatasetRules,
    ) -> QueryResult<Self> {
        let shares = rules.null_share_max.keys();
        let places = shares.filter_map(|field| Some((field.clone(), columns.place(field)?)));
        let places: Vec<(String, usize)> = places.collect();
        let mut sql = Writer::default();
        sql.text("SELECT ARRAY[count(*)");
        for (_, place) in &places {
            sql.text(", count(*) - count(").ident(&stored(*place));
            sql.text(")");
        }
        sql.text("] FROM ");
        match of {
            Of::Living(table) => {
                table.name(&mut sql);
                sql.text(" WHERE gone IS NULL");
            }
            Of::Both { merge, keeps } => both(&mut sql, merge, keeps, &places),
        }
        let count = sql.statement::<Array<BigInt>>();
        let counts: Vec<i64> = count.get_result(connection).await?;
        let mut counts = counts.into_iter();
        let rows = counts.next().unwrap_or_default();
        let fields = places.into_iter().map(|(field, _)| field);
        Ok(Self {
            rows,
            nulls: fields.zip(counts).collect(),
        })
    }
}

fn both(sql: &mut Writer<'_>, merge: &Merge<'_>, keeps: bool, places: &[(String, usize)]) {
    let listed = |sql: &mut Writer<'_>| {
        sql.text("SELECT true");
        for (_, place) in places {
            sql.text(", ").ident(&stored(*place));
        }
        sql.text(" FROM ");
    };
    listed(sql.text("("));
    merge.incoming.name(sql);
    if let Some(there) = merge.there {
        listed(sql.text(" UNION ALL "));
        there.name(sql);
        sql.text(" AS was WHERE was.gone IS NULL");
        if !keeps {
            merge
                .incoming
                .name(sql.text(" AND NOT EXISTS (SELECT FROM "));
            sql.text(" AS own WHERE true");
            for key in merge.key {
                let key = stored(*key);
                sql.text(" AND own.").ident(&key);
                sql.text(" = was.").ident(&key);
            }
            sql.text(")");
        }
    }
    sql.text(") AS both_of_them");
}

impl DatasetRules {
    /// Whether it takes more than the number of records to judge them.
    pub fn have_shares(&self) -> bool {
        !self.null_share_max.is_empty()
    }

    /// The rules that so many records break.
    pub fn broken_by(&self, counted: &Counted) -> Vec<FieldError> {
        let mut broken = Vec::new();
        let mut add = |member: &str, code: &'static str, detail: String| {
            broken.push(FieldError {
                pointer: format!("/rules/{member}"),
                code: code.into(),
                detail,
            });
        };
        let rows = counted.rows;
        if let Some(least) = self.rows_min.filter(|least| rows < *least) {
            let detail =
                format!("there would be {rows} records, and there are to be at least {least}");
            add("rows_min", TOO_FEW_ROWS, detail);
        }
        if let Some(most) = self.rows_max.filter(|most| rows > *most) {
            let detail =
                format!("there would be {rows} records, and there are to be at most {most}");
            add("rows_max", TOO_MANY_ROWS, detail);
        }
        for (field, nulls) in &counted.nulls {
            let Some(most) = self.null_share_max.get(field) else {
                continue;
            };
            if share(*nulls, rows) > *most {
                let detail = format!(
                    "{nulls} of {rows} records would have no value in {field}, and a share of at most {most} may have none"
                );
                let member = format!("null_share_max/{field}");
                add(&member, TOO_MANY_NULLS, detail);
            }
        }
        broken
    }
}

fn share(part: i64, whole: i64) -> f64 {
    // As large as no table is, so that both are exact.
    let exact = |number: i64| number.to_string().parse::<f64>().unwrap_or_default();
    match whole {
        0 => 0.0,
        whole => exact(part) / exact(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_where_as_many_have_no_value_as_may() {
        let rules = DatasetRules {
            rows_min: Some(2),
            rows_max: Some(10),
            null_share_max: [("a".to_owned(), 0.1)].into(),
        };
        let codes = |rows: i64, nulls: i64| {
            let nulls = vec![("a".to_owned(), nulls)];
            let broken = rules.broken_by(&Counted { rows, nulls });
            let codes = broken.into_iter().map(|it| it.code.into_owned());
            codes.collect::<Vec<_>>()
        };
        assert!(codes(10, 1).is_empty());
        assert_eq!(codes(10, 2), [TOO_MANY_NULLS]);
        assert_eq!(codes(1, 0), [TOO_FEW_ROWS]);
        assert_eq!(codes(11, 11), [TOO_MANY_ROWS, TOO_MANY_NULLS]);
        assert_eq!(codes(0, 0), [TOO_FEW_ROWS]);
    }
}
