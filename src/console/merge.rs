//! Two who change the same thing at the same time. A form knows what was there when it was opened,
//! so it sends what was changed in it alone; where somebody else has changed the same, both are
//! asked for, and where not, both changes are kept.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::form::{Form, conditions, is_shown};
use super::view::{Done, View, moment};
use crate::events::model::{Deed, Told};
use crate::http::answer::conditional::Conditions;
use crate::http::answer::etag::etag;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// Somebody else may save again while two changes are put together.
const ATTEMPTS: usize = 3;

/// A field that a form changes: its name, what it is called, and how it is typed.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub is_long: bool,
}

/// A value of a thing as a form shows it, by the name of its field.
pub type Values = Vec<(&'static str, String)>;

pub fn value<'a>(values: &'a Values, name: &str) -> &'a str {
    let found = values.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, value)| value)
}

/// What somebody means to save.
pub struct Draft {
    fields: Vec<Field>,
    pub yours: Values,
    before: Values,
}

impl Draft {
    pub fn of(form: &Form, fields: &[Field]) -> Self {
        let before: Values = fields
            .iter()
            .map(|field| (field.name, form.get(&format!("before.{}", field.name))))
            .collect();
        let yours = fields.iter().map(|field| {
            let is_theirs = form.get(&format!("take.{}", field.name)) == "theirs";
            let yours = match is_theirs {
                true => value(&before, field.name).to_owned(),
                false => form.get(field.name),
            };
            (field.name, yours)
        });
        Self {
            fields: fields.to_vec(),
            yours: yours.collect(),
            before,
        }
    }

    /// The members that were changed.
    pub fn patch(&self, json: impl Fn(&str, &str) -> Value) -> Map<String, Value> {
        let changed = self
            .yours
            .iter()
            .filter(|(name, yours)| value(&self.before, name) != yours);
        changed
            .map(|(name, yours)| ((*name).to_owned(), json(name, yours)))
            .collect()
    }

    /// The fields that both have changed, each to something else.
    fn clashes(&self, theirs: &Values) -> Vec<Field> {
        let is_clash = |field: &&Field| {
            let yours = value(&self.yours, field.name);
            let before = value(&self.before, field.name);
            let theirs = value(theirs, field.name);
            yours != before && theirs != before && yours != theirs
        };
        self.fields.iter().filter(is_clash).copied().collect()
    }

    /// Whether all of it can be kept beside what somebody else has saved.
    fn fits(&self, theirs: &Values) -> bool {
        self.clashes(theirs).is_empty()
    }

    /// The page that asks, for each field that both have changed, whose is to be kept.
    async fn page(&self, view: &View, action: &str, now: &Now) -> Response {
        let (theirs, version) = (&now.values, now.version);
        let lang = view.lang;
        let at = format!("{} UTC", moment(lang, now.changed.at));
        let by = now.changed.by.as_deref();
        let by = by.unwrap_or(lang.somebody());
        let clashes = self.clashes(theirs);
        let is_clash = |name: &str| clashes.iter().any(|field| field.name == name);
        let page = view
            .page(lang.conflict_title())
            .await
            .status(StatusCode::PRECONDITION_FAILED);
        page.show(html! {
            h1 { (lang.conflict_title()) }
            p.note.warn role="alert" tabindex="-1" data-focus {
                (lang.conflict_detail(by, at))
            }
            form method="post" action=(action) {
                input type="hidden" name="etag" value=(text_of(version));
                @for field in &self.fields {
                    input type="hidden" name={ "before." (field.name) }
                        value=(value(theirs, field.name));
                    @if !is_clash(field.name) {
                        @let is_mine = value(&self.yours, field.name) != value(&self.before, field.name);
                        @let kept = if is_mine { &self.yours } else { theirs };
                        input type="hidden" name=(field.name) value=(value(kept, field.name));
                    }
                }
                div.scroll tabindex="0" role="region" aria-label=(lang.field()) { table {
                    thead { tr {
                        th scope="col" { (lang.field()) }
                        th scope="col" { (lang.yours()) }
                        th scope="col" { (lang.theirs()) }
                        th scope="col" { (lang.before()) }
                    } }
                    tbody { @for field in &clashes { (self.row(view, *field, theirs)) } }
                } }
                p.row {
                    button.main { (lang.save()) }
                    a.button href=(action.trim_end_matches("/edit")) { (lang.cancel()) }
                }
            }
        })
    }

