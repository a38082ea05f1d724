//! What administrators look at: users, the audit trail, jobs, this instance.

pub mod audit;
pub mod jobs;
pub mod users;

use maud::{Markup, html};

use super::parts::tabs;
use super::view::View;

/// What stands above every page of it.
pub fn head(view: &View, title: &str) -> Markup {
    let lang = view.lang;
    let all = [
        ("/admin".to_owned(), lang.users()),
        ("/admin/audit".to_owned(), lang.audit()),
        ("/admin/jobs".to_owned(), lang.jobs()),
    ];
    html! {
        h1 { (title) }
        (tabs(view, lang.administration(), &all))
    }
}
