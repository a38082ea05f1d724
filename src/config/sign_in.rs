//! The settings of sign-in limits; `auth::limiter` says how they work together.

use clap::Args;

use super::units::{Span, count, span};
use super::{Broken, Config};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sign-in limits")]
pub struct SignInLimits {
    /// Password attempts at once from one address prefix (/24 of IPv4, /64 of IPv6)
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_PER_ADDRESS_BURST",
        global = true,
        value_name = "N",
        default_value = "10",
        value_parser = count(1_u32, 1_000_000),
    )]
    pub signin_per_address_burst: u32,
    /// Password attempts a minute that an address prefix regains
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_PER_ADDRESS_PER_MINUTE",
        global = true,
        value_name = "N",
        default_value = "10",
        value_parser = count(1_u32, 1_000_000),
    )]
    pub signin_per_address_per_minute: u32,
    /// Password attempts on one account in any hour, from wherever it has not signed in before;
    /// half of them by its email, half by its username, and half of each at once
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_PER_ACCOUNT_PER_HOUR",
        global = true,
        value_name = "N",
        default_value = "100",
        value_parser = count(4_u32, 1_000_000),
    )]
    pub signin_per_account_per_hour: u32,
    /// Password attempts at once on one name from one address prefix
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_PER_PAIR_BURST",
        global = true,
        value_name = "N",
        default_value = "5",
        value_parser = count(1_u32, 1_000_000),
    )]
    pub signin_per_pair_burst: u32,
    /// Password attempts an hour on one name that an address prefix regains
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_PER_PAIR_PER_HOUR",
        global = true,
        value_name = "N",
        default_value = "10",
        value_parser = count(1_u32, 1_000_000),
    )]
    pub signin_per_pair_per_hour: u32,
    /// For how long an address prefix from which somebody has signed in stays open to the name that
    /// was used while strangers try its password
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_REMEMBER",
        global = true,
        value_name = "TIME",
        default_value = "720h",
        value_parser = span("1h", "8760h"),
    )]
    pub signin_remember: Span,
    /// Passwords hashed at once, each in 19 MiB [default: one fewer than the processor has cores,
    /// at least one]
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_HASHES",
        global = true,
        value_name = "N",
        value_parser = count(1_usize, 1_024),
    )]
    pub signin_hashes: Option<usize>,
    /// Sign-ins that may wait for their hash; more are answered 503 at once
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_QUEUE",
        global = true,
        value_name = "N",
        default_value = "16",
        value_parser = count(0_usize, 10_000),
    )]
    pub signin_queue: usize,
    /// Time that a sign-in waits for its hash
    #[arg(
        long,
        env = "CHARTROOM_SIGNIN_WAIT",
        global = true,
        value_name = "TIME",
        default_value = "2s",
        value_parser = span("1ms", "1m"),
    )]
    pub signin_wait: Span,
}

impl SignInLimits {
    /// However many sign in, a core is left to answer everybody else.
    pub fn hashes(&self) -> usize {
        self.signin_hashes.unwrap_or_else(|| {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            cores.saturating_sub(1).max(1)
        })
    }
}

impl Config {
    /// One prefix must not be able to hold a name's whole budget.
    pub(super) fn validate_sign_in(&self) -> Result<(), Broken> {
        let limits = &self.sign_in;
        let at_once = limits.signin_per_account_per_hour / 4;
        for (key, value) in [
            ("BURST", limits.signin_per_pair_burst),
            ("PER_HOUR", limits.signin_per_pair_per_hour),
        ] {
            if value >= at_once {
                return Err(Broken::new(
                    format!("CHARTROOM_SIGNIN_PER_PAIR_{key}"),
                    "expected less than a quarter of CHARTROOM_SIGNIN_PER_ACCOUNT_PER_HOUR",
                ));
            }
        }
        Ok(())
    }
}
