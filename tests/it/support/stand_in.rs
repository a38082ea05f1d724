//! A server for what stands in for the product or for its neighbours; its end is the end of its
//! connections too.

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{error::Error, net::SocketAddr};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

type BoxError = Box<dyn Error + Send + Sync>;

/// Serves as long as the handle lives.
pub(crate) async fn serve(router: Router) -> (SocketAddr, AbortOnDropHandle<()>) {
    let (addr, listener) = bind().await;
    (addr, serve_on(listener, router))
}

/// For those who must know the address before.
pub(crate) fn serve_on(listener: TcpListener, router: Router) -> AbortOnDropHandle<()> {
    accept(listener, move || TowerToHyperService::new(router.clone()))
}

/// What cannot be done with a router: an error ends the connection.
pub(crate) async fn answer_by<A, E>(
    answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
) -> (SocketAddr, AbortOnDropHandle<()>)
where
    A: Future<Output = Result<Response<Full<Bytes>>, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    let (addr, listener) = bind().await;
    (addr, accept(listener, move || service_fn(answer.clone())))
}

async fn bind() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), listener)
}

fn accept<S>(
    listener: TcpListener,
    service: impl Fn() -> S + Send + 'static,
) -> AbortOnDropHandle<()>
where
    S: HttpService<Incoming, ResBody: Body<Data: Send, Error: Into<BoxError>> + Send + 'static>
        + Send
        + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    let task = tokio::spawn(async move {
        let mut live = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            live.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service()));
        }
    });
    AbortOnDropHandle::new(task)
}
