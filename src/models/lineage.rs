//! Lineage: which version of a dataset or a model came from which. What somebody may not read, or
//! is gone, is a node without a name, and what lies beyond it is found all the same.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::datasets::handlers::VersionNumber;
use crate::db::json::AsJson;
use crate::db::sql::Writer;
use crate::db::transaction::Work;
use crate::kernel::error::ApiError;
use crate::kernel::types::{DatasetId, ModelId, PrincipalId, ProjectId, instant, words};
use crate::projects::access::{ProjectAccess, Viewer};
use crate::schema::lineage;

words! {
    /// How one came from the other: the model was trained on the dataset, the model scored what
    /// became the dataset, the dataset was made from the other by being scored
    LineageKind {
        TrainedOn = "trained_on",
        Scored = "scored",
        MadeFrom = "made_from",
    }
}

words! {
    /// What a node of the lineage is
    LineageType {
        Dataset = "dataset",
        Model = "model",
    }
}

/// A version of a dataset or a model
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineageNode {
    /// By this number edges name it, in this answer alone; 1 is what was asked about
    pub node: i64,
    #[serde(rename = "type")]
    pub kind: LineageType,
    /// Null, as all that follows, where you may not see it or it is gone
    pub id: Option<uuid::Uuid>,
    pub name: Option<String>,
    pub version: Option<i64>,
    pub project_id: Option<ProjectId>,
}

/// That one version came from another
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineageEdge {
    /// The node that was there before
    pub from: i64,
    /// The node that came from it
    pub to: i64,
    pub kind: LineageKind,
    /// Who made it so; null if you may not see what came of it, or the account was deleted
    pub by: Option<PrincipalId>,
    /// Null if you may not see what came of it
    #[serde(serialize_with = "instant")]
    pub at: Option<DateTime<Utc>>,
}

/// What a version came from, and what came from it
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Lineage {
    #[schema(max_items = 1000)]
    pub nodes: Vec<LineageNode>,
    #[schema(max_items = 5000)]
    pub edges: Vec<LineageEdge>,
    /// Whether there is more than is shown, which is at most 10 steps away, 1,000 nodes and 5,000
    /// edges
    pub truncated: bool,
}

/// What lineage is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    Dataset(DatasetId, i64),
    Model(String, i64),
}

const DEEPEST: i32 = 10;
const MOST_NODES: i64 = 1_000;
const MOST_EDGES: i64 = 5_000;
/// Of the walk, which comes to a node once for each way and distance.
const MOST_STEPS: i64 = 20_000;

const DATASET: [&str; 2] = [
    "SELECT datasets.id, version.version, false AS is_model FROM datasets \
     JOIN dataset_versions AS version ON version.dataset_id = datasets.id AND version.version = :version \
     JOIN projects ON projects.id = datasets.project_id \
     LEFT JOIN project_members ON project_members.project_id = projects.id \
        AND project_members.principal_id = :me WHERE datasets.id = :of AND ",
    ProjectAccess::<Viewer>::CONDITION,
];
const MODEL: [&str; 2] = [
    "SELECT models.id, version.version, true AS is_model FROM models \
     JOIN model_versions AS version ON version.model_id = models.id AND version.version = :version \
     JOIN projects ON projects.id = models.project_id \
     LEFT JOIN project_members ON project_members.project_id = projects.id \
        AND project_members.principal_id = :me WHERE models.name = :of AND ",
    ProjectAccess::<Viewer>::CONDITION,
];

/// Each way for itself, so that what else came from the same is not found. The walk ends with its
/// limits, as its rows are made when they are taken.
const WALK: &str = "), walk AS (SELECT start.id, start.version, start.is_model, ways.way, 0 AS depth \
        FROM start CROSS JOIN (VALUES (1), (-1)) AS ways (way) \
    UNION SELECT next.id, next.version, next.is_model, walk.way, walk.depth + 1 FROM walk CROSS JOIN LATERAL ( \
        SELECT to_id AS id, to_version AS version, kind = 'trained_on' AS is_model FROM lineage \
        WHERE walk.way = 1 AND from_id = walk.id AND from_version = walk.version \
        UNION ALL SELECT from_id, from_version, kind = 'scored' FROM lineage \
        WHERE walk.way = -1 AND to_id = walk.id AND to_version = walk.version) AS next \
    WHERE walk.depth <= :deepest), \
    steps AS (SELECT id, version, is_model, depth FROM walk LIMIT :steps), \
    found AS (SELECT id, version, is_model, min(depth) AS depth FROM steps GROUP BY id, version, is_model), \
    nodes AS (SELECT id, version, is_model, row_number() OVER (ORDER BY depth, id, version) AS node \
        FROM found WHERE depth <= :deepest ORDER BY depth, id, version LIMIT :nodes), \
    shown AS (SELECT nodes.*, seen.name, seen.project_id FROM nodes LEFT JOIN LATERAL (";

