//! The only way to a dataset: a [`DatasetAccess`] says that the caller may, and carries it. Who may
//! is what the role in its project says.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use diesel_async::AsyncPgConnection;
use http::request::Parts;
use serde::Deserialize;

use super::model::Dataset;
use crate::db::transaction::Work;
use crate::http::body::extract::ValidPath;
use crate::http::caller::Caller;
use crate::http::openapi::access::Access;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::principal::Principal;
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::projects::access::{Needs, ProjectAccess, suffices};

/// A dataset that the caller may read, and do with what `R` may.
#[derive(Clone, Debug)]
pub struct DatasetAccess<R> {
    pub dataset: Dataset,
    pub who: PrincipalId,
    needs: PhantomData<R>,
}

impl<R: Needs> DatasetAccess<R> {
    /// To change it, in the transaction that does. Until that ends, nobody else changes it, and
    /// nobody takes the caller's role away.
    pub async fn to_write(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        id: DatasetId,
    ) -> Work<Self> {
        let found = Dataset::find(connection, who, id).await?;
        let found = found.ok_or(ApiError::not_found("dataset"))?;
        ProjectAccess::<R>::to_write(connection, who, found.project_id).await?;
        let locked = Dataset::lock(connection, who, id).await?;
        Ok(Self::of(who, locked)?)
    }

    fn of(who: PrincipalId, found: Option<Dataset>) -> ApiResult<Self> {
        let dataset = found.ok_or(ApiError::not_found("dataset"))?;
        suffices::<R>(dataset.role)?;
        Ok(Self {
            dataset,
            who,
            needs: PhantomData,
        })
    }
}

/// The dataset that a path names by `{id}`.
#[derive(Deserialize)]
struct InPath {
    id: DatasetId,
}

/// Who calls is signed in; whether they may is for the project to say.
impl<R: Needs> Caller for DatasetAccess<R> {
    const ACCESS: Access = Access::Caller;
}

impl<R: Needs> FromRequestParts<AppState> for DatasetAccess<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let who = Principal::of(&parts.extensions)?.id;
        let ValidPath(InPath { id }) = ValidPath::from_request_parts(parts, app).await?;
        let found = app
            .db
            .look_up(async |connection| Dataset::find(connection, who, id).await)
            .await?;
        Self::of(who, found)
    }
}
