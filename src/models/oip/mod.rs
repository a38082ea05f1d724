//! The Open Inference Protocol: what a model is, and asking it, as clients of many servers do.

mod answer;
pub(super) mod data;
mod document;
pub mod golden;
mod request;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::response::Response;
use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use answer::{Answering, JSON_LENGTH};
use document::{InferenceAnswer, InferenceQuestion};
use request::Question;
pub use request::examine;

use super::log::notes::Answered;
use super::serving::Models;
use super::serving::route::{DEFAULT, Route, Version};
use super::signature::TensorType;
use crate::http::body::extract::{ValidPath, WholeBody};
use crate::http::caller::{Anyone, Signed};
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;

/// What a caller has in common with itself: with the same value, the same version answers.
const STICKY: HeaderName = HeaderName::from_static("x-chartroom-sticky");

/// The server of the inference protocol
#[derive(Serialize, ToSchema)]
pub struct InferenceServer {
    name: &'static str,
    version: &'static str,
    extensions: Vec<&'static str>,
}

/// Whether the server lives
#[derive(Serialize, ToSchema)]
pub struct InferenceLive {
    live: bool,
}

/// Whether the server or a model can be asked
#[derive(Serialize, ToSchema)]
pub struct InferenceReady {
    ready: bool,
}

/// What a model takes and gives, for the inference protocol
#[derive(Serialize, ToSchema)]
pub struct InferenceModel {
    name: String,
    /// Those that the word leads to which was asked for
    versions: Vec<String>,
    platform: &'static str,
    inputs: Vec<TensorType>,
    outputs: Vec<TensorType>,
}

/// A model, and a version or an alias of it, in a path.
#[derive(Deserialize)]
pub struct ModelPath {
    name: String,
    #[serde(default)]
    version: Option<String>,
}

impl ModelPath {
    fn word(&self) -> &str {
        self.version.as_deref().unwrap_or(DEFAULT)
    }

    async fn route(
        &self,
        app: &AppState,
        models: &Models,
        who: PrincipalId,
    ) -> ApiResult<Arc<Route>> {
        let routes = &models.0.routes;
        routes.find(&app.db, who, &self.name, self.word()).await
    }
}

/// The inference server
///
/// What it is called, and which extensions of the Open Inference Protocol it has.
#[utoipa::path(
    get,
    path = "/v2",
    tag = "inference",
    security(()),
    responses((status = OK, body = InferenceServer), ApiError),
)]
pub async fn get_inference_server(_: Anyone) -> Json<InferenceServer> {
    Json(InferenceServer {
        name: "chartroom",
        version: env!("CARGO_PKG_VERSION"),
        extensions: vec!["binary_tensor_data"],
    })
}

/// Whether the server lives
///
/// Always, where an answer comes.
#[utoipa::path(
    get,
    path = "/v2/health/live",
    tag = "inference",
    security(()),
    responses((status = OK, body = InferenceLive), ApiError),
)]
pub async fn get_inference_live(_: Anyone) -> Json<InferenceLive> {
    Json(InferenceLive { live: true })
}

/// Whether the server is ready
///
/// 503 where the process has not begun to serve, or is stopping.
#[utoipa::path(
    get,
    path = "/v2/health/ready",
    tag = "inference",
    security(()),
    responses((status = OK, body = InferenceReady), ApiError),
)]
pub async fn get_inference_ready(_: Anyone, app: AppState) -> ApiResult<Json<InferenceReady>> {
    match app.start_readiness() {
        Ok(()) => Ok(Json(InferenceReady { ready: true })),
        Err(why) => Err(ApiError::new(Code::NotReady, why)),
    }
}

