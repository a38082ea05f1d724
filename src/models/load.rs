//! Loading a version: its bytes into a process of its own.

use std::sync::Arc;

use chartroom_wire::models::{Loaded, hexadecimal};

use crate::blobs::Blob;
use crate::db::Db;
use crate::process::models::{ModelError, ModelProcess, ModelRunner, Wanted};

/// Dropping the process, or this future, ends it. A new version is tried out as well.
pub async fn load(
    runner: &ModelRunner,
    db: &Arc<Db>,
    blob: &Blob,
    is_new: bool,
) -> Result<(Loaded, ModelProcess), ModelError> {
    let wanted = Wanted {
        size: blob.size,
        sha256: hexadecimal(&blob.sha256),
        is_new,
    };
    let bytes = blob.read(db.clone(), 0..blob.size);
    runner.load(&wanted, bytes).await
}
