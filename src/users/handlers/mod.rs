//! What is asked about users, a file for each matter; here is what they share.

pub mod admin;
mod confirm;
pub mod links;
pub mod me;
pub mod password;
pub mod people;
pub mod register;
pub mod sessions;
pub mod tokens;

use crate::db::transaction::Failure;
use crate::kernel::error::{ApiError, Code};

/// Which name somebody else has already.
fn taken(error: diesel::result::Error) -> Failure {
    use diesel::result::{DatabaseErrorKind, Error};
    let conflict = |detail: &'static str| ApiError::new(Code::Conflict, detail).into();
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => match info
            .constraint_name()
        {
            Some("users_email_key_key") => conflict("there is an account with this email already"),
            Some("users_username_key_key") => conflict("this username is taken"),
            _ => error.into(),
        },
        _ => error.into(),
    }
}
