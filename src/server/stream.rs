//! The answers on one HTTP/2 connection, each with a pace of its own: the socket's says nothing of
//! a stream without a window.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::io::InFlight;
use super::pace::Pace;

/// A piece counts when all of it is written. Three of them make what has to be taken in 30 s at the
/// defaults.
const PIECE: usize = 10 * 1024;
/// Well above what a client may have open at once, so that entries of the past are seldom looked
/// for.
const ROOM: usize = 256;

/// How much of an answer was handed to hyper, and how much of that the socket has taken. The
/// request is in flight until then.
#[derive(Debug)]
pub(super) struct Stream {
    _in_flight: InFlight,
    handed: AtomicU64,
    taken: AtomicU64,
}

impl Stream {
    pub(super) fn new(in_flight: InFlight) -> Arc<Self> {
        let shared = Arc::clone(&in_flight.0);
        let stream = Arc::new(Self {
            _in_flight: in_flight,
            handed: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        });
        shared.streams().add(Arc::downgrade(&stream));
        stream
    }

    /// A part of `rest`, not copied, which is counted as taken when hyper lets go of it.
    pub(super) fn hand(self: &Arc<Self>, rest: &mut Bytes) -> Bytes {
        let bytes = rest.split_to(rest.len().min(PIECE));
        self.handed.fetch_add(length(&bytes), Relaxed);
        let stream = Arc::clone(self);
        Bytes::from_owner(Piece { bytes, stream })
    }
}

struct Piece {
    bytes: Bytes,
    stream: Arc<Stream>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.stream.taken.fetch_add(length(&self.bytes), Relaxed);
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Vec<(Weak<Stream>, Pace)>>);

impl Streams {
    fn add(&self, stream: Weak<Stream>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ROOM {
            all.retain(|(stream, _)| stream.strong_count() > 0);
        }
        all.push((stream, Pace::default()));
    }

    /// Whether one of them has not taken `need` bytes in a `window` of waiting.
    pub(super) fn is_one_late(&self, now: Instant, window: Duration, need: u64) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_one_late = false;
        all.retain_mut(|(stream, pace)| {
            let Some(stream) = stream.upgrade() else {
                return false;
            };
            let taken = stream.taken.load(Relaxed);
            let waits = stream.handed.load(Relaxed) > taken;
            pace.look(waits, taken, need, || now);
            is_one_late |= pace.due(window).is_some_and(|due| due <= now);
            true
        });
        is_one_late
    }
}
