//! A model: what it is about, where its aliases lead and led, and its versions.

use axum::response::Response;
use maud::{Markup, html};

use super::moving::back;
use super::timeline::{Timeline, again};
use super::{head, leads, size, state};
use crate::console::markup::markdown;
use crate::console::parts::{first, pager};
use crate::console::view::{View, decimal_of, number_of};
use crate::console::words::Lang;
use crate::http::answer::page::PageParams;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::models::access::ModelAccess;
use crate::models::alias::{self, Alias, Target};
use crate::models::model::Model;
use crate::models::serving::Models;
use crate::models::serving::route::DEFAULT;
use crate::models::serving::stats::{Stats, Times};
use crate::models::version::{self, ModelVersionSort, Version, VersionState};
use crate::projects::access::{Role, Viewer};

/// A model with more aliases shows the first of them.
const ALIASES: usize = 100;
/// Moves of the alias that is asked most.
const FEW: usize = 5;

pub async fn show(
    access: ModelAccess<Viewer>,
    app: AppState,
    models: Models,
    view: View,
    page: PageParams<ModelVersionSort>,
) -> ApiResult<Response> {
    let model = access.model;
    let id = model.id;
    let found = app.db.read(async |connection| {
        let versions = version::page(connection, id, None, &page).await?;
        let aliases = alias::page(connection, id, &first(ALIASES)).await?;
        let aliases = aliases.parts(ALIASES).0;
        let usual = aliases.iter().find(|alias| alias.name == DEFAULT);
        let moves = match usual.or(aliases.first()) {
            Some(alias) => {
                let moves = alias::moves(connection, id, &alias.name, &first(FEW)).await?;
                moves.parts(FEW).0
            }
            None => Vec::new(),
        };
        let newest = moves.first().cloned();
        let timeline = Timeline::of(connection, id, moves).await?;
        Ok((versions, aliases, newest, timeline))
    });
    let (versions, aliases, newest, timeline) = found.await?;
    let versions = page.neighbours(versions);
    let (lang, name) = (view.lang, &model.name);
    let owns = model.role == Some(Role::Owner);
    let path = format!("/api/v1/models/{name}");
    let mut page = view
        .page(name)
        .await
        .api(&path)
        .api(format!("{path}/versions"))
        .api(format!("{path}/aliases"))
        .api(format!("{path}/stats"));
    if let Some(newest) = &newest {
        let alias = &newest.name;
        page = page.api(format!("{path}/aliases/{alias}/moves?limit={FEW}"));
    }
    Ok(page.show(html! {
        (head(&view, &model))
        @match &model.description {
            Some(text) if !text.is_empty() => (markdown(text)),
            _ => p.hint { (lang.no_description()) },
        }
        (asked(lang, &models.0.stats(name)))
        div.head { h2 { (lang.aliases()) }
            @if owns {
                a.button.small href={ "/models/" (name) "/move" } { (lang.move_an_alias()) }
            }
        }
        @if aliases.is_empty() { p.hint { (lang.no_aliases()) } } @else {
            (table(&view, &model, &aliases))
        }
        @if let Some(newest) = &newest {
            div.head { h2 { (lang.history_of(&newest.name)) }
                @if owns && let Some(before) = timeline.before() {
                    (back(&view, name, newest, before))
                }
            }
            (timeline.show(&view, name, owns, Some(newest.number)))
            p {
                a href={ "/models/" (name) "/aliases/" (newest.name) } { (lang.whole_history()) }
            }
        }
        div.head { h2 { (lang.versions()) }
            @if model.role >= Some(Role::Editor) {
                a.button.small href={ "/models/" (name) "/upload" } { (lang.upload_version()) }
            }
        }
        @if versions.rows.is_empty() { p.note { (lang.no_versions()) } } @else {
            (list(&view, &model, &versions.rows))
        }
        (pager(&view, &versions))
    }))
}

/// What this process knows of the questions, once there were any.
fn asked(lang: Lang, stats: &Stats) -> Markup {
    let count = |count: u64| number_of(lang, i64::try_from(count).unwrap_or(i64::MAX));
    let (answered, others) = stats.questions();
    let said = |times: &Times, say: fn(Lang, String, String) -> String| {
        let ms = |seconds: f64| decimal_of(lang, seconds * 1_000.0);
        let both = times.p50.zip(times.p99);
        both.map(|(half, most)| say(lang, ms(half), ms(most)))
    };
    html! {
        @if answered + others > 0 {
            p.hint { (lang.since_start()) }
            ul.facts {
                li { (lang.answered(count(answered))) }
                @if others > 0 { li { (lang.not_answered(count(others))) } }
                @for times in [
                    said(&stats.inference_seconds, Lang::in_the_model),
                    said(&stats.queue_seconds, Lang::waiting_before),
                ].into_iter().flatten() { li { (times) } }
            }
        }
    }
}

fn table(view: &View, model: &Model, aliases: &[Alias]) -> Markup {
    let (lang, name) = (view.lang, &model.name);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.aliases()) { table {
            thead { tr {
                th scope="col" { (lang.alias()) }
                th scope="col" { (lang.leads_to()) }
                th scope="col" { (lang.member_since()) }
                th scope="col" { (lang.move_reason()) }
            } }
            tbody { @for alias in aliases { tr {
                td { a href={ "/models/" (name) "/aliases/" (alias.name) } { (alias.name) } }
                td { (leads(lang, name, &alias.target())) }
                td { (view.at(alias.moved_at)) }
                td.text { (alias.reason.as_deref().unwrap_or_default()) }
            } } }
        } }
    }
}

fn list(view: &View, model: &Model, versions: &[Version]) -> Markup {
    let (lang, name) = (view.lang, &model.name);
    let owns = model.role == Some(Role::Owner);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.versions()) { table {
            thead { tr {
                th.number scope="col" { (lang.version()) }
                th scope="col" { (lang.state()) }
                th scope="col" { (lang.created()) }
                th.number scope="col" { (lang.size()) }
                th scope="col" { (lang.digest()) }
                th scope="col" { (lang.notes()) }
                @if owns { th scope="col" { span.hidden-text { (lang.actions()) } } }
            } }
            tbody data-rows { @for one in versions { tr {
                td.number {
                    a data-row href={ "/models/" (name) "/versions/" (one.version) } {
                        (one.version)
                    }
                }
                td { (state(lang, one.state)) }
                td { (view.at(one.created_at)) }
                td.number { (size(one.size)) }
                td { code { (one.digest().chars().take(12).collect::<String>()) "…" } }
                td.text lang="en" { (one.problem.as_deref().unwrap_or_default())
                    @if let Some(signature) = &one.signature {
                        @for note in &signature.0.notes { (note) " " }
                    }
                }
                @if owns { td { @if one.state == VersionState::Ready {
                    a href=(again(name, DEFAULT, &Target::of(one.version))) {
                        (lang.lead_here(DEFAULT))
                        span.hidden-text { ", " (lang.version_number(one.version)) }
                    }
                } } }
            } } }
        } }
    }
}
