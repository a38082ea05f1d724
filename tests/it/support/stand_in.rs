//! A server for routers that stand in for the product; its end is the end of its connections too.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::net::SocketAddr;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

/// Serves as long as the handle lives.
pub(crate) async fn serve(router: Router) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (addr, serve_on(listener, router))
}

/// For those who must know the address before.
pub(crate) fn serve_on(listener: TcpListener, router: Router) -> AbortOnDropHandle<()> {
    let task = tokio::spawn(async move {
        let mut live = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            let service = TowerToHyperService::new(router.clone());
            live.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    AbortOnDropHandle::new(task)
}
