//! An alias: where it leads, every move that it has made, and removing it.

use axum::response::Response;
use maud::html;

use super::moving::back;
use super::timeline::{Timeline, again};
use super::{head, leads};
use crate::console::form::Form;
use crate::console::merge::text_of;
use crate::console::parts::{deletion, pager};
use crate::console::view::{Done, View, done};
use crate::http::answer::page::PageParams;
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::access::ModelAccess;
use crate::models::alias::{self, Alias, MoveSort, Target};
use crate::models::handlers::aliases::{AliasPath, delete_alias};
use crate::projects::access::{Owner, Role, Viewer};

pub async fn show(
    access: ModelAccess<Viewer>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<AliasPath>,
    page: PageParams<MoveSort>,
) -> ApiResult<Response> {
    let model = access.model;
    let (id, name, word) = (model.id, &model.name, &path.alias);
    let found = app.db.read(async |connection| {
        let now = Alias::find(connection, id, word).await?;
        let before = match &now {
            Some(now) => Alias::before(connection, id, word, now.number).await?,
            None => None,
        };
        let moves = alias::moves(connection, id, word, &page).await?;
        let mut moves = page.neighbours(moves);
        let rows = std::mem::take(&mut moves.rows);
        let has_moves = !rows.is_empty();
        let timeline = Timeline::of(connection, id, rows).await?;
        Ok((now, before, has_moves.then_some((timeline, moves))))
    });
    let (now, before, moves) = found.await?;
    let (timeline, moves) = moves.ok_or(ApiError::not_found("alias"))?;
    let lang = view.lang;
    let owns = model.role == Some(Role::Owner);
    let before = before.map(|before| before.target());
    let before = before.filter(|before| !before.weights.is_empty());
    let page = view.page(format!("{word} - {name}")).await;
    let page = page.api(format!("/api/v1/models/{name}/aliases/{word}/moves"));
    Ok(page.show(html! {
        (head(&view, &model))
        div.head {
            h2 { (lang.alias()) " " (word) }
            @if let (true, Some(now)) = (owns, &now) { span.row {
                @if let Some(before) = &before { (back(&view, name, now, before)) }
                a.button.small href=(again(name, word, &Target::default())) { (lang.move_alias()) }
            } }
        }
        ul.facts {
            @match &now {
                Some(now) => {
                    li { (lang.leads_to()) " " (leads(lang, name, &now.target())) }
                    li { (lang.member_since()) " " (view.at(now.moved_at)) }
                },
                None => li { span.tag { (lang.alias_removed()) } },
            }
        }
        h2 { (lang.history()) }
        (timeline.show(&view, name, owns, now.as_ref().map(|now| now.number)))
        (pager(&view, &moves))
        @if let (true, Some(now)) = (owns, &now) {
            (deletion(
                &view,
                &format!("/models/{name}/aliases/{word}/delete"),
                lang.remove_alias(),
                lang.remove_alias_why(),
                word,
                &text_of(now.number),
            ))
        }
    }))
}

pub async fn delete(
    access: ModelAccess<Owner>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    ValidPath(path): ValidPath<AliasPath>,
    form: Form,
) -> ApiResult<Response> {
    if form.get("name").trim() != path.alias {
        return Err(ApiError::new(Code::Conflict, view.lang.name_differs()));
    }
    let holds = form.conditions()?;
    delete_alias(who, app, actor, ValidPath(path), holds).await?;
    done(Done::Deleted, &format!("/models/{}", access.model.name))
}
