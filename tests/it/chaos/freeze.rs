//! Control of the freezer where it is hardest: a parent that forks without a pause.

use super::SOON;
use crate::support::{
    freeze::Frozen,
    process::{Process, tree},
    wait::until,
};
use tokio::process::Command;

#[tokio::test]
async fn nobody_escapes_the_freezer() {
    // A round is a child of a child; it ends by itself if nobody ends it.
    let script = "i=0; while [ $i -lt 100000 ]; do (sh -c :); i=$((i+1)); done";
    let parent = Command::new("sh")
        .args(["-c", script])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let root = parent.id().unwrap();
    for _ in 0..20 {
        let before = Process::find(root).unwrap();
        let frozen = Frozen::new(root).unwrap();
        let family = tree(root);
        assert!(
            family.iter().all(|p| matches!(p.state, 'T' | 'Z')),
            "{family:?}"
        );
        assert!(frozen.pids().contains(&before.pid));
        drop(frozen);
        // It forks again: members come that were not there.
        until("new children", SOON, async || {
            tree(root)
                .iter()
                .any(|p| !family.contains(p) && p.pid != root)
                .then_some(())
        })
        .await
        .unwrap();
    }
}