    fn row(&self, view: &View, field: Field, theirs: &Values) -> Markup {
        let (lang, name) = (view.lang, field.name);
        let yours = value(&self.yours, name);
        let shown = |text: &str| {
            if text.is_empty() {
                lang.empty().to_owned()
            } else {
                text.to_owned()
            }
        };
        let take = format!("take.{name}");
        html! {
            tr {
                th scope="row" { (field.label) }
                td.text {
                    label.check {
                        input type="radio" name=(take) value="yours" checked;
                        (lang.yours())
                    }
                    @if field.is_long {
                        textarea name=(name) aria-label={ (field.label) ", " (lang.yours()) } {
                            "\n"
                            (yours)
                        }
                    } @else {
                        input name=(name) value=(yours)
                            aria-label={ (field.label) ", " (lang.yours()) };
                    }
                }
                td.text {
                    label.check { input type="radio" name=(take) value="theirs"; (lang.theirs()) }
                    (shown(value(theirs, name)))
                }
                td.text { (shown(value(&self.before, name))) }
            }
        }
    }
}

/// As something is now: its values, its version, and when somebody changed it last.
pub struct Now {
    pub values: Values,
    pub version: i64,
    pub changed: Change,
}

/// Who changed something last, and when, as far as the thing itself says it.
pub struct Change {
    pub at: DateTime<Utc>,
    pub by: Option<String>,
    /// How the trail tells it, where it does.
    pub told: Option<Told>,
}

impl Change {
    /// With what the trail knows better, which is read only where somebody is asked whose change is
    /// to be kept.
    async fn looked_up(self, app: &AppState) -> ApiResult<Self> {
        let Some(told) = &self.told else {
            return Ok(self);
        };
        let last = app
            .db
            .read_primary(async |connection| told.last(connection).await)
            .await?;
        Ok(match last {
            Some(Deed { at, name }) => Self {
                at,
                by: name,
                told: None,
            },
            None => self,
        })
    }
}

/// A conflict is younger than the form that it is shown in, and forms are not kept for months.
pub fn lately() -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(90)
}

/// What a form changes.
pub trait Kept: Sync {
    fn app(&self) -> &AppState;

    fn now(&self) -> impl Future<Output = ApiResult<Now>> + Send;

    /// A merge patch, where the version is still the one that is named.
    fn save(&self, holds: Conditions, patch: &Value) -> impl Future<Output = ApiResult<()>> + Send;
}

/// What became of a form.
pub enum Outcome {
    Saved(Done),
    /// The page that asks whose change is to be kept.
    Clash(Response),
    /// To be shown with the form.
    Refused(ApiError),
}

/// Saves what was changed; beside what somebody else has changed meanwhile, where that is possible.
pub async fn save(
    kept: &impl Kept,
    draft: &Draft,
    view: &View,
    action: &str,
    holds: Conditions,
    patch: &Value,
) -> ApiResult<Outcome> {
    let (mut holds, mut done) = (holds, Done::Saved);
    for _ in 0..ATTEMPTS {
        let error = match kept.save(holds, patch).await {
            Ok(()) => return Ok(Outcome::Saved(done)),
            Err(error) if is_shown(&error) => return Ok(Outcome::Refused(error)),
            Err(error) => error,
        };
        if error.code != Code::PreconditionFailed {
            return Err(error);
        }
        let now = kept.now().await?;
        if !draft.fits(&now.values) {
            let changed = now.changed.looked_up(kept.app()).await?;
            let now = Now { changed, ..now };
            return Ok(Outcome::Clash(draft.page(view, action, &now).await));
        }
        (holds, done) = (conditions(&text_of(now.version))?, Done::Merged);
    }
    Err(ApiError::new(
        Code::Conflict,
        "this changes faster than the form can be saved; open it again",
    ))
}

/// The hidden fields that say what was there when the form was opened.
pub fn opened(values: &Values, version: i64) -> Markup {
    html! {
        input type="hidden" name="etag" value=(text_of(version));
        @for (name, value) in values {
            input type="hidden" name={ "before." (name) } value=(value);
        }
    }
}

/// The same, as a form that was refused had them.
pub fn still_opened(form: &Form, fields: &[Field]) -> Markup {
    html! {
        input type="hidden" name="etag" value=(form.get("etag"));
        @for field in fields {
            @let name = format!("before.{}", field.name);
            input type="hidden" name=(name) value=(form.get(&name));
        }
    }
}

pub fn text_of(version: i64) -> String {
    etag(version).to_str().unwrap_or_default().to_owned()
}
