//! The accept loop and the connection limits, over real loopback sockets.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod capacity;
mod framing;
mod heads;
mod raw;
mod slow;
mod stop;
