//! What happens to records before their answers are records again: questions are made of them, and
//! the model is asked. Each stage has a task of its own, so that the model never waits for the next
//! question.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use chartroom_wire::models::{Code as Fault, Outputs};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::task::AbortOnDropHandle;

use super::plan::Plan;
use crate::datasets::csv::Record;
use crate::datasets::import::model::ImportProblem;
use crate::datasets::import::rows::FileError;
use crate::datasets::texts::{MOST, Row, Texts};
use crate::kernel::error::Code;
use crate::process::models::{ModelError, ModelProcess};

/// For the answer about some records.
const ANSWER: Duration = Duration::from_secs(60);

/// What a stage hands on: some records, nothing after the last, or what went wrong.
type Handed = Result<Option<Part>, FileError>;

/// A stage at work. Its task ends with it.
pub(super) struct Stage {
    parts: Receiver<Handed>,
    _task: AbortOnDropHandle<()>,
}

impl Stage {
    fn begin<F: Future<Output = ()> + Send + 'static>(
        work: impl FnOnce(Sender<Handed>) -> F,
    ) -> Self {
        let (to, parts) = channel(1);
        let task = AbortOnDropHandle::new(tokio::spawn(work(to)));
        Self { parts, _task: task }
    }

    pub(super) async fn next(&mut self) -> Handed {
        let ended = || FileError::Failed(anyhow::anyhow!("a stage of the scoring has ended"));
        self.parts.recv().await.unwrap_or_else(|| Err(ended()))
    }
}

/// Whether there is nothing more to hand on, or nobody to take it.
async fn hand(to: &Sender<Handed>, part: Handed) -> ControlFlow<()> {
    let is_last = !matches!(part, Ok(Some(_)));
    match to.send(part).await {
        Ok(()) if !is_last => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

/// Some records, and what is asked about them or answered.
pub(super) struct Part {
    rows: Vec<Row>,
    /// As many as stand before them.
    before: u64,
    /// One for as many records as may be asked about at once.
    frames: Vec<Vec<u8>>,
}

impl Part {
    /// The pieces that are asked about at once, each with how many records stand before it. Where
    /// records may depend on each other, each is asked alone.
    fn pieces<'a>(
        rows: &'a [Row],
        before: u64,
        plan: &Plan,
    ) -> impl Iterator<Item = (&'a [Row], u64)> {
        let most = if plan.batches { MOST } else { 1 };
        let starts = (before..).step_by(most);
        rows.chunks(most).zip(starts)
    }

    /// As many as stand before the next.
    pub(super) fn end(&self) -> u64 {
        self.before.saturating_add(count(self.rows.len()))
    }

    /// The records with their answers.
    pub(super) fn records(&self, plan: &Plan) -> Result<Vec<Record>, FileError> {
        let mut records = Vec::with_capacity(self.rows.len());
        for ((piece, before), answer) in
            Self::pieces(&self.rows, self.before, plan).zip(&self.frames)
        {
            let outputs = Outputs::parse(answer)
                .map_err(|error| refusal(&ModelError::Wire(error), piece, before))?;
            records.extend(
                plan.records(piece, &outputs, before)
                    .map_err(FileError::Refused)?,
            );
        }
        Ok(records)
    }
}

/// Makes the questions.
pub(super) fn questions(plan: Arc<Plan>, mut texts: Texts) -> Stage {
    Stage::begin(async move |to| {
        let mut before = 0;
        loop {
            let part = match texts.next().await {
                Ok(Some(rows)) => question(&plan, rows, before).map(Some),
                Ok(None) => Ok(None),
                Err(error) => Err(FileError::Failed(error.into())),
            };
            if let Ok(Some(part)) = &part {
                before = part.end();
            }
            if hand(&to, part).await.is_break() {
                return;
            }
        }
    })
}

fn question(plan: &Plan, rows: Vec<Row>, before: u64) -> Result<Part, FileError> {
    let pieces = Part::pieces(&rows, before, plan);
    let frames = pieces.map(|(piece, before)| Ok(plan.question(piece, before)?.to_bytes()));
    let frames = frames
        .collect::<Result<_, _>>()
        .map_err(FileError::Refused)?;
    Ok(Part {
        rows,
        before,
        frames,
    })
}

/// Asks them.
pub(super) fn answers(plan: Arc<Plan>, mut process: ModelProcess, mut asked: Stage) -> Stage {
    Stage::begin(async move |to| {
        loop {
            let part = match asked.next().await {
                Ok(Some(part)) => answer(&plan, &mut process, part).await.map(Some),
                other => other,
            };
            if hand(&to, part).await.is_break() {
                return;
            }
        }
    })
}

async fn answer(
    plan: &Plan,
    process: &mut ModelProcess,
    mut part: Part,
) -> Result<Part, FileError> {
    let Part {
        rows,
        before,
        frames,
    } = &mut part;
    for ((piece, before), frame) in Part::pieces(rows, *before, plan).zip(frames) {
        let answer = process.ask(frame, ANSWER).await;
        *frame = answer.map_err(|error| refusal(&error, piece, before))?;
    }
    Ok(part)
}

fn refusal(error: &ModelError, piece: &[Row], before: u64) -> FileError {
    let code = match error {
        ModelError::Refused(failure) => match failure.code {
            Fault::Input | Fault::Inference | Fault::Model | Fault::OutOfMemory => "model-refused",
            _ => Code::ModelFailed.as_str(),
        },
        _ => Code::ModelFailed.as_str(),
    };
    let first = before.saturating_add(1);
    let rows = match piece {
        [_] => format!("row {first}"),
        more => format!(
            "rows {first} to {}",
            before.saturating_add(count(more.len()))
        ),
    };
    FileError::Refused(ImportProblem::new(
        code,
        format!("{rows}: the model does not answer: {error}; nothing was loaded"),
    ))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
