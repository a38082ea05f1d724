//! Files that strangers send, read by a child of this process (`process/`): what they hold, what is
//! refused, and that no file does more than end its child.

mod bombs;
mod children;
mod edits;
mod kinds;
mod workbook;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chartroom::process::{Cell, Code, Format, Head, Reading, Runner, RunnerError};
use chartroom::telemetry::metrics::Metrics;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chartroom");
const MEMORY: usize = 48 << 20;
/// For what is expected to end by itself; a debug build is slow, and machines are shared.
const PATIENCE: Duration = Duration::from_secs(120);

/// A row as it came: its number, and its cells; one that is an error has the word before it.
type Line = (u64, Vec<Option<String>>);

/// One whole file.
#[derive(Debug)]
struct Whole {
    head: Head,
    rows: Vec<Line>,
}

impl Whole {
    /// The texts of the row with this number.
    fn row(&self, number: u64) -> Vec<Option<&str>> {
        let (_, cells) = self.rows.iter().find(|(at, _)| *at == number).unwrap();
        cells.iter().map(Option::as_deref).collect()
    }
}

fn runner() -> Runner {
    runner_of(PROGRAM, 60, PATIENCE)
}

fn runner_of(program: impl Into<std::ffi::OsString>, cpu: u64, patience: Duration) -> Runner {
    let metrics = Arc::new(Metrics::new().unwrap());
    Runner::new(Some(MEMORY), metrics).of(program, cpu, patience)
}

fn data(name: &str) -> PathBuf {
    Path::new("tests/data").join(name)
}

async fn read_with(runner: &Runner, path: &Path, reading: Reading) -> Result<Whole, RunnerError> {
    let mut rows = runner.read(File::open(path).unwrap(), reading).await?;
    let mut whole = Whole {
        head: rows.head().clone(),
        rows: Vec::new(),
    };
    while let Some(batch) = rows.next().await? {
        whole.rows.extend(batch.rows().map(|row| {
            let cell = |cell| match cell {
                Cell::Null => None,
                Cell::Text(text) => Some(String::from(text)),
                Cell::Error(text) => Some(format!("error {text}")),
            };
            (row.number, row.map(cell).collect())
        }));
    }
    assert!(rows.next().await.unwrap().is_none());
    Ok(whole)
}

async fn read(path: &Path, format: Format) -> Result<Whole, RunnerError> {
    read_with(&runner(), path, Reading::new(format)).await
}

/// Why a file is refused; a file that is read, or ends its child otherwise, fails the test.
async fn refused(path: &Path, reading: Reading) -> (Code, String) {
    match read_with(&runner(), path, reading).await {
        Err(RunnerError::Refused(failure)) => (failure.code, failure.message),
        other => panic!("{}: {other:?}", path.display()),
    }
}
