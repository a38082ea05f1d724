//! Secrets that are made once and never overwritten: passwords of database roles under the names
//! that CloudNativePG uses for its own, and the keys that sign tokens.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use kube::core::params::PatchParams;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::owner::{mark, stranger};
use super::plan::Plan;
use super::{ProvisionError, Refused};
use crate::identity::keys;
use crate::kube::api::{Kind, KubeError, Objects};

const PASSWORD_BYTES: usize = 32;

/// A role of the database with its Secret, and where it is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Of the Secret.
    pub name: String,
    pub username: String,
    pub dbname: String,
    pub host: String,
    pub port: String,
}

#[derive(Clone, Copy)]
pub enum Content<'a> {
    Password(&'a Role),
    Keys,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Made,
    Kept,
    Renewed,
}

/// Makes the Secret unless it is there; what is there is judged and left alone.
pub async fn ensure(
    objects: &Objects,
    plan: &Plan,
    name: &str,
    content: Content<'_>,
) -> Result<Outcome, ProvisionError> {
    if let Some(live) = objects.get(Kind::Secret, name).await? {
        judge(&live, plan, name, content)?;
        return Ok(Outcome::Kept);
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "labels": labels(content) },
        "type": kind(content),
        // Not `stringData`, whose fields have no owner: a second writer would overwrite instead of
        // being refused.
        "data": encoded(make(content, &plan.namespace)?),
    });
    match create(objects, plan, name, object).await? {
        None => Ok(Outcome::Made),
        Some(live) => {
            judge(&live, plan, name, content)?;
            Ok(Outcome::Kept)
        }
    }
}

/// Makes it; what somebody else made meanwhile comes back.
pub(super) async fn create(
    objects: &Objects,
    plan: &Plan,
    name: &str,
    mut object: Value,
) -> Result<Option<Value>, ProvisionError> {
    mark(&mut object, &plan.metadata);
    // A manager of its own for each run, so that of two at once the second is refused instead of
    // replacing a password in use.
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
        Ok(_) => Ok(None),
        Err(KubeError::Conflict(..)) => {
            let live = objects.get(Kind::Secret, name).await?;
            let live = live.ok_or_else(|| {
                Refused(format!(
                    "the Secret {name} was made and deleted by somebody else meanwhile"
                ))
            })?;
            Ok(Some(live))
        }
        Err(error) => Err(error.into()),
    }
}

fn kind(content: Content<'_>) -> &'static str {
    match content {
        Content::Password(_) => "kubernetes.io/basic-auth",
        Content::Keys => "Opaque",
    }
}

/// The operator applies a changed password at once only where this label is.
fn labels(content: Content<'_>) -> Value {
    match content {
        Content::Password(_) => json!({ "cnpg.io/reload": "true" }),
        Content::Keys => json!({}),
    }
}

pub(super) fn judge_owner(live: &Value, plan: &Plan, name: &str) -> Result<(), Refused> {
    if let Some(owner) = stranger(live, &plan.release).filter(|_| !plan.adopt) {
        return Err(Refused(format!(
            "the Secret {name} belongs to {owner}, not to the release {}; the value database.cnpg.adopt takes it over",
            plan.release
        )));
    }
    Ok(())
}

fn judge(live: &Value, plan: &Plan, name: &str, content: Content<'_>) -> Result<(), Refused> {
    judge_owner(live, plan, name)?;
    match content {
        Content::Password(role) => {
            if value(live, "username").as_deref() != Some(&role.username) {
                return Err(Refused(format!(
                    "the Secret {name} is not for the role {0}; its `username` has to be {0}",
                    role.username
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

fn make(content: Content<'_>, namespace: &str) -> Result<Map<String, Value>, ProvisionError> {
    match content {
        Content::Password(role) => Ok(role.access(namespace, &password()?)),
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

impl Role {
    /// Under the names of CloudNativePG's own `-app` Secret, so that one way of reading fits both.
    pub fn access(&self, namespace: &str, password: &str) -> Map<String, Value> {
        let Self {
            name: _,
            username,
            dbname,
            host,
            port,
        } = self;
        let at = format!("{host}.{namespace}.svc:{port}/{}", escaped(dbname));
        let user = escaped(username);
        let pairs = [
            ("username", username.clone()),
            ("user", username.clone()),
            ("password", password.to_owned()),
            ("dbname", dbname.clone()),
            ("host", host.clone()),
            ("port", port.clone()),
            ("uri", format!("postgresql://{user}:{password}@{at}")),
            (
                "jdbc-uri",
                format!("jdbc:postgresql://{at}?password={password}&user={user}"),
            ),
            (
                "pgpass",
                format!("{host}:{port}:{dbname}:{username}:{password}\n"),
            ),
        ];
        let filled = pairs.into_iter();
        filled
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
