//! What changes of records have in common: what they are refused for, and the version that each is.

use std::ops::Range;

use diesel::result::{DatabaseErrorKind, Error};

use super::edit::{self, Values};
use super::model::Dataset;
use super::rules::check::Checks;
use super::rules::table::is_of_rule;
use super::rules::whole::{Counted, Of};
use super::rules::{NOT_UNIQUE, unique};
use super::table::Table;
use super::versions::{NewVersion, VersionKind, next_change};
use crate::db::transaction::{Failure, Tx, Work};
use crate::kernel::error::{ApiError, ApiResult, Code, FieldError};

pub fn checks(dataset: &Dataset) -> ApiResult<Checks> {
    let checks = Checks::of(&dataset.columns);
    checks.map_err(|mistake| ApiError::internal(anyhow::Error::msg(mistake)))
}

/// Refuses values that have to be unique and are another record's. The dataset is locked by who
/// calls this.
pub(super) async fn keep_apart(
    tx: &mut Tx<'_>,
    table: Table,
    dataset: &Dataset,
    records: &[Values],
    but: Option<i64>,
    pointer: impl Fn(usize) -> String,
) -> Work<()> {
    let columns = &dataset.columns;
    let taken = unique::taken(tx, table, columns, records, but).await?;
    let errors = taken.into_iter().filter_map(|it| {
        let field = &columns.0.get(it.place)?.field;
        Some(FieldError {
            pointer: format!("{}/{field}", pointer(it.record)),
            code: NOT_UNIQUE.into(),
            detail: "another record has this value".to_owned(),
        })
    });
    let errors: Vec<FieldError> = errors.collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(ApiError::validation(errors).into()),
    }
}

/// What the table itself refuses.
pub(super) fn refused(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, said) => {
            let detail = match is_of_rule(said.constraint_name()) {
                true => "another record has a value that has to be unique; nothing was changed",
                false => "another record has the same key; nothing was changed",
            };
            ApiError::new(Code::Conflict, detail).into()
        }
        Error::DatabaseError(DatabaseErrorKind::Unknown, said)
            if said.message().starts_with("row is too big") =>
        {
            ApiError::new(
                Code::Conflict,
                "row-too-wide: a record has more in its columns than one row can hold, about 8 KiB without long texts",
            )
            .into()
        }
        _ => error.into(),
    }
}

/// The records that were added.
pub struct Added {
    /// The version that they made.
    pub version: i64,
    /// The change that they came with.
    pub change: i64,
    /// Their ids, in the order of the records.
    pub rids: Range<i64>,
}

/// Adds records, which are a version together. The dataset is locked by who calls this; `pointer`
/// says where a record stands in what the caller was sent.
pub async fn add(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    records: &[Values],
    pointer: impl Fn(usize) -> String,
) -> Work<Added> {
    let table = edit::table(tx, dataset).await?;
    keep_apart(tx, table, dataset, records, None, pointer).await?;
    let change = next_change(tx).await?;
    let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
    let first = Dataset::reserve(tx, dataset.id, count).await?;
    edit::insert(tx, table, &dataset.columns, change, first, records)
        .await
        .map_err(refused)?;
    let edit = Edit {
        added: count,
        removed: 0,
        changed: 0,
    };
    let version = edit.make(tx, dataset, table, change).await?;
    Ok(Added {
        version,
        change,
        rids: first..first + count,
    })
}

/// How many records a change is about.
pub(super) struct Edit {
    pub added: i64,
    pub removed: i64,
    pub changed: i64,
}

impl Edit {
    pub(super) async fn make(
        &self,
        tx: &mut Tx<'_>,
        dataset: &Dataset,
        table: Table,
        change: i64,
    ) -> Work<i64> {
        let Self {
            added,
            removed,
            changed,
        } = *self;
        self.judge(tx, dataset, table).await?;
        let version = NewVersion {
            project: dataset.project_id,
            dataset: dataset.id,
            table,
            change,
            kind: VersionKind::Edit,
            by: tx.actor().id,
            import: None,
            added,
            removed,
            changed,
            message: None,
        };
        Ok(version.make(tx).await?)
    }

    /// Refuses a change after which the records together would break a rule.
    async fn judge(&self, tx: &mut Tx<'_>, dataset: &Dataset, table: Table) -> Work<()> {
        let rules = &dataset.rules.0;
        let counted = match rules.have_shares() {
            true => Counted::count(tx, Of::Living(table), &dataset.columns, rules).await?,
            false => Counted::of_rows(dataset.rows + self.added - self.removed),
        };
        let broken = rules.broken_by(&counted);
        if broken.is_empty() {
            return Ok(());
        }
        let detail = "the dataset would break a rule of all its records; nothing was changed";
        let mut refused = ApiError::new(Code::RulesBroken, detail);
        refused.errors = broken;
        Err(refused.into())
    }
}
