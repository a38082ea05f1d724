//! Reminders of a project's end. One job for each project that will expire comes at each of its
//! reminders and at the end itself, reads the project again and tells an event; whoever moves the
//! end moves the job in the same transaction.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::{Array, Integer, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use utoipa::PartialSchema as _;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

use super::model::Project;
use crate::db::transaction::{Tx, Work};
use crate::events::Event;
use crate::jobs::context::Context;
use crate::jobs::enqueue::{NewJob, cancel, enqueue, enqueue_or_move};
use crate::jobs::kind::{Ended, Job, JobResult, Lane};
use crate::kernel::types::{Instant, ProjectId};
use crate::kernel::values::{Wrong, text};
use crate::schema::projects;

/// More would be noise.
const MOST: usize = 10;
const DAY: u32 = 86_400;
/// Ten years of them.
const LONGEST: u32 = 3_650 * DAY;

text! {
    /// A time before the end, as ISO 8601 writes a duration in weeks, days, hours, minutes or
    /// seconds
    Before = |text| match seconds(&text) {
        Some(seconds) => Ok(written(seconds)),
        None => Err(Wrong::invalid(
            "expected an ISO 8601 duration from PT1S to P3650D, such as P7D or PT12H",
        )),
    }, || ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^P([0-9]+W|([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$"));
}

/// `None` where it is no duration, or none that a reminder can have.
fn seconds(text: &str) -> Option<u32> {
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (text.strip_prefix('P')?, None),
    };
    let mut total: u32 = 0;
    let mut read = |mut text: &str, units: &[(char, u32)]| -> Option<usize> {
        let mut count = 0;
        for (unit, worth) in units {
            let Some((number, rest)) = text.split_once(*unit) else {
                continue;
            };
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let worth = number.parse::<u32>().ok()?.checked_mul(*worth)?;
            total = total.checked_add(worth)?;
            (text, count) = (rest, count + 1);
        }
        text.is_empty().then_some(count)
    };
    let of_days = match days.ends_with('W') && time.is_none() {
        true => read(days, &[('W', 7 * DAY)])?,
        false => read(days, &[('D', DAY)])?,
    };
    let of_time = match time {
        Some(time) => Some(read(time, &[('H', 3_600), ('M', 60), ('S', 1)])?),
        None => None,
    };
    let is_whole = of_time != Some(0) && of_days + of_time.unwrap_or(0) > 0;
    Some(total).filter(|total| is_whole && (1..=LONGEST).contains(total))
}

/// The shortest way to write it.
fn written(seconds: u32) -> String {
    let (days, rest) = (seconds / DAY, seconds % DAY);
    let parts = [
        (days, "D"),
        (rest / 3_600, "H"),
        (rest % 3_600 / 60, "M"),
        (rest % 60, "S"),
    ];
    let mut text = String::from("P");
    for (number, unit) in parts {
        if number == 0 {
            continue;
        }
        if unit != "D" && !text.contains('T') {
            text.push('T');
        }
        text.push_str(&number.to_string());
        text.push_str(unit);
    }
    text
}

/// When a project reminds of its end: each time once, the longest first.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Array<Nullable<Integer>>)]
pub struct Reminders(pub Vec<i32>);

impl FromSql<Array<Nullable<Integer>>, Pg> for Reminders {
    fn from_sql(bytes: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let all = <Vec<Option<i32>> as FromSql<Array<Nullable<Integer>>, Pg>>::from_sql(bytes)?;
        Ok(Self(all.into_iter().flatten().collect()))
    }
}

impl ToSql<Array<Nullable<Integer>>, Pg> for Reminders {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let all: Vec<Option<i32>> = self.0.iter().copied().map(Some).collect();
        <Vec<Option<i32>> as ToSql<Array<Nullable<Integer>>, Pg>>::to_sql(&all, &mut out.reborrow())
    }
}

impl Default for Reminders {
    fn default() -> Self {
        Self([30, 7, 1].map(|days| days * 86_400).to_vec())
    }
}

impl<'de> Deserialize<'de> for Reminders {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<Before>::deserialize(deserializer)?;
        if all.len() > MOST {
            let problem = format!("expected at most {MOST} reminders");
            return Err(serde::de::Error::custom(problem));
        }
        let seconds = all.iter().filter_map(|before| seconds(before.as_str()));
        let mut all: Vec<i32> = seconds.filter_map(|it| i32::try_from(it).ok()).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        Ok(Self(all))
    }
}

/// In a body that may leave them out, which leaves them as they are.
pub fn schema() -> ArrayBuilder {
    ArrayBuilder::new()
        .items(Before::schema())
        .max_items(Some(MOST))
        .description(Some(
            "How long before its end the project reminds its owners and editors, as ISO 8601 durations. Each is there once, the longest first",
        ))
}

/// The same where there are none yet.
pub fn schema_of_new() -> ArrayBuilder {
    schema().default(Some(shown(&Reminders::default().0).into()))
}

/// As the API shows them.
pub fn shown(reminders: &[i32]) -> Vec<String> {
    let seconds = reminders.iter().filter_map(|it| u32::try_from(*it).ok());
    seconds.map(written).collect()
}

/// Tells of a project's end before and when it comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remind {
    project: ProjectId,
    expires_at: DateTime<Utc>,
    /// How many seconds before the end the last reminder was.
    told: Option<i32>,
}

