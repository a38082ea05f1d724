//! The HTTP surface: one hand-written middleware (`shell`), what it hands to handlers (`body`, who
//! calls: `caller`, what they take: `accept`), what they give back (`answer`), and how both are
//! documented (`openapi`, `site`).

pub mod accept;
pub mod answer;
pub mod body;
pub mod caller;
pub mod openapi;
pub mod same_origin;
pub mod shell;
pub mod site;
pub mod version;