const SEEN: [&str; 5] = [
    "SELECT datasets.name, datasets.project_id FROM datasets \
        JOIN projects ON projects.id = datasets.project_id \
        LEFT JOIN project_members ON project_members.project_id = projects.id \
            AND project_members.principal_id = :me \
        WHERE NOT nodes.is_model AND datasets.id = nodes.id AND ",
    ProjectAccess::<Viewer>::CONDITION,
    " UNION ALL SELECT models.name, models.project_id FROM models \
        JOIN projects ON projects.id = models.project_id \
        LEFT JOIN project_members ON project_members.project_id = projects.id \
            AND project_members.principal_id = :me \
        WHERE nodes.is_model AND models.id = nodes.id AND ",
    ProjectAccess::<Viewer>::CONDITION,
    ") AS seen ON true), ",
];

const SHOW: &str = "edges AS (SELECT before.node AS before, after.node AS after, lineage.kind, \
        CASE WHEN after.name IS NOT NULL THEN lineage.made_by END AS made_by, \
        CASE WHEN after.name IS NOT NULL THEN lineage.made_at END AS made_at \
        FROM shown AS after JOIN lineage ON lineage.to_id = after.id AND lineage.to_version = after.version \
        JOIN shown AS before ON before.id = lineage.from_id AND before.version = lineage.from_version \
        ORDER BY after.node, before.node, lineage.kind LIMIT :edges) \
    SELECT coalesce((SELECT jsonb_agg(jsonb_build_object('node', node, \
            'type', CASE WHEN is_model THEN 'model' ELSE 'dataset' END, \
            'id', CASE WHEN name IS NOT NULL THEN id END, 'name', name, \
            'version', CASE WHEN name IS NOT NULL THEN version END, 'project_id', project_id) \
            ORDER BY node) FROM shown), '[]'), \
        coalesce((SELECT jsonb_agg(jsonb_build_object('from', before, 'to', after, 'kind', kind, \
            'by', made_by, 'at', made_at) ORDER BY after, before, kind) FROM edges), '[]'), \
        (SELECT count(*) FROM steps) = :steps OR (SELECT count(*) FROM edges) = :edges \
        OR (SELECT count(*) FROM found) > (SELECT count(*) FROM nodes)";

type Found = (AsJson<Vec<LineageNode>>, AsJson<Vec<LineageEdge>>, bool);

/// All that is known of a version, as far as `me` may see it; `None` where they may not see it.
pub async fn find(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    of: &Of,
) -> QueryResult<Option<Lineage>> {
    let mut sql = Writer::default();
    sql.text("WITH RECURSIVE start AS (");
    let version = match of {
        Of::Dataset(id, version) => {
            sql.texts(&DATASET).bind::<Uuid, _>("of", *id);
            version
        }
        Of::Model(name, version) => {
            sql.texts(&MODEL).bind::<Text, _>("of", name.clone());
            version
        }
    };
    sql.text(WALK).texts(&SEEN).text(SHOW);
    sql.bind::<Nullable<Uuid>, _>("me", Some(me))
        .bind::<BigInt, _>("version", *version)
        .bind::<Integer, _>("deepest", DEEPEST)
        .bind::<BigInt, _>("steps", MOST_STEPS)
        .bind::<BigInt, _>("nodes", MOST_NODES)
        .bind::<BigInt, _>("edges", MOST_EDGES);
    let find = sql.statement::<(Jsonb, Jsonb, Bool)>();
    let (nodes, edges, truncated): Found = find.get_result(connection).await?;
    let lineage = Lineage {
        nodes: nodes.0,
        edges: edges.0,
        truncated,
    };
    Ok((!lineage.nodes.is_empty()).then_some(lineage))
}

/// A version of a dataset that became another by being scored, and the version of a model that did.
pub struct Scored {
    pub by: PrincipalId,
    pub model: (ModelId, i64),
    pub from: (DatasetId, i64),
    pub into: DatasetId,
}

