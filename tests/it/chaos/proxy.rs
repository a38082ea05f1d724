//! Controls of the chaos proxy, over connections that carry plain bytes.

use super::{SILENCE, SOON};
use crate::support::{
    chaos_proxy::{ChaosProxy, Mode, Target},
    process::TempDir,
    pump::Shape,
    wait::until,
};
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::atomic::Ordering::SeqCst,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;

/// Repeats what it hears, behind its name, so that a test sees whom it talks to.
async fn parrot(name: u8, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.write_u8(name).await?;
    let (mut reads, mut writes) = tokio::io::split(stream);
    tokio::io::copy(&mut reads, &mut writes).await?;
    writes.shutdown().await
}

async fn tcp_parrot(name: u8) -> (Target, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut live = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            live.spawn(parrot(name, stream));
        }
    });
    (target, AbortOnDropHandle::new(task))
}

async fn greeted(addr: SocketAddr) -> io::Result<(TcpStream, u8)> {
    let mut stream = TcpStream::connect(addr).await?;
    let name = timeout(SOON, stream.read_u8()).await??;
    Ok((stream, name))
}

async fn echo(stream: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(text).await?;
    let mut back = vec![0; text.len()];
    timeout(SOON, stream.read_exact(&mut back)).await??;
    Ok(back)
}

#[tokio::test]
async fn proxy_forwards_and_changes_its_target() {
    let (first, _first) = tcp_parrot(b'1').await;
    let proxy = ChaosProxy::start(first).await;
    let (mut old, name) = greeted(proxy.addr).await.unwrap();
    assert_eq!(name, b'1');

    let dir = TempDir::new("parrot").unwrap();
    let path = dir.0.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    proxy.retarget(Target::Unix(path));
    let served = async { parrot(b'2', listener.accept().await.unwrap().0).await };
    let (_, asked) = tokio::join!(served, async {
        let (mut new, name) = greeted(proxy.addr).await.unwrap();
        assert_eq!(name, b'2');
        assert_eq!(echo(&mut new, b"new").await.unwrap(), b"new");
        new.shutdown().await.unwrap();
        let mut rest = Vec::new();
        new.read_to_end(&mut rest).await.map(|_| rest)
    });
    assert!(asked.unwrap().is_empty());
    assert_eq!(echo(&mut old, b"old").await.unwrap(), b"old");
    assert_eq!(proxy.counts.connections.load(SeqCst), 2);
}

#[tokio::test]
async fn proxy_refuses_and_resets() {
    let (target, _task) = tcp_parrot(b'1').await;
    let proxy = ChaosProxy::start(target).await;
    let (mut live, _) = greeted(proxy.addr).await.unwrap();

    proxy.set(Mode::Refuse).await;
    assert_eq!(
        TcpStream::connect(proxy.addr).await.unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    assert_eq!(echo(&mut live, b"still here").await.unwrap(), b"still here");
    proxy.reset_live();
    let end = timeout(SOON, live.read_u8()).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);

    proxy.set(Mode::Forward).await;
    let (mut live, _) = greeted(proxy.addr).await.unwrap();
    proxy.set(Mode::Reset).await;
    let end = timeout(SOON, live.read_u8()).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(
        greeted(proxy.addr).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );

    proxy.set(Mode::Forward).await;
    greeted(proxy.addr).await.unwrap();
    assert_eq!(proxy.counts.refusals.load(SeqCst), 1);
    assert_eq!(proxy.counts.resets.load(SeqCst), 3);
}

#[tokio::test]
async fn proxy_swallows_and_gives_back() {
    let (target, _task) = tcp_parrot(b'1').await;
    let proxy = ChaosProxy::start(target).await;
    let (mut live, _) = greeted(proxy.addr).await.unwrap();
    proxy.set(Mode::Blackhole).await;
    live.write_all(b"x").await.unwrap();
    let mut newcomer = TcpStream::connect(proxy.addr).await.unwrap();
    assert!(timeout(SILENCE, live.read_u8()).await.is_err());
    assert!(timeout(SILENCE, newcomer.read_u8()).await.is_err());
    let held = async || (proxy.counts.held.load(SeqCst) == 2).then_some(());
    until("both are held", SOON, held).await.unwrap();
    proxy.set(Mode::Forward).await;
    assert_eq!(timeout(SOON, live.read_u8()).await.unwrap().unwrap(), b'x');
    assert_eq!(
        timeout(SOON, newcomer.read_u8()).await.unwrap().unwrap(),
        b'1'
    );

    // One direction alone: what is said arrives, and no answer comes.
    let down = Shape {
        stall: true,
        ..Shape::default()
    };
    proxy
        .set(Mode::Shaped {
            up: Shape::default(),
            down,
        })
        .await;
    live.write_all(b"y").await.unwrap();
    assert!(timeout(SILENCE, live.read_u8()).await.is_err());
    proxy.set(Mode::Forward).await;
    assert_eq!(timeout(SOON, live.read_u8()).await.unwrap().unwrap(), b'y');
}

#[tokio::test]
async fn proxy_delays_throttles_and_cuts() {
    let (target, _task) = tcp_parrot(b'1').await;
    let proxy = ChaosProxy::start(target).await;
    let (mut live, _) = greeted(proxy.addr).await.unwrap();

    proxy.set(Mode::late(Duration::from_millis(100))).await;
    let start = Instant::now();
    echo(&mut live, b"x").await.unwrap();
    assert!(
        start.elapsed() >= Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(proxy.counts.delayed.load(SeqCst), 2);

    let slow = Shape {
        bytes_per_second: Some(1000),
        ..Shape::default()
    };
    proxy
        .set(Mode::Shaped {
            up: slow,
            down: Shape::default(),
        })
        .await;
    let start = Instant::now();
    echo(&mut live, &[7; 501]).await.unwrap();
    assert!(
        start.elapsed() >= Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
    assert!(proxy.counts.throttled.load(SeqCst) >= 10);

    let short = Shape {
        cut_after: Some(3),
        ..Shape::default()
    };
    proxy
        .set(Mode::Shaped {
            up: Shape::default(),
            down: short,
        })
        .await;
    live.write_all(b"abcdef").await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, live.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest, b"abc");
    assert_eq!(proxy.counts.cut.load(SeqCst), 1);
}
