//! Secrets that are made once and never overwritten: passwords of database roles under the names that CloudNativePG uses for its
//! own, and the keys that sign tokens.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use kube::core::params::PatchParams;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value, json};

use super::owner::{annotations, stranger};
use super::{ProvisionError, Refused};
use crate::auth::keys;
use crate::kube::api::{Kind, KubeError, Objects};

const PASSWORD_BYTES: usize = 32;

/// A role of the database, and where it is reached.
pub struct Role<'a> {
    pub name: &'a str,
    pub database: &'a str,
    pub cluster: &'a str,
    pub namespace: &'a str,
}

pub enum Content<'a> {
    Password(Role<'a>),
    Keys,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Made,
    Kept,
}

/// Makes the Secret unless it is there; what is there is judged and left alone.
pub async fn ensure(
    objects: &Objects,
    name: &str,
    content: &Content<'_>,
    release: &str,
    adopt: bool,
) -> Result<Outcome, ProvisionError> {
    if let Some(live) = objects.get(Kind::Secret, name).await? {
        judge(&live, name, content, release, adopt)?;
        return Ok(Outcome::Kept);
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "annotations": annotations(release),
            "labels": labels(content),
        },
        "type": kind(content),
        // Not `stringData`, whose fields have no owner: a second writer would overwrite instead of being refused.
        "data": encoded(make(content)?),
    });
    // A manager of its own for each run, so that of two at once the second is refused instead of replacing a password in use.
    let manager = format!("chartroom-provision-{}", uuid::Uuid::new_v4().simple());
    match objects
        .apply(
            Kind::Secret,
            &object,
            &PatchParams {
                field_manager: Some(manager),
                ..PatchParams::default()
            },
        )
        .await
    {
        Ok(_) => Ok(Outcome::Made),
        Err(KubeError::Conflict(..)) => {
            let live = objects.get(Kind::Secret, name).await?;
            let live = live.ok_or_else(|| {
                Refused(format!(
                    "the Secret {name} was made and deleted by somebody else meanwhile"
                ))
            })?;
            judge(&live, name, content, release, adopt)?;
            Ok(Outcome::Kept)
        }
        Err(error) => Err(error.into()),
    }
}

fn kind(content: &Content<'_>) -> &'static str {
    match content {
        Content::Password(_) => "kubernetes.io/basic-auth",
        Content::Keys => "Opaque",
    }
}

/// The operator applies a changed password at once only where this label is.
fn labels(content: &Content<'_>) -> Value {
    match content {
        Content::Password(_) => json!({ "cnpg.io/reload": "true" }),
        Content::Keys => json!({}),
    }
}

fn judge(
    live: &Value,
    name: &str,
    content: &Content<'_>,
    release: &str,
    adopt: bool,
) -> Result<(), Refused> {
    if let Some(owner) = stranger(live, release).filter(|_| !adopt) {
        return Err(Refused(format!(
            "the Secret {name} belongs to {owner}, not to the release {release}; the value database.cnpg.adopt takes it over"
        )));
    }
    match content {
        Content::Password(role) => {
            if value(live, "username").as_deref() != Some(role.name) {
                return Err(Refused(format!(
                    "the Secret {name} is not for the role {0}; its `username` has to be {0}",
                    role.name
                )));
            }
            if value(live, "password").is_none_or(|password| password.is_empty()) {
                return Err(Refused(format!("the Secret {name} holds no `password`")));
            }
        }
        Content::Keys => {
            let has_key = live
                .get("data")
                .and_then(Value::as_object)
                .is_some_and(|data| data.keys().any(|file| file.ends_with(".pem")));
            if !has_key {
                return Err(Refused(format!(
                    "the Secret {name} holds no signing key; delete it, and one is made"
                )));
            }
        }
    }
    Ok(())
}

/// A value of a live Secret.
pub fn value(secret: &Value, key: &str) -> Option<String> {
    let encoded = secret.get("data")?.get(key)?.as_str()?;
    String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
}

fn make(content: &Content<'_>) -> Result<Map<String, Value>, ProvisionError> {
    match content {
        Content::Password(role) => Ok(role.access(&password()?)),
        Content::Keys => {
            let key = keys::make(std::time::Duration::ZERO)?;
            Ok(Map::from_iter([(key.file, Value::String(key.pem))]))
        }
    }
}

/// Letters that need no escaping in a URL or a `.pgpass`.
pub fn password() -> Result<String, ProvisionError> {
    let mut bytes = [0; PASSWORD_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .or(Err(keys::KeysError::Random))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

impl Role<'_> {
    /// Under the names of CloudNativePG's own `-app` Secret, so that one way of reading fits both.
    pub fn access(&self, password: &str) -> Map<String, Value> {
        let Self {
            name,
            database,
            cluster,
            namespace,
        } = self;
        let host = format!("{cluster}-rw");
        let full = format!("{host}.{namespace}.svc");
        let uri = |host: &str| {
            format!(
                "postgresql://{}:{password}@{host}:5432/{}",
                escaped(name),
                escaped(database)
            )
        };
        let jdbc = |host: &str| {
            format!(
                "jdbc:postgresql://{host}:5432/{}?password={password}&user={}",
                escaped(database),
                escaped(name)
            )
        };
        let pairs = [
            ("username", (*name).to_owned()),
            ("user", (*name).to_owned()),
            ("password", password.to_owned()),
            ("dbname", (*database).to_owned()),
            ("host", host.clone()),
            ("port", "5432".to_owned()),
            ("uri", uri(&full)),
            ("jdbc-uri", jdbc(&full)),
            (
                "pgpass",
                format!("{host}:5432:{database}:{name}:{password}\n"),
            ),
        ];
        pairs
            .into_iter()
            .map(|(key, text)| (key.to_owned(), Value::String(text)))
            .collect()
    }
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub fn encoded(plain: Map<String, Value>) -> Map<String, Value> {
    let encode =
        |value: Value| Value::String(BASE64_STANDARD.encode(value.as_str().unwrap_or_default()));
    plain
        .into_iter()
        .map(|(key, value)| (key, encode(value)))
        .collect()
}
