//! The golden test of a version: what it is asked, and what it has to answer.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use super::head;
use crate::console::form::{Fields, Form, Input, is_shown, object, parse};
use crate::console::merge::text_of;
use crate::console::view::{Done, View, done};
use crate::http::body::extract::{ValidJson, ValidPath};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::access::ModelAccess;
use crate::models::handlers::golden::{delete_model_golden, set_model_golden};
use crate::models::handlers::{VersionPath, version};
use crate::models::model::Model;
use crate::models::serving::Models;
use crate::models::version::{GoldenState, Version, with_goldens};
use crate::projects::access::{Editor, Role, Viewer};

/// What the form has, of the test that there is or as it was typed.
struct Typed {
    inputs: String,
    outputs: String,
    tolerance: String,
}

impl Typed {
    fn of(form: &Form) -> Self {
        let [inputs, outputs, tolerance] =
            ["inputs", "outputs", "tolerance"].map(|it| form.get(it));
        Self {
            inputs,
            outputs,
            tolerance,
        }
    }

    /// What is no JSON goes on as a text, which the API refuses with its reason.
    fn json(&self) -> Value {
        let json = |text: &str| match serde_json::from_str(text) {
            Ok(value) => value,
            Err(_no_json) => Value::String(text.to_owned()),
        };
        let (inputs, outputs) = (json(&self.inputs), json(&self.outputs));
        match self.tolerance.trim() {
            "" => object([("inputs", inputs), ("outputs", outputs)]),
            some => object([
                ("inputs", inputs),
                ("outputs", outputs),
                ("tolerance", json(some)),
            ]),
        }
    }
}

pub async fn show(
    access: ModelAccess<Viewer>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
) -> ApiResult<Response> {
    let (model, number) = (access.model, path.version);
    let found = version(&app.db, model.id, number).await?;
    let id = model.id;
    let golden = app
        .db
        .read(async |connection| with_goldens(connection, id, &[number]).await)
        .await?;
    let golden = golden.into_iter().next().and_then(|(_, golden)| golden);
    let golden = golden.map(serde_json::to_value);
    let golden = golden.transpose().map_err(ApiError::internal)?;
    let text = |member: &str| {
        let value = golden.as_ref().and_then(|golden| golden.get(member));
        value.map(Value::to_string).unwrap_or_default()
    };
    let typed = Typed {
        inputs: text("inputs"),
        outputs: text("outputs"),
        tolerance: text("tolerance"),
    };
    Ok(page(&view, &model, &found, &typed, None).await)
}

async fn page(
    view: &View,
    model: &Model,
    version: &Version,
    typed: &Typed,
    error: Option<&ApiError>,
) -> Response {
    let (lang, name, number) = (view.lang, &model.name, version.version);
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let path = format!("/models/{name}/versions/{number}");
    let page = view
        .page(format!(
            "{} - {}",
            lang.golden_test(),
            lang.version_of(number, name)
        ))
        .await;
    let page = page.status(status).api(format!("/api/v1{path}/golden"));
    page.show(html! {
        (head(view, model))
        h2 { a href=(path) { (lang.version_number(number)) } }
        (Fields { lang, error }.summary())
        h3 { (lang.golden_test()) }
        p.hint { (lang.golden_hint()) }
        (verdict(view, version))
        @if model.role >= Some(Role::Editor) {
            (form(view, &format!("{path}/golden"), version, typed, error))
        } @else if version.golden_state.is_some() {
            h4 { (lang.inputs()) }
            pre tabindex="0" { code { (typed.inputs) } }
            h4 { (lang.outputs()) }
            pre tabindex="0" { code { (typed.outputs) } }
        }
    })
}

fn verdict(view: &View, version: &Version) -> Markup {
    let lang = view.lang;
    html! {
        @match version.golden_state {
            Some(GoldenState::Passed) => p.note.good { (lang.golden_passed()) },
            Some(GoldenState::Failed) => div.note.bad {
                p { (lang.golden_failed()) }
                p lang="en" { (version.golden_problem.as_deref().unwrap_or_default()) }
            },
            None => p.note { (lang.no_golden()) },
        }
    }
}

fn form(
    view: &View,
    action: &str,
    version: &Version,
    typed: &Typed,
    error: Option<&ApiError>,
) -> Markup {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let etag = text_of(version.revision);
    html! {
        form method="post" action=(action) data-guard {
            input type="hidden" name="etag" value=(etag);
            (fields.area("inputs", lang.inputs(), &typed.inputs, lang.golden_inputs_hint(), None))
            (fields.area("outputs", lang.outputs(), &typed.outputs, lang.golden_outputs_hint(), None))
            (fields.input(&Input {
                name: "tolerance",
                label: lang.tolerance(),
                value: &typed.tolerance,
                hint: lang.tolerance_hint(),
                ..Input::default()
            }))
            p.row { button.main name="do" value="set" { (lang.save_and_test()) } }
        }
        @if version.golden_state.is_some() {
            form method="post" action=(action) {
                input type="hidden" name="etag" value=(etag);
                p.row { button.danger name="do" value="remove" { (lang.remove_golden()) } }
            }
        }
    }
}

pub async fn submit(
    access: ModelAccess<Editor>,
    app: AppState,
    models: Models,
    actor: Actor,
    view: View,
    ValidPath(path): ValidPath<VersionPath>,
    form: Form,
) -> ApiResult<Response> {
    let (model, number) = (access.model.clone(), path.version);
    let place = format!("/models/{}/versions/{number}", model.name);
    if form.does("remove") {
        let (path, holds) = (ValidPath(path), form.conditions()?);
        delete_model_golden(access, app, actor, path, holds).await?;
        return done(Done::Deleted, &place);
    }
    let typed = Typed::of(&form);
    // Comes filled from the page that tries a model, and is looked at before it is kept.
    let refused = if form.does("set") {
        let set = async {
            let (holds, body) = (form.conditions()?, ValidJson(parse(&typed.json())?));
            let path = ValidPath(path);
            set_model_golden(access, app.clone(), models, actor, path, holds, body).await
        };
        match set.await {
            Ok(_version) => return done(Done::Saved, &format!("{place}/golden")),
            Err(error) if is_shown(&error) || error.code == Code::InvalidInput => Some(error),
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    let found = version(&app.db, model.id, number).await?;
    Ok(page(&view, &model, &found, &typed, refused.as_ref()).await)
}
