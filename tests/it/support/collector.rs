//! A trace collector that keeps whatever is sent to it: gRPC by its frames alone.

use axum::{Router, body::Bytes, response::IntoResponse as _};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct Collector {
    pub addr: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    _task: AbortOnDropHandle<()>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let received: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = received.clone();
        let router = Router::new().fallback(async move |body: Bytes| {
            kept.lock().unwrap().extend_from_slice(&body);
            // An empty message; the status in the head says that no trailers follow.
            (
                [("content-type", "application/grpc"), ("grpc-status", "0")],
                Bytes::from_static(&[0; 5]),
            )
                .into_response()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut live = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                live.spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new()).http2_only();
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            addr,
            received,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Protocol buffers hold their texts as they are, so a search finds them.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}
