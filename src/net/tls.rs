//! TLS for what is asked: rustls with ring, and the authorities that this machine trusts.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::NetError;
use crate::config::roots::system_roots;

/// Reads the authorities when the first https URL is asked, and keeps them.
#[derive(Default)]
pub(super) struct Tls(OnceCell<Arc<ClientConfig>>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    #[cfg(test)]
    pub(super) fn trusting(roots: RootCertStore) -> Self {
        Self(OnceCell::new_with(Some(configuration(roots).unwrap())))
    }

    pub(super) async fn wrap(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<TlsStream<TcpStream>, NetError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_invalid| NetError::Url("a host name that a certificate can have"))?;
        let configuration = self.0.get_or_try_init(of_this_machine).await?;
        TlsConnector::from(configuration.clone())
            .connect(name, stream)
            .await
            .map_err(|error| NetError::Tls(format!("TLS failed: {error}")))
    }
}

/// Reads files: not on a thread that others wait for.
async fn of_this_machine() -> Result<Arc<ClientConfig>, NetError> {
    let roots = tokio::task::spawn_blocking(system_roots).await;
    let roots = roots.unwrap_or_else(|_stopped| RootCertStore::empty());
    if roots.is_empty() {
        return Err(NetError::Tls(
            "this machine names no certificate authority to trust; SSL_CERT_FILE can name a file"
                .to_owned(),
        ));
    }
    configuration(roots)
}

fn configuration(roots: RootCertStore) -> Result<Arc<ClientConfig>, NetError> {
    // The process has no default provider.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| NetError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(configuration))
}
