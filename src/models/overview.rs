//! What lists of models show beside each, and what of somebody's is not as it should be.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::alias::{Alias, Target};
use super::version::VersionState;
use crate::kernel::types::{ModelId, PrincipalId};
use crate::schema::{
    model_alias_moves, model_alias_targets, model_aliases, model_versions, models, project_members,
    projects,
};

/// How long a check that has failed is told of.
const RECENT: TimeDelta = TimeDelta::days(7);
/// How many of them.
const FEW: i64 = 5;

/// What a list shows beside a model.
#[derive(Clone, Debug)]
pub struct Beside {
    pub model: ModelId,
    /// The name of its project.
    pub project: String,
    /// Where the alias leads, if there is one.
    pub leads: Option<Target>,
}

/// The same for each of these models and one alias, in one statement.
pub async fn beside(
    connection: &mut AsyncPgConnection,
    of: &[ModelId],
    alias: &str,
) -> QueryResult<Vec<Beside>> {
    let aliases = model_aliases::model_id
        .eq(models::id)
        .and(model_aliases::name.eq(alias.to_owned()));
    let last = model_alias_moves::model_id
        .eq(model_aliases::model_id)
        .and(model_alias_moves::alias.eq(model_aliases::name))
        .and(model_alias_moves::number.eq(model_aliases::revision));
    let found: Vec<(ModelId, String, Option<Alias>)> = models::table
        .inner_join(projects::table)
        .left_join(model_aliases::table.on(aliases))
        .left_join(model_alias_moves::table.on(last))
        .filter(models::id.eq_any(of))
        .select((models::id, projects::name, Option::<Alias>::as_select()))
        .load(connection)
        .await?;
    let shown = found.into_iter().map(|(model, project, alias)| Beside {
        model,
        project,
        leads: alias.map(|alias| alias.target()),
    });
    Ok(shown.collect())
}

/// The aliases that lead to a version, by their names.
pub async fn leading_to(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    version: i64,
) -> QueryResult<Vec<String>> {
    model_alias_targets::table
        .filter(model_alias_targets::model_id.eq(model))
        .filter(model_alias_targets::version.eq(version))
        .select(model_alias_targets::alias)
        .order(model_alias_targets::alias)
        .limit(100)
        .load(connection)
        .await
}

/// A version of somebody's that has failed, or whose check waits.
#[derive(Clone, Debug, Queryable)]
pub struct Unready {
    pub model: String,
    pub version: i64,
    pub state: VersionState,
    pub created_at: DateTime<Utc>,
}

/// The last few versions that somebody has uploaded within a week and that are not ready, in models
/// of projects that they are a member of.
pub async fn unready_of(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
) -> QueryResult<Vec<Unready>> {
    let member = project_members::project_id
        .eq(models::project_id)
        .and(project_members::principal_id.eq(who));
    model_versions::table
        .inner_join(models::table)
        .inner_join(project_members::table.on(member))
        .filter(model_versions::created_by.eq(who))
        .filter(model_versions::state.ne(VersionState::Ready))
        .filter(model_versions::created_at.gt(Utc::now() - RECENT))
        .order((
            model_versions::created_at.desc(),
            model_versions::version.desc(),
        ))
        .limit(FEW)
        .select((
            models::name,
            model_versions::version,
            model_versions::state,
            model_versions::created_at,
        ))
        .load(connection)
        .await
}
