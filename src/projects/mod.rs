//! Projects: what people share. A project has members, each with a role, and everything inside it is open to them by that role.

pub mod access;
pub mod model;