macro_rules! operations {
    ($(
        $model:ident $ready:ident $infer:ident $model_path:literal $ready_path:literal $infer_path:literal
        ($($parameter:tt)*)
    )+) => {
        $(
            /// What a model takes and gives
            ///
            /// Without a version, that to which the alias `production` leads; of several that with
            /// the largest share.
            #[utoipa::path(
                get,
                path = $model_path,
                tag = "inference",
                security(("caller" = [])),
                params(("name" = String, Path, description = "Name of the model") $($parameter)*),
                responses((status = OK, body = InferenceModel), ApiError),
            )]
            pub async fn $model(
                who: Signed,
                app: AppState,
                models: Models,
                ValidPath(path): ValidPath<ModelPath>,
            ) -> ApiResult<Json<InferenceModel>> {
                let route = path.route(&app, &models, who.id).await?;
                described(path, &route)
            }

            /// Whether a model can be asked
            ///
            /// 404 where there is none that you may ask, 409 where its version is not ready.
            #[utoipa::path(
                get,
                path = $ready_path,
                tag = "inference",
                security(("caller" = [])),
                params(("name" = String, Path, description = "Name of the model") $($parameter)*),
                responses((status = OK, body = InferenceReady), ApiError),
            )]
            pub async fn $ready(
                who: Signed,
                app: AppState,
                models: Models,
                ValidPath(path): ValidPath<ModelPath>,
            ) -> ApiResult<Json<InferenceReady>> {
                path.route(&app, &models, who.id).await?;
                Ok(Json(InferenceReady { ready: true }))
            }

            /// Ask a model
            ///
            /// The body is a request of the Open Inference Protocol: tensors as JSON, or as bytes
            /// behind the JSON, whose length `Inference-Header-Content-Length` says. Every viewer
            /// of the model's project may ask. Without a version, the alias `production` answers;
            /// where it leads to several by weight, the same `id`, or the same
            /// `X-Chartroom-Sticky`, is answered by the same version. The answer names the version.
            /// 503 says that too many wait, or that the answer took too long.
            #[utoipa::path(
                post,
                path = $infer_path,
                tag = "inference",
                security(("caller" = [])),
                extensions(("x-policy" = json!("inference"))),
                params(
                    ("name" = String, Path, description = "Name of the model") $($parameter)*,
                    ("X-Chartroom-Sticky" = Option<String>, Header, description = "With the same value, the same version answers"),
                    ("Inference-Header-Content-Length" = Option<u64>, Header, description = "How many bytes of the body are JSON, where bytes of tensors follow"),
                ),
                request_body(content((InferenceQuestion = "application/json"), (String = "application/octet-stream"))),
                responses(
                    (status = OK, description = "The answer", content((InferenceAnswer = "application/json"), (String = "application/octet-stream"))),
                    ApiError,
                ),
            )]
            pub async fn $infer(
                who: Signed,
                app: AppState,
                models: Models,
                ValidPath(path): ValidPath<ModelPath>,
                headers: HeaderMap,
                WholeBody(body): WholeBody,
            ) -> ApiResult<Response> {
                let route = path.route(&app, &models, who.id).await?;
                infer(&models, &path.name, &route, &headers, &body).await
            }
        )+
    };
}

operations! {
    get_inference_model get_inference_model_ready infer_model
    "/v2/models/{name}" "/v2/models/{name}/ready" "/v2/models/{name}/infer" ()
    get_inference_version get_inference_version_ready infer_model_version
    "/v2/models/{name}/versions/{version}" "/v2/models/{name}/versions/{version}/ready"
    "/v2/models/{name}/versions/{version}/infer"
    (, ("version" = String, Path, description = "Number of a version, or an alias"))
}

fn described(path: ModelPath, route: &Route) -> ApiResult<Json<InferenceModel>> {
    let version = route.largest().ok_or(ApiError::not_found("version"))?;
    let numbers = route.versions.iter().map(|(version, _)| version.number);
    Ok(Json(InferenceModel {
        name: path.name,
        versions: numbers.map(|number| number.to_string()).collect(),
        platform: "onnxruntime_onnx",
        inputs: version.signature.inputs.clone(),
        outputs: version.signature.outputs.clone(),
    }))
}

/// Asks what the body says, as a program does that has posted it to a model of this name.
pub async fn infer(
    models: &Models,
    name: &str,
    route: &Route,
    headers: &HeaderMap,
    body: &Bytes,
) -> ApiResult<Response> {
    let question = request::read(body, json_length(headers)?)?;
    let version = chosen(route, &question, headers)?;
    let (inputs, wanted) = question.fit(&version.signature)?;
    let is_noted = models.0.notes.wants(version);
    let noted = is_noted.then(|| (inputs.clone(), Utc::now(), Instant::now()));
    let asked = models.0.ask(version, inputs, route.shadow.as_ref());
    let answer = asked.await?;
    if let Some((asked, at, began)) = noted {
        models.0.notes.note(Answered {
            version: version.clone(),
            asked,
            answer: answer.clone(),
            id: wanted.id.clone(),
            at,
            took: began.elapsed(),
        });
    }
    let by = Answering {
        name,
        version: version.number,
        signature: &version.signature,
    };
    answer::write(&by, &wanted, &answer)
}

/// With the same id, or the same word for it, the same version answers.
fn chosen<'a>(
    route: &'a Route,
    question: &Question,
    headers: &HeaderMap,
) -> ApiResult<&'a Arc<Version>> {
    if let [(only, _)] = route.versions.as_slice() {
        return Ok(only);
    }
    let id = question.id().map(str::as_bytes);
    let key = id.or_else(|| headers.get(STICKY).map(HeaderValue::as_bytes));
    let by = match key {
        Some(key) => {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            hasher.finish()
        }
        None => {
            let (_, random) = Uuid::new_v4().as_u64_pair();
            random
        }
    };
    route.choose(by).ok_or(ApiError::not_found("version"))
}

fn json_length(headers: &HeaderMap) -> ApiResult<Option<usize>> {
    let Some(length) = headers.get(JSON_LENGTH) else {
        return Ok(None);
    };
    let number = length.to_str().ok().and_then(|length| length.parse().ok());
    number.map(Some).ok_or_else(|| {
        ApiError::new(
            Code::InvalidInput,
            "Inference-Header-Content-Length: expected how many bytes of the body are JSON",
        )
    })
}
