//! What a version says of itself: its card, its licence, its tags, what was measured of it.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::head;
use crate::console::datasets::settings::tags;
use crate::console::form::{Fields, Form, Input, optional, parse};
use crate::console::lineage::version_of_dataset;
use crate::console::merge::{
    Change, Draft, Field, Kept, Now, Outcome, Values, lately, opened, save, still_opened,
    value as value_of,
};
use crate::console::view::{View, done};
use crate::console::words::Lang;
use crate::events::model::Told;
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, ModelId, ProjectId};
use crate::models::access::ModelAccess;
use crate::models::handlers::versions::update_model_version;
use crate::models::handlers::{VersionPath, version};
use crate::models::lineage::trained_on as trained_on_by;
use crate::models::model::Model;
use crate::models::version::Version;
use crate::projects::access::Editor;

fn fields(lang: Lang) -> [Field; 5] {
    let field = |name, label, is_long| Field {
        name,
        label,
        is_long,
    };
    [
        field("description", lang.card(), true),
        field("licence", lang.licence(), false),
        field("tags", lang.tags(), false),
        field("metrics", lang.metrics(), true),
        field("trained_on", lang.learned_from(), true),
    ]
}

/// What a version says, and the versions of datasets that it was trained on.
fn values(version: &Version, trained_on: &[(DatasetId, i64)]) -> Values {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let tags: Vec<&str> = version.tags.iter().flatten().map(String::as_str).collect();
    let measured = version.metrics.0.iter();
    let measured: Vec<String> = measured
        .map(|(name, it)| format!("{name} = {it}"))
        .collect();
    let datasets = trained_on.iter();
    let datasets: Vec<String> = datasets
        .map(|(dataset, version)| version_of_dataset(*dataset, *version))
        .collect();
    vec![
        ("description", text(&version.description)),
        ("licence", text(&version.licence)),
        ("tags", tags.join(", ")),
        ("metrics", measured.join("\n")),
        ("trained_on", datasets.join("\n")),
    ]
}

fn json(name: &str, text: &str) -> Value {
    match name {
        "tags" => tags(text),
        "metrics" => metrics(text),
        "trained_on" => trained_on(text),
        _ => optional(text),
    }
}

/// A line each: the address of the page of a dataset's version, from wherever it was copied. What
/// is none goes to the API as it is, which refuses it with its reason.
fn trained_on(text: &str) -> Value {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let named = lines.map(|line| match version_at(line) {
        Some((dataset, version)) => json!({ "dataset": dataset, "version": version }),
        None => json!({ "dataset": line, "version": null }),
    });
    Value::Array(named.collect())
}

fn version_at(address: &str) -> Option<(DatasetId, i64)> {
    let (_, rest) = address.split_once("/datasets/")?;
    let (dataset, rest) = rest.split_at_checked(rest.find(['?', '/'])?)?;
    let (_, version) = rest
        .split_once("version=")
        .or(rest.split_once("/versions/"))?;
    let version = version.split(['&', '/', '#', '?']).next()?;
    Some((DatasetId(dataset.parse().ok()?), version.parse().ok()?))
}

/// A line each. What is no number stays a text, which the API refuses with its reason.
fn metrics(text: &str) -> Value {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let all = lines.map(|line| {
        let (name, value) = line.rsplit_once('=').unwrap_or((line, ""));
        let value = value.trim();
        let number = value.parse::<f64>().ok().filter(|it| it.is_finite());
        let value = number.map_or_else(|| Value::from(value), Value::from);
        (name.trim().to_owned(), value)
    });
    Value::Object(all.collect::<Map<_, _>>())
}

pub async fn show(
    access: ModelAccess<Editor>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
) -> ApiResult<Response> {
    let (me, model) = (access.who, access.model);
    let found = version(&app.db, model.id, path.version).await?;
    let of = (model.id, path.version);
    let datasets = app
        .db
        .read(async |connection| trained_on_by(connection, me, of).await)
        .await?;
    let kept = values(&found, &datasets);
    let value = |name: &str| value_of(&kept, name).to_owned();
    let hidden = opened(&kept, found.revision);
    Ok(page(&view, &model, path.version, &hidden, &value, None).await)
}

