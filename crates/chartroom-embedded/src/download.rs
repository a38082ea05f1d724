//! Fetches a pinned file: patiently, with progress, and by one process at a time.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};

use super::progress::Progress;

/// A host that does not answer at all is given up soon, a slow one is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;

/// Another process may be fetching the same build; look this often whether it is done.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Waits until no other process holds the file.
pub(super) async fn lock(path: &Path) -> std::io::Result<fs::File> {
    let file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// What is longer than `size` is not read to its end: its checksum is another.
pub(super) async fn download(title: &str, url: &str, size: usize) -> Result<Vec<u8>, String> {
    let client = client()?;
    let mut attempt = 1;
    loop {
        let (problem, worth_retrying) = match try_download(&client, title, url, size).await {
            Ok(bytes) => return Ok(bytes),
            Err(failure) => failure,
        };
        if attempt == ATTEMPTS || !worth_retrying {
            return Err(problem);
        }
        tracing::warn!(attempt, "fetching {title} failed, trying again: {problem}");
        tokio::time::sleep(Duration::from_secs(attempt.into())).await;
        attempt += 1;
    }
}

async fn try_download(
    client: &reqwest::Client,
    title: &str,
    url: &str,
    size: usize,
) -> Result<Vec<u8>, (String, bool)> {
    let transport = |error| (with_causes(error), true);
    let mut response = client.get(url).send().await.map_err(transport)?;
    let status = response.status();
    if !status.is_success() {
        return Err((
            format!("the server answered {status}"),
            status.is_server_error() || status.as_u16() == 429,
        ));
    }
    let mut progress = Progress::new(&format!("Fetching {title}, once"), size);
    let mut bytes = Vec::with_capacity(size);
    // Whatever is longer than the pinned build cannot be it: the checksum will say so without
    // reading all of it.
    while bytes.len() <= size
        && let Some(chunk) = response.chunk().await.map_err(transport)?
    {
        bytes.extend_from_slice(&chunk);
        progress.at(bytes.len());
    }
    progress.done();
    Ok(bytes)
}

fn client() -> Result<reqwest::Client, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // The provider is named because the process may have no default one, and is not ours to set one
    // for.
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(|error| error.to_string())?
    .with_root_certificates(roots)
    .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("chartroom/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(STALL_TIMEOUT)
        .build()
        .map_err(with_causes)
}

/// The error in one line with its causes, which name the host or the certificate at fault.
fn with_causes(error: reqwest::Error) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// In hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
