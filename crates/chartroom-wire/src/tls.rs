//! Who the two sides are to each other where a network is between them: TLS 1.3, with certificates
//! of one authority on both.
//!
//! A folder has `tls.crt`, `tls.key` and `ca.crt`, as a Secret of Kubernetes has them. They are
//! looked at again while they are used, so that a renewal needs no restart. Where the new ones
//! cannot be used, as in the middle of being replaced, the old ones stay.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// From one look at the files to the next.
const LOOK: Duration = Duration::from_secs(1);

/// What the files say.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Vec<u8>,
}

impl Files {
    fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            let why = |error: io::Error| format!("cannot read {}: {error}", path.display());
            std::fs::read(&path).map_err(why)
        };
        Ok(Self {
            certificate: read("tls.crt")?,
            key: read("tls.key")?,
            authority: read("ca.crt")?,
        })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.map_err(|error| format!("tls.crt is no certificate in PEM: {error}"))?;
        match chain.is_empty() {
            true => Err("tls.crt holds no certificate in PEM".to_owned()),
            false => Ok(chain),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, String> {
        PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| format!("tls.key is no private key in PEM: {error}"))
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&self.authority) {
            let certificate = certificate.map_err(|error| format!("ca.crt is no PEM: {error}"))?;
            let why = |error| format!("ca.crt holds what is no authority: {error}");
            roots.add(certificate).map_err(why)?;
        }
        match roots.is_empty() {
            true => Err("ca.crt holds no certificate in PEM".to_owned()),
            false => Ok(Arc::new(roots)),
        }
    }

    fn server(&self) -> Result<ServerConfig, String> {
        let why = |error: rustls::Error| format!("tls.crt and tls.key cannot be used: {error}");
        let provider = Arc::new(ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(self.roots()?, provider.clone()).build();
        let clients = clients.map_err(|error| format!("ca.crt cannot be used: {error}"))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(why)?
            .with_client_cert_verifier(clients)
            .with_single_cert(self.chain()?, self.key()?)
            .map_err(why)?;
        // Who comes again proves again who they are.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn client(&self) -> Result<ClientConfig, String> {
        let why = |error: rustls::Error| format!("tls.crt and tls.key cannot be used: {error}");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(why)?
            .with_root_certificates(self.roots()?)
            .with_client_auth_cert(self.chain()?, self.key()?)
            .map_err(why)?;
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

struct Kept<T> {
    config: Arc<T>,
    files: Files,
    looked: Instant,
}

/// One side: what its files make of it, as of now.
pub struct Identity<T> {
    folder: PathBuf,
    make: fn(&Files) -> Result<T, String>,
    /// Hears of files that were read again, and of those that cannot be used.
    say: fn(&str),
    kept: Mutex<Option<Kept<T>>>,
}

impl Identity<ServerConfig> {
    /// Of who is connected to, and lets nobody in but those of its authority.
    pub fn server(folder: &Path, say: fn(&str)) -> Self {
        Self::of(folder, Files::server, say)
    }
}

impl Identity<ClientConfig> {
    /// Of who connects, and believes nobody but those of its authority.
    pub fn client(folder: &Path, say: fn(&str)) -> Self {
        Self::of(folder, Files::client, say)
    }
}

impl<T> Identity<T> {
    fn of(folder: &Path, make: fn(&Files) -> Result<T, String>, say: fn(&str)) -> Self {
        Self {
            folder: folder.to_owned(),
            make,
            say,
            kept: Mutex::default(),
        }
    }

    /// Fails where there have never been files that can be used.
    pub fn now(&self) -> Result<Arc<T>, String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|it| it.looked.elapsed() < LOOK) {
            return Ok(kept.config.clone());
        }
        let found = Files::read(&self.folder).and_then(|files| {
            let known = kept.as_ref().filter(|kept| kept.files == files);
            let config = match known {
                Some(kept) => kept.config.clone(),
                None => Arc::new((self.make)(&files)?),
            };
            Ok((config, files))
        });
        let looked = Instant::now();
        match (found, kept.as_mut()) {
            (Ok((config, files)), before) => {
                if before.is_some_and(|before| before.files != files) {
                    (self.say)("the certificates were read again");
                }
                *kept = Some(Kept {
                    config: config.clone(),
                    files,
                    looked,
                });
                Ok(config)
            }
            (Err(why), Some(before)) => {
                (self.say)(&format!("the certificates were not read again: {why}"));
                before.looked = looked;
                Ok(before.config.clone())
            }
            (Err(why), None) => Err(format!("{}: {why}", self.folder.display())),
        }
    }

    /// The certificate that this side shows, in DER.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.now().ok()?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let chain = kept.as_ref()?.files.chain().ok()?;
        chain.first().map(|first| first.to_vec())
    }
}
