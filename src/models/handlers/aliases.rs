//! The aliases of a model: where they lead, where they led, and moving them.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::golden;
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidJson, ValidPath};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;
use crate::kernel::values::{Checked as _, number};
use crate::models::access::ModelAccess;
use crate::models::alias::{
    self, Alias, AliasName, AliasSort, Move, MoveReason, MoveSort, Target, Weights, states,
};
use crate::models::model::Model;
use crate::models::oip::golden::failed;
use crate::models::serving::Models;
use crate::models::version::{GoldenState, VersionState, not_ready};
use crate::projects::access::{Owner, Viewer, suffices};

/// Versions that one alias leads to.
const MOST_VERSIONS: usize = 10;

number! {
    /// A share of the requests, beside the shares of other versions
    Share(i32): 1..=1_000_000;
    /// The number of a version of a model
    ModelVersionNumber(i64): 1..=9_007_199_254_740_991;
}

/// Where an alias is to lead: to one `version`, or by `weights` to several
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveAlias {
    /// The version that gets all requests
    #[serde(default)]
    version: Option<ModelVersionNumber>,
    /// Shares of the requests by version, such as `{"3": 90, "4": 10}`; at most 10 versions
    #[serde(default)]
    weights: Option<BTreeMap<String, Share>>,
    /// The version that gets a copy of every request, whose answers nobody sees
    #[serde(default)]
    shadow: Option<ModelVersionNumber>,
    #[serde(default)]
    reason: Option<MoveReason>,
}

/// Why an alias goes back
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveAliasBack {
    #[serde(default)]
    reason: Option<MoveReason>,
}

/// An alias in a path.
#[derive(Deserialize)]
pub struct AliasPath {
    pub name: String,
    pub alias: String,
}

/// The aliases of a model
///
/// By an alias programs ask a model without knowing the number of its version. Without any word
/// they ask `production`.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/aliases",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model"), PageParams<AliasSort>),
    responses((status = OK, body = Page<Alias>), ApiError),
)]
pub async fn list_aliases(
    access: ModelAccess<Viewer>,
    app: AppState,
    page: PageParams<AliasSort>,
) -> ApiResult<Listed<Alias>> {
    let id = access.model.id;
    let found = app
        .db
        .read(async |connection| alias::page(connection, id, &page).await)
        .await?;
    Ok(page.respond(found, |alias| alias))
}

/// An alias
///
/// Where it leads, since when and why. Its `ETag` changes with every move.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/aliases/{alias}",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("alias" = String, Path, description = "The alias"),
    ),
    responses(
        (status = OK, body = Alias),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_alias(
    access: ModelAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<AliasPath>,
    conditions: Conditions,
) -> ApiResult<Versioned<Alias>> {
    let id = access.model.id;
    let found = app
        .db
        .look_up(async |connection| Alias::find(connection, id, &path.alias).await)
        .await?;
    let alias = found.ok_or(ApiError::not_found("alias"))?;
    conditions.read(alias.number, || alias)
}

/// The moves of an alias
///
/// Every one there was, the newest first: who moved it, when, where to and why. They are kept when
/// the alias is removed, for as long as the model is there.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/aliases/{alias}/moves",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("alias" = String, Path, description = "The alias"),
        PageParams<MoveSort>,
    ),
    responses((status = OK, body = Page<Alias>), ApiError),
)]
pub async fn list_alias_moves(
    access: ModelAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<AliasPath>,
    page: PageParams<MoveSort>,
) -> ApiResult<Listed<Alias>> {
    let id = access.model.id;
    let found = app
        .db
        .read(async |connection| alias::moves(connection, id, &path.alias, &page).await)
        .await?;
    Ok(page.respond(found, |alias| alias))
}

