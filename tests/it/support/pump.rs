//! One direction of a connection through the chaos proxy: bytes in, bytes out, and what happens to
//! them between.

use super::chaos_proxy::{Counts, State};
use bytes::{BufMut, Bytes, BytesMut};
use std::{io, sync::atomic::Ordering::SeqCst, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

const CHUNK: usize = 16 * 1024;
/// Chunks on their way while latency holds them: without them a delay would also be a throttle.
const IN_FLIGHT: usize = 64;
/// A throttled direction moves in steps of 50 ms, or of one byte.
const STEPS_PER_SECOND: u32 = 20;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// What happens to one direction of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub latency: Duration,
    pub bytes_per_second: Option<u32>,
    /// A clean close after so many bytes (of each connection, from when the mode was set): the end
    /// that a reader has to recognise as a truncation by itself.
    pub cut_after: Option<usize>,
    /// Holds the bytes, and lets the sender's buffers fill.
    pub stall: bool,
}

pub(crate) enum Stop {
    Cut,
    Broken,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

impl From<watch::error::RecvError> for Stop {
    fn from(_: watch::error::RecvError) -> Self {
        Self::Broken
    }
}

pub(crate) async fn pump(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    way: Way,
    state: watch::Receiver<State>,
    counts: &Counts,
) -> Result<(), Stop> {
    let (send, receive) = mpsc::channel(IN_FLIGHT);
    let reader = read(from, send, way, state.clone(), counts);
    tokio::try_join!(reader, write(to, receive, way, state, counts)).map(drop)
}

async fn read(
    mut from: impl AsyncRead + Unpin,
    send: mpsc::Sender<(Instant, Bytes)>,
    way: Way,
    mut state: watch::Receiver<State>,
    counts: &Counts,
) -> Result<(), Stop> {
    let mut head = (way == Way::Up).then(BytesMut::new);
    loop {
        // Reading on would drain the sender's buffers, and a stalled peer does not do that.
        state.wait_for(|s| !s.mode.shape(way).stall).await?;
        let mut chunk = BytesMut::with_capacity(CHUNK);
        if from.read_buf(&mut chunk).await? == 0 {
            return Ok(());
        }
        if let Some(seen) = &mut head {
            seen.put(chunk.get(..24.min(chunk.len())).unwrap_or_default());
            match is_cancel_request(seen) {
                Some(true) => {
                    counts.cancel_requests.fetch_add(1, SeqCst);
                    head = None;
                }
                Some(false) => head = None,
                None => {}
            }
        }
        if send.send((Instant::now(), chunk.freeze())).await.is_err() {
            return Ok(());
        }
    }
}

/// `None` until enough has arrived. A client may ask for encryption first and go on in plain text
/// when refused.
fn is_cancel_request(head: &[u8]) -> Option<bool> {
    let mut messages = head.chunks(8);
    loop {
        let (_length, code) = messages.next()?.split_first_chunk::<4>()?;
        match u32::from_be_bytes(*code.first_chunk()?) {
            SSL_REQUEST | GSS_REQUEST => {}
            code => return Some(code == CANCEL_REQUEST),
        }
    }
}

async fn write(
    mut to: impl AsyncWrite + Unpin,
    mut receive: mpsc::Receiver<(Instant, Bytes)>,
    way: Way,
    mut state: watch::Receiver<State>,
    counts: &Counts,
) -> Result<(), Stop> {
    let (mut epoch, mut passed) = (0, 0);
    while let Some((arrived, mut chunk)) = receive.recv().await {
        let mut whole = true;
        while !chunk.is_empty() {
            if state.borrow().mode.shape(way).stall {
                counts.held.fetch_add(1, SeqCst);
            }
            let shape = {
                let now = state.wait_for(|s| !s.mode.shape(way).stall).await?;
                if epoch != now.epoch {
                    (epoch, passed) = (now.epoch, 0);
                }
                now.mode.shape(way)
            };
            let due = arrived + shape.latency;
            if Instant::now() < due {
                // Whatever the mode is afterwards decides: it may have changed meanwhile.
                tokio::select! {
                    () = sleep_until(due) => {}
                    changed = state.changed() => changed?,
                }
                continue;
            }
            if whole && !shape.latency.is_zero() {
                counts.delayed.fetch_add(1, SeqCst);
            }
            whole = false;
            let mut size = chunk.len();
            if let Some(rate) = shape.bytes_per_second {
                size = size.min(usize::try_from(rate / STEPS_PER_SECOND).unwrap_or(1).max(1));
            }
            if let Some(cut) = shape.cut_after {
                size = size.min(cut.saturating_sub(passed));
            }
            to.write_all(&chunk.split_to(size)).await?;
            passed += size;
            if shape.cut_after.is_some_and(|cut| passed >= cut) {
                counts.cut.fetch_add(1, SeqCst);
                return Err(Stop::Cut);
            }
            if let Some(rate) = shape.bytes_per_second {
                counts.throttled.fetch_add(1, SeqCst);
                sleep(Duration::from_secs(1) * u32::try_from(size).unwrap_or(1) / rate.max(1))
                    .await;
            }
        }
    }
    to.shutdown().await?;
    Ok(())
}

#[test]
fn a_cancel_request_is_seen_behind_refused_encryption_too() {
    let message = |code: u32| [8u32.to_be_bytes(), code.to_be_bytes()].concat();
    let [ssl, gss, cancel] = [SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST].map(message);
    let startup = message(196_608);
    assert_eq!(is_cancel_request(&cancel), Some(true));
    assert_eq!(
        is_cancel_request(&[gss, ssl.clone(), cancel.clone()].concat()),
        Some(true)
    );
    assert_eq!(is_cancel_request(&startup), Some(false));
    assert_eq!(
        is_cancel_request(&[ssl.clone(), startup].concat()),
        Some(false)
    );
    // Undecided, not innocent: the rest is still on its way.
    assert_eq!(is_cancel_request(&ssl), None);
    assert_eq!(is_cancel_request(cancel.split_at(7).0), None);
}
