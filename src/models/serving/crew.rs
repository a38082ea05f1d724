//! All processes of one version: they share its queue.
//!
//! There is one, and another one in another place where questions wait although none is being
//! loaded. One that was added ends when for a while nobody has waited.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Serving;
use super::report::Series;
use super::route::Version;
use super::worker::{Question, Worker};

/// A question that waited for so long, while a process was there, has waited too long.
pub(super) const SLOW: Duration = Duration::from_millis(50);
/// Without such a question for so long, a process that was added ends.
pub(super) const CALM: Duration = Duration::from_secs(60);

pub(super) struct Crew {
    pub serving: Arc<Serving>,
    pub version: Arc<Version>,
    pub questions: tokio::sync::Mutex<mpsc::Receiver<Question>>,
    /// Bytes that all of them take up, for those who look after all versions.
    pub memory: Arc<AtomicU64>,
    pub series: Series,
    workers: AtomicUsize,
    /// Whether one is being added.
    adds: AtomicBool,
    /// Of the runners of those that are loaded.
    places: Mutex<Vec<SocketAddr>>,
}

impl Crew {
    /// With one process.
    pub(super) fn begin(
        serving: &Arc<Serving>,
        version: &Arc<Version>,
        questions: mpsc::Receiver<Question>,
        memory: Arc<AtomicU64>,
    ) {
        let crew = Arc::new(Self {
            serving: serving.clone(),
            version: version.clone(),
            questions: tokio::sync::Mutex::new(questions),
            memory,
            series: Series::of(serving.metrics(), serving.labels.of(&version.name)),
            workers: AtomicUsize::new(1),
            adds: AtomicBool::new(false),
            places: Mutex::default(),
        });
        tokio::spawn(Worker::new(crew, false).work());
    }

    /// Adds a process, where there may be one more and a place for it.
    pub(super) fn add(self: &Arc<Self>) {
        let most = self.serving.spread;
        if self.workers.load(SeqCst) >= most || self.adds.swap(true, SeqCst) {
            return;
        }
        let crew = self.clone();
        tokio::spawn(async move {
            let most = most.min(crew.serving.runner.places().await);
            if crew.workers.load(SeqCst) >= most {
                crew.adds.store(false, SeqCst);
                return;
            }
            crew.workers.fetch_add(1, SeqCst);
            Worker::new(crew, true).work().await;
        });
    }

    /// The one that was added is there, or could not be.
    pub(super) fn is_added(&self) {
        self.adds.store(false, SeqCst);
    }

    pub(super) fn ends(&self) {
        self.workers.fetch_sub(1, SeqCst);
    }

    /// Where the others are.
    pub(super) fn taken(&self) -> Vec<SocketAddr> {
        self.places().clone()
    }

    pub(super) fn takes(&self, place: Option<SocketAddr>) {
        self.places().extend(place);
    }

    pub(super) fn leaves(&self, place: Option<SocketAddr>) {
        let mut places = self.places();
        if let Some(at) = places.iter().position(|it| Some(*it) == place) {
            places.swap_remove(at);
        }
    }

    fn places(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