/// Move an alias
///
/// Makes the alias where there is none. From then on, within about a second, requests by the alias
/// are answered by where it leads. You need the role `owner`. Every version that it leads to has to
/// be ready, and its golden test, if it has one, is tried before the alias moves.
#[utoipa::path(
    put,
    path = "/api/v1/models/{name}/aliases/{alias}",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("alias" = String, Path, description = "The alias: a word that begins with a letter"),
    ),
    request_body = MoveAlias,
    responses((status = OK, body = Alias), ApiError),
)]
pub async fn move_alias(
    access: ModelAccess<Owner>,
    app: AppState,
    models: Models,
    actor: Actor,
    ValidPath(path): ValidPath<AliasPath>,
    conditions: Conditions,
    ValidJson(body): ValidJson<MoveAlias>,
) -> ApiResult<Versioned<Alias>> {
    let alias = AliasName::checked(path.alias).map_err(|wrong| {
        ApiError::new(Code::InvalidParameter, format!("alias: {}", wrong.detail))
    })?;
    let target = target(&body)?;
    golden::try_out(&app, &models, &access.model, &target.versions()).await?;
    let (me, reason) = (access.who, body.reason.as_ref().map(MoveReason::as_str));
    let moved = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Alias> {
        let model = ModelAccess::<Owner>::to_write(tx, me, &path.name)
            .await?
            .model;
        let current = Alias::find(tx.connection(), model.id, alias.as_str()).await?;
        conditions.write(current.map(|alias| alias.number))?;
        lead(tx, &actor, me, &model, alias.as_str(), &target, reason).await
    })
    .await?;
    Ok(Versioned::new(moved.number, moved))
}

/// What a body asks for.
pub fn target(body: &MoveAlias) -> ApiResult<Target> {
    let weights = match (body.version, &body.weights) {
        (Some(version), None) => Weights::from([(version.get(), 1)]),
        (None, Some(weights)) => shares(weights)?,
        _ => {
            return Err(ApiError::wrong_field(
                "",
                "invalid-value",
                "say where the alias leads: by `version`, or by `weights`",
            ));
        }
    };
    let shadow = body.shadow.map(ModelVersionNumber::get);
    if let Some(version) = shadow.filter(|version| weights.contains_key(version)) {
        let detail =
            format!("version {version} answers requests already; a shadow only copies them");
        return Err(ApiError::wrong_field("/shadow", "invalid-value", &detail));
    }
    Ok(Target { weights, shadow })
}

fn shares(weights: &BTreeMap<String, Share>) -> ApiResult<Weights> {
    if !(1..=MOST_VERSIONS).contains(&weights.len()) {
        let detail = "an alias leads to 1 to 10 versions";
        return Err(ApiError::wrong_field("/weights", "invalid-value", detail));
    }
    let shares = weights.iter().map(|(version, share)| {
        let number = version.parse::<i64>().ok().filter(|number| *number > 0);
        let number = number.filter(|number| number.to_string() == *version);
        number.map(|number| (number, share.get())).ok_or_else(|| {
            ApiError::wrong_field(
                "/weights",
                "invalid-value",
                "the members are numbers of versions",
            )
        })
    });
    shares.collect()
}

/// Moves it, if every version that it is to lead to can be asked.
async fn lead(
    tx: &mut Tx<'_>,
    actor: &Actor,
    me: PrincipalId,
    model: &Model,
    alias: &str,
    target: &Target,
    reason: Option<&str>,
) -> Work<Alias> {
    let versions = target.versions();
    let states = states(tx.connection(), model.id, &versions).await?;
    for version in versions {
        let state = states.iter().find(|(number, ..)| *number == version);
        judged(version, state.map(|(_, state, golden)| (*state, *golden)))?;
    }
    let made = Move {
        model: model.id,
        alias,
        target,
        reason,
        by: me,
        request_id: actor.origin.request_id(),
    };
    made.make(tx.connection()).await?;
    let moved = Alias::find(tx.connection(), model.id, alias).await?;
    let moved = moved.ok_or(ApiError::not_found("alias"))?;
    tx.tell(Event::ModelAliasMoved {
        project: model.project_id,
        model: model.id,
        name: model.name.clone(),
        alias: alias.to_owned(),
        weights: target.shares(),
        shadow: target.shadow,
    })
    .await?;
    Ok(moved)
}

