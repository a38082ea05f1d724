//! One's own account: profile, display, password, sessions and tokens.

pub mod account;
pub mod email;
pub mod identities;
pub mod password;
pub mod sessions;
pub mod tokens;

use maud::{Markup, html};

use super::parts::tabs;
use super::view::View;

/// What stands above every page of one's own.
pub fn head(view: &View, title: &str) -> Markup {
    let lang = view.lang;
    let all = [
        ("/me".to_owned(), lang.profile()),
        ("/me/sessions".to_owned(), lang.sessions()),
        ("/me/tokens".to_owned(), lang.tokens()),
        ("/me/password".to_owned(), lang.password()),
        ("/notifications/settings".to_owned(), lang.notifications()),
    ];
    html! {
        h1 { (title) }
        (tabs(view, lang.me(), &all))
    }
}
