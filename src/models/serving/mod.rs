//! Models that answer: which version a caller reaches, and the processes of those that are loaded.

mod batch;
mod crew;
pub mod report;
pub mod route;
pub mod stats;
mod worker;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use bytes::Bytes;
use http::request::Parts;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{timeout, timeout_at};

pub use batch::Tensors;
use chartroom_wire::models::{Code as Fault, Inputs};
use crew::Crew;
use report::{ANSWERED, Labels};
use route::{Routes, Version};
use worker::{Order, Question, Reply};

use crate::db::Db;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::ModelId;
use crate::models::log::notes::Notes;
use crate::process::models::{ModelError, ModelRunner};
use crate::state::Core;
use crate::telemetry::metrics::Metrics;

/// Questions that wait for a version; one more is refused.
const WAITING: usize = 256;

/// An alias does not wait longer for the versions that it is to lead to.
const WARMING: Duration = Duration::from_secs(5);

type Key = (ModelId, i64);
type Waiting = oneshot::Receiver<Result<Reply, Arc<ModelError>>>;

/// A version whose task runs, or several.
struct Loaded {
    orders: mpsc::Sender<Order>,
    memory: Arc<AtomicU64>,
    asked: Instant,
}

pub struct Serving {
    db: Arc<Db>,
    runner: Arc<ModelRunner>,
    metrics: Arc<Metrics>,
    /// For an answer.
    deadline: Duration,
    /// Bytes that all models may take up together.
    memory: u64,
    /// Most processes of one version.
    spread: usize,
    pub routes: Routes,
    pub notes: Notes,
    loaded: Mutex<HashMap<Key, Loaded>>,
    labels: Labels,
}

impl Serving {
    pub fn new(core: &Core) -> Self {
        let settings = &core.config.models;
        Self {
            db: core.db.clone(),
            runner: core.models.clone(),
            metrics: core.metrics.clone(),
            deadline: settings.model_deadline.0,
            memory: u64::try_from(settings.models_memory.0).unwrap_or(u64::MAX),
            spread: settings.models_spread,
            routes: Routes::default(),
            notes: Notes::new(core.metrics.clone()),
            loaded: Mutex::default(),
            labels: Labels::default(),
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Asks a version, and waits for its answer. The version that gets copies, if there is one, is
    /// asked the same, and its answer is only compared.
    pub async fn ask(
        self: &Arc<Self>,
        version: &Arc<Version>,
        inputs: Inputs<Bytes>,
        shadow: Option<&Arc<Version>>,
    ) -> ApiResult<Tensors> {
        let at = Instant::now();
        let copy = shadow.map(|shadow| self.put(shadow, inputs.clone(), at));
        let answer = self.answer(version, inputs, at).await;
        let outcome = match &answer {
            Ok(_) => ANSWERED,
            Err(error) => match error.code {
                Code::InvalidInput => "invalid",
                Code::Overloaded => "busy",
                Code::DeadlineExceeded => "late",
                Code::ModelsUnavailable => "unavailable",
                _ => "failed",
            },
        };
        let label = self.labels.of(&version.name);
        let counter = &self.metrics().model_requests_total;
        counter.with_label_values(&[label, outcome]).inc();
        if let (Some(copy), Ok(seen)) = (copy, &answer) {
            self.compare(copy, seen.clone(), version.name.clone(), at);
        }
        answer
    }

    async fn answer(
        self: &Arc<Self>,
        version: &Arc<Version>,
        inputs: Inputs<Bytes>,
        at: Instant,
    ) -> ApiResult<Tensors> {
        let answer = self.put(version, inputs, at)?;
        let until = at + self.deadline;
        match timeout_at(until.into(), answer).await {
            Ok(Ok(Ok(reply))) => Ok(reply.outputs),
            Ok(Ok(Err(error))) => Err(refusal(&error)),
            Ok(Err(_gone)) => Err(ApiError::new(
                Code::ModelFailed,
                "the model was let go before it answered; repeat the request",
            )),
            Err(_late) => Err(late()),
        }
    }

    /// Counts whether a copy is answered as the caller was, whenever that is.
    fn compare(
        self: &Arc<Self>,
        copy: ApiResult<Waiting>,
        seen: Tensors,
        name: String,
        at: Instant,
    ) {
        let serving = self.clone();
        tokio::spawn(async move {
            let until = at + serving.deadline;
            let outcome = match copy {
                Err(_full) => "dropped",
                Ok(answer) => match timeout_at(until.into(), answer).await {
                    Ok(Ok(Ok(reply))) if reply.outputs == seen => "same",
                    Ok(Ok(Ok(_))) => "different",
                    _ => "failed",
                },
            };
            let labels = [serving.labels.of(&name), outcome];
            let counter = &serving.metrics().model_shadows_total;
            counter.with_label_values(&labels).inc();
        });
    }

    /// Loads a version before it is asked, if that does not take too long.
    pub async fn warm(self: &Arc<Self>, version: &Arc<Version>) {
        if self.runner.is_off() {
            return;
        }
        let (done, is_there) = oneshot::channel();
        let sent = self.send(version, Order::Load(done), Instant::now());
        if sent.is_err() || !matches!(timeout(WARMING, is_there).await, Ok(Ok(()))) {
            tracing::warn!(
                model = %version.model, version = version.number,
                "a version was not loaded before an alias leads to it"
            );
        }
    }

    fn put(
        self: &Arc<Self>,
        version: &Arc<Version>,
        inputs: Inputs<Bytes>,
        at: Instant,
    ) -> ApiResult<Waiting> {
        let (reply, answer) = oneshot::channel();
        let question = Question { inputs, at, reply };
        self.send(version, Order::Answer(question), at)?;
        Ok(answer)
    }

    /// Puts an order into the queue of a version, whose task is begun where there is none.
    fn send(
        self: &Arc<Self>,
        version: &Arc<Version>,
        mut order: Order,
        at: Instant,
    ) -> ApiResult<()> {
        let mut loaded = self.loaded();
        for _ in 0..2 {
            let entry = loaded
                .entry((version.model, version.number))
                .or_insert_with(|| self.begin(version));
            entry.asked = at;
            order = match entry.orders.try_send(order) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(_)) => return Err(busy()),
                // Its task has ended since.
                Err(mpsc::error::TrySendError::Closed(order)) => order,
            };
            loaded.remove(&(version.model, version.number));
        }
        Err(busy())
    }