/// What the job of a project does at a moment.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// What to tell now: how long before the end, 0 for the end itself. Of several that are due,
    /// the last.
    tell: Option<i32>,
    /// What comes next.
    next: Option<i32>,
}

fn step(reminders: &[i32], told: Option<i32>, left: TimeDelta) -> Step {
    let mut open: Vec<i32> = reminders.iter().copied().chain([0]).collect();
    open.retain(|before| told.is_none_or(|told| *before < told));
    let is_due = |before: &i32| left <= TimeDelta::seconds(i64::from(*before));
    let tell = open.iter().copied().filter(is_due).min();
    let rest = open.iter().copied();
    let next = rest.filter(|before| !is_due(before)).max();
    Step { tell, next }
}

fn key(project: ProjectId) -> String {
    project.to_string()
}

impl Remind {
    fn at(&self, before: i32) -> DateTime<Utc> {
        self.expires_at - TimeDelta::seconds(i64::from(before))
    }
}

/// Makes the job follow what the project now says of its end. In the transaction that changes it.
pub async fn follow_end(tx: &mut Tx<'_>, project: &Project) -> QueryResult<()> {
    let key = key(project.id);
    let Some(expires_at) = project.expires_at else {
        cancel::<Remind>(tx.connection(), &key).await?;
        return Ok(());
    };
    let job = Remind {
        project: project.id,
        expires_at,
        told: None,
    };
    let first = project.reminders.0.iter().copied().max().unwrap_or(0);
    let new = NewJob::of(&job)
        .unique(&key)
        .owned_by(project.id.0)
        .at(job.at(first));
    enqueue_or_move(tx.connection(), new).await?;
    tx.after_commit(crate::jobs::enqueue::Enqueued);
    Ok(())
}

type Found = (Project, DateTime<Utc>);

async fn found(connection: &mut AsyncPgConnection, id: ProjectId) -> QueryResult<Option<Found>> {
    let now = diesel::dsl::sql::<diesel::sql_types::Timestamptz>("now()");
    projects::table
        .find(id)
        .select((Project::as_select(), now))
        .first(connection)
        .await
        .optional()
}

impl Job for Remind {
    const KIND: &'static str = "project.remind.1";
    const LANE: Lane = Lane::Normal;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        let job = self;
        context.effect(async |tx| job.act(tx).await).await?;
        Ok(Ended::Done)
    }
}

impl Remind {
    async fn act(&self, tx: &mut Tx<'_>) -> Work<()> {
        let Some((project, now)) = found(tx, self.project).await? else {
            return Ok(());
        };
        if project.expires_at != Some(self.expires_at) {
            // Somebody moved the end without the job, as the release before this one does.
            follow_end(tx, &project).await?;
            return Ok(());
        }
        let Step { tell, next } = step(&project.reminders.0, self.told, self.expires_at - now);
        let (id, name, expires_at) = (project.id, project.name, Instant(self.expires_at));
        match tell {
            None => {}
            Some(0) => {
                let event = Event::ProjectExpired {
                    project: id,
                    name,
                    expires_at,
                };
                tx.tell(event).await?;
            }
            Some(before) => {
                let event = Event::ProjectExpiring {
                    project: id,
                    name,
                    expires_at,
                    before: shown(&[before]).concat(),
                };
                tx.tell(event).await?;
            }
        }
        if let Some(next) = next {
            let job = Self {
                told: tell.or(self.told),
                ..self.clone()
            };
            let key = key(id);
            let new = NewJob::of(&job)
                .unique(&key)
                .owned_by(id.0)
                .at(job.at(next));
            enqueue(tx.connection(), new).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, want) in [
            ("P7D", Some("P7D")),
            ("P1W", Some("P7D")),
            ("PT24H", Some("P1D")),
            ("PT2S", Some("PT2S")),
            ("P1DT2H3M4S", Some("P1DT2H3M4S")),
            ("PT90M", Some("PT1H30M")),
            ("P3650D", Some("P3650D")),
            ("P3651D", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("P0D", None),
            ("PT0S", None),
            ("P1M", None),
            ("P1Y", None),
            ("P1.5D", None),
            ("P-1D", None),
            ("p1d", None),
            ("P1D ", None),
            ("PT1S1H", None),
            ("P1WT1H", None),
            ("P99999999999D", None),
            ("7D", None),
            ("", None),
        ] {
            assert_eq!(seconds(text).map(written).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn of_what_is_due_the_last_is_told_and_the_rest_waits() {
        let all = [30 * 86_400, 7 * 86_400, 86_400];
        let days = TimeDelta::days;
        let hours = TimeDelta::hours;
        for (told, left, tell, next) in [
            (None, days(31), None, Some(all[0])),
            (None, days(30), Some(all[0]), Some(all[1])),
            (None, days(5), Some(all[1]), Some(all[2])),
            (Some(all[0]), days(5), Some(all[1]), Some(all[2])),
            (Some(all[1]), days(5), None, Some(all[2])),
            (Some(all[1]), hours(3), Some(all[2]), Some(0)),
            (Some(all[2]), hours(-1), Some(0), None),
            (None, hours(-1), Some(0), None),
        ] {
            assert_eq!(
                step(&all, told, left),
                Step { tell, next },
                "{told:?} {left}"
            );
        }
        assert_eq!(
            step(&[], None, days(1)),
            Step {
                tell: None,
                next: Some(0)
            }
        );
    }
}
