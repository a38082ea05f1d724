//! What tests share.

pub mod chaos_proxy;
pub mod client;
pub mod freeze;
pub mod webdriver;