impl Scored {
    /// Keeps what a version came from, in the transaction that makes it.
    pub async fn keep(&self, connection: &mut AsyncPgConnection, version: i64) -> QueryResult<()> {
        let row = |id: uuid::Uuid, from_version: i64, kind: LineageKind| {
            (
                lineage::from_id.eq(id),
                lineage::from_version.eq(from_version),
                lineage::to_id.eq(self.into.0),
                lineage::to_version.eq(version),
                lineage::kind.eq(kind),
                lineage::made_by.eq(self.by),
            )
        };
        let (model, from) = (self.model, self.from);
        diesel::insert_into(lineage::table)
            .values(vec![
                row(from.0.0, from.1, LineageKind::MadeFrom),
                row(model.0.0, model.1, LineageKind::Scored),
            ])
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// A version of a dataset
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    dataset: DatasetId,
    version: VersionNumber,
}

/// What a version was trained on, as far as somebody may see it.
const TRAINED: [&str; 2] = [
    "SELECT lineage.from_id, lineage.from_version FROM lineage \
     JOIN datasets ON datasets.id = lineage.from_id JOIN projects ON projects.id = datasets.project_id \
     LEFT JOIN project_members ON project_members.project_id = projects.id \
        AND project_members.principal_id = :me \
     WHERE lineage.to_id = :model AND lineage.to_version = :number AND lineage.kind = 'trained_on' AND ",
    ProjectAccess::<Viewer>::CONDITION,
];
const FORGET: &str = "DELETE FROM lineage WHERE to_id = :model AND to_version = :number \
    AND kind = 'trained_on' AND (from_id, from_version) IN (";
const TRAIN: [&str; 2] = [
    "INSERT INTO lineage (from_id, from_version, to_id, to_version, kind, made_by) \
     SELECT DISTINCT version.dataset_id, version.version, :model, :number, 'trained_on', :me \
     FROM unnest(:datasets, :versions) AS named (dataset, version) \
     JOIN dataset_versions AS version ON version.dataset_id = named.dataset AND version.version = named.version \
     JOIN datasets ON datasets.id = version.dataset_id JOIN projects ON projects.id = datasets.project_id \
     LEFT JOIN project_members ON project_members.project_id = projects.id \
        AND project_members.principal_id = :me WHERE ",
    ProjectAccess::<Viewer>::CONDITION,
];

/// The versions of datasets that a version of a model was trained on, as far as `me` may see them.
pub async fn trained_on(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    (model, version): (ModelId, i64),
) -> QueryResult<Vec<(DatasetId, i64)>> {
    let mut sql = Writer::default();
    sql.texts(&TRAINED)
        .text(" ORDER BY lineage.from_id, lineage.from_version")
        .bind::<Nullable<Uuid>, _>("me", Some(me))
        .bind::<Uuid, _>("model", model)
        .bind::<BigInt, _>("number", version);
    sql.statement::<(Uuid, BigInt)>().load(connection).await
}

/// Says what a version of a model was trained on, instead of what was said before. What `me` may
/// not see stays, since they could not say it again.
pub async fn train(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    (model, version): (ModelId, i64),
    on: &[TrainedOn],
) -> Work<()> {
    let mut before = Writer::default();
    before
        .text(FORGET)
        .texts(&TRAINED)
        .text(")")
        .bind::<Nullable<Uuid>, _>("me", Some(me))
        .bind::<Uuid, _>("model", model)
        .bind::<BigInt, _>("number", version);
    before.statement::<()>().execute(connection).await?;
    let datasets: Vec<DatasetId> = on.iter().map(|it| it.dataset).collect();
    let versions: Vec<i64> = on.iter().map(|it| it.version.get()).collect();
    let mut sql = Writer::default();
    sql.texts(&TRAIN)
        .text(" RETURNING from_id, from_version")
        .bind::<Nullable<Uuid>, _>("me", Some(me))
        .bind::<Uuid, _>("model", model)
        .bind::<BigInt, _>("number", version)
        .bind::<Array<Uuid>, _>("datasets", datasets)
        .bind::<Array<BigInt>, _>("versions", versions);
    let said: Vec<(DatasetId, i64)> = sql.statement::<(Uuid, BigInt)>().load(connection).await?;
    let is_missing = |it: &TrainedOn| !said.contains(&(it.dataset, it.version.get()));
    match on.iter().position(is_missing) {
        None => Ok(()),
        Some(at) => {
            let detail = "there is no such version of a dataset, or you may not see it";
            Err(ApiError::wrong_field(format!("/trained_on/{at}"), "not-found", detail).into())
        }
    }
}
