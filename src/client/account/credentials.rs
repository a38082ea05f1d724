//! The tokens that `chartroom login` keeps: a file that its owner alone may read, by names of
//! contexts, each a service and who one is there.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::error::ClientError;
use crate::config::{ClientSettings, Secret};

const MOST_BYTES: u64 = 1024 * 1024;

/// What a token is, which decides what ends it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Made by `login`, and ended by `logout`.
    ApiToken,
    /// The session of a sign-in.
    Session,
    /// Given by `--with-token`, and left as it is by `logout`.
    Given,
}

/// No `Debug`: the token is not to be shown.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    pub(super) url: String,
    pub(super) user: String,
    pub(super) kind: Kind,
    pub(super) token: String,
    /// Of an API token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_id: Option<String>,
}

impl Context {
    pub(super) fn settings(&self) -> ClientSettings {
        ClientSettings {
            url: self.url.clone(),
            token: Secret::Value(self.token.as_str().into()),
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// The name of the context that is asked where none is named.
    #[serde(default)]
    pub(super) current: Option<String>,
    #[serde(default)]
    pub(super) contexts: BTreeMap<String, Context>,
}

/// `None` where neither variable says where a user's files are.
pub(super) fn path() -> Option<PathBuf> {
    let variable = |name| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let folder =
        variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")));
    folder.map(|folder| folder.join("chartroom").join("credentials"))
}

fn needed() -> Result<PathBuf, ClientError> {
    path().ok_or_else(|| {
        ClientError::Usage(
            "neither XDG_CONFIG_HOME nor HOME is an absolute path, so there is no place for credentials; \
             set CHARTROOM_URL and CHARTROOM_TOKEN instead"
                .to_owned(),
        )
    })
}

impl Credentials {
    /// Empty where there is no file.
    pub(super) fn load() -> Result<Self, ClientError> {
        let Some(path) = path() else {
            return Ok(Self::default());
        };
        let shown = path.display();
        let wrong = |problem: String| ClientError::Usage(format!("the file {shown}: {problem}"));
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(wrong(error.kind().to_string())),
        };
        let known = file
            .metadata()
            .map_err(|error| wrong(error.kind().to_string()))?;
        let mode = known.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(wrong(format!(
                "others may read or write it (mode {mode:03o}), and it has tokens; run `chmod 600 {shown}`, \
                 and if somebody may have read it, end these tokens and sign in again"
            )));
        }
        let mut text = String::new();
        file.take(MOST_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| wrong(error.kind().to_string()))?;
        // What serde says could quote what stands there.
        serde_json::from_str(&text).map_err(|error| {
            wrong(format!(
                "line {} is not what `chartroom login` writes; remove the file and sign in again",
                error.line()
            ))
        })
    }

    /// Takes the place of the file at once, and gives its path.
    pub(super) fn store(&self) -> Result<PathBuf, ClientError> {
        let path = needed()?;
        let failed = |error: std::io::Error| {
            ClientError::Failed(format!("the file {}: {error}", path.display()))
        };
        let folder = path.parent().unwrap_or(&path);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)?;
        let new = folder.join(format!(".credentials-{}", Uuid::new_v4()));
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            let text = serde_json::to_string_pretty(self)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&new);
            failed(error)
        })?;
        Ok(path)
    }

    /// A context by its name.
    pub(super) fn named(&self, name: &str) -> Result<&Context, ClientError> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<_> = self.contexts.keys().map(String::as_str).collect();
            let known = match known.as_slice() {
                [] => "there is none; `chartroom login URL` makes one".to_owned(),
                known => format!("there are: {}", known.join(", ")),
            };
            ClientError::Usage(format!("there is no context {name:?}; {known}"))
        })
    }

    /// The one in use, with its name.
    pub(super) fn current(&self) -> Option<(&String, &Context)> {
        self.contexts.get_key_value(self.current.as_ref()?)
    }

    /// One of this service: that in use, or else the first.
    pub(super) fn of_url(&self, url: &str) -> Option<&Context> {
        let current = self.current().map(|(_, context)| context);
        let mut all = current.into_iter().chain(self.contexts.values());
        all.find(|context| context.url == url)
    }
}
