//! The Secret by which runners of models and those who ask them know each other: an authority of
//! the release's own, and a certificate for each side.
//!
//! The authority's key stays in the Secret, of which pods mount the rest, so that a renewal needs
//! no other authority and a pod that has read the new files gets on with one that has not. Only
//! where the authority itself comes to its end is there a new one; the old one is believed beside
//! it.

use chrono::{Datelike as _, Days, NaiveDate, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::rotate;
use super::secret::{Outcome, create, encoded, judge_owner, value};
use super::{ProvisionError, Refused};
use crate::config::certificate::validity;
use crate::kube::api::{Kind, Objects};

const DAY: u64 = 24 * 60 * 60;
/// Of a certificate of either side.
const LIFE: u64 = 730;
/// Of the authority.
const AUTHORITY_LIFE: u64 = 3_650;

/// Where the Secret is, and the name by which runners are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runners {
    /// Of the Secret.
    pub name: String,
    pub host: String,
}

/// Makes the Secret unless it is there, and renews its certificates when a third of their life is
/// left.
pub async fn ensure(
    objects: &Objects,
    plan: &Plan,
    wanted: &Runners,
) -> Result<Outcome, ProvisionError> {
    let name = &wanted.name;
    let today = Utc::now().date_naive();
    let live = match objects.get(Kind::Secret, name).await? {
        Some(live) => live,
        None => {
            let object = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": { "name": name },
                "type": "Opaque",
                "data": encoded(make(&wanted.host, None, today)?),
            });
            match create(objects, plan, name, object).await? {
                None => return Ok(Outcome::Made),
                Some(live) => live,
            }
        }
    };
    judge_owner(&live, plan, name)?;
    if !is_due(&live, name, today)? {
        return Ok(Outcome::Kept);
    }
    rotate::change(objects, name, |live| {
        let fresh = match is_due(live, name, today)? {
            true => encoded(make(&wanted.host, Some(live), today)?),
            // Somebody else did it meanwhile.
            false => Map::new(),
        };
        Ok(fresh
            .into_iter()
            .map(|(key, text)| (key, Some(text)))
            .collect())
    })
    .await?;
    Ok(Outcome::Renewed)
}

