//! Which answers of a model are kept, in which dataset, and what became of them.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use super::head;
use crate::console::form::{Fields, Form, Input, is_shown, object, parse};
use crate::console::merge::text_of;
use crate::console::parts::first;
use crate::console::view::{Done, View, decimal_of, done};
use crate::datasets::model::{Dataset, Wanted};
use crate::http::body::extract::ValidJson;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;
use crate::models::access::ModelAccess;
use crate::models::handlers::log::{delete_model_log, set_model_log};
use crate::models::log::PredictionLog;
use crate::models::model::Model;
use crate::projects::access::{Owner, Role, Viewer};

/// Datasets of the project that the form offers; others are for the API.
const FEW: usize = 100;

pub async fn show(access: ModelAccess<Viewer>, app: AppState, view: View) -> ApiResult<Response> {
    page(
        &app,
        &view,
        access.who,
        &access.model,
        &Form::default(),
        None,
    )
    .await
}

async fn page(
    app: &AppState,
    view: &View,
    me: PrincipalId,
    model: &Model,
    form: &Form,
    error: Option<&ApiError>,
) -> ApiResult<Response> {
    let (lang, name, id) = (view.lang, &model.name, model.id);
    let datasets = Wanted {
        me,
        project: Some(model.project_id),
        name: None,
        name_contains: None,
        tag: None,
    };
    let found = app.db.read_primary(async |connection| {
        let log = PredictionLog::find(connection, id).await?;
        let datasets = datasets.page(connection, &first(FEW)).await?.parts(FEW).0;
        Ok((log, datasets))
    });
    let (log, datasets) = found.await?;
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let path = format!("/models/{name}/log");
    let page = view.page(format!("{} - {name}", lang.kept_answers())).await;
    Ok(page
        .status(status)
        .api(format!("/api/v1{path}"))
        .show(html! {
            (head(view, model))
            (Fields { lang, error }.summary())
            h2 { (lang.kept_answers()) }
            @match &log {
                Some(log) => (kept(view, log, &datasets)),
                None => p.note { (lang.no_answers_kept()) },
            }
            @if model.role == Some(Role::Owner) {
                (choose(view, &path, log.as_ref(), &datasets, form, error))
            }
        }))
}

fn kept(view: &View, log: &PredictionLog, datasets: &[Dataset]) -> Markup {
    let lang = view.lang;
    let named = datasets.iter().find(|one| one.id == log.dataset);
    let named = named.map_or_else(|| log.dataset.to_string(), |one| one.name.clone());
    html! {
        p { (lang.share_is_kept(decimal_of(lang, log.share * 100.0))) " "
            a href={ "/datasets/" (log.dataset) } { (named) } }
        @if let Some(problem) = &log.problem {
            p.note.warn role="status" lang="en" { (problem) }
        }
        ul.facts {
            li { (lang.records(view.number(log.loaded))) }
            @if log.left_out > 0 { li { (lang.were_left_out(view.number(log.left_out))) } }
            li { (lang.member_since()) " " (view.at(log.set_at)) }
            @if let Some(at) = log.loaded_at { li { (lang.loaded_last()) " " (view.at(at)) } }
        }
    }
}

fn choose(
    view: &View,
    action: &str,
    log: Option<&PredictionLog>,
    datasets: &[Dataset],
    form: &Form,
    error: Option<&ApiError>,
) -> Markup {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let typed = |name: &str, now: Option<String>| match form.has(name) {
        true => form.get(name),
        false => now.unwrap_or_default(),
    };
    let chosen = typed("dataset", log.map(|log| log.dataset.to_string()));
    let share = typed("share", log.map(|log| log.share.to_string()));
    let ids: Vec<String> = datasets.iter().map(|one| one.id.to_string()).collect();
    let mut all: Vec<(&str, &str)> = ids
        .iter()
        .zip(datasets)
        .map(|(id, one)| (id.as_str(), one.name.as_str()))
        .collect();
    if !chosen.is_empty() && !ids.contains(&chosen) {
        all.push((&chosen, &chosen));
    }
    let etag = log.map(|log| text_of(log.revision)).unwrap_or_default();
    html! {
        h2 { (lang.keep_answers()) }
        @if all.is_empty() { p.hint { (lang.no_dataset_to_keep()) } } @else {
            form method="post" action=(action) {
                input type="hidden" name="etag" value=(etag);
                (fields.choice("dataset", lang.dataset(), &chosen, &all))
                (fields.input(&Input {
                    name: "share",
                    label: lang.share(),
                    value: &share,
                    hint: lang.share_hint(),
                    needed: true,
                    ..Input::default()
                }))
                p.row { button.main { (lang.save()) } }
            }
        }
        @if log.is_some() {
            form method="post" action=(action) {
                input type="hidden" name="etag" value=(etag);
                p.row {
                    button.danger name="do" value="stop" { (lang.keep_no_answers()) }
                    span.hint { (lang.keep_no_answers_why()) }
                }
            }
        }
    }
}

pub async fn submit(
    access: ModelAccess<Owner>,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let (me, model) = (access.who, access.model.clone());
    let here = format!("/models/{}/log", model.name);
    if form.does("stop") {
        delete_model_log(access, app, actor, form.conditions()?).await?;
        return done(Done::Ended, &here);
    }
    let share = form.get("share");
    let number = share.trim().parse::<f64>().ok();
    let share = number.map_or_else(|| Value::from(share), Value::from);
    let body = object([("dataset", form.text("dataset")), ("share", share)]);
    let set = async {
        let body = ValidJson(parse(&body)?);
        set_model_log(access, app.clone(), actor, form.conditions()?, body).await
    };
    match set.await {
        Ok(_log) => done(Done::Saved, &here),
        Err(error) if is_shown(&error) => page(&app, &view, me, &model, &form, Some(&error)).await,
        Err(error) => Err(error),
    }
}
