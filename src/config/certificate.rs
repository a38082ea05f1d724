//! From when until when a certificate is good.

use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Both in seconds since 1970; `None` where it is no certificate in DER.
pub fn validity(der: &[u8]) -> Option<(u64, u64)> {
    let certificate = Certificate::from_der(der).ok()?;
    let validity = certificate.tbs_certificate.validity;
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    Some((seconds(validity.not_before), seconds(validity.not_after)))
}
