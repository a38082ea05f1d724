//! The models that one may read.

use std::collections::HashMap;

use axum::response::Response;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use maud::{Markup, html};

use super::{kind, leads};
use crate::console::form::Asked;
use crate::console::inside::list;
use crate::console::markup::plain;
use crate::console::parts::{empty, pager};
use crate::console::view::View;
use crate::http::answer::page::PageParams;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::kernel::types::ModelId;
use crate::models::handlers::models::ModelFilter;
use crate::models::model::{Model, ModelSort};
use crate::models::overview::{Beside, beside};
use crate::models::serving::route::DEFAULT;

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    page: PageParams<ModelSort>,
    Asked(filter): Asked<ModelFilter>,
) -> ApiResult<Response> {
    let wanted = filter.wanted(who.id);
    let found = app.db.read(async |connection| {
        let found = wanted.page(connection, &page).await?;
        let found = page.neighbours(found);
        let shown = shown(connection, &found.rows).await?;
        Ok((found, shown))
    });
    let (found, beside) = found.await?;
    let lang = view.lang;
    let shown = html! {
        @if found.rows.is_empty() { (empty(&view, lang.no_models())) } @else {
            ul.cards data-rows { @for model in &found.rows { (card(&view, model, &beside)) } }
        }
        (pager(&view, &found))
    };
    Ok(list(&view, &kind(lang), &shown).await)
}

pub type Shown = HashMap<ModelId, Beside>;

/// What is shown beside these models.
pub async fn shown(connection: &mut AsyncPgConnection, models: &[Model]) -> QueryResult<Shown> {
    let ids: Vec<ModelId> = models.iter().map(|model| model.id).collect();
    let all = beside(connection, &ids, DEFAULT).await?;
    Ok(all.into_iter().map(|one| (one.model, one)).collect())
}

/// A model in a list.
pub fn card(view: &View, model: &Model, shown: &Shown) -> Markup {
    let (lang, name) = (view.lang, &model.name);
    let about = plain(model.description.as_deref().unwrap_or_default(), 200);
    let beside = shown.get(&model.id);
    html! {
        li {
            div.between {
                a.title data-row href={ "/models/" (name) } { (name) }
                span {
                    @match beside.and_then(|one| one.leads.as_ref()) {
                        Some(target) => {
                            (lang.alias_leads(DEFAULT)) " " (leads(lang, name, target))
                        },
                        None => span.tag { (lang.alias_leads_nowhere(DEFAULT)) },
                    }
                }
            }
            @if let Some(one) = beside {
                p { (lang.in_project()) " "
                    a href={ "/projects/" (model.project_id) } { (one.project) } }
            }
            @if !about.is_empty() { p { (about) } }
        }
    }
}
