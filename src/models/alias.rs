//! Aliases: words by which a model is asked, each leading to one version or, by weight, to several.
//! Every move is kept for as long as the model is there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::version::VersionState;
use crate::db::json::AsJson;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, no_id};
use crate::db::sql::Writer;
use crate::kernel::types::{ModelId, PrincipalId, instant};
use crate::kernel::values::{NameRule, text};
use crate::schema::{model_alias_moves, model_aliases, model_versions};

text! {
    /// An alias of a model: a word that begins with a letter, so that it is never taken for a
    /// version
    AliasName = |text| NameRule::WORD.checked(text),
    || NameRule::WORD.described().description(Some("An alias of a model"));
}

impl AliasName {
    pub const MIN: usize = NameRule::MIN;
    pub const MAX: usize = NameRule::MAX;
}

text! {
    /// What a move of an alias is for
    MoveReason: 0..=1_000;
}

/// Shares of the requests by version, each at least 1.
pub type Weights = BTreeMap<i64, i32>;

/// Where an alias leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub weights: Weights,
    /// The version that gets a copy of every request, whose answers nobody sees.
    pub shadow: Option<i64>,
}

impl Target {
    /// One version that answers all requests.
    pub fn of(version: i64) -> Self {
        Self {
            weights: Weights::from([(version, 1)]),
            shadow: None,
        }
    }

    /// The shares, as JSON names them.
    pub fn shares(&self) -> BTreeMap<String, i32> {
        let all = self.weights.iter();
        all.map(|(version, share)| (version.to_string(), *share))
            .collect()
    }

    /// All versions that it names.
    pub fn versions(&self) -> Vec<i64> {
        let shadow = self.shadow.filter(|it| !self.weights.contains_key(it));
        self.weights.keys().copied().chain(shadow).collect()
    }
}

/// An alias and where it leads
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = model_alias_moves, check_for_backend(diesel::pg::Pg))]
#[schema(as = ModelAlias)]
pub struct Alias {
    #[diesel(column_name = alias)]
    pub name: String,
    /// Shares of the requests by version; one version has all of them
    #[serde(serialize_with = "shares")]
    #[schema(value_type = BTreeMap<String, i32>)]
    weights: AsJson<Weights>,
    /// The version that gets a copy of every request, whose answers nobody sees
    pub shadow: Option<i64>,
    /// Why it was moved there
    pub reason: Option<String>,
    /// Who moved it; null if the account was deleted
    pub moved_by: Option<PrincipalId>,
    #[serde(serialize_with = "instant")]
    pub moved_at: DateTime<Utc>,
    /// The request that moved it
    pub request_id: Option<String>,
    /// The number of the move, by which later ones are told from earlier ones
    #[diesel(column_name = number)]
    #[serde(rename = "move")]
    pub number: i64,
}

fn shares<S: serde::Serializer>(weights: &AsJson<Weights>, to: S) -> Result<S::Ok, S::Error> {
    weights.0.serialize(to)
}

impl Alias {
    pub fn target(&self) -> Target {
        Target {
            weights: self.weights.0.clone(),
            shadow: self.shadow,
        }
    }
}

/// A move to be made. Who calls has locked the model.
pub struct Move<'a> {
    pub model: ModelId,
    pub alias: &'a str,
    pub target: &'a Target,
    pub reason: Option<&'a str>,
    pub by: PrincipalId,
    pub request_id: Option<&'a str>,
}

/// Writes the move, then what the alias is from now on.
const MOVE: &str = "WITH moved AS (INSERT INTO model_alias_moves \
        (model_id, alias, weights, shadow, reason, moved_by, request_id) \
        VALUES (:model, :alias, :weights, :shadow, :reason, :by, :request) RETURNING number), \
    alias AS (INSERT INTO model_aliases (model_id, name, revision) \
        SELECT :model, :alias, number FROM moved \
        ON CONFLICT (model_id, name) DO UPDATE SET revision = excluded.revision), \
    gone AS (DELETE FROM model_alias_targets WHERE model_id = :model AND alias = :alias \
        AND version <> ALL (:versions)), \
    led AS (INSERT INTO model_alias_targets (model_id, alias, version, weight) \
        SELECT :model, :alias, version, share FROM unnest(:versions, :shares) AS led (version, share) \
        ON CONFLICT (model_id, alias, version) DO UPDATE SET weight = excluded.weight) \
    SELECT number FROM moved";

