//! Changing, extending and deleting a project.

use axum::response::Response;
use chrono::{TimeDelta, Utc};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::new::{inputs, json as as_json};
use crate::console::form::{Fields, Form, conditions, parse};
use crate::console::merge::{
    Change, Draft, Field, Kept, Now, Outcome, Values, lately, opened, save, still_opened, text_of,
    value as value_of,
};
use crate::console::parts::deletion;
use crate::console::view::{Done, View, done};
use crate::console::words::Lang;
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::model::Told;
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::projects::access::{Owner, ProjectAccess};
use crate::projects::handlers::one::{delete_project, update_project};
use crate::projects::model::Project;
use crate::projects::reminders::shown;

fn fields(lang: Lang) -> [Field; 5] {
    let field = |name, label, is_long| Field {
        name,
        label,
        is_long,
    };
    [
        field("name", lang.name(), false),
        field("description", lang.description(), true),
        field("visibility", lang.visibility(), false),
        field("expires_at", lang.expires_at(), false),
        field("reminders", lang.reminders(), false),
    ]
}

fn values(project: &Project) -> Values {
    let end = project.expires_at;
    vec![
        ("name", project.name.clone()),
        (
            "description",
            project.description.clone().unwrap_or_default(),
        ),
        ("visibility", project.visibility.as_str().to_owned()),
        (
            "expires_at",
            end.map_or_else(String::new, |end| end.format("%Y-%m-%dT%H:%M").to_string()),
        ),
        ("reminders", shown(&project.reminders.0).join(",")),
    ]
}

pub async fn show(access: ProjectAccess<Owner>, view: View) -> Response {
    let project = &access.project;
    let kept = values(project);
    let value = |name: &str| value_of(&kept, name).to_owned();
    let body = Body {
        hidden: opened(&kept, project.version),
        value: &value,
        error: None,
    };
    body.page(&view, project.id, Some(project)).await
}

/// The form as it is shown.
struct Body<'a> {
    hidden: Markup,
    value: &'a (dyn Fn(&str) -> String + Sync),
    error: Option<&'a ApiError>,
}

impl Body<'_> {
    async fn page(&self, view: &View, id: ProjectId, project: Option<&Project>) -> Response {
        let (lang, error) = (view.lang, self.error);
        let fields = Fields { lang, error };
        let status = error.map_or(StatusCode::OK, |error| error.code.status());
        let path = format!("/projects/{id}");
        let page = view
            .page(lang.edit_project())
            .await
            .width("middle")
            .status(status);
        page.api(format!("/api/v1/projects/{id}")).show(html! {
            p.crumbs {
                a href="/projects" { (lang.projects()) }
                " / "
                a href=(path) { (project.map_or("…", |project| &project.name)) }
            }
            h1 { (lang.edit_project()) }
            (fields.summary())
            form method="post" action={ (path) "/edit" } data-guard {
                (self.hidden)
                (inputs(&fields, self.value))
                p.row { button.main { (lang.save()) } a.button href=(path) { (lang.cancel()) } }
            }
            @if let Some(project) = project {
                (deletion(
                    view,
                    &format!("{path}/delete"),
                    lang.delete_project(),
                    lang.delete_project_why(),
                    &project.name,
                    &text_of(project.version),
                ))
            }
        })
    }
}

pub async fn submit(
    access: ProjectAccess<Owner>,
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let id = access.project.id;
    let fields = fields(view.lang);
    let draft = Draft::of(&form, &fields);
    let patch = Value::Object(draft.patch(as_json));
    let path = format!("/projects/{id}");
    let action = format!("{path}/edit");
    let kept = OfProject {
        who,
        app,
        actor,
        id,
    };
    let saved = save(&kept, &draft, &view, &action, form.conditions()?, &patch).await?;
    Ok(match saved {
        Outcome::Saved(how) => done(how, &path)?,
        Outcome::Clash(page) => page,
        Outcome::Refused(error) => {
            let value = |name: &str| form.get(name);
            let body = Body {
                hidden: still_opened(&form, &fields),
                value: &value,
                error: Some(&error),
            };
            body.page(&view, id, None).await
        }
    })
}

/// A project that its owner changes.
struct OfProject {
    who: Signed,
    app: AppState,
    actor: Actor,
    id: ProjectId,
}

impl Kept for OfProject {
    fn app(&self) -> &AppState {
        &self.app
    }

    async fn now(&self) -> ApiResult<Now> {
        let project = look(&self.app, self.who.id, self.id).await?;
        Ok(Now {
            values: values(&project),
            version: project.version,
            changed: Change {
                at: project.updated_at,
                by: None,
                told: Some(Told {
                    action: "project.changed",
                    target: project.id.0,
                    about: json!({}),
                    since: lately(),
                }),
            },
        })
    }

    async fn save(&self, holds: Conditions, patch: &Value) -> ApiResult<()> {
        let (who, app, actor) = (self.who.clone(), self.app.clone(), self.actor.clone());
        let patch = MergePatch(parse(patch)?);
        update_project(who, app, actor, ValidPath(self.id), holds, patch).await?;
        Ok(())
    }
}

/// As it is now, for its owner.
async fn look(app: &AppState, who: PrincipalId, id: ProjectId) -> ApiResult<Project> {
    let actor = Actor::default();
    let access = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<_> {
        ProjectAccess::<Owner>::to_read(tx, who, id).await
    });
    Ok(access.await?.project)
}

/// More time, from its end or from now.
pub async fn extend(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<ProjectId>,
    form: Form,
) -> ApiResult<Response> {
    let now = look(&app, who.id, id).await?;
    let days = form.get("days").parse::<i64>().ok();
    let days = days.filter(|days| (1..=3_650).contains(days));
    let end = days.map(|days| {
        let begin = now.expires_at.map_or(Utc::now(), |end| end.max(Utc::now()));
        (begin + TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    });
    let patch = json!({ "expires_at": end });
    let holds = conditions(&text_of(now.version))?;
    let kept = OfProject {
        who,
        app,
        actor,
        id,
    };
    kept.save(holds, &patch).await?;
    done(Done::Saved, &format!("/projects/{id}"))
}

pub async fn delete(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<ProjectId>,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let now = look(&app, who.id, id).await?;
    if form.get("name").trim() != now.name {
        return Err(ApiError::new(Code::Conflict, view.lang.name_differs()));
    }
    let holds = form.conditions()?;
    delete_project(who, app, actor, ValidPath(id), holds).await?;
    done(Done::Deleted, "/projects")
}