fn judged(version: i64, state: Option<(VersionState, Option<GoldenState>)>) -> ApiResult<()> {
    match state {
        None => Err(ApiError::wrong_field(
            "",
            "unknown-version",
            format!("the model has no version {version}"),
        )),
        Some((VersionState::Ready, Some(GoldenState::Failed))) => {
            Err(failed(version, "its golden_problem says where"))
        }
        Some((VersionState::Ready, _)) => Ok(()),
        Some((state, _)) => Err(not_ready(version, state.as_str())),
    }
}

/// Move an alias back
///
/// To where it led before its last move. You need the role `owner`. Repeated, it goes to and fro.
/// The versions are loaded first, unless that takes longer than 5 seconds; no golden test is tried.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}/aliases/{alias}/back",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("alias" = String, Path, description = "The alias"),
    ),
    request_body = MoveAliasBack,
    responses((status = CREATED, body = Alias), ApiError),
)]
pub async fn move_alias_back(
    who: Signed,
    app: AppState,
    models: Models,
    actor: Actor,
    ValidPath(path): ValidPath<AliasPath>,
    OnceJson { once, body }: OnceJson<MoveAliasBack>,
) -> ApiResult<Answer> {
    let me = who.id;
    load_before(&app, &models, me, &path).await?;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        let AliasPath { name, alias } = &path;
        let model = ModelAccess::<Owner>::to_write(tx, me, name).await?.model;
        let current = Alias::find(tx.connection(), model.id, alias).await?;
        let number = current.ok_or(ApiError::not_found("alias"))?.number;
        let before = Alias::before(tx.connection(), model.id, alias, number).await?;
        let before = before.map(|alias| alias.target());
        let target = before.filter(|target| !target.weights.is_empty());
        let target = target.ok_or_else(|| {
            ApiError::new(
                Code::Conflict,
                "the alias has led nowhere before, so it cannot go back",
            )
        })?;
        let reason = body.reason.as_ref().map(MoveReason::as_str);
        let moved = lead(tx, &actor, me, &model, alias, &target, reason).await?;
        let place = format!("/api/v1/models/{name}/aliases/{alias}");
        Ok(Answer::created(place, &moved)?
            .with_version(moved.number)
            .of_project(Some(model.project_id)))
    })
    .await
}

/// Loads what an alias led to before, for those who may move it. Who may not, and what is missing,
/// is for the transaction to say.
async fn load_before(
    app: &AppState,
    models: &Models,
    me: PrincipalId,
    path: &AliasPath,
) -> ApiResult<()> {
    let found = app
        .db
        .read_primary(async |connection| {
            let model = Model::find(connection, me, &path.name).await?;
            let model = model.filter(|model| suffices::<Owner>(model.role).is_ok());
            let Some(model) = model else { return Ok(None) };
            let Some(current) = Alias::find(connection, model.id, &path.alias).await? else {
                return Ok(None);
            };
            let before = Alias::before(connection, model.id, &path.alias, current.number).await?;
            Ok(before.map(|before| (model, before.target().versions())))
        })
        .await?;
    match found {
        Some((model, versions)) => golden::load(app, models, &model, &versions).await,
        None => Ok(()),
    }
}

/// Remove an alias
///
/// Requests by it are refused from then on. Its moves are kept. You need the role `owner`.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}/aliases/{alias}",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("alias" = String, Path, description = "The alias"),
    ),
    responses((status = NO_CONTENT, description = "The alias is removed."), ApiError),
)]
pub async fn delete_alias(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<AliasPath>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let me = who.id;
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let AliasPath { name, alias } = &path;
        let model = ModelAccess::<Owner>::to_write(tx, me, name).await?.model;
        let current = Alias::find(tx.connection(), model.id, alias).await?;
        let current = current.ok_or(ApiError::not_found("alias"))?;
        conditions.write(Some(current.number))?;
        let removal = Move {
            model: model.id,
            alias,
            target: &Target::default(),
            reason: None,
            by: me,
            request_id: actor.origin.request_id(),
        };
        removal.remove(tx.connection()).await?;
        tx.tell(Event::ModelAliasRemoved {
            project: model.project_id,
            model: model.id,
            name: model.name,
            alias: alias.clone(),
        })
        .await?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
