//! All records that match, as a file of one moment that is made while it is read.

use std::pin::pin;

use bytes::Bytes;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::column::{ColumnType, Columns, stored};
use super::csv::write_field;
use super::diff::{Diff, Difference};
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

type Parts = mpsc::Sender<Result<Bytes, ExportError>>;

/// What `send` makes, while it makes it. It ends with its reader.
fn parts<F>(
    send: impl FnOnce(Parts) -> F + Send + 'static,
) -> impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static
where
    F: Future<Output = Result<(), ExportError>> + Send,
{
    let (to, parts) = mpsc::channel(2);
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = send(to.clone()).await {
            // Nobody hears of it who has gone away.
            let _ = to.send(Err(error)).await;
        }
    }));
    unfold((parts, task), |(mut parts, task)| async move {
        let part = parts.recv().await?;
        Some((part, (parts, task)))
    })
    .boxed()
}

/// All that is different in two versions, as CSV: of a record that has changed, a line with what it
/// was and a line with what it is.
pub async fn diff_as_csv(
    db: &Db,
    diff: Diff,
) -> ApiResult<impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static> {
    let snapshot = db.snapshot().await?;
    let failed = |error: SnapshotError| ApiError::from(DbError::from(error));
    let (connection, guard) = snapshot.connection().await.map_err(failed)?;
    Ok(parts(async move |to: Parts| {
        let sent = send_diff(connection, &diff, &to).await;
        drop(guard);
        sent
    }))
}

/// What became of the record, its id, and its values before and after.
type DiffRow = (
    i32,
    i64,
    Option<Vec<Option<String>>>,
    Option<Vec<Option<String>>>,
);

async fn send_diff(
    mut connection: AsyncPgConnection,
    diff: &Diff,
    to: &Parts,
) -> Result<(), ExportError> {
    let all: Vec<usize> = (0..diff.columns.0.len()).collect();
    let mut out = b"change,rid,".to_vec();
    header(&diff.columns, &all, &mut out);
    let mut sql = diff.as_texts(|sql, columns| fields(sql, columns, &all));
    type Texts = Nullable<Array<Nullable<Text>>>;
    let rows = sql.statement::<(Integer, BigInt, Texts, Texts)>();
    let rows = RunQueryDsl::load_stream::<DiffRow>(rows, &mut connection);
    let mut rows = pin!(rows.await.map_err(ExportError::Read)?);
    while let Some((kind, rid, before, after)) = rows.try_next().await.map_err(ExportError::Read)? {
        let words = match Difference::of(kind) {
            Difference::Changed => ("before", "after"),
            change => (change.as_str(), change.as_str()),
        };
        let lines = [(words.0, before), (words.1, after)];
        for (word, values) in lines.into_iter().filter_map(|(word, it)| Some((word, it?))) {
            let begin = [Some(word.to_owned()), Some(rid.to_string())];
            let line: Vec<_> = begin.into_iter().chain(values).collect();
            write(Format::Csv, &line, &mut out);
        }
        if out.len() >= CHUNK {
            let part = std::mem::replace(&mut out, Vec::with_capacity(CHUNK + 4_096));
            if to.send(Ok(part.into())).await.is_err() {
                return Ok(());
            }
        }
    }
    // Where the reader has gone away, there is nothing left to do.
    let _ = to.send(Ok(out.into())).await;
    Ok(())
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
            Some(version) => as_it_was(&connection, id, version).await.map_err(read)??,
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
        parts(async move |to: Parts| {
            let sent = self.send(format, &selected, &filters, &to).await;
            match &sent {
                Ok(true) => counted.is_complete(),
                Ok(false) => {}
                Err(_) => counted.has_failed(),
            }
            sent.map(|_| ())
        })
    }

    /// False where the reader has gone away.
    async fn send(
        self,
        format: Format,
        selected: &[usize],
        filters: &Filters,
        to: &Parts,
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
        Format::Csv => fields(sql.text("SELECT "), columns, selected),
        Format::Ndjson => {
            as_json(sql.text("SELECT ARRAY["), columns, selected.iter().copied());
            sql.text("]");
        }
    }
}

/// Writes the values of a record as a list of texts, as CSV has them.
pub(super) fn fields(sql: &mut Writer<'_>, columns: &Columns, selected: &[usize]) {
    let selected = selected
        .iter()
        .filter_map(|place| Some((place, columns.0.get(*place)?)));
    sql.text("ARRAY[").each(selected, |sql, (place, column)| {
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
