//! The only way to a model: a [`ModelAccess`] says that the caller may, and carries it. Who may is
//! what the role in its project says.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use diesel_async::AsyncPgConnection;
use http::request::Parts;
use serde::Deserialize;

use super::model::Model;
use crate::db::transaction::Work;
use crate::http::body::extract::ValidPath;
use crate::http::caller::Caller;
use crate::http::openapi::access::Access;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::principal::Principal;
use crate::kernel::types::PrincipalId;
use crate::projects::access::{Needs, ProjectAccess, suffices};

/// A model that the caller may read, and do with what `R` may.
#[derive(Clone, Debug)]
pub struct ModelAccess<R> {
    pub model: Model,
    pub who: PrincipalId,
    needs: PhantomData<R>,
}

impl<R: Needs> ModelAccess<R> {
    /// To change it, in the transaction that does. Until that ends, nobody else changes it, and
    /// nobody takes the caller's role away.
    pub async fn to_write(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        name: &str,
    ) -> Work<Self> {
        let found = Model::find(connection, who, name).await?;
        let found = found.ok_or(ApiError::not_found("model"))?;
        ProjectAccess::<R>::to_write(connection, who, found.project_id).await?;
        let locked = Model::lock(connection, who, found.id).await?;
        Ok(Self::of(who, locked)?)
    }

    fn of(who: PrincipalId, found: Option<Model>) -> ApiResult<Self> {
        let model = found.ok_or(ApiError::not_found("model"))?;
        suffices::<R>(model.role)?;
        Ok(Self {
            model,
            who,
            needs: PhantomData,
        })
    }
}

/// The model that a path names by `{name}`.
#[derive(Deserialize)]
struct InPath {
    name: String,
}

/// Who calls is signed in; whether they may is for the project to say.
impl<R: Needs> Caller for ModelAccess<R> {
    const ACCESS: Access = Access::Caller;
}

impl<R: Needs> FromRequestParts<AppState> for ModelAccess<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let who = Principal::of(&parts.extensions)?.id;
        let ValidPath(InPath { name }) = ValidPath::from_request_parts(parts, app).await?;
        let found = app
            .db
            .look_up(async |connection| Model::find(connection, who, &name).await)
            .await?;
        Self::of(who, found)
    }
}
