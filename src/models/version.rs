//! Versions of models as the database keeps them: bytes that never change, and what is known of
//! them.

use std::collections::BTreeMap;

use chartroom_wire::models::hexadecimal;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;

use super::oip::golden::{Golden, Verdict};
use super::signature::Signature;
use crate::blobs::{Blob, Written};
use crate::db::json::AsJson;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, no_id};
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::{BlobId, ModelId, PrincipalId, instant, words};
use crate::kernel::values::text;
use crate::schema::model_versions;

words! {
    /// How far a version is: it is being checked, it can be asked, it cannot
    VersionState {
        Checking = "checking",
        Ready = "ready",
        Failed = "failed",
    }
}

words! {
    /// What became of the golden test of a version
    GoldenState {
        Passed = "passed",
        Failed = "failed",
    }
}

text! {
    /// On which terms a model may be used: an SPDX identifier such as `Apache-2.0`, a URL, or words
    ModelLicence: 0..=200, no_control;
    /// A word by which a version is found
    VersionTag: 1..=50, no_control, trimmed;
    /// What a version is, in Markdown: its card
    VersionDescription: 0..=10_000;
}

pub type Metrics = AsJson<BTreeMap<String, f64>>;

/// A version of a model
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = model_versions, check_for_backend(diesel::pg::Pg))]
#[schema(as = ModelVersion)]
pub struct Version {
    #[serde(skip)]
    pub model_id: ModelId,
    pub version: i64,
    pub state: VersionState,
    /// Why it has failed, or why it is still being checked; where it is ready, what its last check
    /// found
    pub problem: Option<String>,
    /// Bytes of the file
    pub size: i64,
    #[serde(serialize_with = "digest")]
    #[schema(value_type = String)]
    pub sha256: Vec<u8>,
    /// None before it is ready
    #[diesel(deserialize_as = Option<AsJson<Signature>>)]
    #[serde(serialize_with = "inner")]
    #[schema(value_type = Option<Signature>)]
    pub signature: Option<AsJson<Signature>>,
    /// What it is, in Markdown
    pub description: Option<String>,
    /// On which terms it may be used
    pub licence: Option<String>,
    /// Words by which it is found
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<Option<String>>,
    /// What its author measured, by name
    #[serde(serialize_with = "measured")]
    #[schema(value_type = BTreeMap<String, f64>)]
    pub metrics: Metrics,
    /// Whether its answers are those of its golden test; null if it has none
    pub golden_state: Option<GoldenState>,
    /// Where they differ
    pub golden_problem: Option<String>,
    #[serde(skip)]
    pub revision: i64,
    /// Who uploaded it; null if the account was deleted
    pub created_by: Option<PrincipalId>,
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    #[serde(skip)]
    blob_id: BlobId,
}

fn digest<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hexadecimal(bytes))
}

fn inner<S: serde::Serializer>(
    signature: &Option<AsJson<Signature>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    signature
        .as_ref()
        .map(|signature| &signature.0)
        .serialize(serializer)
}

fn measured<S: serde::Serializer>(metrics: &Metrics, serializer: S) -> Result<S::Ok, S::Error> {
    metrics.0.serialize(serializer)
}

/// A version to be; its bytes are there already.
pub struct NewVersion<'a> {
    pub model: ModelId,
    pub version: i64,
    pub blob: &'a Written,
    pub key: Option<&'a str>,
    pub by: PrincipalId,
}

/// What is to be changed of what a version says of itself; the rest stays.
#[derive(AsChangeset)]
#[diesel(table_name = model_versions)]
pub struct VersionChanges<'a> {
    pub description: Option<Option<&'a VersionDescription>>,
    pub licence: Option<Option<&'a ModelLicence>>,
    pub tags: Option<Vec<String>>,
    pub metrics: Option<Metrics>,
}

/// What is set by a check.
#[derive(AsChangeset)]
#[diesel(table_name = model_versions)]
struct Judgement<'a> {
    state: VersionState,
    signature: Option<AsJson<Signature>>,
    problem: Option<Option<&'a String>>,
    golden_state: Option<GoldenState>,
    golden_problem: Option<Option<&'a String>>,
}

/// A golden test and what became of it; `None` takes it away.
#[derive(AsChangeset)]
#[diesel(table_name = model_versions, treat_none_as_null = true)]
struct GoldenChange<'a> {
    golden: Option<AsJson<Golden>>,
    golden_state: Option<GoldenState>,
    golden_problem: Option<&'a String>,
}

