//! The task of one process of a version: it asks it, one batch after the other, and loads the
//! version anew where that ended.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout;

use chartroom_wire::models::{Inputs, Outputs, Values};

use super::batch::{LARGE, MOST, Tensors, apart, fit, joined, rows};
use super::crew::{CALM, Crew, SLOW};
use crate::models::load::load;
use crate::process::models::{ModelError, ModelProcess};

/// Without a question for so long, a version is let go.
const IDLE: Duration = Duration::from_secs(900);
/// So many ends in a row, and the version rests.
const MOST_ENDS: u32 = 3;
const REST: Duration = Duration::from_secs(30);

/// What is asked of a version.
pub(super) struct Question {
    pub inputs: Inputs<Bytes>,
    pub at: Instant,
    pub reply: oneshot::Sender<Result<Reply, Arc<ModelError>>>,
}

/// What the processes of a version are to do.
pub(super) enum Order {
    Answer(Question),
    /// Only to be there.
    Load(oneshot::Sender<()>),
}

impl Order {
    /// Whether nobody waits for it any more.
    fn is_void(&self) -> bool {
        match self {
            Self::Answer(question) => question.reply.is_closed(),
            Self::Load(done) => done.is_closed(),
        }
    }

    /// Who only waits for the process learns no more than that it is not there.
    fn refuse(self, error: ModelError) {
        if let Self::Answer(question) = self {
            refuse([question], error);
        }
    }
}

/// What a version answers.
pub(super) struct Reply {
    pub outputs: Tensors,
}

/// One process of a version, and what it takes up.
struct Held {
    process: ModelProcess,
    crew: Arc<Crew>,
    memory: u64,
    /// Since when it is there.
    since: Instant,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.crew.memory.fetch_sub(self.memory, Relaxed);
        self.crew.leaves(self.process.address);
    }
}

pub(super) struct Worker {
    crew: Arc<Crew>,
    /// Whether it ends when it is not needed any more.
    is_added: bool,
    /// When it was needed last.
    needed: Instant,
}

impl Worker {
    pub(super) fn new(crew: Arc<Crew>, is_added: bool) -> Self {
        Self {
            crew,
            is_added,
            needed: Instant::now(),
        }
    }

    pub(super) async fn work(mut self) {
        let mut held: Option<Held> = None;
        if self.is_added {
            let loaded = self.load().await;
            self.crew.is_added();
            match loaded {
                Ok(loaded) => held = Some(loaded),
                Err(error) => {
                    tracing::debug!(%error, "another process of a model cannot be added");
                    return self.crew.ends();
                }
            }
        }
        self.answer_all(held).await;
        self.crew.ends();
    }

    async fn answer_all(&mut self, mut held: Option<Held>) {
        let mut aside: Option<Order> = None;
        let (mut ends, mut rests_until) = (0, Instant::now());
        loop {
            let first = match aside.take() {
                Some(order) => order,
                None => match timeout(IDLE, self.next()).await {
                    Ok(Some(order)) => order,
                    Ok(None) | Err(_) => break,
                },
            };
            if first.is_void() {
                continue;
            }
            let mut usable = held.take().filter(|it| it.process.is_usable());
            if let Some(held) = &mut usable {
                if let Order::Answer(question) = &first {
                    self.look_at(question, held).await;
                }
            } else {
                if ends >= MOST_ENDS && Instant::now() < rests_until {
                    first.refuse(resting());
                    continue;
                }
                match self.load().await {
                    Ok(loaded) => usable = Some(loaded),
                    Err(error) => {
                        // Where nothing runs models, the version is not to blame.
                        if !matches!(error, ModelError::Unreachable(_)) {
                            (ends, rests_until) = (ends + 1, Instant::now() + REST);
                        }
                        first.refuse(error);
                        continue;
                    }
                }
            }
            let Some(mut running) = usable else {
                continue;
            };
            let first = match first {
                Order::Answer(question) => question,
                Order::Load(done) => {
                    let _ = done.send(());
                    held = Some(running);
                    continue;
                }
            };
            let batch = self.gather(first, &mut aside);
            let is_answered = self.answer(&mut running, batch).await;
            if running.process.is_usable() {
                ends = 0;
                held = Some(running);
            } else if !is_answered {
                (ends, rests_until) = (ends + 1, Instant::now() + REST);
            }
            if self.is_added && aside.is_none() && self.needed.elapsed() > CALM {
                break;
            }
        }
    }

    async fn next(&self) -> Option<Order> {
        self.crew.orders.lock().await.recv().await
    }

    /// Where questions wait for this process, another one is added, or this one leaves a runner
    /// that it shares.
    async fn look_at(&mut self, question: &Question, held: &mut Held) {
        if question.at.max(held.since).elapsed() < SLOW {
            return;
        }
        self.needed = Instant::now();
        self.crew.add();
        if self.crew.parts(held.process.address)
            && let Ok(loaded) = self.load().await
        {
            *held = loaded;
        }
    }

