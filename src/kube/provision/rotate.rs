//! Replacing a password or adding a key in a Secret that pods have mounted. From a workstation or a
//! job, with the rights of the caller's kubeconfig: the provisioning Role is gone once the release
//! is installed.

use std::time::Duration;

use clap::Args;
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, TestOperation};
use serde_json::{Map, Value, json};

use super::secret::{Role, encoded, password, value};
use super::{ProvisionError, Refused};
use crate::config::Span;
use crate::identity::keys;
use crate::kube::api::{Kind, KubeError, Objects};

/// Writers that are quicker make it start again; more than these in a row are not an accident.
const ATTEMPTS: usize = 5;

#[derive(Clone, Debug, Args)]
pub struct RotatePassword {
    #[arg(long, value_name = "NAME")]
    pub namespace: String,
    /// Secret of the role: RELEASE-chartroom-db or RELEASE-chartroom-db-app
    #[arg(long, value_name = "NAME")]
    pub secret: String,
}

#[derive(Clone, Debug, Args)]
pub struct RotateKeys {
    #[arg(long, value_name = "NAME")]
    pub namespace: String,
    /// Secret of the keys: RELEASE-chartroom-keys
    #[arg(long, value_name = "NAME")]
    pub secret: String,
    /// Time until the new key signs; every pod has to have it by then
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub delay: Span,
    /// Remove keys that have not signed for so long; sessions begun with them cannot be refreshed
    /// any more
    #[arg(long, value_name = "TIME", default_value = "48h")]
    pub keep: Span,
}

/// The new password is in force as soon as the operator has seen it, a second or so later.
pub async fn password_of(
    objects: &Objects,
    namespace: &str,
    name: &str,
) -> Result<String, ProvisionError> {
    change(objects, name, |live| {
        let read = |key: &str| {
            value(live, key).ok_or_else(|| {
                Refused(format!(
                    "the Secret {name} holds no `{key}`: it is not one of a database role"
                ))
            })
        };
        let role = Role {
            name: name.to_owned(),
            username: read("username")?,
            dbname: read("dbname")?,
            host: read("host")?,
            port: read("port")?,
        };
        read("password")?;
        let present = live.get("data").and_then(Value::as_object);
        let fresh = encoded(role.access(namespace, &password()?)).into_iter();
        // What else somebody keeps in it stays.
        Ok(fresh
            .filter(|(key, _)| present.is_some_and(|data| data.contains_key(key)))
            .map(|(key, text)| (key, Some(text)))
            .collect())
    })
    .await?;
    Ok(format!("Secret {name}: the password is a new one"))
}

pub async fn keys_of(objects: &Objects, arguments: &RotateKeys) -> Result<String, ProvisionError> {
    let name = &arguments.secret;
    let mut said = String::new();
    change(objects, name, |live| {
        let fresh = keys::make(arguments.delay.0)?;
        let files: Vec<&str> = live
            .get("data")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        let old = superseded(&files, arguments.keep.0, keys::unix_now());
        said = format!(
            "Secret {name}: {} signs in {} s\n",
            fresh.file,
            arguments.delay.0.as_secs()
        );
        let mut changes: Vec<(String, Option<Value>)> =
            encoded(Map::from_iter([(fresh.file, Value::String(fresh.pem))]))
                .into_iter()
                .map(|(key, text)| (key, Some(text)))
                .collect();
        for file in old {
            said.push_str(&format!("Secret {name}: {file} is removed\n"));
            changes.push((file.to_owned(), None));
        }
        Ok(changes)
    })
    .await?;
    Ok(said)
}

/// Of the files `<not-before>-<kid>.pem` those whose successor has signed for longer than `keep`.
fn superseded<'f>(files: &[&'f str], keep: Duration, now: u64) -> Vec<&'f str> {
    let mut dated: Vec<(u64, &str)> = files
        .iter()
        .filter_map(|file| {
            Some((
                file.strip_suffix(".pem")?.split_once('-')?.0.parse().ok()?,
                *file,
            ))
        })
        .collect();
    dated.sort_unstable();
    let successors = dated.iter().skip(1);
    dated
        .iter()
        .zip(successors)
        .filter(|(_, (since, _))| since.saturating_add(keep.as_secs()) < now)
        .map(|((_, file), _)| *file)
        .collect()
}

/// Changes values of a Secret where it is still the one that was read; `None` removes one.
pub(super) async fn change(
    objects: &Objects,
    name: &str,
    mut changes: impl FnMut(&Value) -> Result<Vec<(String, Option<Value>)>, ProvisionError>,
) -> Result<(), ProvisionError> {
    for _ in 0..ATTEMPTS {
        let live = objects.get(Kind::Secret, name).await?;
        let live = live.ok_or_else(|| Refused(format!("there is no Secret {name}")))?;
        let at = |tokens: &[&str]| PointerBuf::from_tokens(tokens.iter().copied());
        let version = live
            .pointer("/metadata/resourceVersion")
            .cloned()
            .unwrap_or(json!(null));
        let mut patch = vec![PatchOperation::Test(TestOperation {
            path: at(&["metadata", "resourceVersion"]),
            value: version,
        })];
        for (key, text) in changes(&live)? {
            let path = at(&["data", &key]);
            patch.push(match text {
                Some(value) => PatchOperation::Add(AddOperation { path, value }),
                None => PatchOperation::Remove(RemoveOperation { path }),
            });
        }
        match objects
            .patch(Kind::Secret, name, json_patch::Patch(patch))
            .await
        {
            Ok(_) => return Ok(()),
            // The API server says 422 to a test that fails.
            Err(KubeError::Conflict(..) | KubeError::Refused(..)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refused(format!(
        "the Secret {name} is being changed by others all the time; try again"
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_when_its_successor_has_signed_for_long_enough() {
        let files = [
            "100-a.pem",
            "200-b.pem",
            "900-c.pem",
            "2000-d.pem",
            "note.txt",
        ];
        let old = |now| superseded(&files, Duration::from_secs(50), now);
        assert_eq!(
            old(250),
            Vec::<&str>::new(),
            "b signs for exactly as long as a is kept"
        );
        assert_eq!(old(251), ["100-a.pem"]);
        assert_eq!(old(1_000), ["100-a.pem", "200-b.pem"]);
        assert_eq!(
            old(1_999),
            ["100-a.pem", "200-b.pem"],
            "c signs, and d is still to come"
        );
    }
}
