//! Settings of single sign-on: the OpenID providers that may say who somebody is. One is given by
//! flags, several by a file.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::oidc_provider::{GroupRole, OidcProvider, from_file, host_of, issuer};
use super::units::{filled, switch};
use super::{Broken, Config, Secret, secret};

/// What the provider that is given by flags is called in URLs.
const ONLY: &str = "sso";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Single sign-on (OpenID Connect; without an issuer there is none)")]
pub struct Oidc {
    /// Issuer of the provider, as its discovery document writes it
    #[arg(
        long,
        env = "CHARTROOM_OIDC_ISSUER",
        global = true,
        value_name = "URL",
        value_parser = issuer,
    )]
    pub oidc_issuer: Option<String>,
    /// What this service is called at the provider
    #[arg(
        long,
        env = "CHARTROOM_OIDC_CLIENT_ID",
        global = true,
        value_name = "TEXT",
        value_parser = filled,
    )]
    pub oidc_client_id: Option<String>,
    /// The secret that the provider has given this service
    #[arg(
        long,
        env = "CHARTROOM_OIDC_CLIENT_SECRET",
        global = true,
        value_name = "SECRET",
        hide_env_values = true,
        value_parser = secret::parse,
    )]
    pub oidc_client_secret: Option<SecretString>,
    /// File that holds the secret; read at each sign-in
    #[arg(
        long,
        env = "CHARTROOM_OIDC_CLIENT_SECRET_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// What the button says after "Sign in with" [default: the host of the issuer]
    #[arg(
        long,
        env = "CHARTROOM_OIDC_NAME",
        global = true,
        value_name = "TEXT",
        value_parser = filled,
    )]
    pub oidc_name: Option<String>,
    /// What groups of the provider's claim `groups` give, as GROUP=admin or GROUP=user with commas
    /// between them: whoever is in the one administers; where there is a `user`, only who is in
    /// a group that is named here may sign in
    #[arg(
        long,
        env = "CHARTROOM_OIDC_GROUPS",
        global = true,
        value_name = "PAIRS",
        value_delimiter = ',',
        value_parser = group,
    )]
    pub oidc_groups: Vec<(String, GroupRole)>,
    /// Let who signs in there for the first time into the account that has the same verified email
    #[arg(
        long,
        env = "CHARTROOM_OIDC_LINK_BY_EMAIL",
        global = true,
        value_name = "BOOL",
        default_value = "false",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub oidc_link_by_email: bool,
    /// Take emails for verified of which the provider does not say whether they are; only for one
    /// whose users cannot choose theirs
    #[arg(
        long,
        env = "CHARTROOM_OIDC_TRUST_EMAIL",
        global = true,
        value_name = "BOOL",
        default_value = "false",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub oidc_trust_email: bool,
    /// Make an account for who signs in there for the first time
    #[arg(
        long,
        env = "CHARTROOM_OIDC_REGISTER",
        global = true,
        value_name = "BOOL",
        default_value = "true",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub oidc_register: bool,
    /// Several providers instead of the one above: a JSON file, described in
    /// docs/SINGLE-SIGN-ON.md
    #[arg(
        long,
        env = "CHARTROOM_OIDC_PROVIDERS_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub oidc_providers_file: Option<PathBuf>,
}

fn group(text: &str) -> Result<(String, GroupRole), String> {
    // A group may have the sign in its name, a role has none.
    let (name, role) = match text.rsplit_once('=') {
        Some((name, "admin")) => (name, GroupRole::Admin),
        Some((name, "user")) => (name, GroupRole::User),
        _ => return Err("expected GROUP=admin or GROUP=user, separated by commas".to_owned()),
    };
    match name.is_empty() {
        true => Err("expected the name of a group before the sign =".to_owned()),
        false => Ok((name.to_owned(), role)),
    }
}

