//! Where the service is and who asks: the environment, or what `chartroom login` has kept.

mod context;
mod credentials;
mod hidden;
mod login;

pub(super) use context::{Contexts, Whoami, contexts, whoami};
pub(super) use login::{Login, Logout, login, logout};

use super::call::Site;
use super::error::ClientError;
use crate::config::{ClientSettings, Told};
use credentials::Credentials;

/// What is named goes first, then what the environment says, then what was kept.
pub(super) fn open(context: Option<&str>) -> Result<Site, ClientError> {
    let settings = match (context, ClientSettings::told()) {
        (Some(name), _) => Credentials::load()?.named(name)?.settings(),
        (None, Ok(Told::All(settings))) => settings,
        (None, Ok(Told::Url(url))) => match Credentials::load()?.of_url(&url) {
            Some(kept) => kept.settings(),
            None => ClientSettings::from_environment()?,
        },
        (None, Ok(Told::Nothing)) => match Credentials::load()?.current() {
            Some((_, kept)) => kept.settings(),
            None => ClientSettings::from_environment()?,
        },
        (None, Err(broken)) => return Err(broken.into()),
    };
    Ok(Site::new(settings))
}
