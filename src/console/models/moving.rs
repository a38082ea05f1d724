//! Moving an alias: first how the versions differ that it leads to now and then, then the move, if
//! it still leads where it did.

use axum::response::Response;
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::difference::table;
use super::{fields as fields_of, head, leads, plain, state};
use crate::console::form::{Fields, Form, Input, is_shown, optional, parse};
use crate::console::merge::text_of;
use crate::console::parts::given;
use crate::console::view::{Done, View, done, link};
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::{ValidJson, ValidPath};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::access::ModelAccess;
use crate::models::alias::{Alias, Target};
use crate::models::handlers::aliases::{AliasPath, MoveAlias, move_alias, target};
use crate::models::model::Model;
use crate::models::serving::Models;
use crate::models::serving::route::DEFAULT;
use crate::models::version::{Version, VersionState};
use crate::projects::access::Owner;

/// The fields that say where the alias is to lead.
const WHERE: [&str; 3] = ["version", "weights", "shadow"];

/// What was typed, as the API takes it.
fn body(get: &dyn Fn(&str) -> String) -> Value {
    let number = |text: &str| {
        let number = text.trim().parse::<u64>();
        number.map_or_else(|_no| Value::String(text.to_owned()), Value::from)
    };
    let mut body = Map::new();
    for name in ["version", "shadow"] {
        let text = get(name);
        if !text.trim().is_empty() {
            body.insert(name.to_owned(), number(&text));
        }
    }
    let weights = get("weights");
    let shares = weights.split(',').filter(|one| !one.trim().is_empty());
    let shares: Map<String, Value> = shares
        .map(|one| {
            let (version, share) = one.split_once('=').unwrap_or((one, ""));
            (version.trim().to_owned(), number(share))
        })
        .collect();
    if !shares.is_empty() {
        body.insert("weights".to_owned(), Value::Object(shares));
    }
    if let reason @ Value::String(_) = optional(&get("reason")) {
        body.insert("reason".to_owned(), reason);
    }
    Value::Object(body)
}

pub async fn show(access: ModelAccess<Owner>, app: AppState, view: View) -> ApiResult<Response> {
    let model = access.model;
    let uri = view.frame.uri.clone();
    let get = |name: &str| given(&uri, name);
    let alias = get("alias").trim().to_owned();
    if alias.is_empty() || WHERE.iter().all(|name| get(name).trim().is_empty()) {
        return Ok(choice(&view, &model, &get, None).await);
    }
    let wanted = parse::<MoveAlias>(&body(&get)).and_then(|body| target(&body));
    match wanted {
        Ok(target) => {
            let preview = Preview::look(&app, &model, alias, target).await?;
            Ok(preview.page(&view, &model, &get("reason"), None).await)
        }
        Err(error) if is_shown(&error) => Ok(choice(&view, &model, &get, Some(&error)).await),
        Err(error) => Err(error),
    }
}

/// The form that asks where to.
async fn choice(
    view: &View,
    model: &Model,
    get: &(dyn Fn(&str) -> String + Sync),
    error: Option<&ApiError>,
) -> Response {
    let (lang, name) = (view.lang, &model.name);
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let alias = Some(get("alias")).filter(|alias| !alias.is_empty());
    let alias = alias.unwrap_or_else(|| DEFAULT.to_owned());
    let input = |name, label, value: &str, hint| {
        fields.input(&Input {
            name,
            label,
            value,
            hint,
            ..Input::default()
        })
    };
    let page = view
        .page(format!("{} - {name}", lang.move_an_alias()))
        .await;
    page.status(status).show(html! {
        (head(view, model))
        h2 { (lang.move_an_alias()) }
        (fields.summary())
        form method="get" action={ "/models/" (name) "/move" } {
            (input("alias", lang.alias(), &alias, lang.alias_hint()))
            (input("version", lang.version(), &get("version"), lang.version_or_weights()))
            (input("weights", lang.weights(), &get("weights"), lang.weights_hint()))
            (input("shadow", lang.shadow(), &get("shadow"), lang.shadow_hint()))
            (input("reason", lang.move_reason(), &get("reason"), lang.move_reason_hint()))
            p.row {
                button.main { (lang.show_difference()) }
                a.button href={ "/models/" (name) } { (lang.cancel()) }
            }
        }
    })
}

/// A move before it is made.
struct Preview {
    alias: String,
    now: Option<Alias>,
    target: Target,
    /// Those that it leads to now or then.
    versions: Vec<Version>,
}

impl Preview {
    async fn look(app: &AppState, model: &Model, alias: String, target: Target) -> ApiResult<Self> {
        let found = app.db.read_primary(async |connection| {
            let now = Alias::find(connection, model.id, &alias).await?;
            let mut named = target.versions();
            named.extend(now.iter().flat_map(|now| now.target().versions()));
            let versions = Version::named(connection, model.id, &named).await?;
            Ok((now, versions))
        });
        let (now, versions) = found.await?;
        Ok(Self {
            alias,
            now,
            target,
            versions,
        })
    }

    fn version(&self, number: i64) -> Option<&Version> {
        self.versions.iter().find(|one| one.version == number)
    }

    fn is_made(&self) -> bool {
        self.now
            .as_ref()
            .is_some_and(|now| now.target() == self.target)
    }

