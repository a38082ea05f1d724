//! Since when a connection has been waiting for what, and when that is too long.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::Instant;

use super::framing::Position;
use super::io::Shared;
use super::pace::Pace;
use super::{ConnectionLimits, Counters};

/// How often the streams of an HTTP/2 connection are looked at in the time that one of them has.
const LOOKS: u32 = 16;

/// What a connection waits for, as far as the client is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// For the rest of this head; the first one is due from the start.
    Head(u32),
    Request(u32),
    /// For a body that has its answer and is neither read nor dropped.
    Body,
    Linger,
    /// For no request: the service is at work, which has its own deadlines, or the client reads,
    /// which has a pace.
    Service,
}

impl Waiting {
    pub(super) fn now(shared: &Shared) -> Self {
        if shared.lingering() {
            return Self::Linger;
        }
        if shared.busy() || shared.write_blocked() {
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
    /// What the socket takes.
    socket: Pace,
    /// When the streams are looked at again, as long as there are any.
    streams_at: Option<Instant>,
    /// A stream has been found too slow, then.
    slow_stream: Option<Instant>,
}

impl Clock {
    pub(super) fn start(now: Instant) -> Self {
        Self {
            waiting: Waiting::Head(0),
            since: now,
            socket: Pace::default(),
            streams_at: None,
            slow_stream: None,
        }
    }

    pub(super) fn look(&mut self, shared: &Shared, limits: &ConnectionLimits) {
        let waiting = Waiting::now(shared);
        if waiting != self.waiting {
            self.waiting = waiting;
            if waiting != Waiting::Service {
                self.since = Instant::now();
            }
        }
        let need = limits.write_need();
        self.socket
            .look(shared.write_blocked(), shared.written(), need, Instant::now);
        if shared.busy() && shared.position() == Position::Http2 {
            self.look_at_streams(shared, limits);
        } else {
            self.streams_at = None;
        }
    }

    /// From time to time is enough, and costs a busy connection nothing.
    fn look_at_streams(&mut self, shared: &Shared, limits: &ConnectionLimits) {
        let (now, window) = (Instant::now(), limits.write_stall_timeout);
        if self.streams_at.is_some_and(|at| at > now) {
            return;
        }
        self.streams_at = now.checked_add(window / LOOKS);
        let streams = shared.streams();
        if streams.is_one_late(now, window, limits.write_need()) {
            self.slow_stream = Some(now);
        }
    }

    /// When to look again even if nothing happens.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.streams_at
    }

    pub(super) fn due(&self, limits: &ConnectionLimits) -> Option<(Instant, Late)> {
        let waiting = self.waiting.limit(limits);
        let waiting = waiting.and_then(|limit| self.since.checked_add(limit));
        let socket = self.socket.due(limits.write_stall_timeout);
        let write = self.slow_stream.or(socket);
        match (waiting, write) {
            (Some(waiting), Some(write)) if write <= waiting => Some((write, Late::Write)),
            (Some(waiting), _) => Some((waiting, Late::Waiting(self.waiting))),
            (None, write) => write.map(|write| (write, Late::Write)),
        }
    }
}
