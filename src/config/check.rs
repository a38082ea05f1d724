//! What makes a configuration unusable, and the one line that says so: the key and what was
//! expected, never the value.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use tracing_subscriber::filter::LevelFilter;

use super::Config;
use super::models::ModelsRunner;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct Broken {
    pub key: String,
    pub problem: String,
}

impl Broken {
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }

    /// What clap refuses because of a value; `None` where the command line itself is wrong, which
    /// is not configuration.
    pub fn from_clap(error: &clap::Error, command: &Command) -> Option<Self> {
        let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
            return None;
        };
        let key = key_of(argument, command)?;
        let problem = match error.kind() {
            ErrorKind::ValueValidation => std::error::Error::source(error)
                .map_or_else(|| "expected another value".to_owned(), ToString::to_string),
            ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) if !values.is_empty() => {
                    format!("expected one of: {}", values.join(", "))
                }
                _ => "expected a value that is not empty".to_owned(),
            },
            ErrorKind::InvalidUtf8 => "expected text in UTF-8".to_owned(),
            _ => return None,
        };
        Some(Self { key, problem })
    }
}

/// The variable behind `--flag <VALUE>` as clap names it in errors.
fn key_of(argument: &str, command: &Command) -> Option<String> {
    let flag = argument.strip_prefix("--")?.split([' ', '=']).next()?;
    let arg = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(flag))?;
    arg.get_env().map(|env| env.to_string_lossy().into_owned())
}

pub(super) fn keys(command: &Command) -> impl Iterator<Item = (&clap::Arg, String)> {
    command.get_arguments().filter_map(|arg| {
        arg.get_env()
            .map(|env| (arg, env.to_string_lossy().into_owned()))
    })
}

/// Refuses variables that look like settings and are none: a misspelt key must not be a setting
/// silently left at its default. `others` are no settings and may be there.
pub fn refuse_unknown(
    command: &Command,
    others: &[&str],
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), Broken> {
    let others = others.iter().map(|key| (*key).to_owned());
    let known: Vec<String> = keys(command).map(|(_, key)| key).chain(others).collect();
    let is_path = |key: &str| {
        keys(command).any(|(arg, known)| {
            known == key && arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
        })
    };
    for (name, value) in variables {
        let name = name.to_string_lossy();
        if known.iter().any(|key| *key == name) && value.to_str().is_none() && !is_path(&name) {
            // clap refuses it as well, but does not say which one it was.
            return Err(Broken::new(name, "expected text in UTF-8"));
        }
        if !name.starts_with("CHARTROOM_")
            || known.iter().any(|key| *key == name)
            || is_service_link(&name, &value.to_string_lossy())
        {
            continue;
        }
        let nearest = known
            .iter()
            .min_by_key(|key| strsim::levenshtein(key, &name))
            .filter(|key| strsim::levenshtein(key, &name) <= 4);
        let hint = nearest.map_or_else(
            || "`chartroom --help` lists them".to_owned(),
            |key| format!("did you mean {key}?"),
        );
        return Err(Broken::new(
            name.escape_debug().to_string(),
            format!("there is no such setting; {hint}"),
        ));
    }
    Ok(())
}

/// Kubernetes describes every Service of a namespace in variables named after it, so one called
/// `chartroom` sets `CHARTROOM_PORT` and more.
fn is_service_link(name: &str, value: &str) -> bool {
    let at_port = |rest: &str| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && value.contains("://"))
        || name.split_once("_PORT_").is_some_and(|(_, rest)| {
            at_port(rest) && rest.contains("_TCP") | rest.contains("_UDP") | rest.contains("_SCTP")
        })
}

/// The command without the variables that Kubernetes has set for a Service whose name makes them
/// look like ours, such as `CHARTROOM_DATABASE_PORT=tcp://10.0.0.1:5432`.
pub fn without_service_links(command: Command) -> Command {
    let links: Vec<clap::Id> = keys(&command)
        .filter(|(_, key)| {
            std::env::var(key)
                .is_ok_and(|value| value.contains("://") && is_service_link(key, &value))
        })
        .map(|(arg, _)| arg.get_id().clone())
        .collect();
    links.into_iter().fold(command, |command, id| {
        command.mut_arg(id, |arg| arg.env(None::<&str>))
    })
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    // `EnvFilter` takes a lone word for a target, so that a misspelt level would silence all the
    // rest.
    let has_levels = text.split(',').all(|part| {
        let level = part.rsplit('=').next().unwrap_or(part).trim();
        !level.is_empty() && level.parse::<LevelFilter>().is_ok()
    });
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) if has_levels => Ok(text.to_owned()),
        _ => Err("expected a level (error, warn, info, debug, trace) or target=level pairs separated by commas".to_owned()),
    }
}

