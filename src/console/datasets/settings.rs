//! What a dataset says of itself, and deleting it.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::head;
use crate::console::form::{Fields, Form, Input, optional, parse};
use crate::console::merge::{
    Change, Draft, Field, Kept, Now, Outcome, Values, lately, opened, save, still_opened, text_of,
    value as value_of,
};
use crate::console::parts::deletion;
use crate::console::view::{Done, View, done};
use crate::console::words::Lang;
use crate::datasets::access::DatasetAccess;
use crate::datasets::handlers::datasets::delete_dataset;
use crate::datasets::handlers::update::update_dataset;
use crate::datasets::model::Dataset;
use crate::events::model::Told;
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::DatasetId;
use crate::projects::access::{Editor, Owner, Role};

/// Members of the card; the others are the dataset's own.
const OF_CARD: [&str; 4] = ["licence", "source", "contact", "tags"];

fn fields(lang: Lang) -> [Field; 6] {
    let field = |name, label, is_long| Field {
        name,
        label,
        is_long,
    };
    [
        field("name", lang.name(), false),
        field("description", lang.description(), true),
        field("licence", lang.licence(), false),
        field("source", lang.source(), false),
        field("contact", lang.contact(), false),
        field("tags", lang.tags(), false),
    ]
}

fn values(dataset: &Dataset) -> Values {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let card = &dataset.card;
    vec![
        ("name", dataset.name.clone()),
        ("description", text(&dataset.description)),
        ("licence", text(&card.licence)),
        ("source", text(&card.source)),
        ("contact", text(&card.contact)),
        ("tags", card.tags.join(", ")),
    ]
}

/// A field as the API takes it.
fn json(name: &str, text: &str) -> Value {
    match name {
        "name" => Value::String(text.to_owned()),
        "tags" => tags(text),
        _ => optional(text),
    }
}

/// What stands between commas.
pub fn tags(text: &str) -> Value {
    let all = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    Value::Array(all.map(|tag| Value::String(tag.to_owned())).collect())
}

/// With the members of the card where the API has them.
fn patch_of(draft: &Draft) -> Value {
    let (card, mut own): (Map<_, _>, Map<_, _>) = draft
        .patch(json)
        .into_iter()
        .partition(|(name, _)| OF_CARD.contains(&&**name));
    if !card.is_empty() {
        own.insert("card".to_owned(), Value::Object(card));
    }
    Value::Object(own)
}

pub async fn show(access: DatasetAccess<Editor>, view: View) -> Response {
    let dataset = access.dataset;
    let kept = values(&dataset);
    let value = |name: &str| value_of(&kept, name).to_owned();
    let hidden = opened(&kept, dataset.revision);
    page(&view, &dataset, &hidden, &value, None).await
}

async fn page(
    view: &View,
    dataset: &Dataset,
    hidden: &Markup,
    value: &(dyn Fn(&str) -> String + Sync),
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let page = view
        .page(format!("{} - {}", lang.edit(), dataset.name))
        .await
        .status(status);
    let path = format!("/datasets/{}", dataset.id);
    let input = |name, label, hint| {
        let value = value(name);
        fields.input(&Input {
            name,
            label,
            hint,
            value: &value,
            ..Input::default()
        })
    };
    page.api(format!("/api/v1{path}")).show(html! {
        (head(view, dataset))
        (fields.summary())
        form method="post" action={ (path) "/settings" } data-guard {
            (hidden)
            (input("name", lang.name(), ""))
            (fields.area("description", lang.description(), &value("description"), lang.markdown(), None))
            (input("licence", lang.licence(), ""))
            (input("source", lang.source(), ""))
            (input("contact", lang.contact(), ""))
            (input("tags", lang.tags(), lang.tags_hint()))
            p.row { button.main { (lang.save()) } a.button href=(path) { (lang.cancel()) } }
        }
        @if dataset.role == Some(Role::Owner) {
            (deletion(
                view,
                &format!("{path}/delete"),
                lang.delete_dataset(),
                lang.delete_dataset_why(),
                &dataset.name,
                &text_of(dataset.revision),
            ))
        }
    })
}

pub async fn submit(
    access: DatasetAccess<Editor>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let fields = fields(view.lang);
    let draft = Draft::of(&form, &fields);
    let patch = patch_of(&draft);
    let dataset = access.dataset;
    let path = format!("/datasets/{}", dataset.id);
    let action = format!("{path}/settings");
    let kept = OfDataset {
        who,
        app,
        actor,
        id: dataset.id,
    };
    let saved = save(&kept, &draft, &view, &action, form.conditions()?, &patch).await?;
    Ok(match saved {
        Outcome::Saved(how) => done(how, &path)?,
        Outcome::Clash(page) => page,
        Outcome::Refused(mut error) => {
            for one in &mut error.errors {
                // The form has the fields of the card beside the others.
                one.pointer = one.pointer.replacen("/card/", "/", 1);
            }
            let value = |name: &str| form.get(name);
            let hidden = still_opened(&form, &fields);
            page(&view, &dataset, &hidden, &value, Some(&error)).await
        }
    })
}

/// A dataset that an editor changes.
struct OfDataset {
    who: Signed,
    app: AppState,
    actor: Actor,
    id: DatasetId,
}

impl Kept for OfDataset {
    fn app(&self) -> &AppState {
        &self.app
    }

    async fn now(&self) -> ApiResult<Now> {
        let (me, id) = (self.who.id, self.id);
        let found = self
            .app
            .db
            .read_primary(async |connection| Dataset::find(connection, me, id).await)
            .await?;
        let dataset = found.ok_or(ApiError::not_found("dataset"))?;
        Ok(Now {
            values: values(&dataset),
            version: dataset.revision,
            changed: Change {
                at: dataset.updated_at,
                by: None,
                told: Some(Told {
                    action: "dataset.described",
                    target: dataset.project_id.0,
                    about: json!({ "dataset": dataset.id }),
                    since: lately(),
                }),
            },
        })
    }

    async fn save(&self, holds: Conditions, patch: &Value) -> ApiResult<()> {
        let (who, app, actor) = (self.who.clone(), self.app.clone(), self.actor.clone());
        let patch = MergePatch(parse(patch)?);
        update_dataset(who, app, actor, ValidPath(self.id), holds, patch).await?;
        Ok(())
    }
}

pub async fn delete(
    access: DatasetAccess<Owner>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    if form.get("name").trim() != dataset.name {
        return Err(ApiError::new(Code::Conflict, view.lang.name_differs()));
    }
    let holds = form.conditions()?;
    delete_dataset(who, app, actor, ValidPath(dataset.id), holds).await?;
    done(Done::Deleted, &format!("/projects/{}", dataset.project_id))
}
