//! Settings of the mail that the service sends. Without a server for it, none is sent.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lettre::message::Mailbox;
use secrecy::SecretString;

use super::roots::read_roots;
use super::units::{Span, count, filled, span};
use super::{Broken, Config, Registration, Secret, secret};

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SmtpSecurity {
    /// TLS after the first words, and never without
    Starttls,
    /// TLS from the first byte on
    Tls,
    /// No TLS, which only a server on this machine's loopback address may have
    None,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail (without a host none is sent)")]
pub struct Mail {
    /// Mail server (SMTP): name or address, and the name that its certificate has to be for
    #[arg(
        long,
        env = "CHARTROOM_SMTP_HOST",
        global = true,
        value_name = "HOST",
        value_parser = filled,
    )]
    pub smtp_host: Option<String>,
    /// Its port [default: 587, with tls 465, with none 25]
    #[arg(
        long,
        env = "CHARTROOM_SMTP_PORT",
        global = true,
        value_name = "PORT",
        value_parser = count(1_u16, u16::MAX),
    )]
    pub smtp_port: Option<u16>,
    /// Protection of the connection
    #[arg(
        long,
        env = "CHARTROOM_SMTP_SECURITY",
        global = true,
        value_name = "HOW",
        value_enum,
        default_value = "starttls"
    )]
    pub smtp_security: SmtpSecurity,
    /// User to sign in to the server as [default: no sign-in]
    #[arg(
        long,
        env = "CHARTROOM_SMTP_USER",
        global = true,
        value_name = "NAME",
        value_parser = filled,
    )]
    pub smtp_user: Option<String>,
    /// Password of the user
    #[arg(
        long,
        env = "CHARTROOM_SMTP_PASSWORD",
        global = true,
        value_name = "SECRET",
        hide_env_values = true,
        value_parser = secret::parse,
    )]
    pub smtp_password: Option<SecretString>,
    /// File that holds the password; read for each mail
    #[arg(
        long,
        env = "CHARTROOM_SMTP_PASSWORD_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub smtp_password_file: Option<PathBuf>,
    /// PEM file of the CA that signs the server's certificate; read for each mail [default: those
    /// that this machine trusts]
    #[arg(
        long,
        env = "CHARTROOM_SMTP_CA_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub smtp_ca_file: Option<PathBuf>,
    /// Time for one mail, from the connection to the server's last word
    #[arg(
        long,
        env = "CHARTROOM_SMTP_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "30s",
        value_parser = span("100ms", "5m"),
    )]
    pub smtp_timeout: Span,
    /// Whom mail comes from, such as Chartroom <chartroom@example.com>
    #[arg(
        long,
        env = "CHARTROOM_MAIL_FROM",
        global = true,
        value_name = "ADDRESS",
        value_parser = mailbox,
    )]
    pub mail_from: Option<Mailbox>,
}

/// What a process needs to send mail.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub ca_file: Option<PathBuf>,
    pub timeout: std::time::Duration,
    pub from: Mailbox,
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let expected = || {
        "expected an address such as chartroom@example.com or Chartroom <chartroom@example.com>"
            .to_owned()
    };
    if text.chars().any(char::is_control) {
        return Err(expected());
    }
    text.parse().map_err(|_error| expected())
}

fn is_loopback(host: &str) -> bool {
    let is_address = |address: IpAddr| address.is_loopback();
    host == "localhost" || host.parse().is_ok_and(is_address)
}

impl Config {
    /// `None` where no mail is sent.
    pub fn mail_server(&self) -> Option<MailServer> {
        let mail = &self.mail;
        let security = mail.smtp_security;
        let port = match security {
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::Tls => 465,
            SmtpSecurity::None => 25,
        };
        Some(MailServer {
            host: mail.smtp_host.clone()?,
            port: mail.smtp_port.unwrap_or(port),
            security,
            user: mail.smtp_user.clone(),
            password: Secret::from_settings(
                mail.smtp_password.as_ref(),
                mail.smtp_password_file.as_ref(),
            ),
            ca_file: mail.smtp_ca_file.clone(),
            timeout: mail.smtp_timeout.0,
            from: mail.mail_from.clone()?,
        })
    }