impl Move<'_> {
    pub async fn make(&self, connection: &mut AsyncPgConnection) -> QueryResult<i64> {
        let Target { weights, shadow } = self.target;
        let versions = self.target.versions();
        let share = |version| weights.get(version).copied().unwrap_or(0);
        let shares: Vec<i32> = versions.iter().map(share).collect();
        let mut sql = Writer::default();
        sql.text(MOVE)
            .bind::<Uuid, _>("model", self.model)
            .bind::<Text, _>("alias", self.alias.to_owned())
            .bind::<Jsonb, _>("weights", AsJson(weights.clone()))
            .bind::<Nullable<BigInt>, _>("shadow", *shadow)
            .bind::<Nullable<Text>, _>("reason", self.reason.map(str::to_owned))
            .bind::<Uuid, _>("by", self.by)
            .bind::<Nullable<Text>, _>("request", self.request_id.map(str::to_owned))
            .bind::<Array<BigInt>, _>("versions", versions)
            .bind::<Array<Integer>, _>("shares", shares);
        sql.statement::<BigInt>().get_result(connection).await
    }

    /// Keeps that the alias is gone, and removes it.
    pub async fn remove(&self, connection: &mut AsyncPgConnection) -> QueryResult<usize> {
        diesel::insert_into(model_alias_moves::table)
            .values((
                model_alias_moves::model_id.eq(self.model),
                model_alias_moves::alias.eq(self.alias),
                model_alias_moves::weights.eq(AsJson(Weights::new())),
                model_alias_moves::reason.eq(self.reason),
                model_alias_moves::moved_by.eq(self.by),
                model_alias_moves::request_id.eq(self.request_id),
            ))
            .execute(connection)
            .await?;
        diesel::delete(model_aliases::table.find((self.model, self.alias)))
            .execute(connection)
            .await
    }
}

/// The aliases of a model, each with its last move.
#[diesel::dsl::auto_type(no_type_alias)]
fn current(model: ModelId) -> _ {
    let last = model_aliases::model_id
        .eq(model_alias_moves::model_id)
        .and(model_aliases::name.eq(model_alias_moves::alias))
        .and(model_aliases::revision.eq(model_alias_moves::number));
    model_alias_moves::table
        .inner_join(model_aliases::table.on(last))
        .filter(model_aliases::model_id.eq(model))
}

impl Alias {
    /// The alias as its last move made it; `None` where it is not there, or not any more.
    pub async fn find(
        mut connection: &AsyncPgConnection,
        model: ModelId,
        name: &str,
    ) -> QueryResult<Option<Self>> {
        current(model)
            .filter(model_aliases::name.eq(name))
            .select(Self::as_select())
            .first(&mut connection)
            .await
            .optional()
    }

    /// The move before another one.
    pub async fn before(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        name: &str,
        number: i64,
    ) -> QueryResult<Option<Self>> {
        model_alias_moves::table
            .filter(model_alias_moves::model_id.eq(model))
            .filter(model_alias_moves::alias.eq(name))
            .filter(model_alias_moves::number.lt(number))
            .order(model_alias_moves::number.desc())
            .limit(1)
            .select(Self::as_select())
            .first(connection)
            .await
            .optional()
    }
}

/// Of the versions that are named, the state of each that is there and what its golden test said.
pub async fn states(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    versions: &[i64],
) -> QueryResult<Vec<(i64, VersionState, Option<super::version::GoldenState>)>> {
    model_versions::table
        .filter(model_versions::model_id.eq(model))
        .filter(model_versions::version.eq_any(versions))
        .select((
            model_versions::version,
            model_versions::state,
            model_versions::golden_state,
        ))
        .load(connection)
        .await
}

#[derive(Clone, Copy, PartialEq)]
pub enum AliasSort {
    Name,
}

impl Sorts for AliasSort {
    type Row = Alias;
    const LIST: &'static str = "model aliases";
    const ALL: &'static [(&'static str, Self)] = &[("name", Self::Name)];
    const DEFAULT: (Self, Direction) = (Self::Name, Direction::Ascending);

    fn place(self, row: &Alias) -> Place {
        Place {
            key: Key::Text(row.name.clone()),
            id: uuid::Uuid::nil(),
        }
    }

    fn weight(row: &Alias) -> usize {
        weight(row)
    }
}

fn weight(row: &Alias) -> usize {
    let reason = row.reason.as_ref().map_or(0, String::len);
    size_of::<Alias>() + row.name.len() + reason + 20 * row.weights.0.len()
}

/// The aliases of a model, in pages.
pub async fn page(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    page: &PageQuery<AliasSort>,
) -> QueryResult<Found<Alias>> {
    let wanted = || current(model).select(Alias::as_select()).into_boxed();
    let id = no_id();
    page.load(connection, wanted, model_aliases::name, id).await
}

#[derive(Clone, Copy, PartialEq)]
pub enum MoveSort {
    Move,
}

impl Sorts for MoveSort {
    type Row = Alias;
    const LIST: &'static str = "moves of a model alias";
    const ALL: &'static [(&'static str, Self)] = &[("move", Self::Move)];
    const DEFAULT: (Self, Direction) = (Self::Move, Direction::Descending);

    fn place(self, row: &Alias) -> Place {
        Place {
            key: Key::Int(row.number),
            id: uuid::Uuid::nil(),
        }
    }

    fn weight(row: &Alias) -> usize {
        weight(row)
    }
}

/// Every move that an alias has made, in pages.
pub async fn moves(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    name: &str,
    page: &PageQuery<MoveSort>,
) -> QueryResult<Found<Alias>> {
    let wanted = || {
        model_alias_moves::table
            .filter(model_alias_moves::model_id.eq(model))
            .filter(model_alias_moves::alias.eq(name.to_owned()))
            .select(Alias::as_select())
            .into_boxed()
    };
    let id = no_id();
    page.load(connection, wanted, model_alias_moves::number, id)
        .await
}
