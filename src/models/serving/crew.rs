//! All processes of one version: they share its queue.
//!
//! There is one, and another one in another place where questions wait although none is being
//! loaded. One that was added ends when for a while nobody has waited. Two that came into one
//! place, because another one had failed, part when there is a free one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Serving;
use super::report::Series;
use super::route::Version;
use super::worker::{Order, Worker};

/// A question that waited for so long, while a process was there, has waited too long.
pub(super) const SLOW: Duration = Duration::from_millis(50);
/// Without such a question for so long, a process that was added ends.
pub(super) const CALM: Duration = Duration::from_secs(60);
/// To part costs a load, so it is tried no more often than this.
const PARTING: Duration = Duration::from_secs(60);

pub(super) struct Crew {
    pub serving: Arc<Serving>,
    pub version: Arc<Version>,
    pub orders: tokio::sync::Mutex<mpsc::Receiver<Order>>,
    /// Bytes that all of them take up, for those who look after all versions.
    pub memory: Arc<AtomicU64>,
    pub series: Series,
    workers: AtomicUsize,
    /// Whether one is being added.
    adds: AtomicBool,
    places: Mutex<Places>,
}

/// Where the processes of a version are.
#[derive(Default)]
struct Places {
    /// The runners of those that are loaded.
    taken: Vec<SocketAddr>,
    /// Whether one of two in one place is to go elsewhere.
    parts: bool,
    /// When one went last.
    parted: Option<Instant>,
}

impl Crew {
    /// With one process.
    pub(super) fn begin(
        serving: &Arc<Serving>,
        version: &Arc<Version>,
        orders: mpsc::Receiver<Order>,
        memory: Arc<AtomicU64>,
    ) {
        let crew = Arc::new(Self {
            serving: serving.clone(),
            version: version.clone(),
            orders: tokio::sync::Mutex::new(orders),
            memory,
            series: Series::of(serving.metrics(), serving.labels.of(&version.name)),
            workers: AtomicUsize::new(1),
            adds: AtomicBool::new(false),
            places: Mutex::default(),
        });
        tokio::spawn(Worker::new(crew, false).work());
    }

    /// Adds a process, where there may be one more and a place for it. Where there may not, those
    /// that there are come to different places.
    pub(super) fn add(self: &Arc<Self>) {
        if self.adds.swap(true, SeqCst) {
            return;
        }
        let crew = self.clone();
        tokio::spawn(async move {
            let places = crew.serving.runner.places().await;
            if crew.workers.load(SeqCst) >= crew.serving.spread.min(places) {
                crew.part().await;
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

    /// Makes one of two in one place go elsewhere, where there is a free place.
    async fn part(&self) {
        let mut taken = self.taken();
        taken.sort_unstable();
        let shares = taken.windows(2).any(|two| matches!(two, [a, b] if a == b));
        let parts = shares && self.serving.runner.has_other_than(&taken).await;
        self.places().parts = parts;
    }

    /// Whether the one that is here is the one to go.
    pub(super) fn parts(&self, place: Option<SocketAddr>) -> bool {
        let mut places = self.places();
        let here = places.taken.iter().filter(|it| Some(**it) == place);
        let is_calm = places.parted.is_none_or(|it| it.elapsed() >= PARTING);
        if !places.parts || here.count() < 2 || !is_calm {
            return false;
        }
        places.parts = false;
        places.parted = Some(Instant::now());
        true
    }

    /// Where the others are.
    pub(super) fn taken(&self) -> Vec<SocketAddr> {
        self.places().taken.clone()
    }

    pub(super) fn takes(&self, place: Option<SocketAddr>) {
        self.places().taken.extend(place);
    }

    pub(super) fn leaves(&self, place: Option<SocketAddr>) {
        let taken = &mut self.places().taken;
        if let Some(at) = taken.iter().position(|it| Some(*it) == place) {
            taken.swap_remove(at);
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