    pub(super) fn validate_mail(&self) -> Result<(), Broken> {
        let Mail {
            smtp_host,
            smtp_port,
            smtp_security,
            smtp_user,
            smtp_password,
            smtp_password_file,
            smtp_ca_file,
            smtp_timeout: _,
            mail_from,
        } = &self.mail;
        let broken = |key: &str, problem: &str| Err(Broken::new(key, problem));
        let Some(host) = smtp_host else {
            let given = [
                ("CHARTROOM_SMTP_PORT", smtp_port.is_some()),
                ("CHARTROOM_SMTP_USER", smtp_user.is_some()),
                ("CHARTROOM_SMTP_PASSWORD", smtp_password.is_some()),
                ("CHARTROOM_SMTP_PASSWORD_FILE", smtp_password_file.is_some()),
                ("CHARTROOM_SMTP_CA_FILE", smtp_ca_file.is_some()),
                ("CHARTROOM_MAIL_FROM", mail_from.is_some()),
            ];
            return match given.into_iter().find(|(_, is_given)| *is_given) {
                Some((key, _)) => broken(key, "has no effect without CHARTROOM_SMTP_HOST"),
                None if self.registration() == Registration::Confirmed => broken(
                    "CHARTROOM_REGISTRATION",
                    "is confirmed, which needs mails: set CHARTROOM_SMTP_HOST, or choose another",
                ),
                None => Ok(()),
            };
        };
        if mail_from.is_none() {
            return broken(
                "CHARTROOM_MAIL_FROM",
                "is needed with CHARTROOM_SMTP_HOST: the address that mail comes from",
            );
        }
        if self.http.public_url.is_none() {
            return broken(
                "CHARTROOM_PUBLIC_URL",
                "is needed with CHARTROOM_SMTP_HOST: the links in mails are built from it",
            );
        }
        if smtp_password.is_some() && smtp_password_file.is_some() {
            return broken(
                "CHARTROOM_SMTP_PASSWORD",
                "contradicts CHARTROOM_SMTP_PASSWORD_FILE; set one of them",
            );
        }
        let has_password = smtp_password.is_some() || smtp_password_file.is_some();
        if smtp_user.is_some() != has_password {
            return broken(
                "CHARTROOM_SMTP_USER",
                "goes together with a password; set both or neither",
            );
        }
        if *smtp_security == SmtpSecurity::None {
            if !is_loopback(host) {
                return broken(
                    "CHARTROOM_SMTP_SECURITY",
                    "expected starttls or tls: only a loopback address may be without TLS",
                );
            }
            if smtp_ca_file.is_some() {
                return broken("CHARTROOM_SMTP_CA_FILE", "has no effect without TLS");
            }
        }
        // Read again for each mail; what is wrong with them from the start is said at the start.
        let server = self.mail_server();
        if let Some(Err(problem)) = server.and_then(|it| it.password).map(|it| it.read()) {
            return broken("CHARTROOM_SMTP_PASSWORD_FILE", &problem);
        }
        if let Some(Err(problem)) = smtp_ca_file.as_deref().map(read_roots) {
            return broken("CHARTROOM_SMTP_CA_FILE", &problem);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "127.0.0.1", "127.3.2.1", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "::",
            "mail",
            "LOCALHOST.",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_sender_is_one_address_on_one_line() {
        for text in ["a@example.com", "Chartroom <chartroom@example.com>"] {
            mailbox(text).unwrap();
        }
        for text in [
            "",
            "a",
            "a@",
            "a@b, c@d",
            "x <a@b> <c@d>",
            "x\r\nBcc: a@b <c@d>",
            "a@b\n",
        ] {
            mailbox(text).unwrap_err();
        }
    }
}
