//! Random histories of a queue, held against a model of it that one can read. The clock is the
//! test's: time passes by moving everything into the past.
//!
//! `CHARTROOM_TEST_LONG=1` does 10,000 of them.

mod model;

use std::collections::{BTreeMap, BTreeSet};

use chartroom::jobs::admin;
use chartroom::jobs::enqueue::{Cancelled, cancel, enqueue_or_move};
use chartroom::jobs::hold::{Beat, Hold, Pulse, beat, bury, fail, fence, give_back, snooze};

use super::*;
use model::{Dice, Model, Row, STATE};

const OPERATIONS: usize = 30;
const KEYS: [&str; 3] = ["a", "b", "c"];
/// In seconds; far above what a history takes.
const TIMES: [i64; 3] = [0, 5_000, 15_000];
const PASSES: [i64; 3] = [3_000, 7_000, 11_000];
const LEASE: i64 = 10_000;

/// One history on an empty queue.
struct History<'a> {
    queue: &'a Queue,
    connection: AsyncPgConnection,
    dice: Dice,
    model: Model,
    holds: Vec<Hold>,
    done: Vec<String>,
}

fn seconds(time: i64) -> Duration {
    Duration::from_secs(u64::try_from(time).unwrap())
}

impl History<'_> {
    async fn operate(&mut self, step: usize) {
        let Self {
            connection,
            dice,
            model,
            holds,
            ..
        } = self;
        let now = model.now;
        let key = dice.of(&KEYS);
        let time = dice.of(&TIMES);
        let hold = (!holds.is_empty()).then(|| dice.of(holds));
        let said = match (dice.below(14), hold) {
            (0 | 1, _) => {
                let key = (dice.below(3) > 0).then_some(key);
                let job = NewJob::of(&Note { n: 0 }).after(seconds(time));
                let job = key.iter().fold(job, |job, key| job.unique(key));
                let id = enqueue(connection, job).await.unwrap();
                let is_taken = key.is_some_and(|key| model.by_key(key).is_some());
                assert_eq!(id.is_none(), is_taken);
                if let Some(id) = id {
                    model.jobs.insert(id, Row::new(key, (now + time, step)));
                }
                format!("enqueue {key:?} in {time}: {id:?}")
            }
            (2, _) => {
                let job = NewJob::of(&Note { n: 0 }).unique(key).after(seconds(time));
                let id = enqueue_or_move(connection, job).await.unwrap().unwrap();
                match model.by_key(key) {
                    Some(known) => {
                        assert_eq!(id, known);
                        let row = model.jobs.get_mut(&id).unwrap();
                        (row.due, row.failures, row.lease) = ((now + time, step), 0, None);
                        (row.claims, row.cancel) = (row.claims + 1, false);
                    }
                    None => {
                        model
                            .jobs
                            .insert(id, Row::new(Some(key), (now + time, step)));
                    }
                }
                format!("move {key} to {time}: {id}")
            }
            (3, _) => {
                let cancelled = cancel::<Note>(connection, key).await.unwrap();
                let expected = match model.by_key(key) {
                    None => Cancelled::Nothing,
                    Some(id) if model.jobs[&id].is_free(now) => {
                        model.jobs.remove(&id);
                        Cancelled::Removed
                    }
                    Some(id) => {
                        model.jobs.get_mut(&id).unwrap().cancel = true;
                        Cancelled::Told
                    }
                };
                assert_eq!(cancelled, expected);
                format!("cancel {key}: {cancelled:?}")
            }
            (4..=6, _) => {
                let room = 1 + dice.below(2);
                let mut ready: Vec<_> = model
                    .jobs
                    .iter()
                    .filter(|(_, row)| row.due.0 <= now && row.is_free(now))
                    .map(|(id, row)| (row.due, *id))
                    .collect();
                ready.sort();
                let expected: BTreeSet<i64> = ready.iter().take(room).map(|(_, id)| *id).collect();
                let wanted = [Wanted {
                    lane: 1,
                    floor: None,
                    room: i32::try_from(room).unwrap(),
                    share: 8,
                }];
                let round = Round {
                    worker: Uuid::now_v7(),
                    finished: &[],
                    lease: 10_000.0,
                    wanted: &wanted,
                    owners: &[],
                    kinds: KINDS,
                    whole: true,
                };
                let taken = claim(connection, &round).await.unwrap().jobs;
                let ids: BTreeSet<i64> = taken.iter().map(|it| it.id).collect();
                assert_eq!(ids, expected);
                for id in expected {
                    let row = model.jobs.get_mut(&id).unwrap();
                    row.lost += i32::from(row.lease.is_some());
                    row.claims += 1;
                    row.lease = Some(now + LEASE);
                }
                for job in &taken {
                    let row = &model.jobs[&job.id];
                    assert_eq!(
                        (job.claims, job.failures, job.lost),
                        (row.claims, row.failures, row.lost)
                    );
                    holds.push(job.hold());
                }
                format!("claim {room}: {ids:?}")
            }
            (7, Some(hold)) => {
                let is_held = model.held(hold).is_some();
                let lost = finish(connection, &[hold]).await;
                assert_eq!(lost.is_empty(), is_held);
                if is_held {
                    model.jobs.remove(&hold.id);
                }
                format!("finish {hold:?}: {is_held}")
            }
            (8, Some(hold)) => {
                let has_effect = fence(connection, hold).await.unwrap();
                assert_eq!(has_effect, model.held(hold).is_some_and(|row| !row.cancel));
                if has_effect {
                    model.jobs.remove(&hold.id);
                }
                format!("effect {hold:?}: {has_effect}")
            }
            (9, Some(hold)) => {
                let fails = dice.below(2) == 0;
                let is_kept = if fails {
                    fail(connection, hold, seconds(time), "no").await.unwrap()
                } else {
                    snooze(connection, hold, seconds(time)).await.unwrap()
                };
                let row = model.held(hold);
                assert_eq!(is_kept, row.is_some());
                if let Some(row) = row {
                    row.failures += i32::from(fails);
                    (row.due, row.lease) = ((now + time, step), None);
                }
                format!("fail {fails} {hold:?} for {time}: {is_kept}")
            }
            (10, Some(hold)) => {
                let is_buried = bury(connection, hold, Some("no"), "dead").await.unwrap();
                assert_eq!(is_buried, model.held(hold).is_some());
                if is_buried {
                    let mut row = model.jobs.remove(&hold.id).unwrap();
                    row.failures += 1;
                    model.dead.insert(hold.id, row);
                }
                format!("bury {hold:?}: {is_buried}")
            }
            (11, Some(hold)) => {
                let beats = [Beat {
                    hold,
                    progress: None,
                }];
                let heard = beat(connection, &beats, seconds(LEASE)).await.unwrap()[&hold.id];
                let expected = match model.held(hold) {
                    None => Pulse::Lost,
                    Some(row) => {
                        row.lease = Some(now + LEASE);
                        if row.cancel {
                            Pulse::Cancelled
                        } else {
                            Pulse::GoesOn
                        }
                    }
                };
                assert_eq!(heard, expected);
                format!("beat {hold:?}: {heard:?}")
            }
            (12, Some(hold)) => {
                let given = give_back(connection, &[hold]).await.unwrap();
                let row = model.held(hold);
                assert_eq!(given, usize::from(row.is_some()));
                if let Some(row) = row {
                    row.lease = None;
                }
                format!("give back {hold:?}: {given}")
            }
            (13, _) if !model.dead.is_empty() => {
                let dead: Vec<i64> = model.dead.keys().copied().collect();
                let id = dice.of(&dead);
                let key = model.dead[&id].key;
                let is_taken = key.is_some_and(|key| model.by_key(key).is_some());
                let revived = admin::revive(connection, id).await;
                assert_eq!(revived.is_err(), is_taken);
                if !is_taken {
                    let Row { key, claims, .. } = model.dead.remove(&id).unwrap();
                    let row = Row {
                        claims: claims + 1,
                        ..Row::new(key, (now, step))
                    };
                    model.jobs.insert(id, row);
                }
                format!("revive {id}: {}", !is_taken)
            }
            _ => {
                let passes = dice.of(&PASSES);
                model.now += passes;
                let shift = format!(
                    "UPDATE jobs SET due_at = due_at - interval '{passes} seconds', lease_until \
                        = lease_until - interval '{passes} seconds'"
                );
                self.queue.sql(&shift).await;
                format!("{passes} seconds pass")
            }
        };
        self.done.push(said);
    }
}

