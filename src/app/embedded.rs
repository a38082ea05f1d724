//! The private PostgreSQL behind `serve` and the other commands where no database is configured.
//! The image is built without it: see the feature `embedded-postgres` in Cargo.toml.

#[cfg(not(feature = "embedded-postgres"))]
pub use absent::{Private, library};
#[cfg(feature = "embedded-postgres")]
pub use present::{Private, endpoint, library};

#[cfg(feature = "embedded-postgres")]
mod present {
    use std::sync::Arc;

    use chartroom_embedded::{
        Embedded, EmbeddedError, Options, Stop, default_cache_dir, onnxruntime,
    };

    use crate::config::endpoint::{Endpoint, Tls};
    use crate::config::{Broken, Config, Secret, SslMode};
    use crate::process::models::FindLibrary;

    /// The library that models run with: the one that is set, else one that is fetched once if it
    /// may be.
    pub fn library(config: &Config) -> FindLibrary {
        let configured = config.models.onnxruntime.clone();
        let may_fetch = config.embedded.embedded_download;
        let folder = config.embedded.embedded_cache_dir.as_ref();
        let folder = folder.map(|folder| folder.join("onnxruntime"));
        let folder = folder.unwrap_or_else(onnxruntime::default_cache_dir);
        Arc::new(move || {
            let (configured, folder) = (configured.clone(), folder.clone());
            Box::pin(async move {
                let found = onnxruntime::library(configured.as_deref(), &folder, may_fetch).await;
                found.map_err(|error| error.to_string())
            })
        })
    }

    /// The running server.
    pub struct Private(Embedded);

    impl Private {
        pub async fn start(config: &Config) -> anyhow::Result<Self> {
            let settings = &config.embedded;
            let options = Options {
                bin_dir: settings.embedded_bin_dir.clone(),
                download: settings.embedded_download,
                cache_dir: settings
                    .embedded_cache_dir
                    .clone()
                    .unwrap_or_else(default_cache_dir),
                ..Options::new(&settings.data_dir)
            };
            match Embedded::start(options).await {
                Ok(server) => Ok(Self(server)),
                Err(EmbeddedError::BinDir { problem, .. }) => Err(Broken::new(
                    "CHARTROOM_EMBEDDED_BIN_DIR",
                    format!(
                        "{problem}; expected the folder that holds initdb, pg_ctl and postgres"
                    ),
                )
                .into()),
                Err(error) => Err(error.into()),
            }
        }

        pub fn endpoint(&self) -> Endpoint {
            endpoint(&self.0)
        }

        pub async fn stop(self, at_once: bool) {
            let how = if at_once { Stop::Immediate } else { Stop::Fast };
            self.0.stop(how).await;
        }
    }

    /// The private server as an endpoint like any other.
    pub fn endpoint(server: &Embedded) -> Endpoint {
        let address = server.address();
        Endpoint::Fields {
            host: address.socket_dir.to_string_lossy().into_owned(),
            port: address.port,
            dbname: address.dbname.to_owned(),
            user: address.user.to_owned(),
            password: Some(Secret::Value(address.password.clone())),
            tls: Tls {
                mode: SslMode::Disable,
                ca_file: None,
            },
        }
    }
}

#[cfg(not(feature = "embedded-postgres"))]
mod absent {
    use std::sync::Arc;

    use crate::config::Config;
    use crate::config::endpoint::Endpoint;
    use crate::process::models::FindLibrary;

    /// The library that models run with, which has to be set.
    pub fn library(config: &Config) -> FindLibrary {
        let configured = config.models.onnxruntime.clone();
        Arc::new(move || {
            let configured = configured.clone();
            let missing = "this build fetches no libonnxruntime; set CHARTROOM_ONNXRUNTIME to one";
            Box::pin(async move { configured.ok_or_else(|| missing.to_owned()) })
        })
    }

    /// There is none in this build.
    pub enum Private {}

    impl Private {
        #[expect(
            clippy::unused_async,
            reason = "the same signature as with the private PostgreSQL compiled in"
        )]
        pub async fn start(_config: &Config) -> anyhow::Result<Self> {
            Err(super::none_in_this_build().into())
        }

        pub fn endpoint(&self) -> Endpoint {
            match *self {}
        }

        #[expect(
            clippy::unused_async,
            reason = "the same signature as with the private PostgreSQL compiled in"
        )]
        pub async fn stop(self, _at_once: bool) {
            match self {}
        }
    }
}

/// In an image the message of the search for programs would mislead: nothing can be installed.
#[cfg(any(test, not(feature = "embedded-postgres")))]
fn none_in_this_build() -> crate::config::Broken {
    crate::config::Broken::new(
        "CHARTROOM_DATABASE_URL",
        "this build of chartroom has no private PostgreSQL to serve from; set \
         CHARTROOM_DATABASE_URL or CHARTROOM_DATABASE_HOST to an existing database",
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_build_without_a_private_postgresql_says_what_to_set() {
        let said = super::none_in_this_build().to_string();
        assert!(said.starts_with("CHARTROOM_DATABASE_URL: "), "{said}");
        assert!(said.contains("no private PostgreSQL"), "{said}");
        assert!(said.contains("CHARTROOM_DATABASE_HOST"), "{said}");
    }
}