    async fn load(&self) -> Result<Held, ModelError> {
        let Crew {
            serving, version, ..
        } = &*self.crew;
        let began = Instant::now();
        let others = self.crew.taken();
        let loaded = load(&serving.runner, &serving.db, &version.bytes, false, others).await;
        let outcome = if loaded.is_ok() { "loaded" } else { "failed" };
        serving
            .metrics()
            .model_loads_total
            .with_label_values(&[outcome])
            .inc();
        let (loaded, process) = loaded?;
        tracing::info!(
            model = %version.model, version = version.number, took_ms = began.elapsed().as_millis(),
            memory = loaded.memory, runner = ?process.address, "a model is loaded"
        );
        let memory = loaded.memory.max(1);
        self.crew.memory.fetch_add(memory, Relaxed);
        self.crew.takes(process.address);
        serving.make_room(version);
        Ok(Held {
            process,
            crew: self.crew.clone(),
            memory,
            since: Instant::now(),
        })
    }

    /// The questions that are answered together: those that wait already, without waiting for more.
    fn gather(&self, first: Question, aside: &mut Option<Order>) -> Vec<Question> {
        let small = |question: &Question| rows(&question.inputs.values).filter(|it| *it < LARGE);
        let mut total = match small(&first) {
            Some(rows) if self.crew.version.signature.batches => rows,
            _ => return vec![first],
        };
        let mut batch = vec![first];
        // Where another one waits for a question, there is none.
        let Ok(mut orders) = self.crew.orders.try_lock() else {
            return batch;
        };
        while total < MOST
            && let Ok(next) = orders.try_recv()
        {
            if next.is_void() {
                continue;
            }
            let next = match next {
                Order::Answer(question) => question,
                load @ Order::Load(_) => {
                    *aside = Some(load);
                    break;
                }
            };
            let fits = batch
                .first()
                .is_some_and(|it| fit(&it.inputs, &next.inputs));
            match small(&next).filter(|rows| fits && total + rows <= MOST) {
                Some(rows) => {
                    total += rows;
                    batch.push(next);
                }
                None => {
                    *aside = Some(Order::Answer(next));
                    break;
                }
            }
        }
        batch
    }

    /// Whether the model has answered, if only by refusing.
    async fn answer(&self, held: &mut Held, batch: Vec<Question>) -> bool {
        let series = &self.crew.series;
        for question in &batch {
            series.queue.observe(question.at.elapsed().as_secs_f64());
        }
        series.batch.observe(count(batch.len()));
        let began = Instant::now();
        let mut answer = self.ask(&mut held.process, &batch).await;
        // Nothing is changed by a question, so it can be put again elsewhere; once, because it may
        // be what ends runners.
        if matches!(answer, Err(ModelError::Gone)) {
            self.crew.serving.runner.failed(held.process.address);
            answer = match self.load().await {
                Ok(loaded) => {
                    *held = loaded;
                    self.ask(&mut held.process, &batch).await
                }
                Err(error) => Err(error),
            };
        }
        series.inference.observe(began.elapsed().as_secs_f64());
        let process = &mut held.process;
        match answer {
            Ok(answers) => {
                for (question, outputs) in batch.into_iter().zip(answers) {
                    let _ = question.reply.send(Ok(Reply { outputs }));
                }
                true
            }
            // One of them is to blame, and the others are asked anew, each alone.
            Err(error) if batch.len() > 1 && process.is_usable() => {
                tracing::debug!(%error, "a batch was refused");
                for question in batch {
                    let alone = std::slice::from_ref(&question);
                    let answer = self.ask(process, alone).await;
                    let reply = answer.map(|mut all| Reply {
                        outputs: all.pop().unwrap_or_default(),
                    });
                    let _ = question.reply.send(reply.map_err(Arc::new));
                    if !process.is_usable() {
                        return false;
                    }
                }
                true
            }
            Err(error) => {
                if !process.is_usable() {
                    self.crew.serving.metrics().model_ends_total.inc();
                    tracing::warn!(
                        model = %self.crew.version.model, version = self.crew.version.number, %error,
                        "the process of a model has ended"
                    );
                }
                refuse(batch, error);
                false
            }
        }
    }

    async fn ask(
        &self,
        process: &mut ModelProcess,
        batch: &[Question],
    ) -> Result<Vec<Tensors>, ModelError> {
        let within = self.crew.serving.deadline;
        let question = match batch {
            [alone] => alone.inputs.to_bytes(),
            all => {
                let all: Vec<&Inputs<Bytes>> = all.iter().map(|it| &it.inputs).collect();
                joined(&all).to_bytes()
            }
        };
        let answer = Bytes::from(process.ask(&question, within).await?);
        let outputs = Outputs::parse(&answer).map_err(ModelError::Wire)?;
        let whole: Tensors = outputs
            .values
            .into_iter()
            .map(|value| Values {
                datatype: value.datatype,
                shape: value.shape,
                bytes: answer.slice_ref(value.bytes),
            })
            .collect();
        if let [_] = batch {
            return Ok(vec![whole]);
        }
        let each = batch.iter().map(|it| rows(&it.inputs.values).unwrap_or(0));
        let each: Vec<u64> = each.collect();
        apart(&whole, &each).ok_or_else(|| {
            let short = "it does not answer with as many rows as it was asked with".to_owned();
            ModelError::Ended(short)
        })
    }
}

fn refuse(questions: impl IntoIterator<Item = Question>, error: ModelError) {
    let error = Arc::new(error);
    for question in questions {
        let _ = question.reply.send(Err(error.clone()));
    }
}

fn resting() -> ModelError {
    ModelError::Ended("it has ended three times in a row, and rests for half a minute".to_owned())
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
