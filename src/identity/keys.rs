//! The keys that sign access tokens: a directory of PKCS#8 files named
//! `<not-before-unix>-<kid>.pem`. All of them verify, the newest whose time has come signs. The
//! directory is read again when it changes, so rotation needs no restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{Broken, Config};
use crate::db::page::{CursorKey, Place, Scope};
use crate::http::answer::page::CursorKeys;

/// How often the directory is looked at; a rotated key waits five minutes before it signs, so this
/// is soon enough.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("cannot read the directory {0}: {1}")]
    Directory(PathBuf, std::io::ErrorKind),
    #[error(
        "the directory {0} holds no key that is valid now; `chartroom keys generate --keys-dir {0}` makes one"
    )]
    None(PathBuf),
    #[error("{0} is not a P-256 private key in PKCS#8 PEM, named <not-before-unix>-<kid>.pem")]
    File(PathBuf),
    #[error("cannot write {0}: {1}")]
    Write(PathBuf, std::io::ErrorKind),
    #[error("the operating system gave no randomness")]
    Random,
}

/// One key of the directory.
pub struct Key {
    pub kid: String,
    not_before: u64,
    pub sign: EncodingKey,
    pub verify: DecodingKey,
    point: Vec<u8>,
    /// Derives refresh tokens; whoever reads the database does not have it.
    pub derive: hmac::Key,
    cursors: CursorKey,
}

/// Never empty, and the one that signs comes first.
pub struct KeySet(Vec<Arc<Key>>);

/// A public key as a JSON Web Key (RFC 7517)
#[derive(Serialize, ToSchema)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
    y: String,
}

impl KeySet {
    pub fn read(directory: &Path) -> Result<Self, KeysError> {
        let unreadable =
            |error: std::io::Error| KeysError::Directory(directory.to_owned(), error.kind());
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            // Kubernetes mounts a Secret with links and folders of its own beside the files.
            if path.extension().is_some_and(|extension| extension == "pem") {
                keys.push(Arc::new(Key::read(&path)?));
            }
        }
        let now = unix_now();
        keys.sort_by_key(|key| (key.not_before > now, std::cmp::Reverse(key.not_before)));
        match keys.first() {
            Some(key) if key.not_before <= now => Ok(Self(keys)),
            _ => Err(KeysError::None(directory.to_owned())),
        }
    }

    pub fn signing(&self) -> Option<&Arc<Key>> {
        self.0.first()
    }

    pub fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| key.kid == kid)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.0.iter()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(a, b)| a.kid == b.kid && a.point == b.point)
    }

    pub fn jwks(&self) -> Vec<Jwk> {
        self.0.iter().map(|key| key.jwk()).collect()
    }
}

impl Key {
    fn read(path: &Path) -> Result<Self, KeysError> {
        let bad = || KeysError::File(path.to_owned());
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .ok_or_else(bad)?;
        let (not_before, kid) = name.split_once('-').ok_or_else(bad)?;
        let not_before = not_before.parse().or(Err(bad()))?;
        let pem = std::fs::read(path).or(Err(bad()))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).or(Err(bad()))?;
        let der = der.secret_pkcs8_der();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
                .or(Err(bad()))?;
        let point = pair.public_key().as_ref().to_vec();
        // A key for one purpose each: the private key itself goes into no other construction.
        let derive = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, b"chartroom refresh tokens"),
            der,
        );
        let derive = hmac::Key::new(hmac::HMAC_SHA256, derive.as_ref());
        Ok(Self {
            kid: kid.to_owned(),
            not_before,
            sign: EncodingKey::from_ec_der(der),
            verify: DecodingKey::from_ec_der(&point),
            point,
            cursors: CursorKey::derived(&derive),
            derive,
        })
    }

    fn jwk(&self) -> Jwk {
        let (x, y) = self
            .point
            .get(1..)
            .unwrap_or_default()
            .split_at(self.point.len() / 2);
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Jwk {
            kty: "EC",
            crv: "P-256",
            usage: "sig",
            alg: "ES256",
            kid: self.kid.clone(),
            x: part(x),
            y: part(y),
        }
    }
}

pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// A fresh key as a file: its name, which says when it begins to sign, and what is in it.
pub struct Fresh {
    pub file: String,
    pub pem: String,
}

pub fn make(delay: Duration) -> Result<Fresh, KeysError> {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .or(Err(KeysError::Random))?;
    let kid = uuid::Uuid::new_v4().simple().to_string();
    let kid = kid.get(..16).unwrap_or(&kid);
    let body = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    Ok(Fresh {
        file: format!("{}-{kid}.pem", unix_now() + delay.as_secs()),
        pem: format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        ),
    })
}

/// Makes a key that signs from `delay` on, readable by its owner alone. Returns its file.
pub fn generate(directory: &Path, delay: Duration) -> Result<PathBuf, KeysError> {
    use std::io::Write as _;
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| KeysError::Write(path, error.kind())
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed(directory))?;
    let Fresh { file, pem } = make(delay)?;
    let path = directory.join(file);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed(&path))?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed(&path))?;
    Ok(path)
}

/// Where the signing keys are. With the private PostgreSQL a key is made on first use; otherwise
/// one has to be given.
pub fn directory(config: &Config) -> anyhow::Result<PathBuf> {
    if let Some(directory) = &config.identity.keys_dir {
        return Ok(directory.clone());
    }
    if !config.is_embedded() {
        return Err(Broken::new("CHARTROOM_KEYS_DIR", "needed with a configured database: make a key with `chartroom keys generate --keys-dir DIR` and name DIR here").into());
    }
    let directory = config.embedded.data_dir.join("keys");
    if matches!(
        KeySet::read(&directory),
        Err(KeysError::None(_) | KeysError::Directory(_, std::io::ErrorKind::NotFound))
    ) {
        generate(&directory, std::time::Duration::ZERO)?;
    }
    Ok(directory)
}

/// Replicas sign with different keys for some seconds of a rotation, and a walk over pages goes on
/// after it.
impl CursorKeys for Keys {
    fn seal(&self, scope: &Scope, place: &Place) -> Option<String> {
        let keys = self.current();
        Some(keys.signing()?.cursors.seal(scope, place))
    }

    /// With whichever key sealed it.
    fn open(&self, scope: &Scope, cursor: &str) -> Option<Place> {
        let keys = self.current();
        keys.all().find_map(|key| key.cursors.open(scope, cursor))
    }
}

/// The keys in force.
pub struct Keys {
    directory: PathBuf,
    current: ArcSwap<KeySet>,
}

impl Keys {
    pub fn open(directory: &Path) -> Result<Self, KeysError> {
        super::provider::install();
        Ok(Self {
            directory: directory.to_owned(),
            current: ArcSwap::from_pointee(KeySet::read(directory)?),
        })
    }

    pub fn current(&self) -> Arc<KeySet> {
        self.current.load_full()
    }

    /// Reads the directory again and again. What cannot be read changes nothing: the keys in force
    /// stay.
    pub async fn watch(&self) {
        let mut said: Option<String> = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let directory = self.directory.clone();
            let read = tokio::task::spawn_blocking(move || KeySet::read(&directory)).await;
            let problem = match read {
                Ok(Ok(keys)) => {
                    // A new set makes every verified token be verified again, so only a set that
                    // differs is one.
                    if !keys.is_same(&self.current.load()) {
                        tracing::info!(keys = keys.0.len(), "the signing keys changed");
                        self.current.store(Arc::new(keys));
                    }
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = problem
                .as_ref()
                .filter(|problem| said.as_ref() != Some(problem))
            {
                tracing::error!(
                    problem,
                    "the signing keys cannot be read again; those in force stay"
                );
            }
            said = problem;
        }
    }
}