/// The command with the file's values as defaults, so that flags and real variables win over them;
/// and the keys that came from it.
pub fn with_env_file(command: Command, file: &Path) -> Result<(Command, Vec<String>), Broken> {
    let broken = |problem: String| Broken::new("CHARTROOM_ENV_FILE", problem);
    let text = std::fs::read_to_string(file)
        .map_err(|error| broken(format!("cannot read the file: {}", error.kind())))?;
    let mut values = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line
            .strip_prefix("export ")
            .unwrap_or(line)
            .split_once('=')
            .ok_or_else(|| broken(format!("line {number}: expected KEY=value")))?;
        let value = value.trim();
        let quoted = |quote: char| {
            value
                .strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote))
        };
        let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
        values.insert(key.trim().to_owned(), value.to_owned());
    }
    refuse_unknown(
        &command,
        &[],
        values.iter().map(|(key, value)| (key.into(), value.into())),
    )?;
    let mut keys_set = Vec::new();
    let arguments: Vec<(clap::Id, String)> = keys(&command)
        .map(|(arg, key)| (arg.get_id().clone(), key))
        .collect();
    let command =
        arguments
            .into_iter()
            .fold(command, |command, (id, key)| match values.remove(&key) {
                Some(value) if std::env::var_os(&key).is_none() => {
                    keys_set.push(key);
                    command.mut_arg(id, |arg| arg.default_value(value))
                }
                _ => command,
            });
    Ok((command, keys_set))
}

impl Config {
    /// Refuses settings that contradict each other and files that cannot be read.
    pub fn validate(&self) -> Result<(), Broken> {
        let Self {
            http,
            ops,
            lifecycle,
            limits,
            pool,
            telemetry,
            ..
        } = self;
        if http.listen == ops.ops_listen && http.listen.port() != 0 {
            return Err(Broken::new(
                "CHARTROOM_OPS_LISTEN",
                "expected another address than CHARTROOM_LISTEN",
            ));
        }
        if lifecycle.stop_deadline <= lifecycle.drain_delay {
            return Err(Broken::new(
                "CHARTROOM_STOP_DEADLINE",
                "expected more time than CHARTROOM_DRAIN_DELAY",
            ));
        }
        if pool.database_deadline > limits.request_deadline {
            return Err(Broken::new(
                "CHARTROOM_DATABASE_DEADLINE",
                "expected at most CHARTROOM_REQUEST_DEADLINE",
            ));
        }
        if telemetry.trace_ratio.is_some() && telemetry.otlp_endpoint.is_none() {
            return Err(Broken::new(
                "CHARTROOM_TRACE_RATIO",
                "has no effect without CHARTROOM_OTLP_ENDPOINT; set both or neither",
            ));
        }
        self.validate_sign_in()?;
        self.validate_oidc()?;
        self.validate_service_accounts()?;
        self.validate_mail()?;
        let models = &self.models;
        let is_far = matches!(models.models_runner, ModelsRunner::Network(_));
        if is_far != models.models_runner_tls.is_some() {
            return Err(Broken::new(
                "CHARTROOM_MODELS_RUNNER_TLS",
                "belongs to CHARTROOM_MODELS_RUNNER=tls://HOST:PORT; set both or neither",
            ));
        }
        let (primary, read) = (self.database.endpoint(), self.database_read.endpoint());
        primary.validate()?;
        read.validate()?;
        if self.is_embedded() && read.is_given() {
            return Err(Broken::new(
                format!("{}HOST", read.prefix),
                "needs a database to stand beside; set CHARTROOM_DATABASE_URL or CHARTROOM_DATABASE_HOST",
            ));
        }
        if !self.is_embedded() && self.embedded.embedded_bin_dir.is_some() {
            return Err(Broken::new(
                "CHARTROOM_EMBEDDED_BIN_DIR",
                "has no effect with a database configured; set one or the other",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_no_settings() {
        for name in [
            "CHARTROOM_SERVICE_HOST",
            "CHARTROOM_SERVICE_PORT",
            "CHARTROOM_SERVICE_PORT_HTTP",
            "CHARTROOM_PORT_80_TCP",
            "CHARTROOM_PORT_80_TCP_ADDR",
            "CHARTROOM_PG_RW_SERVICE_HOST",
        ] {
            assert!(is_service_link(name, "10.0.0.1"), "{name}");
        }
        assert!(is_service_link("CHARTROOM_PORT", "tcp://10.0.0.1:80"));
        assert!(!is_service_link("CHARTROOM_PORT", "80"));
        assert!(!is_service_link("CHARTROOM_LISTN", "x"));
    }

    #[test]
    fn a_log_filter_names_levels() {
        for text in [
            "info",
            "OFF",
            "warn,chartroom=debug",
            "chartroom::request=info, error",
        ] {
            log_filter(text).unwrap();
        }
        for text in [
            "",
            "inof",
            "info,",
            "chartroom",
            "chartroom=",
            "info,chartroom=loud",
        ] {
            log_filter(text).unwrap_err();
        }
    }
}
