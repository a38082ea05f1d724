//! Mail: one job for each, enqueued in the transaction of what it tells.
//!
//! What a mail says is for the features, which write a [`Letter`](letter::Letter); `message` makes
//! a message of it and `wire` hands that to the mail server, over what `connect` makes; `refusal`
//! is what its answers mean. `address` is what the service learns about an address on the way, and
//! `links` are the secrets in mails that can be used once. `page` is where the links lead.

pub mod address;
mod connect;
pub mod letter;
pub mod links;
pub mod message;
pub mod page;
mod refusal;
mod wire;

use std::sync::Arc;

use http::uri::Authority;
use uuid::Uuid;

use crate::config::{Config, MailServer};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::telemetry::metrics::Metrics;

/// The owner of all jobs that send mail. Of a lane, one owner has half at most, so that a mail
/// server that hangs leaves room for other work.
const OWNER: Uuid = Uuid::from_u128(0x6d61_696c);

/// What may become of a mail.
const SENT: &str = "sent";
const REFUSED: &str = "refused";
const UNFIT: &str = "unfit";
const FAILED: &str = "failed";
const UNNEEDED: &str = "unneeded";

/// Refuses what is done by mail alone where no mail is sent.
pub fn required(config: &Config) -> ApiResult<()> {
    match config.mail_server() {
        Some(_) => Ok(()),
        None => Err(ApiError::new(
            Code::MailOff,
            "this service sends no mail; ask an administrator",
        )),
    }
}

/// What sends mail in this process.
pub struct Mailer {
    server: MailServer,
    /// The origin that links in mails begin with. It is from the settings alone: what a request
    /// says of its host is the caller's invention.
    pub public_url: String,
    roots: connect::Roots,
    metrics: Arc<Metrics>,
}

impl Mailer {
    /// `None` where no mail is sent.
    pub fn new(config: &Config, metrics: Arc<Metrics>) -> Option<Self> {
        // Counted from nought, where there is never a mail as well.
        for outcome in [SENT, REFUSED, UNFIT, FAILED, UNNEEDED] {
            let _ = metrics.chartroom_mail_total.with_label_values(&[outcome]);
        }
        let server = config.mail_server()?;
        Some(Self {
            server,
            public_url: config.public_url(),
            roots: connect::Roots::default(),
            metrics,
        })
    }

    /// The name that this service has for others.
    fn host(&self) -> String {
        let authority = self.public_url.split_once("://");
        let authority = authority.and_then(|(_, rest)| rest.parse::<Authority>().ok());
        authority.map_or_else(String::new, |authority| authority.host().to_owned())
    }

    fn count(&self, outcome: &'static str) {
        let counter = &self.metrics.chartroom_mail_total;
        counter.with_label_values(&[outcome]).inc();
    }
}
