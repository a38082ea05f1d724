//! The records of a version as texts, for jobs that work through all of them: read as fast as they
//! are taken, from one moment.

use std::pin::pin;

use diesel::result::Error;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt as _;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::export::{Export, ExportError, Selected, fields};
use super::query::Filters;
use crate::db::sql::Writer;

/// The values of a record as CSV has them; `None` is no value.
pub type Row = Vec<Option<String>>;

/// How much is handed on at once: so many records, or what has so many bytes.
pub const MOST: usize = 1_024;
const BYTES: usize = 4 << 20;

/// The records in their order, some at once.
pub struct Texts {
    chunks: mpsc::Receiver<Vec<Row>>,
    task: AbortOnDropHandle<Result<(), Error>>,
}

impl Texts {
    /// The values of the columns at `places`, where each place may be there more than once.
    pub fn of(export: Export, places: Vec<usize>) -> Self {
        let (to, chunks) = mpsc::channel(1);
        let task = AbortOnDropHandle::new(tokio::spawn(send(export, places, to)));
        Self { chunks, task }
    }

    /// `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, ExportError> {
        if let Some(chunk) = self.chunks.recv().await {
            return Ok(Some(chunk));
        }
        match (&mut self.task).await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Err(ExportError::Read(error)),
            Err(panic) => Err(ExportError::Read(Error::DeserializationError(panic.into()))),
        }
    }
}

async fn send(export: Export, places: Vec<usize>, to: mpsc::Sender<Vec<Row>>) -> Result<(), Error> {
    let Export {
        mut connection,
        guard: _guard,
        dataset,
        shown,
    } = export;
    let rows = Selected {
        columns: dataset.columns,
        places,
        filters: Filters::default(),
        shown,
    };
    let Some(table) = rows.shown.table else {
        return Ok(());
    };
    let mut sql = Writer::default();
    fields(sql.text("SELECT "), &rows.columns, &rows.places);
    rows.write_from(table, &mut sql);
    sql.text(" ORDER BY r.rid");
    let all = sql.statement::<Array<Nullable<Text>>>();
    let mut all = pin!(RunQueryDsl::load_stream::<Row>(all, &mut connection).await?);
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while let Some(row) = all.try_next().await? {
        bytes += row.iter().flatten().map(String::len).sum::<usize>();
        chunk.push(row);
        if chunk.len() >= MOST || bytes >= BYTES {
            bytes = 0;
            if to.send(std::mem::take(&mut chunk)).await.is_err() {
                return Ok(());
            }
        }
    }
    if !chunk.is_empty() {
        // Where the reader has gone away, there is nothing left to do.
        let _ = to.send(chunk).await;
    }
    Ok(())
}
