//! The settings of workload identity; `auth::workload` says how they work together.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::units::{Span, filled, origin, span};
use super::{Broken, Config};
use crate::kernel::workload::{WorkloadName, is_label};

/// How the token of a Kubernetes service account is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServiceAccountsMode {
    /// By the API server, which notices a deleted pod or account
    #[value(name = "tokenReview")]
    TokenReview,
    /// By the cluster's keys alone: good until the token ends
    #[value(name = "jwks")]
    Jwks,
    /// Not taken
    #[value(name = "off")]
    Off,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Workloads (tokens of Kubernetes service accounts)")]
pub struct ServiceAccounts {
    /// Who says whether a token is good
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_MODE",
        global = true,
        value_name = "MODE",
        value_enum,
        default_value = "off"
    )]
    pub service_accounts_mode: ServiceAccountsMode,
    /// Audience that a token must be for; never the API server's own [default: as
    /// CHARTROOM_AUDIENCE]
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_AUDIENCE",
        global = true,
        value_name = "TEXT",
        value_parser = filled,
    )]
    pub service_accounts_audience: Option<String>,
    /// Issuer of the cluster's tokens [default: that of the token in the token file]
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_ISSUER",
        global = true,
        value_name = "URL",
        value_parser = filled,
    )]
    pub service_accounts_issuer: Option<String>,
    /// Namespaces whose workloads are let in, separated by commas [default: all]
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_NAMESPACES",
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        value_parser = label,
    )]
    pub service_accounts_namespaces: Vec<String>,
    /// Workloads that administer, as k8s:namespace/name, separated by commas
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_ADMINS",
        global = true,
        value_name = "NAMES",
        value_delimiter = ','
    )]
    pub service_accounts_admins: Vec<WorkloadName>,
    /// Address of the API server
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_SERVER",
        global = true,
        value_name = "URL",
        default_value = "https://kubernetes.default.svc",
        value_parser = origin,
    )]
    pub service_accounts_server: String,
    /// PEM file of the CA that signs the API server's certificate; read again when it changes
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_CA_FILE",
        global = true,
        value_name = "FILE",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    )]
    pub service_accounts_ca_file: PathBuf,
    /// File of the token by which this service calls the API server; read again when it changes
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_TOKEN_FILE",
        global = true,
        value_name = "FILE",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    )]
    pub service_accounts_token_file: PathBuf,
    /// For how long a token found good is not asked about again: a deleted pod or account is
    /// refused after it
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_LIFETIME",
        global = true,
        value_name = "TIME",
        default_value = "60s",
        value_parser = span("1ms", "5m"),
    )]
    pub service_accounts_lifetime: Span,
    /// For how long it is good while the API server does not answer
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_OUTAGE_LIFETIME",
        global = true,
        value_name = "TIME",
        default_value = "5m",
        value_parser = span("1ms", "1h"),
    )]
    pub service_accounts_outage_lifetime: Span,
    /// Time for one answer of the API server
    #[arg(
        long,
        env = "CHARTROOM_SERVICE_ACCOUNTS_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "2s",
        value_parser = span("10ms", "30s"),
    )]
    pub service_accounts_timeout: Span,
}

fn label(text: &str) -> Result<String, String> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    Err("expected names of namespaces, separated by commas".to_owned())
}

impl Config {
    pub fn service_accounts_audience(&self) -> &str {
        let own = self.service_accounts.service_accounts_audience.as_deref();
        own.unwrap_or(&self.identity.audience)
    }

    pub(super) fn validate_service_accounts(&self) -> Result<(), Broken> {
        let ServiceAccounts {
            service_accounts_lifetime: lifetime,
            service_accounts_outage_lifetime: outage,
            ..
        } = &self.service_accounts;
        if outage < lifetime {
            return Err(Broken::new(
                "CHARTROOM_SERVICE_ACCOUNTS_OUTAGE_LIFETIME",
                "expected at least CHARTROOM_SERVICE_ACCOUNTS_LIFETIME",
            ));
        }
        Ok(())
    }
}
