//! The child itself: its walls, its limits, the queue before it, and every way in which it can end.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chartroom::process::{Code, Format, Limit, Reading, RunnerError};

use super::workbook::Workbook;
use super::{PATIENCE, PROGRAM, data, read_with, runner, runner_of};
use crate::support::process::{Process, TempDir, tree};

/// A program that stands where the child would.
fn script(dir: &TempDir, lines: &str) -> PathBuf {
    let path = dir.0.join("program");
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn ends(dir: &TempDir, lines: &str) -> RunnerError {
    let runner = runner_of(script(dir, lines), 0, Duration::from_secs(5));
    let path = data("kinds.xlsx");
    read_with(&runner, &path, Reading::new(Format::Xlsx))
        .await
        .unwrap_err()
}

/// The children of this process whose command line has the word.
fn children(word: &str) -> Vec<Process> {
    let of = |process: &Process| fs::read(format!("/proc/{}/cmdline", process.pid));
    let has = |line: Vec<u8>| String::from_utf8_lossy(&line).contains(word);
    let all = tree(std::process::id()).into_iter().skip(1);
    all.filter(|process| of(process).is_ok_and(has)).collect()
}

async fn gone(process: &Process) {
    let began = Instant::now();
    while process.is_running() {
        assert!(began.elapsed() < Duration::from_secs(10), "{process:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Far more rows than are read ahead.
fn long(dir: &TempDir) -> PathBuf {
    let path = dir.0.join("long.xlsx");
    Workbook::of(
        r#"<row><c t="str"><v>0123456789012345678901234567890123456789</v></c></row>"#
            .repeat(200_000),
    )
    .write(&path);
    path
}

#[tokio::test]
async fn every_end_of_a_child_is_one_error() {
    let dir = TempDir::new("ends").unwrap();
    for (lines, expected) in [
        ("exit 0", "ended unexpectedly: exit status: 0"),
        ("exit 3", "ended unexpectedly: exit status: 3"),
        ("kill -SEGV $$", "ended unexpectedly: signal: 11"),
        ("kill -KILL $$", "was killed"),
        ("kill -XCPU $$", "takes more than 0 s of a processor"),
        (
            "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            "takes more memory",
        ),
        ("kill -ABRT $$", "ended unexpectedly: signal: 6"),
        (
            "echo this is no frame of the protocol",
            "cannot be understood",
        ),
        ("yes | head -c 10000000", "cannot be understood"),
        (
            "yes | head -c 10000000 >&2; exit 1",
            "ended unexpectedly: exit status: 1",
        ),
        (
            r"printf '\0\0\0\0\0\0\0\0\1\0\0\0'",
            "a message that does not belong here",
        ),
        (
            r"printf '\377\377\377\377\0\0\0\0\1\0\0\0'",
            "longer than a frame may be",
        ),
        (
            r"printf '\4\0\0\0\0\0\0\0\5\0\0\0null'",
            "not the JSON of its kind",
        ),
        (
            r"printf '\2\0\0\0\0\0\0\0\5\0\0\0[]'; sleep 600",
            "takes longer than 5 s",
        ),
        ("exec >&-; sleep 600", "it does not end"),
        // Walls, a head, and an end that says there were rows.
        (
            r#"printf '\2\0\0\0\0\0\0\0\5\0\0\0[]'
            printf '\50\0\0\0\0\0\0\0\0\0\0\0{"sheets":[],"sheet":null,"columns":[] }'
            printf '\24\0\0\0\0\0\0\0\2\0\0\0{"rows":1,"cells":1}'"#,
            "a message that does not belong here",
        ),
        // The head alone.
        (
            r#"printf '\2\0\0\0\0\0\0\0\5\0\0\0[]'
            printf '\50\0\0\0\0\0\0\0\0\0\0\0{"sheets":[],"sheet":null,"columns":[] }'"#,
            "ended unexpectedly: exit status: 0",
        ),
    ] {
        let began = Instant::now();
        let error = ends(&dir, lines).await;
        assert!(error.to_string().contains(expected), "{lines}: {error}");
        assert!(began.elapsed() < Duration::from_secs(20), "{lines}");
    }
    let nothing = runner_of(dir.0.join("nothing"), 1, PATIENCE);
    let error = read_with(&nothing, &data("kinds.xlsx"), Reading::new(Format::Xlsx)).await;
    assert!(matches!(error, Err(RunnerError::Start(_))), "{error:?}");
}

#[tokio::test]
async fn a_child_ends_with_the_wish_for_its_rows() {
    let dir = TempDir::new("dropped").unwrap();
    let path = long(&dir);
    let runner = runner();
    let reading = Reading {
        sheet: Some("S".to_owned()),
        ..Reading::new(Format::Xlsx)
    };
    let mut rows = runner
        .read(File::open(&path).unwrap(), reading)
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    let found = children(r#""sheet":"S""#);
    assert!(!found.is_empty());
    assert!(found.iter().all(Process::is_running));
    drop(rows);
    for process in &found {
        gone(process).await;
    }
    // And where it is not yet known what the file is.
    let slow = runner_of(script(&dir, "exec sleep 611"), 0, PATIENCE);
    let file = File::open(&path).unwrap();
    let begun = slow.read(file, Reading::new(Format::Xlsx));
    tokio::time::timeout(Duration::from_secs(1), begun)
        .await
        .unwrap_err();
    for process in children("611") {
        gone(&process).await;
    }
}

/// An import must not take the rows that came for all there are.
#[test]
fn rows_that_nobody_reads_on_do_not_end_in_order() {
    let dir = TempDir::new("stopping").unwrap();
    let path = long(&dir);
    let stopping = tokio::runtime::Runtime::new().unwrap();
    let runner = runner();
    let read = runner.read(File::open(&path).unwrap(), Reading::new(Format::Xlsx));
    let mut rows = stopping.block_on(read).unwrap();
    stopping.block_on(rows.next()).unwrap().unwrap();
    stopping.shutdown_timeout(Duration::from_secs(5));
    let other = tokio::runtime::Runtime::new().unwrap();
    let error = loop {
        match other.block_on(rows.next()) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the rows ended as if they were all"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RunnerError::Crashed(_)), "{error:?}");
}

#[tokio::test]
async fn files_wait_for_each_other_and_not_too_many_of_them() {
    let dir = TempDir::new("queue").unwrap();
    let path = long(&dir);
    let runner = std::sync::Arc::new(runner());
    let open = || File::open(&path).unwrap();
    let first = runner
        .read(open(), Reading::new(Format::Xlsx))
        .await
        .unwrap();
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let (runner, file) = (runner.clone(), File::open(data("kinds.xlsx")).unwrap());
            tokio::spawn(async move {
                let mut rows = runner.read(file, Reading::new(Format::Xlsx)).await?;
                rows.next().await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    let error = runner
        .read(open(), Reading::new(Format::Xlsx))
        .await
        .unwrap_err();
    assert!(matches!(error, RunnerError::Busy), "{error:?}");
    drop(first);
    for task in waiting {
        assert!(task.await.unwrap().unwrap().is_some());
    }
}

/// What `/proc` says of a child while it reads.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn walls_stand_around_a_child() {
    let dir = TempDir::new("walls").unwrap();
    // By its memory it is told from the children of other tests.
    let metrics = std::sync::Arc::new(chartroom::telemetry::metrics::Metrics::new().unwrap());
    let memory = 77 << 20;
    let runner = chartroom::process::Runner::new(Some(memory), metrics.clone());
    let runner = runner.of(PROGRAM, 60, PATIENCE);
    let file = File::open(long(&dir)).unwrap();
    let mut rows = runner.read(file, Reading::new(Format::Xlsx)).await.unwrap();
    rows.next().await.unwrap();
    let found = children(&format!(r#""memory":{memory}"#));
    let [child] = found.as_slice() else {
        panic!("{found:?}");
    };
    let said = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.pid)).unwrap();
    let limits = said("limits");
    for (name, expected) in [
        ("Max data size", &*memory.to_string()),
        ("Max cpu time", "60"),
        ("Max open files", "0"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max processes", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(
            line[name.len()..].split_whitespace().next(),
            Some(expected),
            "{line}"
        );
    }
    let status = said("status");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert!(status.contains("Threads:\t1"), "{status}");
    assert_eq!(said("environ"), "");
    assert_eq!(said("oom_score_adj"), "1000\n");
    // Its three standard ones, and those of the file and the pipe by which it reads and writes; and
    // what whoever started this test left open.
    let targets = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        open.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
    };
    let theirs: Vec<PathBuf> = targets(child.pid).collect();
    let ours: Vec<PathBuf> = targets(std::process::id()).collect();
    println!("{theirs:?}");
    let own = theirs
        .iter()
        .filter(|target| !ours.contains(target))
        .count();
    assert!((2..=5).contains(&own), "{theirs:?}");

    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    let missing = |wall: &str| {
        let line = format!(r#"file_reader_walls_missing{{wall="{wall}"}} "#);
        let value = text
            .lines()
            .find_map(|found| found.strip_prefix(&*line))
            .unwrap();
        value == "1"
    };
    for wall in [
        "memory",
        "cpu",
        "files",
        "privileges",
        "descriptors",
        "seccomp",
    ] {
        assert!(!missing(wall), "{wall}");
    }
    assert!(status.contains("Seccomp:\t2"), "{status}");
    println!("landlock is missing: {}", missing("landlock"));
}

#[tokio::test]
async fn a_descriptor_that_can_be_written_to_is_not_taken() {
    let dir = TempDir::new("writable").unwrap();
    let path = dir.0.join("kinds.xlsx");
    fs::copy(data("kinds.xlsx"), &path).unwrap();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let error = runner()
        .read(file, Reading::new(Format::Xlsx))
        .await
        .unwrap_err();
    let RunnerError::Refused(failure) = error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.code, Code::Io);
    assert!(failure.message.contains("for reading alone"), "{failure:?}");
}

#[tokio::test]
async fn what_becomes_of_files_is_counted() {
    let dir = TempDir::new("counted").unwrap();
    let metrics = std::sync::Arc::new(chartroom::telemetry::metrics::Metrics::new().unwrap());
    let runner = chartroom::process::Runner::new(None, metrics.clone());
    assert!(runner.memory() <= 256 << 20);
    let runner = runner.of(PROGRAM, 60, PATIENCE);
    let count = |outcome: &str| metrics.file_reads_total.with_label_values(&[outcome]).get();
    read_with(&runner, &data("kinds.xlsx"), Reading::new(Format::Xlsx))
        .await
        .unwrap();
    read_with(&runner, &data("kinds.xlsx"), Reading::new(Format::Arrow))
        .await
        .unwrap_err();
    let rows = runner
        .read(File::open(long(&dir)).unwrap(), Reading::new(Format::Xlsx))
        .await
        .unwrap();
    drop(rows);
    let slow = runner.of(
        script(&dir, "exec sleep 600"),
        0,
        Duration::from_millis(200),
    );
    let error = read_with(&slow, &data("kinds.xlsx"), Reading::new(Format::Xlsx))
        .await
        .unwrap_err();
    assert!(
        matches!(error, RunnerError::Limit(Limit::Time(_))),
        "{error:?}"
    );
    let began = Instant::now();
    while count("dropped") == 0 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = [
        "read", "refused", "dropped", "time", "memory", "cpu", "busy", "crashed",
    ]
    .map(count);
    assert_eq!(counts, [1, 1, 1, 1, 0, 0, 0, 0]);
}

/// Whoever types it by hand learns that it is not for hands.
#[test]
fn the_subcommand_is_for_the_service_alone() {
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(Path::new(PROGRAM));
        let output = command
            .args(words)
            .env("CHARTROOM_LISTEN", "nowhere")
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for words in [
        &["runner"][..],
        &["runner", "models"],
        &["runner", "tabular"],
        &["runner", "tabular", "{}"],
    ] {
        let (code, said) = run(words);
        assert_eq!(code, Some(2), "{words:?}: {said}");
    }
    // Control: a setting that is wrong is one for every other subcommand.
    assert_eq!(run(&["config"]).0, Some(78));
}