impl GoldenState {
    pub fn of(verdict: &Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Passed,
            Err(_) => Self::Failed,
        }
    }
}

impl Version {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        model: ModelId,
        version: i64,
    ) -> QueryResult<Option<Self>> {
        model_versions::table
            .find((model, version))
            .select(Self::as_select())
            .first(&mut connection)
            .await
            .optional()
    }

    /// Of the versions that are named, those that are there.
    pub async fn named(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        versions: &[i64],
    ) -> QueryResult<Vec<Self>> {
        model_versions::table
            .filter(model_versions::model_id.eq(model))
            .filter(model_versions::version.eq_any(versions))
            .order(model_versions::version)
            .select(Self::as_select())
            .load(connection)
            .await
    }

    /// The one that an earlier request with the same key has made.
    pub async fn of_key(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        by: PrincipalId,
        key: &str,
    ) -> QueryResult<Option<Self>> {
        model_versions::table
            .filter(model_versions::model_id.eq(model))
            .filter(model_versions::created_by.eq(by))
            .filter(model_versions::idempotency_key.eq(key))
            .select(Self::as_select())
            .first(connection)
            .await
            .optional()
    }

    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewVersion<'_>,
    ) -> QueryResult<Self> {
        diesel::insert_into(model_versions::table)
            .values((
                model_versions::model_id.eq(new.model),
                model_versions::version.eq(new.version),
                model_versions::blob_id.eq(new.blob.id),
                model_versions::size.eq(new.blob.size()),
                model_versions::sha256.eq(new.blob.sha256()),
                model_versions::state.eq(VersionState::Checking),
                model_versions::idempotency_key.eq(new.key),
                model_versions::created_by.eq(new.by),
            ))
            .returning(Self::as_select())
            .get_result(connection)
            .await
    }

    pub async fn update(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
        changes: VersionChanges<'_>,
    ) -> QueryResult<Self> {
        diesel::update(model_versions::table.find((model, version)))
            .set((
                changes,
                model_versions::revision.eq(model_versions::revision + 1),
            ))
            .returning(Self::as_select())
            .get_result(connection)
            .await
    }

    /// It is to be checked once more.
    pub async fn check_again(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
    ) -> QueryResult<Self> {
        diesel::update(model_versions::table.find((model, version)))
            .set((
                model_versions::state.eq(VersionState::Checking),
                model_versions::problem.eq(None::<String>),
                model_versions::revision.eq(model_versions::revision + 1),
            ))
            .returning(Self::as_select())
            .get_result(connection)
            .await
    }

    /// What its check has found; says in which state it was, if it is there. One that serves goes
    /// on serving, with the problem beside it: what cannot be loaded now may be for want of memory.
    pub async fn judge(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
        verdict: &Result<Signature, String>,
        tested: Option<&(Golden, Verdict)>,
    ) -> QueryResult<Option<VersionState>> {
        let row = model_versions::table.find((model, version));
        let before: Option<(VersionState, Option<AsJson<Golden>>)> = row
            .select((model_versions::state, model_versions::golden))
            .for_no_key_update()
            .first(connection)
            .await
            .optional()?;
        let Some((before, golden)) = before else {
            return Ok(None);
        };
        // What was found with a test that was replaced meanwhile says nothing of the new one.
        let tested = tested.filter(|(tested, _)| golden.is_some_and(|it| it.0 == *tested));
        let golden_state = tested.map(|(_, verdict)| GoldenState::of(verdict));
        let golden_problem = tested.map(|(_, verdict)| verdict.as_ref().err());
        let changes = match verdict {
            Ok(signature) => Judgement {
                state: VersionState::Ready,
                signature: Some(AsJson(signature.clone())),
                problem: Some(None),
                golden_state,
                golden_problem,
            },
            Err(problem) => Judgement {
                state: match before {
                    VersionState::Ready => VersionState::Ready,
                    VersionState::Checking | VersionState::Failed => VersionState::Failed,
                },
                signature: None,
                problem: Some(Some(problem)),
                golden_state,
                golden_problem,
            },
        };
        diesel::update(row)
            .set((
                changes,
                model_versions::revision.eq(model_versions::revision + 1),
            ))
            .execute(connection)
            .await?;
        Ok(Some(before))
    }

    /// Sets its golden test and what became of it, or takes it away.
    pub async fn set_golden(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
        tested: Option<&(Golden, Verdict)>,
    ) -> QueryResult<Self> {
        let change = GoldenChange {
            golden: tested.map(|(golden, _)| AsJson(golden.clone())),
            golden_state: tested.map(|(_, verdict)| GoldenState::of(verdict)),
            golden_problem: tested.and_then(|(_, verdict)| verdict.as_ref().err()),
        };
        diesel::update(model_versions::table.find((model, version)))
            .set((
                change,
                model_versions::revision.eq(model_versions::revision + 1),
            ))
            .returning(Self::as_select())
            .get_result(connection)
            .await
    }

    /// What became of its golden test, unless that was replaced meanwhile.
    pub async fn keep_verdict(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
        golden: &Golden,
        verdict: &Verdict,
    ) -> QueryResult<usize> {
        let tested = model_versions::table
            .find((model, version))
            .filter(model_versions::golden.eq(AsJson(golden.clone())));
        diesel::update(tested)
            .set((
                model_versions::golden_state.eq(GoldenState::of(verdict)),
                model_versions::golden_problem.eq(verdict.as_ref().err()),
                model_versions::revision.eq(model_versions::revision + 1),
            ))
            .execute(connection)
            .await
    }

    /// Its check has not come to an end, which is not its fault.
    pub async fn note(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
    ) -> QueryResult<usize> {
        let problem = "what runs models cannot be reached at present; the check is repeated";
        let checked = model_versions::table
            .find((model, version))
            .filter(model_versions::state.eq(VersionState::Checking))
            .filter(model_versions::problem.is_distinct_from(problem));
        diesel::update(checked)
            .set((
                model_versions::problem.eq(problem),
                model_versions::revision.eq(model_versions::revision + 1),
            ))
            .execute(connection)
            .await
    }

    pub async fn delete(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        version: i64,
    ) -> QueryResult<usize> {
        diesel::delete(model_versions::table.find((model, version)))
            .execute(connection)
            .await
    }

    pub fn digest(&self) -> String {
        hexadecimal(&self.sha256)
    }

    pub fn bytes(&self) -> Blob {
        Blob {
            id: self.blob_id,
            size: u64::try_from(self.size).unwrap_or(0),
            sha256: self.sha256.clone(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum ModelVersionSort {
    Version,
}

impl Sorts for ModelVersionSort {
    type Row = Version;
    const LIST: &'static str = "model versions";
    const ALL: &'static [(&'static str, Self)] = &[("version", Self::Version)];
    const DEFAULT: (Self, Direction) = (Self::Version, Direction::Descending);

    fn place(self, row: &Version) -> Place {
        Place {
            key: Key::Int(row.version),
            id: uuid::Uuid::nil(),
        }
    }

    fn weight(row: &Version) -> usize {
        let texts = [&row.description, &row.problem, &row.golden_problem];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let tensors = row.signature.as_ref().map_or(0, |it| {
            let all = it.0.inputs.iter().chain(&it.0.outputs);
            all.map(|tensor| tensor.name.len() + 50).sum()
        });
        size_of::<Version>() + texts + tensors + 30 * (row.tags.len() + row.metrics.0.len())
    }
}

/// The versions of a model, in pages.
pub async fn page(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    state: Option<VersionState>,
    page: &PageQuery<ModelVersionSort>,
) -> QueryResult<Found<Version>> {
    let wanted = || {
        let mut query = model_versions::table
            .filter(model_versions::model_id.eq(model))
            .select(Version::as_select())
            .into_boxed();
        if let Some(state) = state {
            query = query.filter(model_versions::state.eq(state));
        }
        query
    };
    let id = no_id();
    page.load(connection, wanted, model_versions::version, id)
        .await
}

/// That a version cannot be asked.
pub fn not_ready(version: i64, state: &str) -> ApiError {
    ApiError::new(
        Code::VersionNotReady,
        format!("version {version} is not ready: its state is {state}"),
    )
}

/// Versions that can be asked, each with its golden test, if it has one.
pub async fn with_goldens(
    mut connection: &AsyncPgConnection,
    model: ModelId,
    versions: &[i64],
) -> QueryResult<Vec<(Version, Option<Golden>)>> {
    let found: Vec<(Version, Option<AsJson<Golden>>)> = model_versions::table
        .filter(model_versions::model_id.eq(model))
        .filter(model_versions::version.eq_any(versions))
        .filter(model_versions::signature.is_not_null())
        .order(model_versions::version)
        .select((Version::as_select(), model_versions::golden))
        .load(&mut connection)
        .await?;
    let found = found.into_iter();
    let read = found.map(|(version, golden)| (version, golden.map(|golden| golden.0)));
    Ok(read.collect())
}
