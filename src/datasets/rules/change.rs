//! A change of rules: the records that are there are looked at first, by a statement for each rule
//! that is new, and then the constraints of the table are made anew.

use std::pin::pin;

use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use futures_util::TryStreamExt as _;

use super::table::{added, condition, is_same};
use super::whole::{Counted, Of};
use super::{DatasetRules, NOT_UNIQUE, Rule, TOO_LONG};
use crate::datasets::column::{Column, Columns, stored};
use crate::datasets::model::Dataset;
use crate::datasets::pattern::compile_whole;
use crate::datasets::table::Table;
use crate::datasets::versions::{NewVersion, VersionKind, next_change};
use crate::db::sql::Writer;
use crate::db::transaction::{Failure, Tx, Work};
use crate::kernel::error::{ApiError, Code, FieldError};

/// Who reads or loads the table keeps it for as long as that takes, and everybody waits behind who
/// waits for it.
const PATIENCE: &str = "SET LOCAL lock_timeout = '500ms'";

/// The rules as they are to be; their columns are the dataset's.
pub struct NewRules {
    pub columns: Columns,
    pub rules: DatasetRules,
}

impl NewRules {
    /// Sets them, which is a version. The dataset is locked by who calls this.
    pub async fn set(&self, tx: &mut Tx<'_>, dataset: &Dataset) -> Work<()> {
        let is_same = self.columns == dataset.columns && self.rules == dataset.rules.0;
        if is_same {
            return Ok(());
        }
        let Some(table) = dataset.generation.map(Table) else {
            // There are neither records nor a version yet.
            Dataset::set_rules(tx, dataset.id, &self.columns, &self.rules, 0).await?;
            return Ok(());
        };
        let broken = self.broken(tx, dataset, table).await?;
        if !broken.is_empty() {
            let mut refused = ApiError::new(
                Code::RulesBroken,
                "records that are there break a rule; `errors` says how many break which",
            );
            refused.errors = broken;
            return Err(refused.into());
        }
        self.constrain(tx, dataset, table).await.map_err(in_use)?;
        let change = next_change(tx).await?;
        let version = NewVersion {
            project: dataset.project_id,
            dataset: dataset.id,
            table,
            change,
            kind: VersionKind::Schema,
            by: tx.actor().id,
            import: None,
            added: 0,
            removed: 0,
            changed: 0,
            message: None,
        };
        let version = version.make(tx).await?;
        Dataset::set_rules(tx, dataset.id, &self.columns, &self.rules, version).await?;
        Ok(())
    }

    fn changed<'a>(
        &'a self,
        before: &'a Columns,
    ) -> impl Iterator<Item = (usize, &'a Column, &'a Column)> {
        let both = before.0.iter().zip(&self.columns.0).enumerate();
        let changed = both.filter(|(_, (before, after))| before.rules != after.rules);
        changed.map(|(place, (before, after))| (place, before, after))
    }

    /// The rules that records break, each with how many.
    async fn broken(
        &self,
        connection: &mut AsyncPgConnection,
        dataset: &Dataset,
        table: Table,
    ) -> Work<Vec<FieldError>> {
        let mut broken = Vec::new();
        for (place, before, after) in self.changed(&dataset.columns) {
            for rule in added(&before.rules, &after.rules) {
                for (count, code) in count(connection, table, place, after, rule).await? {
                    if count > 0 {
                        broken.push(FieldError {
                            pointer: format!("/columns/{}/rules/{}", after.field, rule.member()),
                            code: code.into(),
                            detail: records(count),
                        });
                    }
                }
            }
        }
        if self.rules != dataset.rules.0 {
            let of = Of::Living(table);
            let counted = Counted::count(connection, of, &self.columns, &self.rules).await?;
            broken.extend(self.rules.broken_by(&counted));
        }
        Ok(broken)
    }

    async fn constrain(
        &self,
        connection: &mut AsyncPgConnection,
        dataset: &Dataset,
        table: Table,
    ) -> QueryResult<()> {
        let mut statements = Vec::new();
        for (place, before, after) in self.changed(&dataset.columns) {
            match (before.rules.unique, after.rules.unique) {
                (false, true) => statements.push(table.make_unique(place)),
                (true, false) => statements.push(table.forget_unique(place)),
                _ => {}
            }
            if !is_same(before, after) {
                statements.push(table.constrain(place, after));
            }
        }
        if statements.is_empty() {
            return Ok(());
        }
        connection.batch_execute(PATIENCE).await?;
        for mut statement in statements {
            let text = statement.plain();
            let text = text.map_err(|mistake| Error::QueryBuilderError(mistake.into()))?;
            connection.batch_execute(&text).await?;
        }
        Ok(())
    }
}

fn records(count: i64) -> String {
    match count {
        1 => "1 record breaks it".to_owned(),
        count => format!("{count} records break it"),
    }
}

fn in_use(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, said)
            if said.message().contains("lock timeout") =>
        {
            ApiError::new(
                Code::Conflict,
                "the dataset is being loaded or read as a file, which its rules cannot change under; nothing was changed: repeat the request when that has ended",
            )
            .into()
        }
        _ => error.into(),
    }
}

/// How many records break a rule, and what they are called.
async fn count(
    connection: &mut AsyncPgConnection,
    table: Table,
    place: usize,
    column: &Column,
    rule: Rule,
) -> Work<Vec<(i64, &'static str)>> {
    if rule == Rule::Pattern {
        let count = count_unmatched(connection, table, place, column).await?;
        return Ok(vec![(count, rule.code())]);
    }
    let mut counts = Vec::new();
    let mut sql = Writer::default();
    table.name(sql.text("SELECT count(*) FROM "));
    sql.text(" WHERE gone IS NULL AND NOT (");
    if condition(&mut sql, place, column, rule) {
        sql.text(")");
        let count = sql.statement::<BigInt>().get_result(connection).await?;
        let is_index = rule == Rule::Unique;
        counts.push((count, if is_index { TOO_LONG } else { rule.code() }));
    }
    if rule == Rule::Unique {
        let stored = stored(place);
        let mut sql = Writer::default();
        sql.text("SELECT count(").ident(&stored);
        sql.text(") - count(DISTINCT ").ident(&stored);
        table.name(sql.text(") FROM "));
        sql.text(" WHERE gone IS NULL");
        let count = sql.statement::<BigInt>().get_result(connection).await?;
        counts.push((count, NOT_UNIQUE));
    }
    Ok(counts)
}

/// The expressions of PostgreSQL are others, so the texts are judged here, one after another.
async fn count_unmatched(
    connection: &mut AsyncPgConnection,
    table: Table,
    place: usize,
    column: &Column,
) -> Work<i64> {
    let pattern = column.rules.pattern.as_deref().map(compile_whole);
    let Some(pattern) = pattern else {
        return Ok(0);
    };
    let pattern = pattern.map_err(|mistake| ApiError::internal(anyhow::Error::msg(mistake)))?;
    let stored = stored(place);
    let mut sql = Writer::default();
    table.name(sql.text("SELECT ").ident(&stored).text(" FROM "));
    sql.text(" WHERE gone IS NULL AND ").ident(&stored);
    sql.text(" IS NOT NULL");
    let texts = sql.statement::<Text>();
    let texts = RunQueryDsl::load_stream::<String>(texts, connection).await?;
    let mut texts = pin!(texts);
    let mut count = 0;
    while let Some(text) = texts.try_next().await? {
        count += i64::from(!pattern.is_match(&text));
    }
    Ok(count)
}