async fn page(
    view: &View,
    model: &Model,
    number: i64,
    hidden: &Markup,
    value: &(dyn Fn(&str) -> String + Sync),
    error: Option<&ApiError>,
) -> Response {
    let (lang, name) = (view.lang, &model.name);
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let path = format!("/models/{name}/versions/{number}");
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
    let title = lang.version_of(number, name);
    let page = view
        .page(format!("{} - {title}", lang.edit()))
        .await
        .status(status);
    page.api(format!("/api/v1{path}")).show(html! {
        (head(view, model))
        h2 { a href=(path) { (lang.version_number(number)) } }
        (fields.summary())
        form method="post" action={ (path) "/edit" } data-guard {
            (hidden)
            (fields.area("description", lang.card(), &value("description"), lang.markdown(), None))
            (input("licence", lang.licence(), ""))
            (input("tags", lang.tags(), lang.tags_hint()))
            (fields.area("metrics", lang.metrics(), &value("metrics"), lang.metrics_hint(), None))
            (fields.area("trained_on", lang.learned_from(), &value("trained_on"), lang.learned_from_hint(), None))
            p.row { button.main { (lang.save()) } a.button href=(path) { (lang.cancel()) } }
        }
    })
}

pub async fn submit(
    access: ModelAccess<Editor>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
    form: Form,
) -> ApiResult<Response> {
    let fields = fields(view.lang);
    let draft = Draft::of(&form, &fields);
    let patch = Value::Object(draft.patch(json));
    let (model, number) = (access.model, path.version);
    let place = format!("/models/{}/versions/{number}", model.name);
    let action = format!("{place}/edit");
    let kept = OfVersion {
        who,
        app,
        actor,
        project: model.project_id,
        model: model.id,
        name: model.name.clone(),
        number,
    };
    let saved = save(&kept, &draft, &view, &action, form.conditions()?, &patch).await?;
    Ok(match saved {
        Outcome::Saved(how) => done(how, &place)?,
        Outcome::Clash(page) => page,
        Outcome::Refused(error) => {
            let value = |name: &str| form.get(name);
            let hidden = still_opened(&form, &fields);
            page(&view, &model, number, &hidden, &value, Some(&error)).await
        }
    })
}

/// A version that an editor describes.
struct OfVersion {
    who: Signed,
    app: AppState,
    actor: Actor,
    project: ProjectId,
    model: ModelId,
    name: String,
    number: i64,
}

impl Kept for OfVersion {
    fn app(&self) -> &AppState {
        &self.app
    }

    async fn now(&self) -> ApiResult<Now> {
        let (me, model, number) = (self.who.id, self.model, self.number);
        let found = self
            .app
            .db
            .read_primary(async |connection| {
                let version = Version::find(connection, model, number).await?;
                let datasets = trained_on_by(connection, me, (model, number)).await?;
                Ok(version.map(|version| (version, datasets)))
            })
            .await?;
        let (version, datasets) = found.ok_or(ApiError::not_found("version"))?;
        Ok(Now {
            values: values(&version, &datasets),
            version: version.revision,
            changed: Change {
                at: version.created_at,
                by: None,
                told: Some(Told {
                    action: "model_version.described",
                    target: self.project.0,
                    about: json!({ "model": model, "version": number }),
                    since: lately(),
                }),
            },
        })
    }

    async fn save(&self, holds: Conditions, patch: &Value) -> ApiResult<()> {
        let (who, app, actor) = (self.who.clone(), self.app.clone(), self.actor.clone());
        let path = ValidPath(VersionPath {
            name: self.name.clone(),
            version: self.number,
        });
        let patch = MergePatch(parse(patch)?);
        update_model_version(who, app, actor, path, holds, patch).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_a_dataset_is_known_by_its_address() {
        let id = "01a231d2-1f85-7097-a34f-7975fa14caf1";
        let known = |address: &str| {
            version_at(address).map(|(dataset, version)| (dataset.0.to_string(), version))
        };
        for address in [
            format!("/datasets/{id}?version=3"),
            format!("https://chartroom.example.com/datasets/{id}?sort=a&version=3&limit=2#main"),
            format!("/api/v1/datasets/{id}/versions/3/data.parquet"),
        ] {
            assert_eq!(known(&address), Some((id.to_owned(), 3)), "{address}");
        }
        for address in [
            id.to_owned(),
            format!("/datasets/{id}"),
            format!("/datasets/{id}?version=three"),
            "/datasets/income?version=3".to_owned(),
        ] {
            assert_eq!(known(&address), None, "{address}");
        }
    }
}