/// Whether two thirds of the life of either certificate are over.
fn is_due(live: &Value, name: &str, today: NaiveDate) -> Result<bool, Refused> {
    let now = seconds(today);
    for key in ["server.crt", "client.crt"] {
        let (from, until) = value(live, key).and_then(|pem| life(&pem)).ok_or_else(|| {
            Refused(format!(
                "the Secret {name} holds no certificate `{key}`; delete it, and one is made"
            ))
        })?;
        if now.saturating_sub(from) > until.saturating_sub(from) / 3 * 2 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the Secret holds, made anew where `before` has no authority that lives for long enough.
pub fn make(
    host: &str,
    before: Option<&Value>,
    today: NaiveDate,
) -> Result<Map<String, Value>, Refused> {
    let wrong = |error: rcgen::Error| Refused(format!("no certificate can be made: {error}"));
    let end = seconds(today).saturating_add(LIFE * DAY);
    let old = before.and_then(|live| {
        let text = value(live, "ca.crt")?;
        let first = CertificateDer::pem_slice_iter(text.as_bytes()).next();
        let (_, until) = validity(&first?.ok()?)?;
        let key = KeyPair::from_pem(&value(live, "ca.key")?).ok()?;
        Some((text, key, until))
    });
    let (believed, key) = match old {
        Some((text, key, until)) if until >= end => (text, key),
        other => {
            let key = KeyPair::generate().map_err(wrong)?;
            let made = authority(today).self_signed(&key).map_err(wrong)?;
            let before = other.map_or_else(String::new, |(text, ..)| text);
            (made.pem() + &before, key)
        }
    };
    let key_pem = key.serialize_pem();
    let issuer = Issuer::new(authority(today), key);
    let mut files = Map::from_iter([
        ("ca.crt".to_owned(), Value::String(believed)),
        ("ca.key".to_owned(), Value::String(key_pem)),
    ]);
    let sides = [
        ("server", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", ExtendedKeyUsagePurpose::ClientAuth),
    ];
    for (side, usage) in sides {
        let mut params = CertificateParams::new([host.to_owned()]).map_err(wrong)?;
        params.extended_key_usages = vec![usage];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        lives(&mut params, today, LIFE);
        let key = KeyPair::generate().map_err(wrong)?;
        let certificate = params.signed_by(&key, &issuer).map_err(wrong)?;
        files.insert(format!("{side}.crt"), Value::String(certificate.pem()));
        files.insert(format!("{side}.key"), Value::String(key.serialize_pem()));
    }
    Ok(files)
}

/// The same name each time: who is signed by it names it.
fn authority(today: NaiveDate) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let name = "Chartroom's runners of models";
    params.distinguished_name.push(DnType::CommonName, name);
    lives(&mut params, today, AUTHORITY_LIFE);
    params
}

/// From the day before, because clocks differ.
fn lives(params: &mut CertificateParams, today: NaiveDate, days: u64) {
    let at = |day: NaiveDate| {
        let part = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(day.year(), part(day.month()), part(day.day()))
    };
    params.not_before = at(today.checked_sub_days(Days::new(1)).unwrap_or(today));
    params.not_after = at(today.checked_add_days(Days::new(days)).unwrap_or(today));
}

fn seconds(day: NaiveDate) -> u64 {
    let since = day.signed_duration_since(NaiveDate::default());
    u64::try_from(since.num_seconds()).unwrap_or(0)
}

/// Of the first certificate.
fn life(pem: &str) -> Option<(u64, u64)> {
    let first = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?;
    validity(&first.ok()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::server::WebPkiClientVerifier;

    use super::*;

    const HOST: &str = "demo-runner.shop.svc";

    fn day(day: u64) -> NaiveDate {
        let first = NaiveDate::from_ymd_opt(2030, 1, 1).unwrap();
        first + Days::new(day)
    }

    fn secret(files: &Map<String, Value>) -> Value {
        json!({ "data": encoded(files.clone()) })
    }

    fn text<'a>(files: &'a Map<String, Value>, name: &str) -> &'a str {
        files[name].as_str().unwrap()
    }

    fn certificate(files: &Map<String, Value>, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(text(files, name).as_bytes()).unwrap()
    }

    /// Whether who reads `trusting` believes the server and the client of `shown`, on this day.
    fn believes(trusting: &Map<String, Value>, shown: &Map<String, Value>, on: u64) -> [bool; 2] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(text(trusting, "ca.crt").as_bytes()) {
            roots.add(authority.unwrap()).unwrap();
        }
        let roots = Arc::new(roots);
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds(day(on))));
        let server = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone());
        let name = ServerName::try_from(HOST).unwrap();
        let of_server = certificate(shown, "server.crt");
        let of_client = certificate(shown, "client.crt");
        let client = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let client = client.build().unwrap();
        assert!(client.verify_client_cert(&of_server, &[], now).is_err());
        [
            server
                .build()
                .unwrap()
                .verify_server_cert(&of_server, &[], &name, &[], now)
                .is_ok(),
            client.verify_client_cert(&of_client, &[], now).is_ok(),
        ]
    }

    #[test]
    fn each_side_believes_the_other_before_and_after_a_renewal() {
        let first = make(HOST, None, day(0)).unwrap();
        assert_eq!(believes(&first, &first, 0), [true, true]);
        assert_eq!(believes(&first, &first, 731), [false, false], "over");
        let stranger = make(HOST, None, day(0)).unwrap();
        assert_eq!(believes(&first, &stranger, 0), [false, false]);
        let live = secret(&first);
        assert!(!is_due(&live, "it", day(480)).unwrap());
        assert!(is_due(&live, "it", day(490)).unwrap());
        let second = make(HOST, Some(&live), day(490)).unwrap();
        assert_eq!(first["ca.crt"], second["ca.crt"]);
        assert_ne!(first["client.key"], second["client.key"]);
        // Whoever has read the new files gets on with whoever has not.
        assert_eq!(believes(&first, &second, 490), [true, true]);
        assert_eq!(believes(&second, &first, 490), [true, true]);
        assert_eq!(believes(&second, &second, 1_200), [true, true]);
    }

    #[test]
    fn an_authority_at_its_end_is_believed_beside_the_next() {
        let first = make(HOST, None, day(0)).unwrap();
        let last = make(HOST, Some(&secret(&first)), day(2_920)).unwrap();
        assert_eq!(first["ca.key"], last["ca.key"]);
        let next = make(HOST, Some(&secret(&last)), day(2_921)).unwrap();
        assert_ne!(first["ca.key"], next["ca.key"]);
        assert_eq!(believes(&next, &last, 2_921), [true, true]);
        assert_eq!(believes(&next, &next, 2_921), [true, true]);
    }

    #[test]
    fn a_secret_with_something_else_is_refused() {
        let error = is_due(&json!({ "data": {} }), "it", day(0)).unwrap_err();
        assert!(error.0.contains("server.crt"), "{error}");
    }
}