    fn begin(self: &Arc<Self>, version: &Arc<Version>) -> Loaded {
        let (orders, queue) = mpsc::channel(WAITING);
        let memory = Arc::<AtomicU64>::default();
        Crew::begin(self, version, queue, memory.clone());
        Loaded {
            orders,
            memory,
            asked: Instant::now(),
        }
    }

    /// Lets go of those that were asked least recently, until what remains has room. Whoever waits
    /// for one of them is answered first.
    fn make_room(&self, newest: &Version) {
        let mut loaded = self.loaded();
        loaded.retain(|_, it| !it.orders.is_closed());
        let newest = (newest.model, newest.number);
        loop {
            let total: u64 = loaded.values().map(|it| it.memory.load(Relaxed)).sum();
            let others = loaded.iter().filter(|(key, _)| **key != newest);
            let oldest = others.min_by_key(|(_, it)| it.asked).map(|(key, _)| *key);
            match oldest.filter(|_| total > self.memory) {
                Some(oldest) => drop(loaded.remove(&oldest)),
                None => break,
            }
        }
        self.metrics()
            .models_loaded
            .set(i64::try_from(loaded.len()).unwrap_or(i64::MAX));
    }

    fn loaded(&self) -> MutexGuard<'_, HashMap<Key, Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn busy() -> ApiError {
    ApiError::new(
        Code::Overloaded,
        "as many requests as may wait for this model do; nothing was done, repeat the request",
    )
}

fn late() -> ApiError {
    ApiError::new(
        Code::DeadlineExceeded,
        "the model did not answer in time; it may still be loading, repeat the request",
    )
}

pub fn unavailable() -> ApiError {
    ApiError::new(
        Code::ModelsUnavailable,
        "models are not served by this process, or what runs them cannot be reached",
    )
}

/// What the caller hears of it.
fn refusal(error: &ModelError) -> ApiError {
    match error {
        ModelError::Refused(failure) if failure.code == Fault::Input => {
            ApiError::new(Code::InvalidInput, failure.message.clone())
        }
        ModelError::Refused(failure) if failure.code == Fault::Inference => ApiError::new(
            Code::InvalidInput,
            format!("the model cannot answer this: {}", failure.message),
        ),
        ModelError::Late(_) => late(),
        ModelError::Refused(_) | ModelError::Ended(_) | ModelError::Gone | ModelError::Wire(_) => {
            ApiError::new(
                Code::ModelFailed,
                "the process of the model ended before it answered; repeat the request",
            )
        }
        ModelError::Off => unavailable(),
        ModelError::Unreachable(_) | ModelError::Bytes(_) => {
            tracing::error!(%error, "a model cannot be loaded");
            unavailable()
        }
    }
}

/// The models that answer, as handlers take them.
pub struct Models(pub Arc<Serving>);

impl FromRequestParts<AppState> for Models {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let serving = app.shared.get::<Arc<Serving>>().cloned();
        let missing = || ApiError::internal(anyhow::anyhow!("nobody has set up the models"));
        serving.map(Self).ok_or_else(missing)
    }
}
