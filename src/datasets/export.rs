//! All records that match, as a file of one moment that is made while it is read.

use std::pin::{Pin, pin};

use bytes::Bytes;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::column::{Column, ColumnType, Columns, stored};
use super::csv::write_field;
use super::diff::{Diff, Difference};
use super::model::{Dataset, Shown};
use super::query::Filters;
use super::records::{as_json, shown};
use super::report::Exporting;
use super::table::Table;
use super::typed::Typed;
use super::versions::as_it_was;
use crate::db::snapshot::SnapshotError;
use crate::db::sql::Writer;
use crate::db::{Db, DbError};
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::process::{FileFormat, Runner, RunnerError};

/// What a reader gets at once.
pub const CHUNK: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text(Lines),
    /// A child of this process makes it.
    Made(FileFormat),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    Csv,
    Ndjson,
}

/// A format with its name in queries and metrics, and its media type.
type Named = (Format, &'static str, &'static str);

impl Format {
    pub const CSV: Self = Self::Text(Lines::Csv);
    pub const NDJSON: Self = Self::Text(Lines::Ndjson);
    pub const ALL: [Named; 5] = [
        (Self::CSV, "csv", "text/csv"),
        (Self::NDJSON, "ndjson", "application/x-ndjson"),
        (Self::Made(FileFormat::Parquet), "parquet", PARQUET),
        (
            Self::Made(FileFormat::Arrow),
            "arrow",
            "application/vnd.apache.arrow.file",
        ),
        (
            Self::Made(FileFormat::ArrowStream),
            "arrow-stream",
            "application/vnd.apache.arrow.stream",
        ),
    ];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        self.named().1
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::CSV => "text/csv; charset=utf-8",
            other => other.named().2,
        }
    }

    fn named(self) -> Named {
        let [csv, ndjson, parquet, arrow, stream] = Self::ALL;
        match self {
            Self::CSV => csv,
            Self::NDJSON => ndjson,
            Self::Made(FileFormat::Parquet) => parquet,
            Self::Made(FileFormat::Arrow) => arrow,
            Self::Made(FileFormat::ArrowStream) => stream,
        }
    }
}

pub const PARQUET: &str = "application/vnd.apache.parquet";

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the rows could not be read to their end")]
    Read(#[source] diesel::result::Error),
    #[error("the file could not be made of the rows: {0}")]
    Make(#[from] RunnerError),
}

pub type Parts = mpsc::Sender<Result<Bytes, ExportError>>;

/// What `send` makes, while it makes it. It ends with its reader.
pub fn parts<F>(
    send: impl FnOnce(Parts) -> F + Send + 'static,
) -> Pin<Box<dyn Stream<Item = Result<Bytes, ExportError>> + Send>>
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
            write(Lines::Csv, &line, &mut out);
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
    pub(super) connection: AsyncPgConnection,
    pub(super) guard: crate::db::snapshot::Guard,
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
    pub async fn stream(
        self,
        format: Format,
        runner: &Runner,
        selected: Vec<usize>,
        filters: Filters,
        mut counted: Exporting,
    ) -> ApiResult<Pin<Box<dyn Stream<Item = Result<Bytes, ExportError>> + Send>>> {
        let rows = Selected {
            columns: self.dataset.columns,
            places: selected,
            filters,
            shown: self.shown,
        };
        let (mut connection, guard) = (self.connection, self.guard);
        let begun = match format {
            Format::Text(lines) => Begun::Text(lines),
            Format::Made(format) => {
                let begun =
                    Typed::begin(&mut connection, self.dataset.id, &rows, format, runner).await?;
                Begun::Typed(Box::new(begun))
            }
        };
        Ok(parts(async move |to: Parts| {
            let sent = match begun {
                Begun::Text(lines) => rows.send(connection, lines, &to).await,
                Begun::Typed(typed) => typed.send(connection, &rows, &to).await,
            };
            drop(guard);
            match &sent {
                Ok(true) => counted.is_complete(),
                Ok(false) => {}
                Err(_) => counted.has_failed(),
            }
            sent.map(|_| ())
        }))
    }
}

enum Begun {
    Text(Lines),
    Typed(Box<Typed>),
}

/// Which rows, and what of them.
pub struct Selected {
    pub columns: Columns,
    pub places: Vec<usize>,
    pub filters: Filters,
    pub shown: Shown,
}

impl Selected {
    /// The columns that are selected, each with its place.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &Column)> {
        let places = self.places.iter();
        places.filter_map(|place| Some((*place, self.columns.0.get(*place)?)))
    }

    /// Writes where the rows are, and which of them count.
    pub fn write_from<'v>(&'v self, table: Table, sql: &mut Writer<'v>) {
        table.name(sql.text(" FROM "));
        self.filters
            .write(sql.text(" AS r WHERE "), &self.shown.moment);
    }

    /// False where the reader has gone away.
    async fn send(
        &self,
        mut connection: AsyncPgConnection,
        lines: Lines,
        to: &Parts,
    ) -> Result<bool, ExportError> {
        let mut out = Vec::with_capacity(CHUNK + 4_096);
        if lines == Lines::Csv {
            header(&self.columns, &self.places, &mut out);
        }
        if let Some(table) = self.shown.table {
            let mut sql = Writer::default();
            row(&mut sql, lines, &self.columns, &self.places);
            self.write_from(table, &mut sql);
            sql.text(" ORDER BY r.rid");
            let rows = sql.statement::<Array<Nullable<Text>>>();
            let rows = RunQueryDsl::load_stream::<Vec<Option<String>>>(rows, &mut connection);
            let mut rows = pin!(rows.await.map_err(ExportError::Read)?);
            while let Some(fields) = rows.try_next().await.map_err(ExportError::Read)? {
                write(lines, &fields, &mut out);
                if out.len() >= CHUNK {
                    let part = std::mem::replace(&mut out, Vec::with_capacity(CHUNK + 4_096));
                    if to.send(Ok(part.into())).await.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(to.send(Ok(out.into())).await.is_ok())
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
fn row(sql: &mut Writer<'_>, lines: Lines, columns: &Columns, selected: &[usize]) {
    match lines {
        Lines::Csv => fields(sql.text("SELECT "), columns, selected),
        Lines::Ndjson => {
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

fn write(lines: Lines, fields: &[Option<String>], out: &mut Vec<u8>) {
    match lines {
        Lines::Csv => {
            for (at, field) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_field(field.as_deref(), out);
            }
            out.extend_from_slice(b"\r\n");
        }
        Lines::Ndjson => {
            for line in fields.iter().flatten() {
                out.extend_from_slice(line.as_bytes());
                out.push(b'\n');
            }
        }
    }
}