impl Config {
    /// Who may say who somebody is; nobody where single sign-on is not set up.
    pub fn oidc_providers(&self) -> Result<Vec<OidcProvider>, Broken> {
        let Oidc {
            oidc_issuer,
            oidc_client_id,
            oidc_client_secret,
            oidc_client_secret_file,
            oidc_name,
            oidc_groups,
            oidc_link_by_email,
            oidc_trust_email,
            oidc_register,
            oidc_providers_file,
        } = &self.oidc;
        let given = [
            ("CLIENT_ID", oidc_client_id.is_some()),
            ("CLIENT_SECRET", oidc_client_secret.is_some()),
            ("CLIENT_SECRET_FILE", oidc_client_secret_file.is_some()),
            ("NAME", oidc_name.is_some()),
            ("GROUPS", !oidc_groups.is_empty()),
            ("LINK_BY_EMAIL", *oidc_link_by_email),
            ("TRUST_EMAIL", *oidc_trust_email),
            ("REGISTER", !*oidc_register),
        ];
        let first = given.into_iter().find(|(_, is_given)| *is_given);
        let broken =
            |key: &str, problem: &str| Broken::new(format!("CHARTROOM_OIDC_{key}"), problem);
        if let Some(file) = oidc_providers_file {
            return match (oidc_issuer, first) {
                (Some(_), _) => Err(broken(
                    "ISSUER",
                    "contradicts CHARTROOM_OIDC_PROVIDERS_FILE; write the provider into the file",
                )),
                (None, Some((key, _))) => Err(broken(
                    key,
                    "is for the provider of CHARTROOM_OIDC_ISSUER; write it into \
                     CHARTROOM_OIDC_PROVIDERS_FILE, for each provider",
                )),
                (None, None) => {
                    from_file(file).map_err(|problem| broken("PROVIDERS_FILE", &problem))
                }
            };
        }
        let Some(issuer) = oidc_issuer else {
            return match first {
                Some((key, _)) => Err(broken(key, "has no effect without CHARTROOM_OIDC_ISSUER")),
                None => Ok(Vec::new()),
            };
        };
        let Some(client_id) = oidc_client_id else {
            return Err(broken(
                "CLIENT_ID",
                "is needed with CHARTROOM_OIDC_ISSUER: what this service is called there",
            ));
        };
        let (value, file) = (
            oidc_client_secret.as_ref(),
            oidc_client_secret_file.as_ref(),
        );
        let client_secret = match (value, file) {
            (Some(_), Some(_)) => Err(broken(
                "CLIENT_SECRET",
                "contradicts CHARTROOM_OIDC_CLIENT_SECRET_FILE; set one of them",
            )),
            _ => Secret::from_settings(value, file).ok_or_else(|| {
                broken(
                    "CLIENT_SECRET_FILE",
                    "is needed with CHARTROOM_OIDC_ISSUER, or CHARTROOM_OIDC_CLIENT_SECRET: the \
                     secret that the provider has given this service",
                )
            }),
        }?;
        let read = client_secret.read();
        read.map_err(|problem| broken("CLIENT_SECRET_FILE", &problem))?;
        Ok(vec![OidcProvider {
            id: ONLY.to_owned(),
            name: oidc_name.clone().unwrap_or_else(|| host_of(issuer)),
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret,
            groups: oidc_groups.iter().cloned().collect(),
            link_by_email: *oidc_link_by_email,
            trust_email: *oidc_trust_email,
            register: *oidc_register,
        }])
    }

    pub(super) fn validate_oidc(&self) -> Result<(), Broken> {
        let providers = self.oidc_providers()?;
        let is_local = self.http.listen.ip().is_loopback();
        if !providers.is_empty() && self.http.public_url.is_none() && !is_local {
            return Err(Broken::new(
                "CHARTROOM_PUBLIC_URL",
                "is needed for single sign-on: providers send people back to it",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_have_the_sign_in_its_name() {
        let dn = group("cn=ops=admin").unwrap();
        assert_eq!(dn, ("cn=ops".to_owned(), GroupRole::Admin));
        assert_eq!(group("staff=user").unwrap().1, GroupRole::User);
        for bad in ["", "ops", "ops=", "=admin", "ops=owner", "ops=Admin"] {
            group(bad).unwrap_err();
        }
    }
}
