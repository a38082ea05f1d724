//! A blob while it is written: part by part, each in a transaction of its own.

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ring::digest::{Context, SHA256};

use super::PART;
use crate::db::{Db, DbError};
use crate::kernel::types::BlobId;
use crate::schema::{blob_parts, blobs};

pub struct BlobWriter<'a> {
    db: &'a Db,
    id: BlobId,
    place: i32,
    size: i64,
    part: Vec<u8>,
    digest: Context,
}

/// A blob whose parts are all there. Nobody has it yet.
pub struct Written {
    pub id: BlobId,
    size: i64,
    sha256: Vec<u8>,
}

impl<'a> BlobWriter<'a> {
    pub async fn begin(db: &'a Db) -> Result<Self, DbError> {
        let id = BlobId::fresh();
        db.write(async |connection| {
            diesel::insert_into(blobs::table)
                .values(blobs::id.eq(id))
                .on_conflict_do_nothing()
                .execute(connection)
                .await
        })
        .await?;
        Ok(Self {
            db,
            id,
            place: 0,
            size: 0,
            part: Vec::with_capacity(PART),
            digest: Context::new(&SHA256),
        })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DbError> {
        self.digest.update(bytes);
        self.size = i64::try_from(bytes.len()).map_or(i64::MAX, |more| self.size + more);
        let mut rest = bytes;
        loop {
            let (now, later) = rest.split_at(rest.len().min(PART - self.part.len()));
            self.part.extend_from_slice(now);
            if self.part.len() < PART {
                return Ok(());
            }
            self.keep().await?;
            rest = later;
        }
    }

    /// What is repeated after a lost connection may be there already.
    async fn keep(&mut self) -> Result<(), DbError> {
        let (id, place, part) = (self.id, self.place, &self.part);
        self.db
            .write(async |connection| {
                diesel::insert_into(blob_parts::table)
                    .values((
                        blob_parts::blob_id.eq(id),
                        blob_parts::place.eq(place),
                        blob_parts::bytes.eq(part),
                    ))
                    .on_conflict_do_nothing()
                    .execute(connection)
                    .await
            })
            .await?;
        self.part.clear();
        self.place += 1;
        Ok(())
    }

    pub async fn end(mut self) -> Result<Written, DbError> {
        if !self.part.is_empty() {
            self.keep().await?;
        }
        Ok(Written {
            id: self.id,
            size: self.size,
            sha256: self.digest.finish().as_ref().to_vec(),
        })
    }
}

impl Written {
    pub fn size(&self) -> i64 {
        self.size
    }

    pub fn sha256(&self) -> &[u8] {
        &self.sha256
    }

    /// From here on it counts. Nothing was written where it took so long that it has been removed.
    pub async fn complete(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let blob = blobs::table.find(self.id);
        let completed = diesel::update(blob)
            .set((blobs::size.eq(self.size), blobs::sha256.eq(&self.sha256)))
            .execute(connection)
            .await?;
        match completed {
            0 => Err(diesel::result::Error::NotFound),
            _ => Ok(()),
        }
    }
}
