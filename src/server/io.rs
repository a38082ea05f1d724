//! The socket as hyper sees it, and what it tells the connection's watch: progress, position,
//! pressure.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::framing::{Framing, Position};
use super::refusal::instead_of;
use super::stream::Streams;
use crate::server::head::RawFlaw;

/// What a client may still send after our last byte before it is cut off mid-word.
const LINGER_BYTES: usize = 256 * 1024;

/// Written by the socket, the bodies and the service of one connection, read by its watch.
/// Nearly always all of them run on the same task, so relaxed atomics are enough and cost nothing.
#[derive(Debug, Default)]
pub(super) struct Shared {
    position: AtomicU8,
    heads: AtomicU32,
    flawed_from: AtomicU32,
    flaw: AtomicU8,
    calls: AtomicU32,
    in_flight: AtomicU32,
    written: AtomicU64,
    write_blocked: AtomicBool,
    ended: AtomicBool,
    lingering: AtomicBool,
    /// The next response must announce that the connection closes.
    must_close: AtomicBool,
    /// Reset instead of closing in good order, so that the kernel keeps nothing for this client.
    abort: AtomicBool,
    streams: Streams,
}

impl Shared {
    pub(super) fn position(&self) -> Position {
        match self.position.load(Relaxed) {
            0 => Position::Between,
            1 => Position::Head,
            2 => Position::Body,
            3 => Position::Lost,
            _ => Position::Http2,
        }
    }

    pub(super) fn heads(&self) -> u32 {
        self.heads.load(Relaxed)
    }

    /// Counts a request in and says what was wrong with its raw head.
    pub(super) fn call(&self) -> Option<RawFlaw> {
        let ordinal = self.calls.fetch_add(1, Relaxed).saturating_add(1);
        let from = self.flawed_from.load(Relaxed);
        (from != 0 && ordinal >= from).then(|| match self.flaw.load(Relaxed) {
            0 => RawFlaw::ConflictingLength,
            1 => RawFlaw::RepeatedLength,
            2 => RawFlaw::Fragment,
            _ => RawFlaw::BareLineFeed,
        })
    }

    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Relaxed)
    }

    pub(super) fn busy(&self) -> bool {
        self.in_flight.load(Relaxed) != 0
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    pub(super) fn write_blocked(&self) -> bool {
        self.write_blocked.load(Relaxed)
    }

    pub(super) fn lingering(&self) -> bool {
        self.lingering.load(Relaxed)
    }

    pub(super) fn require_close(&self) {
        self.must_close.store(true, Relaxed);
    }

    pub(super) fn must_close(&self) -> bool {
        self.must_close.load(Relaxed)
    }

    pub(super) fn streams(&self) -> &Streams {
        &self.streams
    }

    pub(super) fn abort(&self) {
        self.abort.store(true, Relaxed);
    }

    fn publish(&self, framing: &Framing) {
        let position = match framing.position() {
            Position::Between => 0,
            Position::Head => 1,
            Position::Body => 2,
            Position::Lost => 3,
            Position::Http2 => 4,
        };
        self.position.store(position, Relaxed);
        self.heads.store(framing.heads(), Relaxed);
        if let Some((from, flaw)) = framing.flawed() {
            let flaw = match flaw {
                RawFlaw::ConflictingLength => 0,
                RawFlaw::RepeatedLength => 1,
                RawFlaw::Fragment => 2,
                RawFlaw::BareLineFeed => 3,
            };
            self.flaw.store(flaw, Relaxed);
            self.flawed_from.store(from, Relaxed);
        }
    }
}

/// One request being answered, from its head to the last byte of its response body.
#[derive(Debug)]
pub(super) struct InFlight(pub(super) Arc<Shared>);

impl InFlight {
    pub(super) fn enter(shared: &Arc<Shared>) -> Self {
        shared.in_flight.fetch_add(1, Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

pub(super) struct Io {
    stream: TcpStream,
    framing: Framing,
    shared: Arc<Shared>,
    discarded: usize,
    /// What is left of an answer that takes the place of hyper's own.
    instead: &'static [u8],
}

impl Io {
    pub(super) fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        Self {
            stream,
            framing: Framing::new(),
            shared,
            discarded: 0,
            instead: &[],
        }
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Ready(Ok(count)) => {
                let count = u64::try_from(*count).unwrap_or(u64::MAX);
                self.shared.written.fetch_add(count, Relaxed);
                self.shared.write_blocked.store(false, Relaxed);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.shared.write_blocked.store(true, Relaxed),
        }
        result
    }

    /// Writes the document for a refusal of hyper's own, which counts as written when all of it is.
    fn poll_refusal(
        &mut self,
        cx: &mut Context<'_>,
        own: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_empty() {
            self.instead = instead_of(own)?;
        }
        while !self.instead.is_empty() {
            let result = Pin::new(&mut self.stream).poll_write(cx, self.instead);
            match self.wrote(result) {
                Poll::Ready(Ok(count @ 1..)) => {
                    self.instead = self.instead.get(count..).unwrap_or_default();
                }
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(ErrorKind::WriteZero.into()))),
                other => return Some(other),
            }
        }
        Some(Poll::Ready(Ok(own.len())))
    }

    /// A client cut off while it sends gets a reset, and may lose our answer with it: take its
    /// bytes for a moment.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        while self.discarded < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.discarded += buffer.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        match buffer.filled().get(before..) {
            Some(new) if !new.is_empty() => {
                this.framing.feed(new);
                this.shared.publish(&this.framing);
            }
            _ => this.shared.ended.store(true, Relaxed),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(refusal) = this.poll_refusal(cx, bytes) {
            return refusal;
        }
        let result = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.wrote(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let [own, ..] = slices
            && let Some(refusal) = this.poll_refusal(cx, own)
        {
            return refusal;
        }
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shared.lingering() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            let unread = !matches!(this.framing.position(), Position::Between | Position::Http2);
            if this.shared.ended.load(Relaxed) || !unread {
                return Poll::Ready(Ok(()));
            }
            this.shared.lingering.store(true, Relaxed);
        }
        this.poll_linger(cx).map(Ok)
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if self.shared.abort.load(Relaxed) {
            // Best effort: without it the kernel merely holds on to the unsent bytes for longer.
            let _ = self.stream.set_zero_linger();
        }
    }
}
