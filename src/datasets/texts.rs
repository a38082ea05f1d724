//! The records of a version as texts, for jobs that work through all of them: read as fast as they
//! are taken, from one moment.

use std::ops::Range;
use std::pin::pin;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::result::Error;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt as _;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::export::{Export, ExportError, Selected, fields};
use super::query::Filters;
use crate::db::sql::Writer;

/// How much is handed on at once: so many records, or what has so many bytes.
pub const MOST: usize = 1_024;
const BYTES: usize = 1 << 20;

/// The values of a record as CSV has them. They lie in one piece, since memory for each of them
/// costs more than to read it.
#[derive(Debug, Default, FromSqlRow)]
pub struct Row {
    text: String,
    /// Where each value is; `None` is no value.
    values: Vec<Option<Range<usize>>>,
}

impl Row {
    fn push(&mut self, value: Option<&str>) {
        let begin = self.text.len();
        self.text.push_str(value.unwrap_or_default());
        self.values.push(value.map(|_| begin..self.text.len()));
    }

    /// `None` also where there is no such place.
    pub fn get(&self, place: usize) -> Option<&str> {
        self.text.get(self.values.get(place)?.clone()?)
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.values.len()).map(|place| self.get(place))
    }
}

/// An array as PostgreSQL sends it: how many axes, whether there are nulls, the type of its values,
/// and for each axis its length and its first index; then each value behind its length.
impl FromSql<Array<Nullable<Text>>, Pg> for Row {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let rest = &mut value.as_bytes();
        let (axes, _nulls, _type) = (number(rest)?, number(rest)?, number(rest)?);
        let length = match axes {
            0 => 0,
            1 => number(rest)?,
            _ => return Err("an array of several axes".into()),
        };
        if axes == 1 {
            let _first = number(rest)?;
        }
        let mut row = Self::default();
        row.text.reserve(rest.len());
        row.values.reserve(usize::try_from(length)?);
        for _ in 0..length {
            let Ok(length) = usize::try_from(number(rest)?) else {
                row.push(None);
                continue;
            };
            let (bytes, others) = rest
                .split_at_checked(length)
                .ok_or("an array that ends early")?;
            *rest = others;
            row.push(Some(str::from_utf8(bytes)?));
        }
        Ok(row)
    }
}

fn number(rest: &mut &[u8]) -> deserialize::Result<i32> {
    let (bytes, others) = rest.split_first_chunk().ok_or("an array that ends early")?;
    *rest = others;
    Ok(i32::from_be_bytes(*bytes))
}

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
        bytes += row.text.len();
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
