//! What keeps strangers out and takes rights back: sign-in limits, client addresses, revocations,
//! shares and rates.

mod client;
mod connection;
mod feed;
mod follower;
mod limiter;
mod rate;
mod replica;
mod shapes;
mod strangers;

/// A configuration in which one prefix could hold a name's whole budget is refused.
#[test]
fn the_pair_stays_below_the_name() {
    use crate::support::app::config;
    config(&[]).validate().unwrap();
    for (flag, key) in [
        (
            "--signin-per-pair-burst=25",
            "CHARTROOM_SIGNIN_PER_PAIR_BURST",
        ),
        (
            "--signin-per-pair-per-hour=25",
            "CHARTROOM_SIGNIN_PER_PAIR_PER_HOUR",
        ),
        (
            "--signin-per-account-per-hour=10",
            "CHARTROOM_SIGNIN_PER_PAIR_BURST",
        ),
    ] {
        assert_eq!(config(&[flag]).validate().unwrap_err().key, key);
    }
}
