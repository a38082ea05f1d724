//! What a model is about, and deleting it.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::head;
use crate::console::form::{Fields, Form, is_shown, optional, parse};
use crate::console::merge::{
    Change, Draft, Field, Kept, Now, Outcome, Values, lately, opened, save, still_opened, text_of,
    value as value_of,
};
use crate::console::parts::{deletion, first};
use crate::console::view::{Done, View, done};
use crate::console::words::Lang;
use crate::events::model::Told;
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::access::ModelAccess;
use crate::models::alias;
use crate::models::handlers::models::{delete_model, update_model};
use crate::models::model::Model;
use crate::projects::access::{Editor, Owner, Role};

/// Aliases that keep a model.
const FEW: usize = 10;

fn fields(lang: Lang) -> [Field; 1] {
    [Field {
        name: "description",
        label: lang.description(),
        is_long: true,
    }]
}

fn values(model: &Model) -> Values {
    let description = model.description.clone().unwrap_or_default();
    vec![("description", description)]
}

pub async fn show(access: ModelAccess<Editor>, app: AppState, view: View) -> ApiResult<Response> {
    let model = access.model;
    let kept = values(&model);
    let hidden = opened(&kept, model.revision);
    page(
        &app,
        &view,
        &model,
        &hidden,
        value_of(&kept, "description"),
        None,
    )
    .await
}

async fn page(
    app: &AppState,
    view: &View,
    model: &Model,
    hidden: &Markup,
    description: &str,
    error: Option<&ApiError>,
) -> ApiResult<Response> {
    let (lang, name, id) = (view.lang, &model.name, model.id);
    let found = app
        .db
        .read(async |connection| alias::page(connection, id, &first(FEW)).await);
    let aliases = found.await?.parts(FEW).0;
    let aliases: Vec<&str> = aliases.iter().map(|alias| alias.name.as_str()).collect();
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let path = format!("/models/{name}");
    let page = view
        .page(format!("{} - {name}", lang.edit()))
        .await
        .status(status);
    Ok(page.api(format!("/api/v1{path}")).show(html! {
        (head(view, model))
        (fields.summary())
        form method="post" action={ (path) "/edit" } data-guard {
            (hidden)
            (fields.area("description", lang.description(), description, lang.markdown(), None))
            p.row { button.main { (lang.save()) } a.button href=(path) { (lang.cancel()) } }
        }
        @if model.role == Some(Role::Owner) {
            @if aliases.is_empty() {
                (deletion(
                    view,
                    &format!("{path}/delete"),
                    lang.delete_model(),
                    lang.delete_model_why(),
                    name,
                    &text_of(model.revision),
                ))
            } @else { (kept_by(lang, name, lang.delete_model(), &aliases)) }
        }
    }))
}

/// Why something is not deleted, with ways to the aliases that lead there.
pub fn kept_by(lang: Lang, model: &str, title: &str, aliases: &[&str]) -> Markup {
    html! {
        details.more open {
            summary { (title) " …" }
            div.note.warn {
                p { (lang.in_use()) }
                ul { @for alias in aliases {
                    li { a href={ "/models/" (model) "/aliases/" (alias) } { (alias) } }
                } }
            }
        }
    }
}

pub async fn submit(
    access: ModelAccess<Editor>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let fields = fields(view.lang);
    let draft = Draft::of(&form, &fields);
    let patch = Value::Object(draft.patch(|_name, text| optional(text)));
    let model = access.model;
    let path = format!("/models/{}", model.name);
    let action = format!("{path}/edit");
    let kept = OfModel {
        who,
        app: app.clone(),
        actor,
        name: model.name.clone(),
    };
    let saved = save(&kept, &draft, &view, &action, form.conditions()?, &patch).await?;
    match saved {
        Outcome::Saved(how) => done(how, &path),
        Outcome::Clash(page) => Ok(page),
        Outcome::Refused(error) => {
            let hidden = still_opened(&form, &fields);
            let typed = form.get("description");
            page(&app, &view, &model, &hidden, &typed, Some(&error)).await
        }
    }
}

/// A model that an editor changes.
struct OfModel {
    who: Signed,
    app: AppState,
    actor: Actor,
    name: String,
}

impl Kept for OfModel {
    fn app(&self) -> &AppState {
        &self.app
    }

    async fn now(&self) -> ApiResult<Now> {
        let (me, name) = (self.who.id, &self.name);
        let found = self
            .app
            .db
            .read_primary(async |connection| Model::find(connection, me, name).await)
            .await?;
        let model = found.ok_or(ApiError::not_found("model"))?;
        Ok(Now {
            values: values(&model),
            version: model.revision,
            changed: Change {
                at: model.updated_at,
                by: None,
                told: Some(Told {
                    action: "model.described",
                    target: model.project_id.0,
                    about: json!({ "model": model.id }),
                    since: lately(),
                }),
            },
        })
    }

    async fn save(&self, holds: Conditions, patch: &Value) -> ApiResult<()> {
        let (who, app, actor) = (self.who.clone(), self.app.clone(), self.actor.clone());
        let (path, patch) = (ValidPath(self.name.clone()), MergePatch(parse(patch)?));
        update_model(who, app, actor, path, holds, patch).await?;
        Ok(())
    }
}

pub async fn delete(
    access: ModelAccess<Owner>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let model = access.model;
    if form.get("name").trim() != model.name {
        return Err(ApiError::new(Code::Conflict, view.lang.name_differs()));
    }
    let (holds, path) = (form.conditions()?, ValidPath(model.name.clone()));
    match delete_model(who, app.clone(), actor, path, holds).await {
        Ok(_gone) => done(Done::Deleted, &format!("/projects/{}", model.project_id)),
        Err(error) if is_shown(&error) => {
            let kept = values(&model);
            let hidden = opened(&kept, model.revision);
            let description = value_of(&kept, "description");
            page(&app, &view, &model, &hidden, description, Some(&error)).await
        }
        Err(error) => Err(error),
    }
}
