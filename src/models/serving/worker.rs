//! The task of one version that is loaded: it asks the process, one batch after the other, and
//! loads it anew where it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use chartroom_wire::models::{Inputs, Outputs, Values};

use super::Serving;
use super::batch::{LARGE, MOST, Tensors, apart, fit, joined, rows};
use super::report::Series;
use super::route::Version;
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

/// What a version answers.
pub(super) struct Reply {
    pub outputs: Tensors,
}

pub(super) struct Worker {
    pub serving: Arc<Serving>,
    pub version: Arc<Version>,
    /// Bytes that the process takes up, for those who look after all of them.
    pub memory: Arc<AtomicU64>,
    pub series: Series,
}

impl Worker {
    pub(super) async fn work(self, mut questions: mpsc::Receiver<Question>) {
        let mut process: Option<ModelProcess> = None;
        let mut aside: Option<Question> = None;
        let (mut ends, mut rests_until) = (0, Instant::now());
        loop {
            let first = match aside.take() {
                Some(question) => question,
                None => match timeout(IDLE, questions.recv()).await {
                    Ok(Some(question)) => question,
                    Ok(None) | Err(_) => break,
                },
            };
            if first.reply.is_closed() {
                continue;
            }
            let mut usable = process.take().filter(ModelProcess::is_usable);
            if usable.is_none() {
                if ends >= MOST_ENDS && Instant::now() < rests_until {
                    refuse([first], resting());
                    continue;
                }
                match self.load().await {
                    Ok(loaded) => usable = Some(loaded),
                    Err(error) => {
                        (ends, rests_until) = (ends + 1, Instant::now() + REST);
                        refuse([first], error);
                        continue;
                    }
                }
            }
            let Some(mut running) = usable else {
                continue;
            };
            let batch = self.gather(first, &mut questions, &mut aside);
            let is_answered = self.answer(&mut running, batch).await;
            if running.is_usable() {
                ends = 0;
                process = Some(running);
            } else if !is_answered {
                (ends, rests_until) = (ends + 1, Instant::now() + REST);
            }
        }
        self.memory.store(0, Relaxed);
    }

    async fn load(&self) -> Result<ModelProcess, ModelError> {
        let Self {
            serving, version, ..
        } = self;
        let began = Instant::now();
        let loaded = load(&serving.runner, &serving.db, &version.bytes, false).await;
        let outcome = if loaded.is_ok() { "loaded" } else { "failed" };
        serving
            .metrics()
            .model_loads_total
            .with_label_values(&[outcome])
            .inc();
        let (loaded, process) = loaded?;
        tracing::info!(
            model = %version.model, version = version.number, took_ms = began.elapsed().as_millis(),
            memory = loaded.memory, "a model is loaded"
        );
        self.memory.store(loaded.memory.max(1), Relaxed);
        serving.make_room(version);
        Ok(process)
    }

    /// The questions that are answered together: those that wait already, without waiting for more.
    fn gather(
        &self,
        first: Question,
        questions: &mut mpsc::Receiver<Question>,
        aside: &mut Option<Question>,
    ) -> Vec<Question> {
        let small = |question: &Question| rows(&question.inputs.values).filter(|it| *it < LARGE);
        let mut total = match small(&first) {
            Some(rows) if self.version.signature.batches => rows,
            _ => return vec![first],
        };
        let mut batch = vec![first];
        while total < MOST
            && let Ok(next) = questions.try_recv()
        {
            if next.reply.is_closed() {
                continue;
            }
            let fits = batch
                .first()
                .is_some_and(|it| fit(&it.inputs, &next.inputs));
            match small(&next).filter(|rows| fits && total + rows <= MOST) {
                Some(rows) => {
                    total += rows;
                    batch.push(next);
                }
                None => {
                    *aside = Some(next);
                    break;
                }
            }
        }
        batch
    }

    /// Whether the model has answered, if only by refusing.
    async fn answer(&self, process: &mut ModelProcess, batch: Vec<Question>) -> bool {
        for question in &batch {
            self.series
                .queue
                .observe(question.at.elapsed().as_secs_f64());
        }
        self.series.batch.observe(count(batch.len()));
        let began = Instant::now();
        let answer = self.ask(process, &batch).await;
        self.series.inference.observe(began.elapsed().as_secs_f64());
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
                    self.serving.metrics().model_ends_total.inc();
                    tracing::warn!(
                        model = %self.version.model, version = self.version.number, %error,
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
        let within = self.serving.deadline;
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
