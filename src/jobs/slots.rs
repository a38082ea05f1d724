//! What a runner is working on, lane by lane, and what it may take next.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::claim::{Claimed, Rest, Wanted};
use super::hold::Hold;
use super::kind::Lane;

struct Running<C> {
    lane: i16,
    owner: Option<Uuid>,
    due_at: DateTime<Utc>,
    context: C,
}

/// What one statement takes of a lane at most.
const MOST: usize = 500;

/// `C` is what the runner has of a run.
pub(super) struct Slots<C> {
    /// How many jobs of each quick lane run at once.
    at_once: usize,
    running: HashMap<Hold, Running<C>>,
    counts: BTreeMap<i16, usize>,
    floors: HashMap<i16, DateTime<Utc>>,
}

impl<C> Slots<C> {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            running: HashMap::new(),
            counts: BTreeMap::new(),
            floors: HashMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(super) fn start(&mut self, claimed: &Claimed, context: C) {
        let running = Running {
            lane: claimed.lane,
            owner: claimed.owner,
            due_at: claimed.due_at,
            context,
        };
        *self.counts.entry(claimed.lane).or_default() += 1;
        if let Some(before) = self.running.insert(claimed.hold(), running) {
            self.leave(before.lane);
        }
    }

    pub(super) fn end(&mut self, hold: Hold) {
        if let Some(ended) = self.running.remove(&hold) {
            self.leave(ended.lane);
        }
    }

    fn leave(&mut self, lane: i16) {
        if let Some(count) = self.counts.get_mut(&lane) {
            *count = count.saturating_sub(1);
        }
    }

    pub(super) fn contexts(&self) -> impl Iterator<Item = &C> {
        self.running.values().map(|running| &running.context)
    }

    pub(super) fn holds(&self) -> Vec<Hold> {
        self.running.keys().copied().collect()
    }

    pub(super) fn count(&self, lane: Lane) -> usize {
        self.counts.get(&lane.number()).copied().unwrap_or(0)
    }

    fn in_lane(&self, lane: i16) -> impl Iterator<Item = &Running<C>> {
        self.running.values().filter(move |it| it.lane == lane)
    }

    /// What to ask of each lane that has room.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let of = |lane: Lane| {
            let room = lane.slots(self.at_once).saturating_sub(self.count(lane));
            Wanted {
                lane: lane.number(),
                floor: self.floors.get(&lane.number()).copied(),
                room: i32::try_from(room.min(MOST)).unwrap_or(0),
                share: self.share(lane),
            }
        };
        let all = Lane::ALL.into_iter().map(of);
        all.filter(|wanted| wanted.room > 0).collect()
    }

    fn share(&self, lane: Lane) -> i32 {
        i32::try_from(lane.share(self.at_once)).unwrap_or(1)
    }

    /// How many more each owner may have who has some.
    pub(super) fn rests(&self) -> Vec<Rest> {
        let mut rests: HashMap<(i16, Uuid), i32> = HashMap::new();
        for running in self.running.values() {
            if let (Some(owner), Some(lane)) = (running.owner, Lane::of(running.lane)) {
                let rest = rests.entry((running.lane, owner));
                *rest.or_insert_with(|| self.share(lane)) -= 1;
            }
        }
        let rest = |((lane, owner), rest)| Rest { lane, owner, rest };
        rests.into_iter().map(rest).collect()
    }

    /// The next claims begin at the smallest time of this one. They begin earlier where an owner
    /// has all that it may have: more of its jobs wait, none of them due before those that run.
    pub(super) fn raise_floors(&mut self, claimed: &[Claimed]) {
        let full: Vec<_> = self.rests();
        for lane in Lane::ALL.map(Lane::number) {
            let taken = claimed.iter().filter(|it| it.lane == lane);
            let Some(first) = taken.map(|it| it.due_at).min() else {
                continue;
            };
            let is_full = |owner: Uuid| {
                full.iter()
                    .any(|it| it.lane == lane && it.owner == owner && it.rest <= 0)
            };
            let held = self
                .in_lane(lane)
                .filter(|it| it.owner.is_some_and(is_full))
                .map(|it| it.due_at);
            let floor = held.fold(first, DateTime::min);
            self.floors.insert(lane, floor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(id: i64, owner: Option<Uuid>, due: i64) -> Claimed {
        Claimed {
            id,
            claims: 1,
            lane: Lane::Normal.number(),
            kind: String::new(),
            args: serde_json::Value::Null,
            owner,
            due_at: at(due),
            failures: 0,
            max_failures: 0,
            lost: 0,
            cancel: false,
            trace: None,
            waited: 0.0,
        }
    }

    fn at(due: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(due, 0).unwrap_or_default()
    }

    fn take(slots: &mut Slots<()>, all: &[Claimed]) {
        for claimed in all {
            slots.start(claimed, ());
        }
        slots.raise_floors(all);
    }

    fn normal(slots: &Slots<()>) -> Option<Wanted> {
        let mut all = slots.wanted().into_iter();
        all.find(|it| it.lane == Lane::Normal.number())
    }

    #[test]
    fn a_floor_is_the_smallest_time_of_the_last_claim() {
        let mut slots = Slots::new(8);
        assert_eq!(normal(&slots).unwrap().floor, None);
        take(&mut slots, &[claimed(1, None, 7), claimed(2, None, 5)]);
        let wanted = normal(&slots).unwrap();
        assert_eq!((wanted.floor, wanted.room), (Some(at(5)), 6));
        take(&mut slots, &[]);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(5)));
        take(&mut slots, &[claimed(3, None, 9)]);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(9)));
        // What was behind it was found by a look from the beginning.
        take(&mut slots, &[claimed(4, None, 1)]);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(1)));
        take(&mut slots, &[5, 6, 7, 8].map(|id| claimed(id, None, id)));
        assert!(normal(&slots).is_none(), "no room");
    }

    /// The jobs of an owner that wait because it has its share are not left behind.
    #[test]
    fn a_floor_does_not_pass_the_jobs_of_an_owner_that_waits() {
        let (mut slots, ann) = (Slots::new(8), Some(Uuid::max()));
        take(&mut slots, &[1, 2, 3].map(|id| claimed(id, ann, id)));
        take(&mut slots, &[claimed(9, None, 9)]);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(9)));
        take(&mut slots, &[claimed(4, ann, 20)]);
        assert_eq!(slots.rests()[0].rest, 0);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(1)));
        take(&mut slots, &[claimed(10, None, 30)]);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(1)));
        // It ends, and she is looked for from then on.
        for id in [1, 9] {
            slots.end(Hold { id, claims: 1 });
        }
        take(&mut slots, &[claimed(11, None, 31)]);
        assert_eq!(normal(&slots).unwrap().floor, Some(at(31)));
    }
}
