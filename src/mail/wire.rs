//! Handing a message to the mail server: what is said on the connection that `connect` makes.

use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::connect::{Roots, connect};
use super::refusal::{Blame, Step, blame};
use crate::config::MailServer;
use crate::kernel::error::with_causes;
use crate::kernel::text::deceives;

/// What is shown of an answer.
const LONGEST_SHOWN: usize = 300;
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a mail was not taken. The texts are for people, and quote no secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The address gets no mail, today or tomorrow.
    Address(String),
    /// This letter is not taken, today or tomorrow; others are.
    Letter(String),
    /// Whatever may be otherwise at the next try: the network, the server, or how it is set up.
    Passing(String),
}

use Failure::{Address, Letter, Passing};

/// `host` is the name of this service.
pub(super) async fn hand_over(
    server: &MailServer,
    roots: &Roots,
    host: &str,
    message: &Message,
) -> Result<(), Failure> {
    let time = server.timeout;
    let exchange = Box::pin(exchange(server, roots, host, message));
    timeout(time, exchange).await.unwrap_or_else(|_elapsed| {
        let seconds = time.as_secs_f32();
        Err(Passing(format!(
            "the mail server did not take the mail within {seconds} s"
        )))
    })
}

async fn exchange(
    server: &MailServer,
    roots: &Roots,
    host: &str,
    message: &Message,
) -> Result<(), Failure> {
    let name = client_id(host);
    let stream = connect(server, roots, &name).await?;
    let connected = AsyncSmtpConnection::connect_with_transport(stream, &name).await;
    let mut connection = connected.map_err(|error| answered("EHLO", &error))?;
    sign_in(&mut connection, server).await?;
    send(&mut connection, message).await?;
    // The mail is the server's now, whatever becomes of the goodbye.
    let _ = timeout(GOODBYE, connection.quit()).await;
    Ok(())
}

async fn sign_in(connection: &mut AsyncSmtpConnection, server: &MailServer) -> Result<(), Failure> {
    let (Some(user), Some(password)) = (&server.user, &server.password) else {
        return Ok(());
    };
    let password = password
        .read()
        .map_err(|problem| Passing(format!("CHARTROOM_SMTP_PASSWORD_FILE: {problem}")))?;
    let mechanisms = [Mechanism::Plain, Mechanism::Login];
    let offered = connection.server_info().get_auth_mechanism(&mechanisms);
    if offered.is_none() {
        return Err(Passing(
            "the mail server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned(),
        ));
    }
    let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
    let signed = connection.auth(&mechanisms, &credentials).await;
    // Its words are not shown: they may repeat what it was sent.
    signed.map(drop).map_err(|error| match error.status() {
        Some(code) => Passing(format!(
            "the mail server refused the user and the password ({code})"
        )),
        None => answered("AUTH", &error),
    })
}

async fn send(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Failure> {
    let envelope = message.envelope();
    let mut parameters = Vec::new();
    let mut addresses = envelope.to().iter().chain(envelope.from());
    if addresses.any(|address| !address.to_string().is_ascii()) {
        let takes = connection.server_info();
        if !takes.supports_feature(Extension::SmtpUtfEight) {
            return Err(Address(
                "the mail server takes no address with letters beyond ASCII".to_owned(),
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let from = Mail::new(envelope.from().cloned(), parameters);
    let told = connection.command(from).await;
    told.map_err(|error| refused(Step::Sender, &error))?;
    for to in envelope.to() {
        let told = connection.command(Rcpt::new(to.clone(), vec![])).await;
        told.map_err(|error| refused(Step::Recipient, &error))?;
    }
    let told = connection.command(Data).await;
    told.map_err(|error| refused(Step::Data, &error))?;
    let taken = connection.message(&message.formatted()).await;
    taken.map_err(|error| refused(Step::Message, &error))?;
    Ok(())
}

type SmtpError = lettre::transport::smtp::Error;

/// What the server said, without what a terminal or a page could mistake.
fn words(error: &SmtpError) -> String {
    let said = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    shown(&said)
}

pub(super) fn shown(said: &str) -> String {
    let said = said.chars().take(LONGEST_SHOWN);
    let shown = said.map(|c| match c.is_control() || deceives(c) {
        true => ' ',
        false => c,
    });
    shown.collect()
}

fn told(to: &str, error: &SmtpError) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {to} with {code} {}", words(error)),
        None => format!("{to} failed: {}", shown(&with_causes(error))),
    }
}

fn answered(to: &str, error: &SmtpError) -> Failure {
    Passing(told(to, error))
}

/// The same of a step at which the answer may be about the address or the letter.
fn refused(step: Step, error: &SmtpError) -> Failure {
    let text = told(step.name(), error);
    let code = error.status().map(|code| code.to_string());
    match code.map(|code| blame(step, &code, &words(error))) {
        Some(Blame::Address) => Address(text),
        Some(Blame::Letter) => Letter(text),
        Some(Blame::Neither) | None => Passing(text),
    }
}

fn client_id(host: &str) -> ClientId {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_names_itself_as_it_can() {
        for (host, said) in [
            ("chartroom.example.com", "chartroom.example.com"),
            ("127.0.0.1", "[127.0.0.1]"),
            ("[::1]", "[IPv6:::1]"),
        ] {
            assert_eq!(client_id(host).to_string(), said);
        }
    }
}
