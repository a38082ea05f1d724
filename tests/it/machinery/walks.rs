//! A walk through a list meets every row once, whatever happens to the list meanwhile.

use std::collections::BTreeMap;

use http::StatusCode;
use uuid::Uuid;

use super::things::app;
use crate::support::app::TestApp;

const SORTS: [&str; 8] = [
    "created_at",
    "-created_at",
    "title",
    "-title",
    "votes",
    "-votes",
    "id",
    "-id",
];

/// xorshift64*: the same numbers for the same seed on every machine, which is all that is asked of
/// it.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.below(u64::MAX >> 33), self.below(u64::MAX >> 33))
    }
}

/// Few different keys, so that most rows tie with others.
pub(super) async fn insert(session: &tokio_postgres::Client, random: &mut Random) -> Uuid {
    let id = random.id();
    let title = ["", "a", "B", "\u{e9}", "\u{1F600}", "b \"q\" \\ ,", "zz"];
    let title = title[usize::try_from(random.below(7)).unwrap()];
    let votes = i64::try_from(random.below(4)).unwrap();
    let micros = i32::try_from(random.below(5)).unwrap();
    session
        .execute(
            "INSERT INTO things (id, title, votes, created_at) \
             VALUES ($1, $2, $3, timestamptz '2026-01-01' + $4::int4 * interval '1 microsecond')",
            &[&id, &title, &votes, &micros],
        )
        .await
        .unwrap();
    id
}

async fn delete(session: &tokio_postgres::Client, id: Uuid) {
    session
        .execute("DELETE FROM things WHERE id = $1", &[&id])
        .await
        .unwrap();
}

/// All ids of a walk, in order, by `Link` where `by_link`, else by `next`; `between` runs between
/// the pages.
async fn walk(
    app: &TestApp,
    first: &str,
    by_link: bool,
    mut between: impl AsyncFnMut(),
) -> Vec<Uuid> {
    let mut met = Vec::new();
    let mut target = first.to_owned();
    loop {
        let answer = app.get(&target).await;
        assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        met.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().parse::<Uuid>().unwrap()),
        );
        let Some(next) = page["next"].as_str() else {
            assert_eq!(answer.header("link"), "");
            return met;
        };
        assert!(!items.is_empty(), "a page before the last is never empty");
        assert!(met.len() < 2_000, "{first}: the walk goes in circles");
        let link = answer.header("link").strip_prefix('<').unwrap();
        let link = link.strip_suffix(">; rel=\"next\"").unwrap();
        let link = link.strip_prefix(&app.app.public_url).unwrap();
        let joint = if first.contains('?') { '&' } else { '?' };
        target = if by_link {
            link.to_owned()
        } else {
            format!("{first}{joint}cursor={next}")
        };
        between().await;
    }
}

#[tokio::test]
async fn a_walk_meets_every_row_that_stays_exactly_once() {
    let (app, _) = app(&[]).await;
    let session = app.database.session().await;
    for seed in 1..=8_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        session.batch_execute("TRUNCATE things").await.unwrap();
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for _ in 0..40 + random.below(40) {
            stay.push(insert(&session, &mut random).await);
            go.push(insert(&session, &mut random).await);
        }
        for sort in SORTS {
            let limit = 1 + random.below(24);
            let by_link = random.below(2) == 0;
            let target = format!("/things?limit={limit}&sort={sort}");
            let met = walk(&app, &target, by_link, async || {
                for _ in 0..random.below(4) {
                    if random.below(2) == 0 || go.is_empty() {
                        go.push(insert(&session, &mut random).await);
                    } else {
                        let place = random.below(u64::try_from(go.len()).unwrap());
                        delete(&session, go.swap_remove(usize::try_from(place).unwrap())).await;
                    }
                }
            })
            .await;
            let mut times = BTreeMap::new();
            met.iter()
                .for_each(|id| *times.entry(*id).or_insert(0) += 1);
            assert!(
                times.values().all(|times| *times == 1),
                "seed {seed}, {target}: a row came twice"
            );
            let missed: Vec<_> = stay.iter().filter(|id| !times.contains_key(*id)).collect();
            assert!(
                missed.is_empty(),
                "seed {seed}, {target}: never came: {missed:?}"
            );
        }
    }
}

/// The control: with nothing else going on, the walk is the database's own order.
#[tokio::test]
async fn a_walk_has_the_order_of_its_sort() {
    let (app, _) = app(&[]).await;
    let session = app.database.session().await;
    let mut random = Random(42);
    for _ in 0..60 {
        insert(&session, &mut random).await;
    }
    for sort in SORTS {
        let (column, direction) = match sort.strip_prefix('-') {
            Some(column) => (column, "DESC"),
            None => (sort, ""),
        };
        let all = format!(
            "SELECT id FROM things WHERE votes >= 1 ORDER BY {column} {direction}, id {direction}"
        );
        let all: Vec<Uuid> = session
            .query(&all, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        for limit in [1, 7, 10, 11, 25, 26, 200] {
            let target = format!("/things?votes__gte=1&sort={sort}&limit={limit}");
            assert_eq!(
                walk(&app, &target, true, async || {}).await,
                all,
                "{target}"
            );
        }
        // A page that ends with the list says so: no empty page follows.
        let exact = app
            .get(&format!(
                "/things?votes__gte=1&sort={sort}&limit={}",
                all.len()
            ))
            .await;
        assert!(exact.json()["next"].is_null());
    }
}

#[tokio::test]
async fn a_count_is_made_when_asked_and_ends_at_its_cap() {
    let (app, _) = app(&[]).await;
    let session = app.database.session().await;
    let page = app.get("/things").await.json();
    assert_eq!(page, serde_json::json!({"items": [], "next": null}));
    let fill = "INSERT INTO things (id, title, votes, created_at) SELECT gen_random_uuid(), '', 1, now() FROM generate_series(1, 10000)";
    session.batch_execute(fill).await.unwrap();
    let page = app.get("/things?limit=1&count=true").await.json();
    assert_eq!(
        (&page["count"], &page["count_capped"]),
        (&10_000.into(), &false.into())
    );
    insert(&session, &mut Random(1)).await;
    let page = app
        .get("/things?limit=1&count=true&sort=votes")
        .await
        .json();
    assert_eq!(
        (&page["count"], &page["count_capped"]),
        (&10_000.into(), &true.into())
    );
    let page = app
        .get("/things?limit=1&count=true&votes__gte=9")
        .await
        .json();
    assert_eq!(
        (&page["count"], &page["count_capped"]),
        (&0.into(), &false.into())
    );
}
