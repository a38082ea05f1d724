//! A provider of single sign-on as it is set up, and the file of several.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::Secret;

/// A file larger than this is another file.
const MOST_BYTES: u64 = 256 * 1024;
const LONGEST_ID: usize = 32;
const LONGEST_NAME: usize = 100;
const LONGEST_ISSUER: usize = 500;

/// What being in a group gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupRole {
    Admin,
    User,
}

/// A provider as it is used.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    /// Its place in URLs.
    pub id: String,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub groups: BTreeMap<String, GroupRole>,
    pub link_by_email: bool,
    pub trust_email: bool,
    pub register: bool,
}

/// One as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    name: Option<String>,
    issuer: String,
    client_id: String,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    groups: BTreeMap<String, GroupRole>,
    #[serde(default)]
    link_by_email: bool,
    #[serde(default)]
    trust_email: bool,
    #[serde(default = "yes")]
    register: bool,
}

fn yes() -> bool {
    true
}

/// An issuer whose word nobody on the way can change (OpenID Connect Core, 2).
pub(super) fn issuer(text: &str) -> Result<String, String> {
    let expected = || {
        "expected an https URL such as https://login.example.com/realms/main, without a query; \
         http is for a loopback address alone"
            .to_owned()
    };
    if text.len() > LONGEST_ISSUER || text.contains(['#', '?']) || !is_safe(text) {
        return Err(expected());
    }
    Ok(text.to_owned())
}

/// Whether what is said and heard at a URL stays between the two.
pub fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority().filter(|it| !it.as_str().contains('@')) else {
        return false;
    };
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]"),
        _ => false,
    }
}

pub(super) fn host_of(issuer: &str) -> String {
    let uri = issuer.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host);
    host.unwrap_or(issuer).to_owned()
}

fn is_id(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(is_plain)
}

impl Written {
    fn into_provider(self) -> Result<OidcProvider, String> {
        let Self {
            id,
            name,
            issuer: url,
            client_id,
            client_secret,
            client_secret_file,
            groups,
            link_by_email,
            trust_email,
            register,
        } = self;
        if !is_id(&id) {
            return Err(format!(
                "`id`: expected 1 to {LONGEST_ID} lower-case letters, digits or hyphens"
            ));
        }
        let wrong = |problem: String| format!("{id}: {problem}");
        let issuer = issuer(&url).map_err(|problem| wrong(format!("`issuer`: {problem}")))?;
        let name = name.unwrap_or_else(|| host_of(&issuer));
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(wrong(format!(
                "`name`: expected 1 to {LONGEST_NAME} characters"
            )));
        }
        if client_id.is_empty() {
            return Err(wrong("`client_id`: expected a text".to_owned()));
        }
        if client_secret.is_some() && client_secret_file.is_some() {
            return Err(wrong(
                "`client_secret` contradicts `client_secret_file`; write one of them".to_owned(),
            ));
        }
        let secret = Secret::from_settings(client_secret.as_ref(), client_secret_file.as_ref());
        let client_secret = secret
            .ok_or_else(|| wrong("needs `client_secret_file`, or `client_secret`".to_owned()))?;
        client_secret.read().map_err(wrong)?;
        Ok(OidcProvider {
            id,
            name,
            issuer,
            client_id,
            client_secret,
            groups,
            link_by_email,
            trust_email,
            register,
        })
    }
}

/// Those of a file.
pub(super) fn from_file(path: &Path) -> Result<Vec<OidcProvider>, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| format!("cannot read the file: {}", error.kind()))?;
    // The reason may quote what stands there, and a secret may.
    let written: Vec<Written> = serde_json::from_str(&text).map_err(|error| {
        format!(
            "expected a list of providers as JSON, each with `id`, `issuer`, `client_id` and \
             `client_secret_file`; line {}, column {} is not that",
            error.line(),
            error.column()
        )
    })?;
    let all: Result<Vec<_>, _> = written.into_iter().map(Written::into_provider).collect();
    let all = all?;
    let ids: BTreeSet<_> = all.iter().map(|one| &one.id).collect();
    let issuers: BTreeSet<_> = all.iter().map(|one| &one.issuer).collect();
    match (all.len(), ids.len(), issuers.len()) {
        (0, ..) => Err("expected at least one provider".to_owned()),
        (all, ids, issuers) if ids < all || issuers < all => {
            Err("expected another `id` and another `issuer` for each provider".to_owned())
        }
        _ => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_reached_without_anybody_in_between() {
        for good in [
            "https://login.example.com",
            "https://login.example.com/realms/main",
            "http://127.0.0.1:5556/dex",
            "http://localhost:1",
            "http://[::1]:1/x",
        ] {
            issuer(good).unwrap();
        }
        for bad in [
            "",
            "login.example.com",
            "http://login.example.com",
            "http://localhost.example.com",
            "https://user@login.example.com",
            "https://login.example.com?x=1",
            "https://login.example.com#x",
            "ftp://login.example.com",
            &format!("https://login.example.com/{}", "x".repeat(500)),
        ] {
            issuer(bad).unwrap_err();
        }
    }

    #[test]
    fn a_file_says_of_each_provider_all_that_it_needs() {
        let path = std::env::temp_dir().join(format!("chartroom-oidc-{}", uuid::Uuid::new_v4()));
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            from_file(&path)
        };
        let one = r#"{"id": "a", "issuer": "https://a.example/x", "client_id": "c", "client_secret": "s"}"#;
        let other = one
            .replace("\"a\"", "\"b\"")
            .replace("a.example", "b.example");
        let all = read(&format!("[{one}, {other}]")).unwrap();
        assert_eq!([&*all[0].id, &*all[1].name], ["a", "b.example"]);
        assert!(all[0].register && !all[0].link_by_email && !all[0].trust_email);
        for (wrong, why) in [
            ("[]".to_owned(), "at least one"),
            (format!("[{one}, {one}]"), "another `id`"),
            (
                format!("[{one}, {}]", one.replace("\"a\"", "\"b\"")),
                "another `issuer`",
            ),
            (format!("[{}]", one.replace("\"a\"", "\"A/\"")), "`id`"),
            (format!("[{}]", one.replace("https", "http")), "`issuer`"),
            (
                format!("[{}]", one.replace("client_secret", "client_sekret")),
                "line 1",
            ),
            (
                format!("[{}]", one.replace(", \"client_secret\": \"s\"", "")),
                "client_secret_file",
            ),
            (
                format!(
                    "[{}]",
                    one.replace("\"s\"", "\"s\", \"groups\": {\"g\": \"owner\"}")
                ),
                "line 1",
            ),
        ] {
            let problem = read(&wrong).unwrap_err();
            assert!(problem.contains(why), "{wrong}: {problem}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
