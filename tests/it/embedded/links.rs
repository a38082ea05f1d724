//! Whoever may write where chartroom keeps its files has no more power over other files than
//! before, root's above all.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chartroom_embedded::{Embedded, Stop};

use super::{TempDir, options, postmaster, start};

/// A file beside the data directory with the rights of /etc/shadow, or of /etc/passwd.
fn victim(dir: &TempDir, mode: u32) -> PathBuf {
    let path = dir.0.join("victim");
    fs::write(&path, "the first line\nthe second\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn is_untouched(victim: &Path) {
    assert_eq!(
        fs::read_to_string(victim).unwrap(),
        "the first line\nthe second\n"
    );
}

fn we_are_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

#[tokio::test]
async fn audit_m4_a_link_in_the_place_of_the_pid_file_has_nothing_of_roots_overwritten() {
    if !we_are_root() {
        eprintln!("skipped: only root runs PostgreSQL as another account than its own");
        return;
    }
    let dir = TempDir::new();
    start(&dir).await.stop(Stop::Fast).await;

    let shadow = victim(&dir, 0o600);
    symlink(&shadow, dir.pid_file()).unwrap();
    let refused = Embedded::start(options(&dir)).await.unwrap_err();
    assert!(
        refused.to_string().contains("postmaster.pid"),
        "it says which file it is: {refused}"
    );
    is_untouched(&shadow);
    fs::remove_file(&shadow).unwrap();

    // What the account may read it may copy, and no more.
    let passwd = victim(&dir, 0o644);
    let embedded = start(&dir).await;
    is_untouched(&passwd);
    assert!(fs::symlink_metadata(dir.pid_file()).unwrap().is_file());
    assert!(postmaster(&dir).is_some());
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn audit_m4_links_in_the_place_of_our_own_files_are_not_followed() {
    let dir = TempDir::new();
    start(&dir).await.stop(Stop::Fast).await;
    // Root starts what an ordinary user had created.
    let owner = fs::metadata(dir.data().join("pgdata")).unwrap();
    chown(dir.data(), Some(owner.uid()), Some(owner.gid())).unwrap();

    let file = victim(&dir, 0o600);
    for name in ["lock", "password", "postgres.log", "location"] {
        let path = dir.data().join(name);
        let aside = path.with_extension("aside");
        let was_there = fs::rename(&path, &aside).is_ok();
        symlink(&file, &path).unwrap();
        let refused = Embedded::start(options(&dir)).await.unwrap_err();
        assert!(refused.to_string().contains("it is a link"), "{refused}");
        is_untouched(&file);
        fs::remove_file(&path).unwrap();
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
    }

    let folder = dir.0.join("folder");
    fs::create_dir(&folder).unwrap();
    fs::remove_dir_all(dir.data().join("run")).unwrap();
    symlink(&folder, dir.data().join("run")).unwrap();
    let before = fs::metadata(&folder).unwrap();
    let refused = Embedded::start(options(&dir)).await.unwrap_err();
    assert!(refused.to_string().contains("it is a link"), "{refused}");
    let after = fs::metadata(&folder).unwrap();
    assert_eq!(
        (after.uid(), after.mode()),
        (before.uid(), before.mode()),
        "not given away"
    );
    fs::remove_file(dir.data().join("run")).unwrap();
    start(&dir).await.stop(Stop::Fast).await;
}

#[tokio::test]
async fn audit_m4_a_location_that_somebody_else_wrote_does_not_lead_root_there() {
    if !we_are_root() {
        eprintln!("skipped: only root keeps PostgreSQL's files elsewhere");
        return;
    }
    let dir = TempDir::new();
    start(&dir).await.stop(Stop::Fast).await;
    let owner = fs::metadata(dir.data().join("pgdata")).unwrap();
    let note = dir.data().join("location");
    let elsewhere = dir.0.join("elsewhere");
    fs::write(&note, format!("{}\n", elsewhere.display())).unwrap();
    chown(&note, Some(owner.uid()), Some(owner.gid())).unwrap();
    let refused = Embedded::start(options(&dir)).await.unwrap_err();
    assert!(refused.to_string().contains("location"), "{refused}");
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn audit_m4_a_pipe_among_postgresqls_files_keeps_no_start_waiting() {
    let dir = TempDir::new();
    start(&dir).await.stop(Stop::Fast).await;
    let version = dir.data().join("pgdata/PG_VERSION");
    fs::remove_file(&version).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&version)
            .args(["-m", "666"])
            .status()
            .unwrap()
            .success()
    );
    let began = Instant::now();
    let refused = Embedded::start(options(&dir)).await.unwrap_err();
    assert!(refused.to_string().contains("PG_VERSION"), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// PostgreSQL of a folder that belongs to somebody is run as the account alone, even to ask for its
/// version.
#[tokio::test]
async fn audit_m4_the_programs_of_a_folder_never_run_as_root() {
    if !we_are_root() {
        eprintln!("skipped: only root runs PostgreSQL as another account than its own");
        return;
    }
    let dir = TempDir::new();
    let bin = dir.0.join("bin");
    fs::create_dir(&bin).unwrap();
    let trace = dir.0.join("trace");
    fs::write(&trace, "").unwrap();
    fs::set_permissions(&trace, fs::Permissions::from_mode(0o666)).unwrap();
    for name in ["initdb", "pg_ctl", "postgres"] {
        let program = bin.join(name);
        let script = format!("#!/bin/sh\nid -u >>'{}'\n", trace.display());
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut options = options(&dir);
    options.bin_dir = Some(bin);
    Embedded::start(options).await.unwrap_err();
    let ran_as = fs::read_to_string(&trace).unwrap();
    assert!(!ran_as.is_empty(), "it was asked for its version");
    assert!(ran_as.lines().all(|uid| uid != "0"), "as {ran_as}");
}
