//! Models: their versions, where their aliases lead and led, and asking them.

pub mod alias;
pub mod describe;
pub mod difference;
pub mod edit;
pub mod golden;
pub mod list;
pub mod log;
pub mod moving;
pub mod new;
pub mod one;
pub mod snippets;
pub mod timeline;
pub mod trial;
pub mod typed;
pub mod upload;
pub mod version;

use maud::{Markup, html};

use super::inside::Kind;
use super::parts::{crumbs, tabs};
use super::view::View;
use super::words::Lang;
use crate::models::alias::Target;
use crate::models::model::Model;
use crate::models::version::VersionState;
use crate::projects::access::Role;

/// As what is inside a project.
fn kind(lang: Lang) -> Kind {
    Kind {
        path: "/models",
        all: lang.models(),
        new: lang.new_model(),
        search: lang.search_models(),
        why: "",
        name_hint: lang.model_name_hint(),
        next: "/upload",
    }
}

/// What stands above every page of a model.
pub fn head(view: &View, model: &Model) -> Markup {
    let lang = view.lang;
    let path = format!("/models/{}", model.name);
    let mut all = vec![
        (path.clone(), lang.versions()),
        (format!("{path}/try"), lang.try_it()),
        (format!("{path}/log"), lang.kept_answers()),
    ];
    if model.role >= Some(Role::Editor) {
        all.push((format!("{path}/upload"), lang.upload()));
        all.push((format!("{path}/edit"), lang.edit()));
    }
    html! {
        (crumbs(
            ("/models", lang.models()),
            Some((model.project_id, &model.project)),
        ))
        h1 { (model.name) }
        ul.facts { li { (lang.updated()) " " (view.at(model.updated_at)) } }
        (tabs(view, lang.models(), &all))
    }
}

pub fn state(lang: Lang, state: VersionState) -> Markup {
    let (text, class) = match state {
        VersionState::Checking => (lang.checking(), "tag"),
        VersionState::Ready => (lang.ready(), "tag good"),
        VersionState::Failed => (lang.failed(), "tag bad"),
    };
    html! { span class=(class) { (text) } }
}

/// Where an alias leads, with ways to the versions.
pub fn leads(lang: Lang, model: &str, target: &Target) -> Markup {
    let to = |version: &i64| {
        html! {
            a href={ "/models/" (model) "/versions/" (version) } { (lang.version_number(version)) }
        }
    };
    let total: i64 = target.weights.values().map(|share| i64::from(*share)).sum();
    html! {
        @if target.weights.is_empty() { (lang.nowhere()) }
        @for (at, (version, share)) in target.weights.iter().enumerate() {
            @if at > 0 { ", " }
            (to(version))
            @if target.weights.len() > 1 { " " (lang.share_of(percent(*share, total))) }
        }
        @if let Some(shadow) = &target.shadow {
            " " span.tag { (lang.shadow()) ": " (to(shadow)) }
        }
    }
}

/// The same in words alone.
pub fn plain(lang: Lang, target: &Target) -> String {
    let total: i64 = target.weights.values().map(|share| i64::from(*share)).sum();
    let shares = target.weights.iter().map(|(version, share)| {
        let version = lang.version_number(version);
        match target.weights.len() {
            1 => version,
            _ => format!("{version} {}", lang.share_of(percent(*share, total))),
        }
    });
    shares.collect::<Vec<_>>().join(", ")
}

/// With one digit behind the point, where that is not 0.
fn percent(share: i32, total: i64) -> String {
    let tenths = (i64::from(share) * 1_000).checked_div(total).unwrap_or(0);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole, rest) => format!("{whole}.{rest}"),
    }
}

/// Bytes, as people say them.
pub fn size(bytes: i64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

/// The same in the fields of the form that moves it: one version, or shares.
pub fn fields(target: &Target) -> [(&'static str, String); 3] {
    let shares = target.weights.iter();
    let (version, weights) = match target.weights.len() {
        1 => (
            shares.map(|(version, _)| version.to_string()).collect(),
            String::new(),
        ),
        _ => {
            let shares = shares.map(|(version, share)| format!("{version}={share}"));
            (String::new(), shares.collect::<Vec<_>>().join(", "))
        }
    };
    let shadow = target.shadow.map(|shadow| shadow.to_string());
    [
        ("version", version),
        ("weights", weights),
        ("shadow", shadow.unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_said_in_percent() {
        for (share, total, said) in [
            (1, 1, "100"),
            (1, 3, "33.3"),
            (90, 100, "90"),
            (1, 3_000, "0"),
        ] {
            assert_eq!(percent(share, total), said);
        }
    }

    #[test]
    fn a_target_fills_the_form_that_makes_it() {
        let of = |weights: &[(i64, i32)], shadow| {
            let weights = weights.iter().copied().collect();
            fields(&Target { weights, shadow }).map(|(_, value)| value)
        };
        assert_eq!(of(&[(3, 7)], None), ["3", "", ""]);
        assert_eq!(of(&[(3, 90), (4, 10)], Some(5)), ["", "3=90, 4=10", "5"]);
    }
}
