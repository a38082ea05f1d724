//! What is asked about users, a file for each matter; here is what they share.

pub mod admin;
mod confirm;
pub mod identities;
pub mod links;
pub mod me;
pub mod password;
pub mod people;
pub mod register;
pub mod sessions;
pub mod tokens;
