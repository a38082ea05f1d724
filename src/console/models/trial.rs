//! Trying a model: a form made of what it takes, and what it answers, as a program is answered.

use std::sync::Arc;
use std::time::Instant;

use axum::body::to_bytes;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::difference::kind;
use super::head;
use super::snippets::Asked;
use super::typed::{Given, given};
use crate::console::datasets::cell::text;
use crate::console::form::{Fields, Form, select};
use crate::console::parts::{copy, first, given as parameter};
use crate::console::view::View;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code, FieldError};
use crate::models::access::ModelAccess;
use crate::models::alias;
use crate::models::model::Model;
use crate::models::oip::{examine, infer};
use crate::models::serving::Models;
use crate::models::serving::route::{DEFAULT, Route};
use crate::models::signature::Signature;
use crate::models::version::{self, VersionState};
use crate::projects::access::{Role, Viewer};

/// What can be asked: so many aliases, and as many of the newest versions.
const WORDS: usize = 50;
/// Rows of an answer, and values of one of them.
const ROWS: usize = 100;
const VALUES: usize = 50;

pub async fn show(
    access: ModelAccess<Viewer>,
    app: AppState,
    models: Models,
    view: View,
) -> ApiResult<Response> {
    let words = words(&app, &access.model).await?;
    let asked = parameter(&view.frame.uri, "version");
    let usual = words.iter().find(|word| *word == DEFAULT).or(words.first());
    let word = match (asked.as_str(), usual) {
        ("", Some(usual)) => usual.clone(),
        _ => asked,
    };
    let route = match word.as_str() {
        "" => None,
        word => Some(
            models
                .0
                .routes
                .find(&app.db, access.who, &access.model.name, word)
                .await,
        ),
    };
    let trial = Trial {
        view: &view,
        model: &access.model,
        words: &words,
        word: &word,
        is_off: app.models.is_off(),
    };
    Ok(match route {
        None => {
            trial
                .page(
                    StatusCode::OK,
                    None,
                    &html! { p.note { (view.lang.nothing_to_try()) } },
                )
                .await
        }
        Some(Ok(route)) => trial.form(&route, &Form::default(), None).await,
        Some(Err(error)) if error.code.status().is_server_error() => return Err(error),
        Some(Err(error)) => {
            trial
                .page(error.code.status(), Some(&error), &html! {})
                .await
        }
    })
}

/// By what the model can be asked: its aliases, then its versions.
async fn words(app: &AppState, model: &Model) -> ApiResult<Vec<String>> {
    let (id, ready) = (model.id, Some(VersionState::Ready));
    let found = app
        .db
        .read(async |connection| {
            let aliases = alias::page(connection, id, &first(WORDS)).await?;
            let versions = version::page(connection, id, ready, &first(WORDS)).await?;
            let aliases = aliases.parts(WORDS).0.into_iter().map(|alias| alias.name);
            let versions = versions.parts(WORDS).0.into_iter();
            Ok(aliases
                .chain(versions.map(|one| one.version.to_string()))
                .collect())
        })
        .await?;
    Ok(found)
}

pub async fn submit(
    access: ModelAccess<Viewer>,
    app: AppState,
    models: Models,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let (model, typed) = (access.model, form.get("version"));
    // As who names no version is answered by the API.
    let word = if typed.is_empty() {
        DEFAULT.to_owned()
    } else {
        typed
    };
    let words = words(&app, &model).await?;
    let trial = Trial {
        view: &view,
        model: &model,
        words: &words,
        word: &word,
        is_off: app.models.is_off(),
    };
    let route = models
        .0
        .routes
        .find(&app.db, access.who, &model.name, &word)
        .await;
    let route = match route {
        Err(error) if error.code == Code::NotFound => {
            return Ok(trial
                .page(error.code.status(), Some(&error), &html! {})
                .await);
        }
        route => route?,
    };
    match trial.ask(&models, &route, &form).await {
        Ok(answer) => Ok(trial.form(&route, &form, Some(Ok(answer))).await),
        Err(error) if error.code == Code::Internal => Err(error),
        Err(error) => Ok(trial.form(&route, &form, Some(Err(error))).await),
    }
}

#[derive(Serialize)]
struct Question<'a> {
    inputs: &'a [Given<'a>],
}

/// What the model has answered, as its API says it.
#[derive(Deserialize)]
struct Answer {
    model_version: String,
    outputs: Vec<Output>,
}

