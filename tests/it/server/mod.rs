//! The accept loop and the connection limits, over real loopback sockets.

#![expect(unreachable_pub, reason = "its files share helpers by glob")]

mod capacity;
mod framing;
mod heads;
mod raw;
mod readers;
mod slow;
mod stop;
mod streams;
