//! A blob as it is read: from any place on, so many parts at a time, without holding a connection
//! while its reader is slow.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::PART;
use crate::db::{Db, DbError};
use crate::kernel::types::BlobId;
use crate::schema::blob_parts;

/// Parts of one statement.
const AT_ONCE: i32 = 4;

/// A blob that is complete.
#[derive(Clone, Debug)]
pub struct Blob {
    pub id: BlobId,
    pub size: u64,
    pub sha256: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("parts of the file are gone")]
    Gone,
}

impl Blob {
    /// The bytes of a range that lies within it.
    pub fn read(
        &self,
        db: Arc<Db>,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, ReadError>> + Send + 'static {
        let id = self.id;
        try_unfold((db, range), move |(db, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let bytes = some(&db, id, &range).await?;
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let rest = range.start.saturating_add(length)..range.end;
            Ok(Some((bytes, (db, rest))))
        })
    }
}

/// The first bytes of a range that is not empty.
async fn some(db: &Db, id: BlobId, range: &Range<u64>) -> Result<Bytes, ReadError> {
    let part = u64::try_from(PART).unwrap_or(u64::MAX);
    let first = i32::try_from(range.start / part).map_err(|_far| ReadError::Gone)?;
    let parts: Vec<Vec<u8>> = db
        .read_primary(async |connection| {
            blob_parts::table
                .filter(blob_parts::blob_id.eq(id))
                .filter(blob_parts::place.ge(first))
                .filter(blob_parts::place.lt(first.saturating_add(AT_ONCE)))
                .order(blob_parts::place)
                .select(blob_parts::bytes)
                .load(connection)
                .await
        })
        .await?;
    let bytes = parts.concat();
    let from = usize::try_from(range.start % part).map_err(|_far| ReadError::Gone)?;
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let to = bytes.len().min(from.saturating_add(length));
    if from >= to {
        return Err(ReadError::Gone);
    }
    Ok(Bytes::from(bytes).slice(from..to))
}
