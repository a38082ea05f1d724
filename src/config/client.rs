//! What a client is told by its environment: where the service is, and who asks. These are
//! variables alone, since a token on a command line shows in the list of processes.

use std::path::{Path, PathBuf};

use super::check::Broken;
use super::secret::{self, Secret};
use super::units::origin;

const URL: &str = "CHARTROOM_URL";
const TOKEN: &str = "CHARTROOM_TOKEN";
const TOKEN_FILE: &str = "CHARTROOM_TOKEN_FILE";
/// They may be set wherever the service runs as well.
pub const CLIENT_VARIABLES: [&str; 3] = [URL, TOKEN, TOKEN_FILE];
/// Where a pod has the token of its service account that is meant for Chartroom.
const OF_A_POD: &str = "/var/run/secrets/chartroom/token";

/// The service that a client asks, and the token that it sends.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// An origin.
    pub url: String,
    pub token: Secret,
}

/// What the environment says of the service that a client asks.
#[derive(Debug)]
pub enum Told {
    Nothing,
    /// Where it is, and no token.
    Url(String),
    All(ClientSettings),
}

/// The origin of a service, as somebody writes it.
pub fn service_url(text: &str) -> Result<String, String> {
    origin(text)
}

impl ClientSettings {
    /// A token is only ever sent where the same environment says.
    pub fn told() -> Result<Told, Broken> {
        let is_set = |key: &str| std::env::var_os(key).is_some();
        let has_token =
            is_set(TOKEN) || is_set(TOKEN_FILE) || is_set(URL) && Path::new(OF_A_POD).exists();
        match (is_set(URL), has_token) {
            (false, false) => Ok(Told::Nothing),
            (true, false) => url_of(&variable).map(Told::Url),
            (_, true) => Self::from_variables(variable, Path::new(OF_A_POD)).map(Told::All),
        }
    }

    pub fn from_environment() -> Result<Self, Broken> {
        Self::from_variables(variable, Path::new(OF_A_POD))
    }

    fn from_variables(
        variable: impl Fn(&str) -> Result<Option<String>, Broken>,
        of_a_pod: &Path,
    ) -> Result<Self, Broken> {
        let url = url_of(&variable)?;
        let token = match (variable(TOKEN)?, variable(TOKEN_FILE)?) {
            (Some(_), Some(_)) => {
                return Err(Broken::new(
                    TOKEN,
                    format!("contradicts {TOKEN_FILE}; set one or the other"),
                ));
            }
            (Some(token), None) => secret::parse(&token)
                .map(Secret::Value)
                .map_err(|problem| Broken::new(TOKEN, problem))?,
            (None, Some(file)) if file.is_empty() => {
                return Err(Broken::new(TOKEN_FILE, "expected a path that is not empty"));
            }
            (None, Some(file)) => Secret::File(PathBuf::from(file)),
            (None, None) if of_a_pod.exists() => Secret::File(of_a_pod.to_owned()),
            (None, None) => {
                return Err(Broken::new(
                    TOKEN,
                    format!(
                        "expected a token; {TOKEN_FILE} can name a file with one instead, and `chartroom login` keeps one"
                    ),
                ));
            }
        };
        Ok(Self { url, token })
    }
}

fn variable(key: &str) -> Result<Option<String>, Broken> {
    let value = std::env::var_os(key).map(std::ffi::OsString::into_string);
    let text = value.transpose();
    text.map_err(|_no_text| Broken::new(key, "expected text in UTF-8"))
}

fn url_of(variable: &impl Fn(&str) -> Result<Option<String>, Broken>) -> Result<String, Broken> {
    let url = variable(URL)?.ok_or_else(|| {
        Broken::new(
            URL,
            "expected the URL of the service, such as https://chartroom.example.com; or sign in by `chartroom login URL`",
        )
    })?;
    origin(&url).map_err(|problem| Broken::new(URL, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)], of_a_pod: &str) -> Result<ClientSettings, String> {
        let variable = |key: &str| {
            let all = variables.iter();
            let mut values = all.filter(|(name, _)| *name == key);
            Ok(values.next().map(|(_, value)| (*value).to_owned()))
        };
        let told = ClientSettings::from_variables(variable, Path::new(of_a_pod));
        told.map_err(|broken| broken.to_string())
    }

    const HERE: (&str, &str) = (URL, "https://chartroom.example/");

    #[test]
    fn a_token_is_a_value_a_named_file_or_that_of_the_pod() {
        let by_value = told(&[HERE, (TOKEN, "c4n4ry")], "Cargo.toml").unwrap();
        assert_eq!(by_value.url, "https://chartroom.example");
        assert!(matches!(by_value.token, Secret::Value(_)));
        assert!(!format!("{by_value:?}").contains("c4n4ry"));
        let by_name = told(&[HERE, (TOKEN_FILE, "a")], "Cargo.toml").unwrap();
        assert!(matches!(by_name.token, Secret::File(path) if path == Path::new("a")));
        let by_itself = told(&[HERE], "Cargo.toml").unwrap();
        assert!(matches!(by_itself.token, Secret::File(path) if path == Path::new("Cargo.toml")));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_and_not_repeated() {
        for (variables, expected) in [
            (&[][..], "CHARTROOM_URL: expected the URL"),
            (
                &[(URL, "c4n4ry.example")],
                "CHARTROOM_URL: expected an origin",
            ),
            (
                &[(URL, "https://u:c4n4ry@h")],
                "CHARTROOM_URL: expected an origin",
            ),
            (&[HERE], "CHARTROOM_TOKEN: expected a token"),
            (
                &[HERE, (TOKEN, " ")],
                "CHARTROOM_TOKEN: expected a value that is not empty",
            ),
            (
                &[HERE, (TOKEN_FILE, "")],
                "CHARTROOM_TOKEN_FILE: expected a path",
            ),
            (
                &[HERE, (TOKEN, "c4n4ry"), (TOKEN_FILE, "c4n4ry")],
                "CHARTROOM_TOKEN: contradicts CHARTROOM_TOKEN_FILE",
            ),
        ] {
            let said = told(variables, "/there/is/no/such/file").unwrap_err();
            assert!(said.starts_with(expected), "{said}");
            assert!(!said.contains("c4n4ry"), "{said}");
        }
    }
}
