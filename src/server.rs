//! The accept loop: connections, their limits and their timeouts.
