//! All records that match, as a file of one moment that is made while it is read.

use std::pin::pin;

use bytes::Bytes;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::column::{ColumnType, Columns, stored};
use super::csv::write_field;
use super::model::{Dataset, Shown};
use super::query::Filters;
use super::records::{as_json, shown};
use super::report::Exporting;
use super::versions::as_it_was;
use crate::db::snapshot::SnapshotError;
use crate::db::sql::Writer;
use crate::db::{Db, DbError};
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, PrincipalId};

/// What a reader gets at once.
const CHUNK: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
}

impl Format {
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (Self::Csv, "csv", "text/csv"),
        (Self::Ndjson, "ndjson", "application/x-ndjson"),
    ];

    /// As a query and metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the rows could not be read to their end")]
    Read(#[source] diesel::result::Error),
}

/// A dataset of the moment in which an export began, and the way to its rows.
pub struct Export {
    connection: AsyncPgConnection,
    guard: crate::db::snapshot::Guard,
    pub dataset: Dataset,
    pub shown: Shown,
}

impl Export {
    /// Who may read is judged in the same moment.
    pub async fn begin(
        db: &Db,
        who: PrincipalId,
        id: DatasetId,
        version: Option<i64>,
    ) -> ApiResult<Self> {
        let snapshot = db.snapshot().await?;
        let failed = |error: SnapshotError| ApiError::from(DbError::from(error));
        let (connection, guard) = snapshot.connection().await.map_err(failed)?;
        let read = |error| ApiError::from(DbError::Query(error));
        let dataset = Dataset::find(&connection, who, id).await.map_err(read)?;
        let dataset = dataset.ok_or(ApiError::not_found("dataset"))?;
        let shown = match version {
            None => dataset.now(),
            Some(version) => {
                let shown = as_it_was(&connection, id, version).await.map_err(read)?;
                shown.ok_or(ApiError::not_found("version"))?
            }
        };
        Ok(Self {
            connection,
            guard,
            dataset,
            shown,
        })
    }

    /// The file in parts.
    pub fn stream(
        self,
        format: Format,
        selected: Vec<usize>,
        filters: Filters,
        mut counted: Exporting,
    ) -> impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static {
        let (to, parts) = mpsc::channel(2);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            match self.send(format, &selected, &filters, &to).await {
                Ok(true) => counted.is_complete(),
                Ok(false) => {}
                Err(error) => {
                    counted.has_failed();
                    // Nobody hears of it who has gone away.
                    let _ = to.send(Err(error)).await;
                }
            }
        }));
        unfold((parts, task), |(mut parts, task)| async move {
            let part = parts.recv().await?;
            Some((part, (parts, task)))
        })
        .boxed()
    }

    /// False where the reader has gone away.
    async fn send(
        self,
        format: Format,
        selected: &[usize],
        filters: &Filters,
        to: &mpsc::Sender<Result<Bytes, ExportError>>,
    ) -> Result<bool, ExportError> {
        let Self {
            mut connection,
            guard,
            dataset,
            shown,
        } = self;
        let mut out = Vec::with_capacity(CHUNK + 4_096);
        if format == Format::Csv {
            header(&dataset.columns, selected, &mut out);
        }
        if let Some(table) = shown.table {
            let mut sql = Writer::default();
            row(&mut sql, format, &dataset.columns, selected);
            table.name(sql.text(" FROM "));
            filters.write(sql.text(" AS r WHERE "), &shown.moment);
            sql.text(" ORDER BY r.rid");
            let rows = sql.statement::<Array<Nullable<Text>>>();
            let rows = RunQueryDsl::load_stream::<Vec<Option<String>>>(rows, &mut connection);
            let mut rows = pin!(rows.await.map_err(ExportError::Read)?);
            while let Some(fields) = rows.try_next().await.map_err(ExportError::Read)? {
                write(format, &fields, &mut out);
                if out.len() >= CHUNK {
                    let part = std::mem::replace(&mut out, Vec::with_capacity(CHUNK + 4_096));
                    if to.send(Ok(part.into())).await.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        let is_taken = to.send(Ok(out.into())).await.is_ok();
        drop(guard);
        Ok(is_taken)
    }
}

fn header(columns: &Columns, selected: &[usize], out: &mut Vec<u8>) {
    for (at, place) in selected.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_field(
            columns.0.get(*place).map(|column| column.name.as_str()),
            out,
        );
    }
    out.extend_from_slice(b"\r\n");
}

/// Each row is a list of texts: the fields of CSV, or the one line of NDJSON.
fn row(sql: &mut Writer<'_>, format: Format, columns: &Columns, selected: &[usize]) {
    match format {
        Format::Csv => {
            let selected = selected
                .iter()
                .filter_map(|place| Some((place, columns.0.get(*place)?)));
            sql.text("SELECT ARRAY[")
                .each(selected, |sql, (place, column)| {
                    let stored = stored(*place);
                    match column.kind {
                        ColumnType::Date => {
                            sql.text("to_char(").ident(&stored).text(", 'YYYY-MM-DD')");
                        }
                        kind => {
                            shown(sql.text("("), kind, &stored);
                            sql.text(")::text");
                        }
                    }
                });
            sql.text("]::text[]");
        }
        Format::Ndjson => {
            as_json(sql.text("SELECT ARRAY["), columns, selected.iter().copied());
            sql.text("]");
        }
    }
}

fn write(format: Format, fields: &[Option<String>], out: &mut Vec<u8>) {
    match format {
        Format::Csv => {
            for (at, field) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_field(field.as_deref(), out);
            }
            out.extend_from_slice(b"\r\n");
        }
        Format::Ndjson => {
            for line in fields.iter().flatten() {
                out.extend_from_slice(line.as_bytes());
                out.push(b'\n');
            }
        }
    }
}
