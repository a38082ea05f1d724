//! The accept loop and the connection limits, over real loopback sockets.


mod capacity;
mod framing;
mod heads;
mod raw;
mod slow;
mod stop;