#[derive(Deserialize, Serialize)]
struct Output {
    name: String,
    datatype: String,
    shape: Vec<u64>,
    data: Vec<Value>,
}

/// The page of one who tries.
struct Trial<'a> {
    view: &'a View,
    model: &'a Model,
    words: &'a [String],
    word: &'a str,
    is_off: bool,
}

impl Trial<'_> {
    async fn ask(&self, models: &Models, route: &Arc<Route>, form: &Form) -> ApiResult<Markup> {
        let inputs = &takes(route)?.inputs;
        let (mut all, mut wrong) = (Vec::new(), Vec::new());
        for (at, tensor) in inputs.iter().enumerate() {
            let typed = given(tensor, &form.get(&field(at)));
            let detail = match typed {
                Ok(given) => {
                    let json = serde_json::to_vec(&given).map_err(ApiError::internal)?;
                    all.push(given);
                    examine(&json, tensor)
                        .err()
                        .map(|error| error.detail.into_owned())
                }
                Err(wrong) => Some(format!("inputs: {} {wrong}", tensor.name)),
            };
            wrong.extend(detail.map(|detail| at_field(at, detail)));
        }
        if !wrong.is_empty() {
            return Err(invalid(wrong));
        }
        let question = Question { inputs: &all };
        let question = serde_json::to_string(&question).map_err(ApiError::internal)?;
        let body = Bytes::from(question.clone());
        let began = Instant::now();
        let answer = infer(models, &self.model.name, route, &HeaderMap::new(), &body).await;
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        let answer = answer.map_err(|error| {
            // Versions that share an alias may take something else than the form was made of.
            let place = inputs.iter().position(|tensor| {
                error
                    .detail
                    .starts_with(&format!("inputs: {} ", tensor.name))
            });
            match place {
                Some(at) => invalid(vec![at_field(at, error.detail.into_owned())]),
                None => error,
            }
        })?;
        let answer = to_bytes(answer.into_body(), usize::MAX).await;
        let answer = answer.map_err(ApiError::internal)?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(ApiError::internal)?;
        let lang = self.view.lang;
        Ok(html! {
            h2 #answer { (lang.answer()) }
            p.note.good role="status" tabindex="-1" data-focus {
                (lang.answered_by(&answer.model_version, format!("{took:.1}")))
            }
            (self.table(&answer.outputs))
            (self.golden(&answer, &all))
            (self.snippets(&question, &all))
        })
    }

    /// A row for each of the question, where all outputs have as many; else all in one.
    fn table(&self, outputs: &[Output]) -> Markup {
        let lang = self.view.lang;
        let mut lengths = outputs.iter().map(|output| output.shape.first().copied());
        let first = lengths.next().flatten();
        let rows = first.filter(|first| lengths.all(|length| length == Some(*first)));
        let rows = rows
            .and_then(|rows| usize::try_from(rows).ok())
            .unwrap_or(1);
        html! {
            div.scroll tabindex="0" role="region" aria-label=(lang.answer()) { table {
                thead { tr {
                    th scope="col" { (lang.row()) }
                    @for output in outputs {
                        th.number[is_number(output, rows)] scope="col" {
                            (output.name)
                            small { (output.datatype) " " (format!("{:?}", output.shape)) }
                        }
                    }
                } }
                tbody { @for row in 0..rows.min(ROWS) { tr {
                    th scope="row" { (row + 1) }
                    @for output in outputs {
                        @let each = output.data.len().checked_div(rows).unwrap_or(0);
                        @let from = each.saturating_mul(row);
                        @let values = output.data.get(from..from.saturating_add(each));
                        (cell(values.unwrap_or_default(), is_number(output, rows)))
                    }
                } } }
            } }
            @if rows > ROWS { p.hint { (lang.first_rows(ROWS, rows)) } }
        }
    }

    /// The way to keep the question and this answer as a test.
    fn golden(&self, answer: &Answer, inputs: &[Given<'_>]) -> Markup {
        let (lang, version) = (self.view.lang, &answer.model_version);
        let json = |it: serde_json::Result<String>| it.unwrap_or_default();
        let inputs: Vec<Given<'_>> = inputs.iter().map(Given::flat).collect();
        html! {
            @if self.model.role >= Some(Role::Editor) {
                form method="post"
                    action={ "/models/" (self.model.name) "/versions/" (version) "/golden" } {
                    input type="hidden" name="inputs" value=(json(serde_json::to_string(&inputs)));
                    input type="hidden" name="outputs"
                        value=(json(serde_json::to_string(&answer.outputs)));
                    button.small { (lang.make_golden(version)) }
                }
            }
        }
    }

    fn snippets(&self, question: &str, inputs: &[Given<'_>]) -> Markup {
        let lang = self.view.lang;
        let asked = Asked {
            public_url: &self.view.public_url,
            model: &self.model.name,
            word: self.word,
        };
        let one = |id: &str, name: &str, text: &str| {
            html! {
                h3 { (name) }
                pre tabindex="0" { code #(id) { (text) } }
                (copy(lang, id))
            }
        };
        html! {
            h2 { (lang.from_a_program()) }
            (one("curl", "curl", &asked.curl(question)))
            (one("python", "Python, tritonclient", &asked.python(inputs)))
        }
    }

    async fn form(
        &self,
        route: &Arc<Route>,
        form: &Form,
        outcome: Option<ApiResult<Markup>>,
    ) -> Response {
        let lang = self.view.lang;
        let error = outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
        let fields = Fields { lang, error };
        let inputs = takes(route).map_or(&[][..], |signature| &signature.inputs);
        let body = html! {
            form method="post" action={ "/models/" (self.model.name) "/try" } {
                input type="hidden" name="version" value=(self.word);
                p.hint { (lang.typed_hint()) }
                @for (at, tensor) in inputs.iter().enumerate() {
                    @let name = field(at);
                    (fields.area(&name, &tensor.name, &form.get(&name), &kind(tensor), None))
                }
                p.row { button.main { (lang.ask()) } }
            }
            @if let Some(Ok(answer)) = &outcome { (answer) }
        };
        let status = error.map_or(StatusCode::OK, |error| error.code.status());
        self.page(status, error, &body).await
    }

    async fn page(&self, status: StatusCode, error: Option<&ApiError>, body: &Markup) -> Response {
        let (lang, name) = (self.view.lang, &self.model.name);
        let mut words: Vec<(&str, &str)> = self
            .words
            .iter()
            .map(|word| (word.as_str(), word.as_str()))
            .collect();
        if !self.word.is_empty() && !self.words.iter().any(|word| word == self.word) {
            words.push((self.word, self.word));
        }
        let page = self.view.page(lang.try_model(name)).await.status(status);
        page.api(format!("/v2/models/{name}")).show(html! {
            (head(self.view, self.model))
            @if self.is_off { p.note.warn { (lang.models_are_off()) } }
            @if let Some(error) = error {
                div.note.bad role="alert" tabindex="-1" data-focus {
                    p { strong { (lang.could_not_ask()) } }
                    @if error.errors.is_empty() { p lang="en" { (error.detail) } } @else {
                        ul lang="en" { @for one in &error.errors {
                            @let field = one.pointer.trim_start_matches('/');
                            li { a href={ "#" (field) } { (one.detail) } }
                        } }
                    }
                }
            }
            @if !words.is_empty() {
                form.inline method="get" action={ "/models/" (name) "/try" } {
                    label { (lang.asked_word()) (select("version", self.word, &words)) }
                    button { (lang.choose()) }
                }
            }
            (body)
        })
    }
}

/// What the version takes that answers most.
fn takes(route: &Route) -> ApiResult<&Signature> {
    let largest = route.largest().ok_or(ApiError::not_found("version"))?;
    Ok(&largest.signature)
}

/// Names of tensors are whatever their author liked, so the fields are counted.
fn field(at: usize) -> String {
    format!("input.{at}")
}

fn at_field(at: usize, detail: String) -> FieldError {
    FieldError {
        pointer: format!("/{}", field(at)),
        code: "invalid-value".into(),
        detail,
    }
}

fn invalid(errors: Vec<FieldError>) -> ApiError {
    ApiError {
        errors,
        ..ApiError::new(Code::InvalidInput, "the values do not fit the model")
    }
}

/// Whether an output has one number a row.
fn is_number(output: &Output, rows: usize) -> bool {
    output.data.len() == rows && output.data.iter().all(Value::is_number)
}

fn cell(values: &[Value], is_number: bool) -> Markup {
    let shown: Vec<String> = values.iter().take(VALUES).map(text).collect();
    let more = if values.len() > VALUES { ", …" } else { "" };
    html! {
        td.text[!is_number].number[is_number] { (shown.join(", ")) (more) }
    }
}
