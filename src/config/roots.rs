//! The authorities that TLS trusts: those of a PEM file, or this machine's.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates of a PEM file.
pub fn read_roots(path: &Path) -> Result<RootCertStore, String> {
    let pem =
        std::fs::read(path).map_err(|error| format!("cannot read the file: {}", error.kind()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate =
            certificate.map_err(|_error| "expected certificates in PEM format".to_owned())?;
        roots
            .add(certificate)
            .map_err(|_error| "holds a certificate that cannot be a CA".to_owned())?;
    }
    if roots.is_empty() {
        Err("expected at least one certificate in PEM format".to_owned())
    } else {
        Ok(roots)
    }
}

/// The authorities that this machine trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
/// What cannot be read is left out, so there may be none.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
