//! The application behind real sockets: the product's accept loop around a shell, in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use chartroom::app::features::PublicShell;
use chartroom::app::ops::Listeners;
use chartroom::identity::api::AppState;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::server::{self, ConnectionLimits};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// Serves as long as it lives.
pub(crate) struct Served {
    pub(crate) addr: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Served {
    pub(crate) async fn new(shell: Arc<PublicShell>, limits: ConnectionLimits) -> Self {
        Self::on(bind().await, shell, limits)
    }

    /// For those who must know the address before they build the shell.
    pub(crate) fn on(
        listener: TcpListener,
        shell: Arc<PublicShell>,
        limits: ConnectionLimits,
    ) -> Self {
        let addr = listener.local_addr().unwrap();
        let service = tower::service_fn(move |request| {
            let shell = shell.clone();
            async move { Ok(shell.handle(request).await) }
        });
        let served = server::serve(
            listener,
            service,
            limits,
            Shutdown::new(Timings::default()),
            Arc::default(),
        );
        Self {
            addr,
            _task: AbortOnDropHandle::new(tokio::spawn(served)),
        }
    }

    /// The ops listener of the same application.
    pub(crate) async fn ops(app: AppState) -> Self {
        Self::ops_of(app, Listeners::default()).await
    }

    /// The same with what its listeners have counted.
    pub(crate) async fn ops_of(app: AppState, listeners: Listeners) -> Self {
        let listener = bind().await;
        let addr = listener.local_addr().unwrap();
        let served = server::serve(
            listener,
            chartroom::app::ops::router(app, listeners),
            ConnectionLimits::ops(),
            Shutdown::new(Timings::default()),
            Arc::default(),
        );
        Self {
            addr,
            _task: AbortOnDropHandle::new(tokio::spawn(served)),
        }
    }
}

pub(crate) async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
