//! Projects and their members.

pub mod edit;
pub mod invitations;
pub mod list;
pub mod members;
pub mod new;
pub mod one;
