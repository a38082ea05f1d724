//! The HTTP surface: one hand-written middleware (`shell`), what it hands to handlers (`body`),
//! what they give back (`answer`), and how both are documented (`openapi`, `site`).

pub mod answer;
pub mod body;
pub mod openapi;
pub mod shell;
pub mod site;
pub mod version;
