//! Who may ask a model, and which version answers: one statement, whose result holds for a second.
//!
//! So a caller who is removed, and an alias that is moved, are heard of within that time on every
//! replica, and a busy model costs the database one look-up a second for each of its callers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Double, Integer, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::blobs::Blob;
use crate::db::Db;
use crate::db::json::AsJson;
use crate::db::sql::Writer;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{BlobId, ModelId, PrincipalId};
use crate::models::signature::Signature;
use crate::models::version::{VersionState, not_ready};
use crate::projects::access::{ProjectAccess, Viewer};

const HOLDS: Duration = Duration::from_secs(1);
/// Beyond so many, those that do not hold any more are forgotten, and if that is too few, all.
const MOST: usize = 10_000;
/// The alias of who names none.
pub const DEFAULT: &str = "production";

/// A version that can be asked.
#[derive(Debug)]
pub struct Version {
    pub model: ModelId,
    pub name: String,
    pub number: i64,
    pub signature: Signature,
    pub bytes: Blob,
    /// Which share of its answers is kept, if any.
    pub logged: Option<f64>,
}

/// Where a word leads: the versions with their shares, and the one that gets copies.
#[derive(Debug)]
pub struct Route {
    pub versions: Vec<(Arc<Version>, u64)>,
    pub shadow: Option<Arc<Version>>,
}

impl Route {
    /// The version with the largest share.
    pub fn largest(&self) -> Option<&Arc<Version>> {
        let largest = self.versions.iter().max_by_key(|(_, share)| *share);
        largest.map(|(version, _)| version)
    }

    /// The version that answers, by a number from anywhere in `u64`.
    pub fn choose(&self, by: u64) -> Option<&Arc<Version>> {
        let total: u64 = self.versions.iter().map(|(_, share)| share).sum();
        let mut place = by.checked_rem(total)?;
        for (version, share) in &self.versions {
            match place.checked_sub(*share) {
                None => return Some(version),
                Some(rest) => place = rest,
            }
        }
        None
    }
}

type Asked = (PrincipalId, String, String);

/// The routes that were asked for lately.
#[derive(Default)]
pub struct Routes {
    known: Mutex<HashMap<Asked, (Instant, Arc<Route>)>>,
}

impl Routes {
    /// What a caller reaches by a model's name and a word: an alias, or the number of a version.
    pub async fn find(
        &self,
        db: &Db,
        who: PrincipalId,
        name: &str,
        word: &str,
    ) -> ApiResult<Arc<Route>> {
        let asked = (who, name.to_owned(), word.to_owned());
        if let Some(route) = self.known(&asked) {
            return Ok(route);
        }
        let found = db
            .look_up(async |connection| find(connection, who, name, word).await)
            .await?;
        let route = Arc::new(found?);
        self.keep(asked, route.clone());
        Ok(route)
    }

    fn known(&self, asked: &Asked) -> Option<Arc<Route>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, route) = known.get(asked)?;
        (since.elapsed() < HOLDS).then(|| route.clone())
    }

    fn keep(&self, asked: Asked, route: Arc<Route>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (since, _)| since.elapsed() < HOLDS);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(asked, (Instant::now(), route));
    }
}

/// The model alone where there is no such alias, and the share alone where there is no such
/// version.
type Found = (
    ModelId,
    Option<i32>,
    Option<i64>,
    Option<VersionState>,
    Option<AsJson<Signature>>,
    Option<BlobId>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<f64>,
);
type Columns = (
    Uuid,
    Nullable<Integer>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Jsonb>,
    Nullable<Uuid>,
    Nullable<BigInt>,
    Nullable<Binary>,
    Nullable<Double>,
);

const FIND: [&str; 3] = [
    "SELECT models.id, led.weight, v.version, v.state, v.signature, v.blob_id, v.size, v.sha256, \
        log.share \
     FROM models JOIN projects ON projects.id = models.project_id \
     LEFT JOIN project_members ON project_members.project_id = projects.id \
        AND project_members.principal_id = :me \
     LEFT JOIN LATERAL (SELECT target.version, target.weight FROM model_alias_targets AS target \
        WHERE target.model_id = models.id AND target.alias = :word \
        UNION ALL SELECT :number, 1 WHERE :number IS NOT NULL) AS led ON true \
     LEFT JOIN model_versions AS v ON v.model_id = models.id AND v.version = led.version \
     LEFT JOIN model_logs AS log ON log.model_id = models.id \
     WHERE models.name = :name AND ",
    ProjectAccess::<Viewer>::CONDITION,
    " ORDER BY v.version",
];

/// Where a word leads now.
pub async fn find(
    mut connection: &AsyncPgConnection,
    who: PrincipalId,
    name: &str,
    word: &str,
) -> QueryResult<ApiResult<Route>> {
    let mut sql = Writer::default();
    sql.texts(&FIND)
        .bind::<Nullable<Uuid>, _>("me", Some(who))
        .bind::<Text, _>("name", name.to_owned())
        .bind::<Text, _>("word", word.to_owned())
        .bind::<Nullable<BigInt>, _>("number", word.parse::<i64>().ok());
    let found = sql.statement::<Columns>().load(&mut connection).await?;
    Ok(route(found, name, word))
}

fn route(found: Vec<Found>, name: &str, word: &str) -> ApiResult<Route> {
    if found.is_empty() {
        return Err(ApiError::not_found("model"));
    }
    let mut route = Route {
        versions: Vec::new(),
        shadow: None,
    };
    for (model, weight, number, state, signature, blob, size, sha256, logged) in found {
        let (Some(weight), Some(number)) = (weight, number) else {
            return Err(ApiError::new(
                Code::NotFound,
                format!("the model has no version and no alias {word}"),
            ));
        };
        let (Some(VersionState::Ready), Some(signature)) = (state, signature) else {
            let state = state.map_or("gone", VersionState::as_str);
            return Err(not_ready(number, state));
        };
        let (Some(id), Some(size), Some(sha256)) = (blob, size, sha256) else {
            return Err(ApiError::not_found("version"));
        };
        let version = Arc::new(Version {
            model,
            name: name.to_owned(),
            number,
            signature: signature.0,
            bytes: Blob {
                id,
                size: u64::try_from(size).unwrap_or(0),
                sha256,
            },
            logged,
        });
        match u64::try_from(weight) {
            Ok(share @ 1..) => route.versions.push((version, share)),
            _ => route.shadow = Some(version),
        }
    }
    Ok(route)
}
