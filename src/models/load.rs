//! Loading a version: its bytes into a process of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use chartroom_wire::models::{Loaded, hexadecimal};

use crate::blobs::Blob;
use crate::db::Db;
use crate::process::models::{ModelError, ModelProcess, ModelRunner, Wanted};

/// Dropping the process, or this future, ends it. A new version is tried out as well. A runner that
/// is full or goes away meanwhile is one of several, perhaps; those of `avoid` are asked last.
pub async fn load(
    runner: &ModelRunner,
    db: &Arc<Db>,
    blob: &Blob,
    is_new: bool,
    avoid: Vec<SocketAddr>,
) -> Result<(Loaded, ModelProcess), ModelError> {
    let wanted = Wanted {
        size: blob.size,
        sha256: hexadecimal(&blob.sha256),
        is_new,
        avoid,
    };
    let mut others = runner.places().await;
    loop {
        let bytes = blob.read(db.clone(), 0..blob.size);
        let loaded = runner.load(&wanted, bytes).await;
        others = others.saturating_sub(1);
        match loaded {
            Err(error) if others > 0 && (error.is_full() || matches!(error, ModelError::Gone)) => {}
            loaded => return loaded,
        }
    }
}