    async fn page(
        &self,
        view: &View,
        model: &Model,
        reason: &str,
        error: Option<&ApiError>,
    ) -> Response {
        let (lang, name, alias) = (view.lang, &model.name, &self.alias);
        let fields = Fields { lang, error: None };
        let status = error.map_or(StatusCode::OK, |error| error.code.status());
        let now = self.now.as_ref().map(Alias::target).unwrap_or_default();
        let page = view
            .page(lang.move_alias_of(alias, name))
            .await
            .status(status);
        let others = [("alias", alias.clone()), ("reason", reason.to_owned())];
        let others = others
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let others: Vec<(String, String)> = others.filter(|(_, value)| !value.is_empty()).collect();
        page.show(html! {
            (head(view, model))
            h2 { (lang.move_alias_of(alias, name)) }
            @if error.is_some() {
                p.note.warn role="alert" tabindex="-1" data-focus { (lang.was_moved_meanwhile()) }
            }
            ul.facts {
                li { (lang.now_leads_to()) ": " (leads(lang, name, &now)) }
                li { (lang.then_leads_to()) ": " (leads(lang, name, &self.target)) }
            }
            @for number in self.target.versions() { (self.difference(view, number)) }
            form method="post" action={ "/models/" (name) "/move" } {
                (hidden(alias, &self.target, self.now.as_ref()))
                (fields.input(&Input {
                    name: "reason",
                    label: lang.move_reason(),
                    value: reason,
                    hint: lang.move_reason_hint(),
                    ..Input::default()
                }))
                p.row {
                    button.main { (lang.move_alias()) }
                    a.button href=(link(&format!("/models/{name}/move"), &others)) {
                        (lang.other_target())
                    }
                    a.button href={ "/models/" (name) } { (lang.cancel()) }
                }
            }
        })
    }

    /// What programs would notice if this version answered.
    fn difference(&self, view: &View, number: i64) -> Markup {
        let lang = view.lang;
        let Some(then) = self.version(number) else {
            return html! { p.note.bad { (lang.no_such_version(number)) } };
        };
        let (VersionState::Ready, Some(takes)) = (then.state, &then.signature) else {
            return html! {
                p.note.bad { (lang.version_not_ready(number)) " " (state(lang, then.state)) }
            };
        };
        // What answers most questions now.
        let now = self.now.as_ref().map(Alias::target).unwrap_or_default();
        let most = now.weights.iter().max_by_key(|(_, share)| **share);
        let most = most.and_then(|(number, _)| self.version(*number));
        let Some(took) = most.and_then(|most| most.signature.as_ref()) else {
            return html! { p.note { (lang.nothing_to_compare()) } };
        };
        match table(lang, &took.0, &takes.0) {
            None => html! { p.note.good { (lang.same_signature(number)) } },
            Some(table) => html! {
                p.note.warn { (lang.other_signature(number)) }
                (table)
            },
        }
    }
}

/// Where to, and from where: the move is made only from there.
fn hidden(alias: &str, target: &Target, now: Option<&Alias>) -> Markup {
    let etag = now.map_or_else(String::new, |now| text_of(now.number));
    html! {
        input type="hidden" name="alias" value=(alias);
        input type="hidden" name="etag" value=(etag);
        @for (name, value) in fields_of(target) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

/// One click to where the alias led before.
pub fn back(view: &View, model: &str, now: &Alias, before: &Target) -> Markup {
    let lang = view.lang;
    html! {
        form method="post" action={ "/models/" (model) "/move" } {
            (hidden(&now.name, before, Some(now)))
            button.small { (lang.move_back()) " " (plain(lang, before)) }
        }
    }
}

pub async fn submit(
    access: ModelAccess<Owner>,
    app: AppState,
    models: Models,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let model = access.model.clone();
    let get = |name: &str| form.get(name);
    let alias = get("alias").trim().to_owned();
    let made = async {
        let body = parse::<MoveAlias>(&body(&get))?;
        let target = target(&body)?;
        let path = ValidPath(AliasPath {
            name: model.name.clone(),
            alias: alias.clone(),
        });
        let holds = conditions(&get("etag"))?;
        let body = ValidJson(body);
        let moved = move_alias(access, app.clone(), models, actor, path, holds, body).await;
        match moved {
            Err(error) if error.code == Code::PreconditionFailed => Ok(Some((error, target))),
            moved => moved.map(|_moved| None),
        }
    };
    let path = format!("/models/{}/aliases/{alias}", model.name);
    match made.await {
        Ok(None) => done(Done::Saved, &path),
        Ok(Some((error, target))) => {
            let preview = Preview::look(&app, &model, alias, target).await?;
            match preview.is_made() {
                // Sent twice, or somebody else has done the same.
                true => done(Done::Saved, &path),
                false => Ok(preview
                    .page(&view, &model, &get("reason"), Some(&error))
                    .await),
            }
        }
        Err(error) if is_shown(&error) => Ok(choice(&view, &model, &get, Some(&error)).await),
        Err(error) => Err(error),
    }
}

/// Of the alias as the form has shown it, which may have been not there.
fn conditions(etag: &str) -> ApiResult<Conditions> {
    if !etag.is_empty() {
        return crate::console::form::conditions(etag);
    }
    let headers = [(IF_NONE_MATCH, HeaderValue::from_static("*"))];
    Conditions::of(&headers.into_iter().collect::<HeaderMap>())
}
