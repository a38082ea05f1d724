//! One stream of the feed. Each event is sent to those who may read it at the moment it is read
//! from the database; what this stream missed, or came too late for, it reads in pages.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

use super::model::{EventFilter, Page};
use crate::events::cloud::CloudEvent;
use crate::events::ring::{Batch, Following};
use crate::identity::api::AppState;
use crate::identity::revocation::Verdict;
use crate::kernel::chance::{jittered, share};
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::principal::Principal;
use crate::kernel::shutdown::Phase;

/// Shorter than the patience of the usual proxy, which is a minute.
const ALIVE: Duration = Duration::from_secs(15);
/// A fifth more or less.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// The shortest time to come back after, and how much longer it can be.
const AGAIN: Duration = Duration::from_secs(2);
const MORE: Duration = Duration::from_secs(3);
const PAGE: i64 = 200;
/// Says that the stream lives. A line of its own and no more: some clients make a message of
/// whatever a blank line ends.
const COMMENT: Bytes = Bytes::from_static(b":\n");
/// Has proxies pass on each event at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub struct Stream {
    app: AppState,
    who: Principal,
    filter: EventFilter,
    following: Following,
    /// Up to here all has been sent.
    cursor: i64,
    /// Pages are read until there.
    behind_until: i64,
    queue: VecDeque<Bytes>,
    /// After how long to come back; goes with the first message.
    again: Option<Duration>,
    is_over: bool,
    draining: BoxFuture<'static, ()>,
    until: Instant,
}

impl Stream {
    /// `after` is where it goes on; without it, now. What happened since is read at once, so that
    /// a failure, or a project that the caller may not read, is an answer of its own.
    pub async fn open(
        app: AppState,
        who: Principal,
        filter: EventFilter,
        after: Option<i64>,
    ) -> ApiResult<Self> {
        let following = app.ring.follow(who.id)?;
        let position = following.position;
        let draining = Box::pin(app.shutdown.wait_for(Phase::Draining));
        let mut stream = Self {
            cursor: after.unwrap_or(position),
            behind_until: position,
            following,
            filter,
            queue: VecDeque::from([COMMENT]),
            again: Some(AGAIN + MORE.mul_f64(share())),
            is_over: false,
            draining,
            until: Instant::now() + jittered(LONGEST),
            app,
            who,
        };
        if after.is_some() || stream.filter.project.is_some() {
            stream.catch_up(after == Some(0)).await?;
        }
        if stream.is_over {
            return Err(ApiError::not_found("project"));
        }
        // Who is cut off before the first event comes back to this place.
        let place = stream.cursor;
        stream.queue.push_back(Bytes::from(format!(
            "event: place\nid: {place}\ndata: {{\"sequence\":\"{place}\"}}\n\n"
        )));
        Ok(stream)
    }

    /// A page of what was missed.
    async fn catch_up(&mut self, from_the_oldest: bool) -> ApiResult<()> {
        let (who, filter, after) = (self.who.id, &self.filter, self.cursor);
        // Of the primary: the ring is at least as far as that, and a standby may be behind it.
        let read = self.app.db.read_primary(async |connection| {
            Page::read(connection, who, filter, after, PAGE).await
        });
        let page = read.await?;
        if after + 1 < page.oldest && !from_the_oldest {
            self.queue.push_back(Bytes::from_static(
                b"event: resync\ndata: {\"reason\":\"events-expired\"}\n\n",
            ));
        }
        let source = self.app.ring.source();
        for event in page.events {
            let seq = event.seq;
            self.queue
                .push_back(CloudEvent::new(event, source).to_message(seq));
        }
        self.is_over = !page.is_readable;
        self.cursor = page.to;
        Ok(())
    }

    fn take(&mut self, batch: &Batch) {
        if batch.to < batch.from {
            // The database counts anew: so does whoever follows.
            self.is_over = true;
            return;
        }
        if batch.to <= self.cursor {
            return;
        }
        if batch.from > self.cursor || !batch.knows(self.who.id) {
            self.behind_until = batch.to;
            return;
        }
        let EventFilter { project, kind } = &self.filter;
        for event in &batch.events {
            if event.seq <= self.cursor || project.is_some_and(|id| id.0 != event.project) {
                continue;
            }
            if !event.is_for(self.who.id) {
                // Who follows one project has lost it; who follows all has others.
                self.is_over |= project.is_some();
                continue;
            }
            if kind.as_ref().is_none_or(|kind| *kind == event.kind) {
                self.queue.push_back(event.text.clone());
            }
        }
        self.cursor = batch.to;
    }

    fn is_revoked(&self) -> bool {
        let (session, user) = self.who.revoked_by();
        let feed = &self.app.identity.feed;
        feed.verdict(session, user, self.who.since) == Verdict::Revoked
    }

    fn with_retry(&mut self, message: Bytes) -> Bytes {
        match self.again.take_if(|_| message != COMMENT) {
            Some(again) => [
                format!("retry: {}\n", again.as_millis()).as_bytes(),
                &*message,
            ]
            .concat()
            .into(),
            None => message,
        }
    }

    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if self.is_revoked() {
                return None;
            }
            if let Some(message) = self.queue.pop_front() {
                let message = self.with_retry(message);
                return Some((Ok(message), self));
            }
            if self.is_over {
                return None;
            }
            if self.cursor < self.behind_until {
                // Who follows comes back with the number of the last event.
                if self.catch_up(false).await.is_err() {
                    return None;
                }
                continue;
            }
            let received = tokio::select! {
                biased;
                () = &mut self.draining => return None,
                () = sleep_until(self.until) => return None,
                received = self.following.batches.recv() => received,
                () = sleep(ALIVE) => {
                    return Some((Ok(COMMENT), self));
                }
            };
            match received {
                Ok(batch) => self.take(&batch),
                // The next batch says how far it is.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (BUFFERING, HeaderValue::from_static("no")),
        ];
        (headers, Body::from_stream(unfold(self, Self::next))).into_response()
    }
}
