//! A secret given as a value or as a file that is read again at each use, so that a rotated
//! Kubernetes Secret needs no restart.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// Larger than any password or URL; a wrong path must not pull a big file into memory.
const MOST_BYTES: u64 = 64 * 1024;

#[derive(Clone, Debug)]
pub enum Secret {
    Value(SecretString),
    File(PathBuf),
}

impl Secret {
    pub(super) fn from_settings(
        value: Option<&SecretString>,
        file: Option<&PathBuf>,
    ) -> Option<Self> {
        file.map(|path| Self::File(path.clone()))
            .or_else(|| value.map(|value| Self::Value(value.clone())))
    }

    /// The secret now. A file's closing newline is not part of it.
    pub fn read(&self) -> Result<SecretString, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => {
                use std::io::Read as _;
                let mut text = String::new();
                std::fs::File::open(path)
                    .and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
                    .map_err(|error| format!("cannot read the file: {}", error.kind()))?;
                let text = text.trim_end_matches(['\r', '\n']);
                if text.is_empty() {
                    Err("the file is empty".to_owned())
                } else {
                    Ok(text.into())
                }
            }
        }
    }
}

pub(super) fn parse(text: &str) -> Result<SecretString, String> {
    let secret: SecretString = text.into();
    if secret.expose_secret().trim().is_empty() {
        Err("expected a value that is not empty".to_owned())
    } else {
        Ok(secret)
    }
}
