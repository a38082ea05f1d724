//! What a search costs does not depend on what posts say that the caller may not see: neither the
//! statements, nor the rows that they read. `CHARTROOM_TEST_LONG=1 cargo test --test it --
//! posts::oracle --nocapture` prints the times as well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use super::*;

const ROUNDS: usize = 25;
/// Ten posts of the caller's own say it, so that one more match is the eleventh, which once made a
/// word a common one.
const MARKER: &str = "zzmarker";
/// Stands in posts that the outsider may not see.
const SECRETS: [&str; 2] = ["globex", "acquire globex"];
/// Stands nowhere.
const GUESSES: [&str; 2] = ["initech", "acquire initech"];

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

type Counts = BTreeMap<String, i64>;

/// 20,000 posts of others, of which every other one is in a private project, and some that tell the
/// secret.
async fn place(telling: usize) -> (Place, Person) {
    let place = Place::new(&["--database-connections=1"]).await;
    let (owner, outsider) = (place.person("owner").await, place.person("outsider").await);
    let private = place.project("private", &[(&owner, "owner")]).await;
    let rows = |first: usize, last: usize, project: &str, author: &Person, content: &str| {
        format!(
            "INSERT INTO posts (id, project_id, author_id, title, content, published, language, created_at) \
             SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, {project}, '{}', 'Post', '{content}', \
                {project} IS NULL OR n % 2 = 0, 'english', now() FROM generate_series({first}, {last}) n;",
            author.id
        )
    };
    let (none, project) = ("NULL::uuid".to_owned(), format!("'{private}'::uuid"));
    // What is not to be seen is where a search begins to look, and where it would end.
    place
        .sql(
            &[
                rows(1, 9_000, &project, &owner, "common text"),
                rows(9_001, 19_000, &none, &owner, "common text"),
                rows(19_001, 20_000, &project, &owner, "common text"),
                rows(20_001, 20_010, &none, &outsider, MARKER),
                rows(
                    20_011,
                    20_010 + telling,
                    &project,
                    &owner,
                    "in march we acquire globex",
                ),
            ]
            .concat(),
        )
        .await;
    // In the order of the list by votes, too.
    place
        .sql("UPDATE post_scores SET votes = abs(hashtext(post_id::text)) % 100")
        .await;
    place.sql("VACUUM ANALYZE").await;
    (place, outsider)
}

fn targets(guess: &str) -> impl Iterator<Item = String> {
    let questions = [
        format!("{MARKER} or \"{guess}\""),
        format!("\"{guess}\""),
        format!("common -\"{guess}\""),
    ];
    questions.into_iter().flat_map(|q| {
        let q: String =
            percent_encoding::utf8_percent_encode(&q, percent_encoding::NON_ALPHANUMERIC).collect();
        [
            "",
            "&sort=created_at",
            "&sort=-votes",
            "&sort=-rank",
            "&count=true",
        ]
        .map(|more| format!("/api/v1/posts?limit=10&q={q}{more}"))
    })
}

/// What the application's one connection has done so far: statements by their texts, rows of tables
/// and indexes, pages of tables.
async fn done(place: &Place) -> Counts {
    let ask = "SELECT statement AS name, custom_plans + generic_plans AS times FROM pg_prepared_statements WHERE statement ~ 'posts' \
        UNION ALL SELECT relname || what, times FROM pg_class, LATERAL (VALUES \
            (' rows', pg_stat_get_tuples_returned(oid)), (' rows fetched', pg_stat_get_tuples_fetched(oid)), \
            (' pages', pg_stat_get_blocks_fetched(oid))) AS counted (what, times) \
        WHERE relname ~ '^(post|project)' AND relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace";
    let counted: Vec<Counted> = place
        .app
        .app
        .db
        .write(async |connection| {
            diesel::sql_query("SELECT pg_stat_force_next_flush()")
                .execute(connection)
                .await?;
            diesel::sql_query(ask).load(connection).await
        })
        .await
        .unwrap();
    counted
        .into_iter()
        .map(|one| (one.name, one.times))
        .collect()
}

