//! Where a database is and how to reach it; resolved anew at each connection, so that rotated files
//! count at once.

use std::path::PathBuf;
use std::str::FromStr as _;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config as PgConfig;
use tokio_postgres::config::SslMode as PgSslMode;

use crate::config::{EndpointSettings, Secret, SslMode};

/// One database endpoint.
#[derive(Clone, Debug)]
pub enum Endpoint {
    Url(Secret),
    Fields {
        host: String,
        port: u16,
        dbname: String,
        user: String,
        password: Option<Secret>,
        tls: Tls,
    },
}

/// What is asked of TLS, and whom it trusts.
#[derive(Clone, Debug)]
pub struct Tls {
    pub mode: SslMode,
    pub ca_file: Option<PathBuf>,
}

/// An endpoint with its secrets read.
pub struct Resolved {
    pub config: PgConfig,
    pub tls: Tls,
}

impl Endpoint {
    /// `None` where nothing is configured.
    pub fn from_settings(settings: &EndpointSettings) -> Option<Self> {
        if let Some(url) = settings.url() {
            return Some(Self::Url(url));
        }
        let EndpointSettings {
            host,
            port,
            name,
            user,
            sslmode,
            ca_file,
            ..
        } = settings;
        Some(Self::Fields {
            host: host.clone()?,
            port: port.unwrap_or(5432),
            dbname: name.clone().unwrap_or_else(|| "chartroom".to_owned()),
            user: user.clone().unwrap_or_else(|| "chartroom".to_owned()),
            password: settings.password(),
            tls: Tls {
                mode: sslmode.unwrap_or(SslMode::Prefer),
                ca_file: ca_file.clone(),
            },
        })
    }

    pub fn resolve(&self) -> Result<Resolved, String> {
        match self {
            Self::Url(url) => parse_url(&url.read()?),
            Self::Fields {
                host,
                port,
                dbname,
                user,
                password,
                tls,
            } => {
                let mut config = PgConfig::new();
                config
                    .host(host)
                    .port(*port)
                    .dbname(dbname)
                    .user(user)
                    .ssl_mode(driver_mode(tls.mode));
                if let Some(password) = password {
                    config.password(password.read()?.expose_secret());
                }
                Ok(Resolved {
                    config,
                    tls: tls.clone(),
                })
            }
        }
    }
}

/// The driver's URL plus libpq's `sslmode` and `sslrootcert`, of which the driver knows too little.
pub fn parse_url(url: &SecretString) -> Result<Resolved, String> {
    let refused = || "not a usable database URL".to_owned();
    let url = url.expose_secret().trim();
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(refused());
    }
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut tls = Tls {
        mode: SslMode::Prefer,
        ca_file: None,
    };
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').ok_or_else(refused)? {
            ("sslmode", mode) => {
                tls.mode = <SslMode as clap::ValueEnum>::from_str(mode, false)
                    .map_err(|_error| refused())?
            }
            ("sslrootcert", file) => tls.ca_file = Some(decoded(file)?.into()),
            _ => rest.push(pair),
        }
    }
    let url = if rest.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", rest.join("&"))
    };
    let mut config = PgConfig::from_str(&url).map_err(|_error| refused())?;
    if config.get_hosts().is_empty() {
        return Err(refused());
    }
    config.ssl_mode(driver_mode(tls.mode));
    Ok(Resolved { config, tls })
}

fn decoded(text: &str) -> Result<String, String> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_error| "not UTF-8".to_owned())
}

fn driver_mode(mode: SslMode) -> PgSslMode {
    match mode {
        SslMode::Disable => PgSslMode::Disable,
        SslMode::Prefer => PgSslMode::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => PgSslMode::Require,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_ask_for_verify_full_with_its_own_ca() {
        let url = "postgres://u:p%40@db.example:6432/app?sslmode=verify-full&sslrootcert=%2Fca%2Ftls.crt&connect_timeout=3";
        let Resolved { config, tls } = parse_url(&url.into()).unwrap();
        assert_eq!(
            (config.get_user(), config.get_dbname(), config.get_ports()),
            (Some("u"), Some("app"), &[6432_u16][..])
        );
        assert_eq!(config.get_password(), Some(&b"p@"[..]));
        assert_eq!(config.get_ssl_mode(), PgSslMode::Require);
        assert_eq!(
            (tls.mode, tls.ca_file),
            (SslMode::VerifyFull, Some("/ca/tls.crt".into()))
        );
    }

    #[test]
    fn what_is_no_database_url_is_refused() {
        for url in [
            "",
            "db",
            "http://db/x",
            "mysql://db/x",
            "postgres://db/x?sslmode=maybe",
            "postgres://db/x?sslmode",
            "postgres://db:port/x",
            "postgres:///x",
            "host=db",
        ] {
            assert!(parse_url(&url.into()).is_err(), "{url}");
        }
    }
}
