//! What several pages show alike.

use http::Uri;
use maud::{Markup, html};
use serde::de::DeserializeOwned;

use super::view::{View, with};
use super::words::Lang;
use crate::db::page::{Direction, PageQuery, Sorts};
use crate::http::answer::page::Neighbours;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::ProjectId;
use crate::projects::access::Role;
use crate::projects::model::Visibility;

pub fn role(lang: Lang, role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Viewer) => lang.role_viewer(),
        Some(Role::Editor) => lang.role_editor(),
        Some(Role::Owner) => lang.role_owner(),
        None => lang.role_none(),
    }
}

pub fn roles(lang: Lang) -> [(&'static str, &'static str); 3] {
    [Role::Viewer, Role::Editor, Role::Owner].map(|one| (one.as_str(), role(lang, Some(one))))
}

pub fn visibility(lang: Lang, visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Private => lang.private_word(),
        Visibility::Internal => lang.internal_word(),
    }
}

/// The button beside a text of this id, for those who have a script.
pub fn copy(lang: Lang, id: &str) -> Markup {
    html! {
        button.small type="button" hidden data-script data-copy={ "#" (id) }
            data-done=(lang.copied()) {
            (lang.copy())
        }
    }
}

/// The first rows of a list, as a page shows them that has other things too.
pub fn first<S: Sorts>(limit: usize) -> PageQuery<S> {
    let (sort, direction) = S::DEFAULT;
    PageQuery {
        sort,
        direction,
        limit,
        counts: false,
        after: None,
    }
}

/// The same the other way round.
pub fn last<S: Sorts>(limit: usize) -> PageQuery<S> {
    let query = first::<S>(limit);
    let direction = match query.direction {
        Direction::Ascending => Direction::Descending,
        Direction::Descending => Direction::Ascending,
    };
    PageQuery { direction, ..query }
}

/// Filters as a URL has them.
pub fn filter<T: DeserializeOwned>(pairs: &[(&str, &str)]) -> ApiResult<T> {
    let text = serde_urlencoded::to_string(pairs).map_err(ApiError::internal)?;
    serde_urlencoded::from_str(&text).map_err(ApiError::internal)
}

/// The ways to the pages beside this one.
pub fn pager<R>(view: &View, page: &Neighbours<R>) -> Markup {
    let (lang, uri) = (view.lang, &view.frame.uri);
    let to = |name: &str, cursor: Option<&String>| {
        cursor.map(|cursor| {
            let others = [
                ("cursor", None),
                ("before", None),
                (name, Some(cursor.as_str())),
            ];
            with(uri, &others)
        })
    };
    html! {
        @if page.before.is_some() || page.after.is_some() {
            nav.pager aria-label=(lang.pages()) {
                @if let Some(before) = to("before", page.before.as_ref()) {
                    a.button href=(before) rel="prev" { "← " (lang.newer()) }
                }
                @if let Some(after) = to("cursor", page.after.as_ref()) {
                    a.button href=(after) rel="next" { (lang.older()) " →" }
                }
            }
        }
    }
}

/// What a list says that is empty: because of what was asked for, or because there is nothing.
pub fn empty(view: &View, nothing: &str) -> Markup {
    let is_asked = view
        .frame
        .uri
        .query()
        .is_some_and(|query| !query.is_empty());
    let text = if is_asked {
        view.lang.nothing_found()
    } else {
        nothing
    };
    html! { p.note { (text) } }
}

/// A parameter of the page as it was given.
pub fn given(uri: &Uri, name: &str) -> String {
    let all = super::view::pairs(uri);
    let found = all.into_iter().find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value)
}

/// The way to something inside a project: the list of its kind, and the project.
pub fn crumbs(list: (&str, &str), project: Option<(ProjectId, &str)>) -> Markup {
    let (path, title) = list;
    html! {
        p.crumbs {
            a href=(path) { (title) }
            @if let Some((id, name)) = project {
                " / " a href={ "/projects/" (id) } { (name) }
            }
        }
    }
}

/// The tabs of a thing; each is a path and what it is called.
pub fn tabs(view: &View, label: &str, tabs: &[(String, &str)]) -> Markup {
    let here = view.frame.uri.path();
    html! {
        nav.tabs aria-label=(label) {
            @for (path, text) in tabs {
                a href=(path) aria-current=[(here == path).then_some("page")] { (text) }
            }
        }
    }
}

/// A form that deletes what is called so, once the name was typed.
pub fn deletion(
    view: &View,
    action: &str,
    title: &str,
    why: &str,
    name: &str,
    etag: &str,
) -> Markup {
    let lang = view.lang;
    html! {
        details.more {
            summary { (title) " …" }
            form.note.bad method="post" action=(action) {
                p { (why) }
                input type="hidden" name="etag" value=(etag);
                label { (lang.sure_name(name)) input name="name" autocomplete="off" required; }
                p { button.danger { (title) } }
            }
        }
    }
}
