//! Permits of streamed requests, apart from those of short ones: as many as a setting says, of
//! which nobody has more than a share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{IntCounter, IntGauge};

use super::client::Caller;
use crate::kernel::error::{ApiError, Code};

/// What a pool of permits is for.
pub(super) struct StreamKind {
    /// One caller has at most one part in so many.
    pub(super) callers: usize,
    /// Said to who has as many as one caller may.
    pub(super) own: &'static str,
    /// Said where all are taken.
    pub(super) all: &'static str,
}

pub(super) const TRANSFERS: StreamKind = StreamKind {
    callers: 4,
    own: "you have as many uploads and downloads under way as one caller may; nothing was done, repeat the request when one of them is done",
    all: "as many uploads and downloads as allowed are under way; nothing was done, repeat the request",
};

pub(super) const WATCHES: StreamKind = StreamKind {
    callers: 16,
    own: "you follow as many streams of events as one caller may; end one of them, or read pages",
    all: "as many streams of events as allowed are followed; repeat the request, or read pages",
};

pub(super) struct Streams {
    most: usize,
    kind: StreamKind,
    taken: Mutex<Taken>,
    gauge: IntGauge,
    shed: IntCounter,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Of those alone who have one.
    each: HashMap<Caller, usize>,
}

/// One streamed request; given back on drop.
pub(super) struct StreamPermit {
    streams: Arc<Streams>,
    caller: Caller,
}

impl Streams {
    pub(super) fn new(
        most: usize,
        kind: StreamKind,
        gauge: IntGauge,
        shed: IntCounter,
    ) -> Arc<Self> {
        Arc::new(Self {
            most,
            kind,
            taken: Mutex::default(),
            gauge,
            shed,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(self: &Arc<Self>, caller: Caller) -> Result<StreamPermit, ApiError> {
        let mut taken = self.taken();
        let own = taken.each.get(&caller).copied().unwrap_or_default();
        let detail = if own >= self.most.div_ceil(self.kind.callers) {
            self.kind.own
        } else if taken.all >= self.most {
            self.kind.all
        } else {
            taken.all += 1;
            taken.each.insert(caller, own + 1);
            self.gauge.inc();
            return Ok(StreamPermit {
                streams: Arc::clone(self),
                caller,
            });
        };
        self.shed.inc();
        Err(ApiError::new(Code::Overloaded, detail))
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut taken = self.streams.taken();
        taken.all -= 1;
        if let Some(own) = taken.each.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                taken.each.remove(&self.caller);
            }
        }
        self.streams.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::types::PrincipalId;

    #[test]
    fn nobody_has_more_than_a_share_and_what_ends_is_given_back() {
        let gauge = IntGauge::new("g", "n").unwrap();
        let shed = IntCounter::new("c", "n").unwrap();
        let streams = Streams::new(6, TRANSFERS, gauge.clone(), shed.clone());
        let callers: Vec<Caller> = (0..4)
            .map(|_| Caller::Known(PrincipalId::fresh()))
            .collect();
        let mut permits = Vec::new();
        for caller in &callers[..3] {
            permits.push(streams.take(*caller).unwrap());
            permits.push(streams.take(*caller).unwrap());
            let own = streams.take(*caller).map(drop).unwrap_err();
            assert!(own.detail.starts_with("you have"), "{}", own.detail);
        }
        let full = streams.take(callers[3]).map(drop).unwrap_err();
        assert!(full.detail.starts_with("as many"), "{}", full.detail);
        assert_eq!((gauge.get(), shed.get()), (6, 4));
        permits.pop();
        permits.push(streams.take(callers[3]).unwrap());
        drop(permits);
        assert_eq!(gauge.get(), 0);
        assert!(streams.taken().each.is_empty());
    }
}
