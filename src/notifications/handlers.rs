//! Reading notifications, marking them as read, and choosing what to be told.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{
    Channel, Choice, MailMode, Mode, Notification, NotificationSort, choose, chosen,
};
use super::sink::KINDS;
use crate::db::transaction::transaction;
use crate::http::answer::Answer;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidJson, ValidPath, ValidQuery};
use crate::http::body::patch::{Change, MergePatch};
use crate::http::caller::Person;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::instant;
use crate::kernel::values::{Wrong, text};

/// Something that you are told
#[derive(Serialize, ToSchema)]
pub struct NotificationBody {
    id: i64,
    /// The type of the event, such as `chartroom.project.expiring`
    #[serde(rename = "type")]
    kind: String,
    /// The project that it is about, which may be gone
    project_id: Uuid,
    /// What it is about: a path below `/api/v1`
    subject: String,
    /// Who did it, where it was somebody
    actor: Option<Uuid>,
    #[serde(serialize_with = "instant")]
    at: DateTime<Utc>,
    /// When you first marked it as read; null while you have not
    #[serde(serialize_with = "instant")]
    read_at: Option<DateTime<Utc>>,
    /// What else there is to say, as the event has it
    #[schema(value_type = Object)]
    data: Value,
}

impl From<Notification> for NotificationBody {
    fn from(row: Notification) -> Self {
        let Notification {
            id,
            kind,
            project_id,
            subject,
            actor_id: actor,
            data,
            at,
            read_at,
        } = row;
        Self {
            id,
            kind,
            project_id,
            subject,
            actor,
            at,
            read_at,
            data,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationFilter {
    /// Only those that you have not read, or only those that you have
    pub unread: Option<bool>,
}

/// What you are told, newest first
///
/// The end of a project that you own or edit, your own roles in projects, and what others did to
/// your posts. Notifications are kept for 90 days.
#[utoipa::path(
    get,
    path = "/api/v1/me/notifications",
    tag = "notifications",
    security(("user" = [])),
    params(PageParams<NotificationSort>, NotificationFilter),
    responses((status = OK, body = Page<NotificationBody>), ApiError),
)]
pub async fn list_notifications(
    who: Person,
    app: AppState,
    page: PageParams<NotificationSort>,
    ValidQuery(filter): ValidQuery<NotificationFilter>,
) -> ApiResult<Listed<NotificationBody>> {
    let (id, unread) = (who.id, filter.unread);
    let found = app
        .db
        .read(async |connection| Notification::page(connection, &page, id, unread).await)
        .await?;
    Ok(page.respond(found, NotificationBody::from))
}

/// Changes to a notification
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateNotification {
    /// Whether you have read it
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    read: Change<bool>,
}

/// Mark a notification as read
///
/// Or as not read. Marking it twice changes nothing.
#[utoipa::path(
    patch,
    path = "/api/v1/me/notifications/{id}",
    tag = "notifications",
    security(("user" = [])),
    params(("id" = i64, Path, description = "Id of the notification")),
    request_body(content = UpdateNotification, content_type = "application/merge-patch+json"),
    responses((status = OK, body = NotificationBody), ApiError),
)]
pub async fn update_notification(
    who: Person,
    app: AppState,
    ValidPath(id): ValidPath<i64>,
    MergePatch(patch): MergePatch<UpdateNotification>,
) -> ApiResult<Answer> {
    let (user, read) = (who.id, patch.read.into_update());
    let row = app
        .db
        .write(async |connection: &mut AsyncPgConnection| {
            Notification::mark(connection, user, id, read).await
        })
        .await?;
    let row = row.ok_or(ApiError::not_found("notification"))?;
    Answer::ok(&NotificationBody::from(row))
}

text! {
    /// A type of event that people are told of
    NotifiedType = |text| match KINDS.contains(&text.as_str()) {
        true => Ok(text),
        false => Err(Wrong::new(
            "unknown-value",
            "expected a type that you can be told of; `GET /api/v1/me/preferences` lists them",
        )),
    }, || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(KINDS));
}

/// What you want to be told of a type of event
#[derive(Serialize, ToSchema)]
pub struct PreferenceBody {
    #[serde(rename = "type")]
    kind: &'static str,
    in_app: Mode,
    mail: MailMode,
}

impl PreferenceBody {
    fn new(kind: &'static str, chosen: &HashMap<String, Choice>) -> Self {
        let Choice { in_app, mail } = chosen.get(kind).copied().unwrap_or_default();
        Self { kind, in_app, mail }
    }
}

/// All that you can choose
#[derive(Serialize, ToSchema)]
pub struct Preferences {
    items: Vec<PreferenceBody>,
}

/// What you want to be told
///
/// One for each type of event that people are told of, chosen or not.
#[utoipa::path(
    get,
    path = "/api/v1/me/preferences",
    tag = "notifications",
    security(("user" = [])),
    responses((status = OK, body = Preferences), ApiError),
)]
pub async fn list_preferences(who: Person, app: AppState) -> ApiResult<Answer> {
    let user = who.id;
    let chosen = app
        .db
        .read(async |connection| chosen(connection, user).await)
        .await?;
    let items = KINDS.map(|kind| PreferenceBody::new(kind, &chosen));
    Answer::ok(&Preferences {
        items: items.into(),
    })
}

/// A choice. What is left out stays as it is
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoosePreference {
    #[serde(default)]
    #[schema(value_type = Mode, required = false)]
    in_app: Change<Mode>,
    #[serde(default)]
    #[schema(value_type = MailMode, required = false)]
    mail: Change<MailMode>,
}

/// Choose whether to be told of a type of event
///
/// It counts for what happens from now on. No mail is sent where you have not asked for it, where
/// your address is not confirmed, or where the service sends none at all.
#[utoipa::path(
    put,
    path = "/api/v1/me/preferences/{type}",
    tag = "notifications",
    security(("user" = [])),
    params(("type" = inline(NotifiedType), Path, description = "Type of the event")),
    request_body = ChoosePreference,
    responses((status = OK, body = PreferenceBody), ApiError),
)]
pub async fn put_preference(
    who: Person,
    app: AppState,
    ValidPath(kind): ValidPath<NotifiedType>,
    ValidJson(body): ValidJson<ChoosePreference>,
) -> ApiResult<Answer> {
    let (user, in_app, mail) = (who.id, body.in_app.into_update(), body.mail.into_update());
    let kind = KINDS.into_iter().find(|known| *known == kind.as_str());
    let kind = kind.ok_or(ApiError::not_found("preference"))?;
    let nobody = Actor::default();
    let chosen = transaction(&app.db, &nobody, async |tx| {
        if let Some(mode) = in_app {
            choose(tx, user, kind, Channel::InApp, mode.as_str()).await?;
        }
        if let Some(mode) = mail {
            choose(tx, user, kind, Channel::Mail, mode.as_str()).await?;
        }
        Ok(chosen(tx, user).await?)
    });
    Answer::ok(&PreferenceBody::new(kind, &chosen.await?))
}