/// What one request takes once its statements are planned for good: the least of three, since
/// others may work on the tables.
async fn taken(place: &Place, who: &Person, target: &str) -> (Counts, String) {
    let ask = async || {
        let answer = who.get(place, target).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    for _ in 0..6 {
        ask().await;
    }
    let (mut least, mut answer) = (Counts::new(), String::new());
    for _ in 0..3 {
        let before = done(place).await;
        answer = ask().await;
        for (name, times) in done(place).await {
            let times = times - before.get(&name).copied().unwrap_or(0);
            let known = least.entry(name).or_insert(times);
            *known = times.min(*known);
        }
    }
    least.retain(|_, times| *times != 0);
    (least, answer)
}

fn told(answer: &str) -> (usize, bool) {
    let page: Value = serde_json::from_str(answer).unwrap();
    (
        page["items"].as_array().unwrap().len(),
        page["next"].is_null(),
    )
}

/// A look for a word passes over a place of the index for each match that is not the caller's,
/// which is a page or two.
const PASSED_OVER: i64 = 4;

#[tokio::test]
async fn audit_h2_a_search_costs_the_same_whatever_others_posts_say() {
    for telling in [1, 40] {
        let (place, outsider) = place(telling).await;
        let mut seen = BTreeSet::new();
        for (secret, guess) in SECRETS.into_iter().zip(GUESSES) {
            for (right, wrong) in targets(secret).zip(targets(guess)) {
                let (with, answer) = taken(&place, &outsider, &right).await;
                let (without, other) = taken(&place, &outsider, &wrong).await;
                assert_eq!(told(&answer), told(&other), "{right}");
                let index = "posts_words_readers_idx pages";
                let apart = |counts: &Counts| {
                    let mut counts = counts.clone();
                    counts.remove(index);
                    counts
                };
                assert_eq!(apart(&with), apart(&without), "{right}");
                let pages = |counts: &Counts| counts.get(index).copied().unwrap_or(0);
                let most = PASSED_OVER * i64::try_from(telling).unwrap();
                let more = pages(&with) - pages(&without);
                assert!((-most..=most).contains(&more), "{right}: {more} pages");
                seen.extend(with.into_keys());
            }
        }
        // Both ways were gone, and the counters count.
        for name in [
            "posts_pkey rows",
            "posts_words_readers_idx rows",
            "posts pages",
        ] {
            assert!(seen.contains(name), "{name}: {seen:?}");
        }
        if crate::support::is_long() {
            print_times(&place, &outsider, telling).await;
        }
    }
}

/// Interleaved, so that a busy moment meets all alike. The second guess that stands nowhere shows
/// what chance does.
async fn print_times(place: &Place, who: &Person, telling: usize) {
    let asked = ["acquire globex", "acquire initech", "acquire umbrella"];
    let mut times = vec![Vec::new(); asked.len()];
    for _ in 0..ROUNDS {
        for (guess, times) in asked.iter().zip(&mut times) {
            let target = targets(guess).next().unwrap();
            let begun = Instant::now();
            who.get(place, &target).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    for (guess, mut times) in asked.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let at = |part: usize| times[times.len() * part / 100];
        println!(
            "{telling} telling, {MARKER} or \"{guess}\": {:.2} ms ({:.2} to {:.2})",
            at(50),
            at(10),
            at(90)
        );
    }
}

/// The readers beside the words are a sieve that lets everything through that may be seen.
#[tokio::test]
async fn a_search_finds_all_that_a_list_shows() {
    let place = Place::new(&["--posts-anonymous-read=true"]).await;
    let mut people = Vec::new();
    for name in ["owner", "editor", "viewer", "former", "outsider", "many"] {
        people.push(place.person(name).await);
    }
    let mut projects = Vec::new();
    for visibility in ["private", "internal"] {
        let roles = ["owner", "editor", "viewer", "editor"];
        let members: Vec<_> = people.iter().zip(roles).collect();
        projects.push(place.project(visibility, &members).await);
    }
    for (number, who) in people.iter().take(4).enumerate() {
        for published in [true, false] {
            who.post(
                &place,
                json!({ "title": format!("{number} alone {published}"), "published": published }),
            )
            .await;
            for project in &projects {
                let more = json!({ "title": format!("{number} {project} {published}"), "published": published, "project_id": project });
                if number != 2 {
                    who.post(&place, more).await;
                }
            }
        }
    }
    // The viewer wrote drafts when they were an editor; the fourth is no member any more; the last
    // reads more than are counted.
    place
        .sql(&format!(
            "UPDATE posts SET author_id = '{}' WHERE title LIKE '1 %' AND NOT published AND project_id IS NOT NULL; \
             DELETE FROM project_members WHERE principal_id = '{}'; \
             INSERT INTO projects (id, name, visibility) SELECT gen_random_uuid(), 'p', 'private' FROM generate_series(1, 120); \
             INSERT INTO project_members (project_id, principal_id, role) SELECT id, '{}', 'owner' FROM projects WHERE visibility = 'private'",
            people[2].id, people[3].id, people[5].id
        ))
        .await;
    let mut sizes = BTreeSet::new();
    for filter in [
        String::new(),
        "&published=false".to_owned(),
        format!("&project_id={}", projects[0]),
        format!("&author_id={}", people[2].id),
    ] {
        for who in people.iter().map(Some).chain([None]) {
            let ask = async |more: &str| {
                let target = format!("/api/v1/posts?limit=100{filter}{more}");
                match who {
                    Some(who) => who.get(&place, &target).await,
                    None => place.get(&target).await,
                }
            };
            let all = titles(&ask("").await);
            // Every post says it: the page goes by the order, the count by the words.
            let found = ask("&q=content&count=true").await;
            let name = who.map_or("nobody", |who| &who.authorization);
            assert_eq!(titles(&found), all, "{filter}, {name}");
            assert_eq!(found.json()["count"], all.len(), "{filter}, {name}");
            sizes.insert(all.len());
        }
    }
    assert!(sizes.contains(&0) && sizes.len() > 5, "{sizes:?}");
}
