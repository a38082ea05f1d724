//! Since when a connection has been waiting for what, and when that is too long.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::Instant;

use super::framing::Position;
use super::io::Shared;
use super::{ConnectionLimits, Counters};

/// What a connection waits for, as far as the client is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// For the rest of this head; the first one is due from the start.
    Head(u32),
    Request(u32),
    /// For a body that has its answer and is neither read nor dropped.
    Body,
    Linger,
    /// Not for the client: the service is at work, and has its own deadlines.
    Service,
}

impl Waiting {
    pub(super) fn now(shared: &Shared) -> Self {
        if shared.lingering() {
            return Self::Linger;
        }
        if shared.busy() {
            return Self::Service;
        }
        match (shared.position(), shared.heads()) {
            (Position::Http2, _) if shared.calls() == 0 => Self::Head(0),
            (Position::Http2, _) => Self::Request(shared.calls()),
            (Position::Head, heads) | (Position::Between, heads @ 0) => Self::Head(heads),
            (Position::Between, heads) => Self::Request(heads),
            (Position::Body | Position::Lost, _) => Self::Body,
        }
    }

    fn limit(self, limits: &ConnectionLimits) -> Option<Duration> {
        match self {
            Self::Head(_) => Some(limits.header_timeout),
            Self::Request(_) => Some(limits.keep_alive_timeout),
            Self::Body => Some(limits.body_idle_timeout),
            Self::Linger => Some(limits.linger_timeout),
            Self::Service => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Waiting(Waiting),
    Write,
}

impl Late {
    pub(super) fn counter(self, counters: &Counters) -> Option<&AtomicU64> {
        match self {
            Self::Waiting(Waiting::Head(_)) => Some(&counters.header_timed_out),
            Self::Waiting(Waiting::Request(_)) => Some(&counters.keep_alive_timed_out),
            Self::Waiting(Waiting::Body) => Some(&counters.body_timed_out),
            Self::Waiting(Waiting::Linger | Waiting::Service) => None,
            Self::Write => Some(&counters.write_timed_out),
        }
    }
}

/// Since when the connection has been in the state it is in.
pub(super) struct Clock {
    pub(super) waiting: Waiting,
    since: Instant,
    blocked_at: Option<u64>,
    blocked_since: Instant,
}

impl Clock {
    pub(super) fn start(now: Instant) -> Self {
        Self {
            waiting: Waiting::Head(0),
            since: now,
            blocked_at: None,
            blocked_since: now,
        }
    }

    pub(super) fn look(&mut self, shared: &Shared) {
        let waiting = Waiting::now(shared);
        if waiting != self.waiting {
            self.waiting = waiting;
            if waiting != Waiting::Service {
                self.since = Instant::now();
            }
        }
        let blocked_at = shared.write_blocked().then(|| shared.written());
        if blocked_at != self.blocked_at {
            self.blocked_at = blocked_at;
            if blocked_at.is_some() {
                self.blocked_since = Instant::now();
            }
        }
    }

    pub(super) fn due(&self, limits: &ConnectionLimits) -> Option<(Instant, Late)> {
        let waiting = self.waiting.limit(limits);
        let waiting = waiting.and_then(|limit| self.since.checked_add(limit));
        let write = self
            .blocked_at
            .and_then(|_| self.blocked_since.checked_add(limits.write_stall_timeout));
        match (waiting, write) {
            (Some(waiting), Some(write)) if write <= waiting => Some((write, Late::Write)),
            (Some(waiting), _) => Some((waiting, Late::Waiting(self.waiting))),
            (None, write) => write.map(|write| (write, Late::Write)),
        }
    }
}
