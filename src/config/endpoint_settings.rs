//! The settings of one database endpoint, primary or read-only, and what makes them contradict each
//! other.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{Broken, Database, DatabaseRead, Secret, SslMode};

/// One endpoint as configured; `prefix` is how its keys begin.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    pub prefix: &'static str,
    pub url: Option<SecretString>,
    pub url_file: Option<PathBuf>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub name: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    pub password_file: Option<PathBuf>,
    pub sslmode: Option<SslMode>,
    pub ca_file: Option<PathBuf>,
}

impl Database {
    pub fn endpoint(&self) -> EndpointSettings {
        let this = self.clone();
        EndpointSettings {
            prefix: "CHARTROOM_DATABASE_",
            url: this.database_url,
            url_file: this.database_url_file,
            host: this.database_host,
            port: this.database_port,
            name: this.database_name,
            user: this.database_user,
            password: this.database_password,
            password_file: this.database_password_file,
            sslmode: this.database_sslmode,
            ca_file: this.database_ca_file,
        }
    }
}

impl DatabaseRead {
    pub fn endpoint(&self) -> EndpointSettings {
        let this = self.clone();
        EndpointSettings {
            prefix: "CHARTROOM_DATABASE_READ_",
            url: this.database_read_url,
            url_file: this.database_read_url_file,
            host: this.database_read_host,
            port: this.database_read_port,
            name: this.database_read_name,
            user: this.database_read_user,
            password: this.database_read_password,
            password_file: this.database_read_password_file,
            sslmode: this.database_read_sslmode,
            ca_file: this.database_read_ca_file,
        }
    }
}

impl EndpointSettings {
    pub fn is_given(&self) -> bool {
        self.url.is_some() || self.url_file.is_some() || self.host.is_some()
    }

    pub fn url(&self) -> Option<Secret> {
        Secret::from_settings(self.url.as_ref(), self.url_file.as_ref())
    }

    pub fn password(&self) -> Option<Secret> {
        Secret::from_settings(self.password.as_ref(), self.password_file.as_ref())
    }

    /// This endpoint with what it leaves open taken from the primary; one given by URL stands
    /// alone.
    #[must_use]
    pub fn or(self, primary: &Self) -> Self {
        if self.host.is_none() {
            return self;
        }
        let own_password = self.password.is_some() || self.password_file.is_some();
        Self {
            port: self.port.or(primary.port),
            name: self.name.or_else(|| primary.name.clone()),
            user: self.user.or_else(|| primary.user.clone()),
            password: if own_password {
                self.password
            } else {
                primary.password.clone()
            },
            password_file: if own_password {
                self.password_file
            } else {
                primary.password_file.clone()
            },
            sslmode: self.sslmode.or(primary.sslmode),
            ca_file: self.ca_file.or_else(|| primary.ca_file.clone()),
            ..self
        }
    }

    pub(super) fn validate(&self) -> Result<(), Broken> {
        let Self {
            prefix,
            url,
            url_file,
            host,
            port,
            name,
            user,
            password,
            password_file,
            sslmode,
            ca_file,
        } = self;
        let broken =
            |field: &str, problem: String| Err(Broken::new(format!("{prefix}{field}"), problem));
        if url.is_some() && url_file.is_some() {
            return broken(
                "URL",
                format!("contradicts {prefix}URL_FILE; set one of them"),
            );
        }
        if password.is_some() && password_file.is_some() {
            return broken(
                "PASSWORD",
                format!("contradicts {prefix}PASSWORD_FILE; set one of them"),
            );
        }
        if self.url().is_some() && host.is_some() {
            return broken("HOST", format!("contradicts {prefix}URL; set one of them"));
        }
        let fields = [
            ("PORT", port.is_some()),
            ("NAME", name.is_some()),
            ("USER", user.is_some()),
            ("PASSWORD", password.is_some()),
            ("PASSWORD_FILE", password_file.is_some()),
            ("SSLMODE", sslmode.is_some()),
            ("CA_FILE", ca_file.is_some()),
        ];
        if let Some((field, _)) = fields.iter().find(|(_, set)| *set && host.is_none()) {
            return match self.url() {
                Some(_) => broken(
                    field,
                    format!("contradicts {prefix}URL, which holds it; set one of them"),
                ),
                None => broken(field, format!("has no effect without {prefix}HOST")),
            };
        }
        if let Some(url) = self.url() {
            let field = if url_file.is_some() {
                "URL_FILE"
            } else {
                "URL"
            };
            let text = match url.read() {
                Ok(text) => text,
                Err(problem) => return broken(field, problem),
            };
            let Ok(resolved) = crate::config::endpoint::parse_url(&text) else {
                return broken(field, "expected postgres://user:password@host:port/dbname, with sslmode and sslrootcert as the only TLS parameters".to_owned());
            };
            if let Some(Err(problem)) = resolved
                .tls
                .ca_file
                .as_deref()
                .map(crate::config::roots::read_roots)
            {
                return broken(field, format!("its sslrootcert: {problem}"));
            }
        }
        if let Some(Err(problem)) = password_file
            .as_ref()
            .map(|path| Secret::File(path.clone()).read())
        {
            return broken("PASSWORD_FILE", problem);
        }
        if let Some(path) = ca_file {
            if !matches!(sslmode, Some(SslMode::VerifyCa | SslMode::VerifyFull)) {
                return broken(
                    "CA_FILE",
                    format!("has no effect unless {prefix}SSLMODE is verify-ca or verify-full"),
                );
            }
            if let Err(problem) = crate::config::roots::read_roots(path) {
                return broken("CA_FILE", problem);
            }
        }
        Ok(())
    }
}