#[tokio::test]
async fn random_histories_are_those_of_the_model() {
    let long = crate::support::is_long();
    let histories = if long { 10_000 } else { 300 };
    let queue = Queue::new().await;
    let (mut kinds, mut connection) = (
        BTreeMap::<String, u32>::new(),
        Some(queue.connection().await),
    );
    for seed in 0..histories {
        queue.sql("DELETE FROM jobs; DELETE FROM dead_jobs").await;
        let mut history = History {
            queue: &queue,
            connection: connection.take().unwrap(),
            dice: Dice(seed),
            model: Model::default(),
            holds: Vec::new(),
            done: Vec::new(),
        };
        for step in 0..OPERATIONS {
            history.operate(step).await;
            let (found, expected) = (queue.text(STATE).await, history.model.text());
            assert_eq!(found, expected, "history {seed}: {:#?}", history.done);
        }
        for done in &history.done {
            let what = done.split(' ').next().unwrap();
            *kinds.entry(what.to_owned()).or_default() += 1;
            if done.ends_with("false") || done.ends_with("Lost") {
                *kinds.entry(format!("refused {what}")).or_default() += 1;
            }
        }
        connection = Some(history.connection);
    }
    println!("{kinds:?}");
    // All that can happen did.
    for what in [
        "enqueue",
        "move",
        "cancel",
        "claim",
        "finish",
        "effect",
        "fail",
        "bury",
        "beat",
        "give",
        "revive",
        "refused finish",
        "refused effect",
        "refused fail",
        "refused bury",
        "refused beat",
        "refused revive",
    ] {
        assert!(
            kinds.get(what).is_some_and(|count| *count > 5),
            "{what}: {kinds:?}"
        );
    }
}
