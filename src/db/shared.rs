//! Connections that many lookups use at once: their statements follow each other down one socket,
//! and neither this process nor the server goes to sleep and wakes up for each of them. They are
//! the pool's own, lent for longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel_async::AsyncPgConnection;

use super::pool::{Lease, Pool};

/// How many at once: one slow answer holds up the others.
const ABREAST: usize = 16;
/// One connection of so many is shared; the rest is for what takes longer.
const OF_THE_POOL: usize = 4;

/// The shared connections of one pool.
pub struct Lines {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    lines: Vec<Arc<Line>>,
    turn: usize,
    /// Somebody asked when there were fewer than there may be.
    is_wanted: bool,
}

/// One of them. Who uses it last gives it back to the pool, which looks at it before it lends it
/// again.
pub struct Line {
    lease: Option<Lease>,
    is_spent: AtomicBool,
}

impl Lines {
    pub fn of_a_pool(connections: usize) -> Self {
        Self {
            most: connections / OF_THE_POOL,
            open: Mutex::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self) -> usize {
        self.open().lines.len()
    }

    /// Shares a connection that has just done its work, if one is wanted.
    pub fn share(&self, lease: Lease) -> Option<Lease> {
        let mut open = self.open();
        if !open.is_wanted {
            return Some(lease);
        }
        open.is_wanted = false;
        open.lines.push(Arc::new(Line {
            lease: Some(lease),
            is_spent: AtomicBool::default(),
        }));
        None
    }

    pub fn clear(&self) {
        *self.open() = Open::default();
    }
}

/// The next line in turn, unless there is none or each has enough to do. Not the one that the
/// fewest use: what is behind a line whose server process waits for a processor would wait longer
/// still, while the other line takes all there is.
pub fn line(pool: &Pool) -> Option<Arc<Line>> {
    let manager = pool.manager();
    let mut open = manager.lines.open();
    let is_trusted = |line: &Arc<Line>| {
        line.lease
            .as_ref()
            .is_some_and(|lease| manager.trusts(lease))
    };
    open.lines.retain(is_trusted);
    open.is_wanted = open.lines.len() < manager.lines.most;
    let Open { lines, turn, .. } = &mut *open;
    *turn = turn.wrapping_add(1);
    // The list itself holds each once.
    let has_room = |line: &&Arc<Line>| Arc::strong_count(line) <= ABREAST;
    let from_here = lines.iter().cycle().skip(*turn % lines.len().max(1));
    from_here.take(lines.len()).find(has_room).map(Arc::clone)
}

impl Line {
    pub fn connection(&self) -> Option<&AsyncPgConnection> {
        self.lease.as_ref()?.shared()
    }
}

/// Nobody else uses it from now on, and it is closed when those who do are done.
pub fn spend(pool: &Pool, line: &Arc<Line>) {
    line.is_spent.store(true, Ordering::Relaxed);
    let mut open = pool.manager().lines.open();
    open.lines.retain(|other| !Arc::ptr_eq(other, line));
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && !*self.is_spent.get_mut()
        {
            lease.give_back();
        }
    }
}
