//! The records of a file that could not be taken, kept as CSV, so that they can be repaired and
//! sent again.

use bytes::Bytes;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::layout::Layout;
use crate::datasets::csv::{Record, write_field};
use crate::db::sql::Writer;
use crate::kernel::types::ImportId;
use crate::schema::dataset_rejects;

/// So much is kept of one file.
const MOST_BYTES: usize = 16 << 20;
const CHUNK: usize = 256 << 10;
/// What stands before the fields of a record. An import leaves these columns out.
pub const ADDED: [&str; 3] = ["_rejected_row", "_rejected_column", "_rejected_code"];

/// Files that are older say nothing any more. The index has them alone.
const EXPIRED: &str = "WITH old AS (UPDATE dataset_imports SET rejected_rows = 0, seen_at = now() WHERE id IN ( \
    SELECT id FROM dataset_imports WHERE rejected_rows > 0 AND ended_at < now() - interval '30 days' \
    ORDER BY ended_at LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id) \
    DELETE FROM dataset_rejects USING old WHERE dataset_rejects.import_id = old.id";

/// A mistake of a record: the column, where it is about one, and what kind of mistake it is.
pub type Mistake = (Option<String>, String);

/// Collects them while the file is read.
#[derive(Debug, Default)]
pub struct Rejects {
    /// How many records are kept.
    pub rows: i64,
    chunk: Vec<u8>,
    /// Of chunks that are full.
    bytes: usize,
    is_full: bool,
}

impl Rejects {
    pub fn add(&mut self, number: u64, mistakes: &[Mistake], layout: &Layout, record: &Record) {
        if self.is_full {
            return;
        }
        let begin = self.begin(layout.given());
        let (number, columns, codes) = added(number, mistakes);
        let added = [
            Some(number.as_str()),
            columns.as_deref(),
            Some(codes.as_str()),
        ]
        .into_iter();
        match &record.wrong {
            Some(wrong) => self.row(added.chain([Some(wrong.line.as_str())])),
            None if layout.fits(record) => self.row(added.chain(layout.raw(record))),
            // No name says what is what.
            None => self.row(added.chain(record.iter().map(|(text, _)| Some(text)))),
        }
        self.end(begin);
    }

    /// The same for a record that was read, by the values that the file gave.
    pub fn add_values<'a>(
        &mut self,
        number: u64,
        mistakes: &[Mistake],
        given: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone,
    ) {
        if self.is_full {
            return;
        }
        let begin = self.begin(given.clone().map(|(name, _)| name));
        let (number, columns, codes) = added(number, mistakes);
        let added = [
            Some(number.as_str()),
            columns.as_deref(),
            Some(codes.as_str()),
        ]
        .into_iter();
        self.row(added.chain(given.map(|(_, value)| value)));
        self.end(begin);
    }

    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Writes the names before the first record, and says where the next begins.
    fn begin<'a>(&mut self, given: impl Iterator<Item = &'a str>) -> usize {
        let begin = self.chunk.len();
        if self.rows == 0 {
            self.row(ADDED.into_iter().chain(given).map(Some));
        }
        begin
    }

    fn end(&mut self, begin: usize) {
        if self.bytes + self.chunk.len() > MOST_BYTES {
            self.chunk.truncate(begin);
            self.is_full = true;
            return;
        }
        self.rows += 1;
    }

    fn row<'a>(&mut self, fields: impl Iterator<Item = Option<&'a str>>) {
        for (at, field) in fields.enumerate() {
            if at > 0 {
                self.chunk.push(b',');
            }
            write_field(field, &mut self.chunk);
        }
        self.chunk.extend_from_slice(b"\r\n");
    }

    /// What is to be kept now, once it is enough.
    pub fn full(&mut self) -> Option<Bytes> {
        (self.chunk.len() >= CHUNK).then(|| self.take())
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Option<Bytes> {
        (!self.chunk.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Bytes {
        self.bytes += self.chunk.len();
        std::mem::take(&mut self.chunk).into()
    }
}

/// What stands before the fields of a record.
fn added(number: u64, mistakes: &[Mistake]) -> (String, Option<String>, String) {
    let columns = mistakes.iter().filter_map(|(column, _)| column.as_deref());
    let columns: Vec<&str> = columns.collect();
    let codes: Vec<&str> = mistakes.iter().map(|(_, code)| code.as_str()).collect();
    let columns = Some(columns.join(" ")).filter(|columns| !columns.is_empty());
    (number.to_string(), columns, codes.join(" "))
}

/// Keeps the next part of the file. Where the import is tried once more, it is in the place of what
/// the try before had kept.
pub async fn insert(
    connection: &mut AsyncPgConnection,
    import: ImportId,
    chunk: i32,
    bytes: &[u8],
) -> QueryResult<usize> {
    diesel::insert_into(dataset_rejects::table)
        .values((
            dataset_rejects::import_id.eq(import),
            dataset_rejects::chunk.eq(chunk),
            dataset_rejects::bytes.eq(bytes),
        ))
        .on_conflict((dataset_rejects::import_id, dataset_rejects::chunk))
        .do_update()
        .set(dataset_rejects::bytes.eq(excluded(dataset_rejects::bytes)))
        .execute(connection)
        .await
}

/// A part of the file; `None` after the last.
pub async fn part(
    connection: &mut AsyncPgConnection,
    import: ImportId,
    chunk: i32,
) -> QueryResult<Option<Vec<u8>>> {
    dataset_rejects::table
        .find((import, chunk))
        .select(dataset_rejects::bytes)
        .first(connection)
        .await
        .optional()
}

/// Removes the files of imports that have ended long ago.
pub async fn purge(connection: &mut AsyncPgConnection) -> QueryResult<usize> {
    let mut sql = Writer::default();
    sql.text(EXPIRED);
    sql.statement::<()>().execute(connection).await
}
