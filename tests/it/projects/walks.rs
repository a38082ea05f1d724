//! A walk through one's projects meets every one that stays exactly once, whatever comes and goes
//! meanwhile.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Person, app};
use crate::support::app::TestApp;

/// xorshift64*: the same numbers for the same seed on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % end
    }
}

/// A project with the same few names and times as others, so that most tie.
async fn insert(session: &tokio_postgres::Client, who: &Person, random: &mut Random) -> Uuid {
    let id = Uuid::from_u64_pair(
        u64::try_from(random.below(usize::MAX >> 33)).unwrap() << 20,
        random.0,
    );
    let name = ["a", "B", "é", "😀", "b \"q\" \\ ,", "zz"][random.below(6)];
    let micros = i32::try_from(random.below(4)).unwrap();
    let project = "INSERT INTO projects (id, name, updated_at) VALUES ($1, $2, timestamptz '2026-01-01' + $3::int4 * interval '1 microsecond')";
    session
        .execute(project, &[&id, &name, &micros])
        .await
        .unwrap();
    let member =
        "INSERT INTO project_members (project_id, principal_id, role) VALUES ($1, $2, 'owner')";
    session
        .execute(member, &[&id, &who.id.parse::<Uuid>().unwrap()])
        .await
        .unwrap();
    id
}

async fn walk(
    app: &TestApp,
    who: &Person,
    first: &str,
    mut between: impl AsyncFnMut(),
) -> Vec<Uuid> {
    let mut met = Vec::new();
    let mut target = first.to_owned();
    loop {
        let answer = who.get(app, &target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let page = answer.json();
        met.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().parse::<Uuid>().unwrap()),
        );
        let Some(next) = page["next"].as_str() else {
            return met;
        };
        assert!(met.len() < 2_000, "{first}: the walk goes in circles");
        target = format!("{first}&cursor={next}");
        between().await;
    }
}

#[tokio::test]
async fn every_project_that_stays_comes_once() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let session = app.database.session().await;
    for seed in 1..=6_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        session
            .batch_execute("TRUNCATE projects CASCADE")
            .await
            .unwrap();
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for _ in 0..30 + random.below(30) {
            stay.push(insert(&session, &ann, &mut random).await);
            go.push(insert(&session, &ann, &mut random).await);
        }
        for sort in [
            "created_at",
            "-created_at",
            "updated_at",
            "-updated_at",
            "name",
            "-name",
        ] {
            let filter = ["", "&role=owner", "&status=active&visibility=private"][random.below(3)];
            let target = format!(
                "/api/v1/projects?limit={}&sort={sort}{filter}",
                1 + random.below(20)
            );
            let met = walk(&app, &ann, &target, async || {
                for _ in 0..random.below(4) {
                    if random.below(2) == 0 || go.is_empty() {
                        go.push(insert(&session, &ann, &mut random).await);
                    } else {
                        let id = go.swap_remove(random.below(go.len()));
                        session
                            .execute("DELETE FROM projects WHERE id = $1", &[&id])
                            .await
                            .unwrap();
                    }
                }
            })
            .await;
            let mut times = BTreeMap::new();
            met.iter()
                .for_each(|id| *times.entry(*id).or_insert(0) += 1);
            assert!(
                times.values().all(|times| *times == 1),
                "seed {seed}, {target}: one came twice"
            );
            let missed = stay.iter().filter(|id| !times.contains_key(*id)).count();
            assert_eq!(missed, 0, "seed {seed}, {target}");
        }
    }
    // The control: with nothing else going on, the walk is the database's own order.
    for (sort, order) in [
        ("-created_at", "id DESC"),
        ("name", "name, id"),
        ("-updated_at", "updated_at DESC, id DESC"),
    ] {
        let rows = session
            .query(&format!("SELECT id FROM projects ORDER BY {order}"), &[])
            .await
            .unwrap();
        let all: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            walk(
                &app,
                &ann,
                &format!("/api/v1/projects?limit=7&sort={sort}"),
                async || {}
            )
            .await,
            all,
            "{sort}"
        );
    }
}
