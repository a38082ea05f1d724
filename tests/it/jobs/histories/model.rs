//! The model: what a queue is, in words that one can read.

use std::collections::BTreeMap;

use chartroom::jobs::hold::Hold;

/// Numbers that only look random (splitmix64).
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub key: Option<&'static str>,
    /// With the number of the operation that set it: among equal times, what was set first is
    /// first.
    pub due: (i64, usize),
    pub claims: i32,
    pub failures: i32,
    pub lost: i32,
    pub lease: Option<i64>,
    pub cancel: bool,
}

impl Row {
    pub(super) fn new(key: Option<&'static str>, due: (i64, usize)) -> Self {
        Self {
            key,
            due,
            claims: 0,
            failures: 0,
            lost: 0,
            lease: None,
            cancel: false,
        }
    }

    pub(super) fn is_free(&self, now: i64) -> bool {
        self.lease.is_none_or(|until| until <= now)
    }
}

#[derive(Default)]
pub(super) struct Model {
    pub now: i64,
    pub jobs: BTreeMap<i64, Row>,
    pub dead: BTreeMap<i64, Row>,
}

impl Model {
    pub(super) fn by_key(&self, key: &str) -> Option<i64> {
        let mut all = self.jobs.iter();
        all.find(|(_, row)| row.key == Some(key)).map(|(id, _)| *id)
    }

    /// The row, if the claim is still the last one.
    pub(super) fn held(&mut self, hold: Hold) -> Option<&mut Row> {
        let row = self.jobs.get_mut(&hold.id);
        row.filter(|row| row.claims == hold.claims)
    }

    pub(super) fn text(&self) -> String {
        let now = self.now;
        let line = |(id, row): (&i64, &Row), is_dead: bool| {
            let lease = match row.lease {
                None => "free",
                Some(until) if until <= now => "expired",
                Some(_) => "leased",
            };
            let due = if row.due.0 <= now { "due" } else { "later" };
            let key = row.key.unwrap_or("-");
            let Row {
                claims,
                failures,
                lost,
                cancel,
                ..
            } = row;
            match is_dead {
                true => format!("dead {id} {key} {claims} {failures} {lost}"),
                false => format!("{id} {key} {due} {claims} {failures} {lost} {lease} {cancel}"),
            }
        };
        let jobs = self.jobs.iter().map(|row| line(row, false));
        let dead = self.dead.iter().map(|row| line(row, true));
        jobs.chain(dead).collect::<Vec<_>>().join("\n")
    }
}

/// The same of the queue itself.
pub(super) const STATE: &str = "SELECT coalesce(string_agg(line, E'\\n' ORDER BY is_dead, id), '') FROM ( \
    SELECT id, false AS is_dead, format('%s %s %s %s %s %s %s %s', id, coalesce(unique_key, '-'), \
        CASE WHEN due_at <= now() THEN 'due' ELSE 'later' END, claims, failures, lost, \
        CASE WHEN lease_until IS NULL THEN 'free' WHEN lease_until < now() THEN 'expired' ELSE \
        'leased' END, \
        CASE WHEN cancel THEN 'true' ELSE 'false' END) AS line FROM jobs \
    UNION ALL SELECT id, true, format('dead %s %s %s %s %s', id, coalesce(unique_key, '-'), \
    claims, failures, lost) \
        FROM dead_jobs) AS lines";
