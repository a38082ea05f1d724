//! How a claim is planned and what it reads, whatever the table has been through.

use chartroom::jobs::claim::CLAIM;
use chartroom::jobs::report::MAILS;
use serde_json::Value;

use super::*;

/// What a statement read: buffers, and how it came to the rows of `jobs`.
struct Read {
    buffers: i64,
    ways: Vec<String>,
}

impl Read {
    fn of(plan: &Value) -> Self {
        let count = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
        let mut ways = Vec::new();
        collect(&plan[0]["Plan"], &mut ways);
        ways.sort();
        Self {
            buffers: count("Shared Hit Blocks") + count("Shared Read Blocks"),
            ways,
        }
    }
}

fn collect(node: &Value, ways: &mut Vec<String>) {
    let is_way = node["Node Type"].as_str().unwrap().contains("Scan");
    let index = node["Index Name"].as_str();
    let of_jobs = node["Relation Name"] == "jobs" && node["Node Type"] != "Bitmap Heap Scan";
    if is_way && (of_jobs || index.is_some()) {
        let of = index.map_or(node["Node Type"].to_string(), str::to_owned);
        ways.push(of);
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        collect(below, ways);
    }
}

const WAYS: [&str; 3] = ["jobs_lane_due_at_idx", "jobs_pkey", "jobs_pkey"];

/// The statement as a runner sends it that knows one kind and has all its slots free, planned for
/// this execution, and rolled back.
async fn read(session: &tokio_postgres::Client, floor: &str) -> Read {
    let prepare = format!(
        "DEALLOCATE ALL; PREPARE claim (smallint[], timestamptz[], int[], int[], text[], \
            smallint[], uuid[], int[], boolean, float8, uuid, bigint[], int[]) \
         AS {CLAIM}; SET plan_cache_mode = force_custom_plan"
    );
    session.batch_execute(&prepare).await.unwrap();
    let explain = format!(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE claim ('{{0,1,2,3}}', \
            array_fill({floor}::timestamptz, '{{4}}'), '{{8,8,2,1}}', \
         '{{4,4,1,1}}', '{{test.note.1}}', '{{1}}', '{{0192f0c1-2345-7000-8000-000000000000}}', \
         '{{3}}', false, 30, \
         '0192f0c1-2345-7000-8000-000000000000', '{{1,2,3}}', '{{1,1,1}}')"
    );
    session.batch_execute("BEGIN").await.unwrap();
    let read = explained(session, &explain).await;
    session.batch_execute("ROLLBACK").await.unwrap();
    read
}

async fn explained(session: &tokio_postgres::Client, explain: &str) -> Read {
    let answer = session.simple_query(explain).await.unwrap();
    let text: String = answer
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    Read::of(&serde_json::from_str(&text).unwrap())
}

/// Jobs whose times are not in the order of their rows, as they are not after some retries.
fn fill(jobs: i64) -> String {
    format!(
        "INSERT INTO jobs (lane, kind, args, max_failures, due_at) \
         SELECT 1, 'test.note.1', '{{}}', 3, now() - interval '1 day' + (n * 7919 % {jobs}) * \
         interval '1 second' \
         FROM generate_series(1, {jobs}) n"
    )
}

const BEGINNING: &str = "'1970-01-01'";

async fn queue() -> Queue {
    let queue = Queue::new().await;
    // So that a table stays what a test has made of it.
    queue
        .sql("ALTER TABLE jobs SET (autovacuum_enabled = false)")
        .await;
    queue
}

#[tokio::test]
async fn a_claim_walks_its_two_indexes() {
    let queue = queue().await;
    let session = &queue.session;
    // Nothing is there: whatever is read, it is nothing.
    let empty = read(session, BEGINNING).await;
    assert!(empty.ways.contains(&WAYS[0].to_owned()), "{:?}", empty.ways);
    assert!(empty.buffers <= 30, "{}", empty.buffers);
    queue.sql(&fill(20_000)).await;
    let unanalysed = read(session, BEGINNING).await;
    assert_eq!(unanalysed.ways, WAYS);
    queue.sql("ANALYZE jobs").await;
    let analysed = read(session, BEGINNING).await;
    assert_eq!(analysed.ways, WAYS);
    for read in [unanalysed, analysed] {
        assert!(read.buffers < 200, "{}", read.buffers);
    }
    // All done, and not yet vacuumed; then with what is left of the pages.
    queue.sql("DELETE FROM jobs").await;
    assert_eq!(read(session, "now()").await.ways, WAYS);
    queue.sql(&fill(20)).await;
    assert_eq!(read(session, BEGINNING).await.ways, WAYS);
    // The control: another way is seen.
    session
        .batch_execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
        .await
        .unwrap();
    let ways = read(session, BEGINNING).await.ways;
    assert_eq!(ways, ["\"Seq Scan\""; 3]);
}

/// A snapshot that somebody holds keeps all finished rows. Behind the floor they cost nothing.
#[tokio::test]
async fn what_a_held_snapshot_keeps_is_not_walked_again() {
    let queue = queue().await;
    queue.sql(&fill(50_500)).await;
    let holder = queue.app.database.session().await;
    holder
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM jobs LIMIT 1")
        .await
        .unwrap();
    queue
        .sql("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY due_at, id LIMIT 50000)")
        .await;
    let floor = queue
        .text("SELECT quote_literal(min(due_at)) FROM jobs")
        .await;
    // Twice, as the first time could have marked what is dead.
    for _ in 0..2 {
        let with_floor = read(&queue.session, &floor).await;
        assert_eq!(with_floor.ways, WAYS);
        assert!(with_floor.buffers <= 2_000, "{}", with_floor.buffers);
        let without = read(&queue.session, BEGINNING).await;
        println!(
            "{} buffers from the floor, {} from the beginning",
            with_floor.buffers, without.buffers
        );
        assert!(without.buffers > 20_000, "{}", without.buffers);
    }
    drop(holder);
}

/// The floor that a runner keeps is the one of that test: with the beginning out of sight, it does
/// all that comes.
#[tokio::test]
async fn a_runner_raises_its_floor() {
    let queue = queue().await;
    queue.sql(&fill(200)).await;
    let worker = queue.worker(Kinds::default().with::<Nothing>(()), quick(LEASE));
    queue.until("SELECT count(*) FROM jobs", 0).await;
    // What is committed late lies behind it, and is found by the look from the beginning.
    queue.sql(&fill(3)).await;
    queue.until("SELECT count(*) FROM jobs", 0).await;
    worker.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Nothing {}

impl Job for Nothing {
    const KIND: &'static str = "test.note.1";
    const LANE: Lane = Lane::Normal;
    type Tools = ();

    async fn run(&self, _: &Context, (): &()) -> JobResult<Ended> {
        Ok(Ended::Done)
    }
}

/// However many other jobs there are, digests for tomorrow among them.
#[tokio::test]
async fn a_look_at_the_mails_that_wait_reads_those_alone() {
    let queue = Queue::new().await;
    queue
        .sql(
            "INSERT INTO jobs (kind, lane, max_failures, args, due_at) \
             SELECT CASE n % 2 WHEN 0 THEN 'test.note.1' ELSE 'mail.digest.1' END, 1, 5, '{}', \
                 now() + interval '1 day' FROM generate_series(1, 50000) AS n; \
             INSERT INTO jobs (kind, lane, max_failures, args) \
             SELECT 'mail.notification.1', 1, 5, '{}' FROM generate_series(1, 20); \
             ANALYZE jobs",
        )
        .await;
    let session = queue.app.database.session().await;
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {MAILS}");
    let look = explained(&session, &explain).await;
    assert_eq!(look.ways, ["jobs_mail_created_at_idx"]);
    assert!(look.buffers < 50, "{}", look.buffers);
    // The control: without the index it reads the whole table.
    queue.sql("DROP INDEX jobs_mail_created_at_idx").await;
    let whole = explained(&session, &explain).await;
    assert!(whole.buffers > 500, "{}", whole.buffers);
}

/// To make a job costs no parsing; to claim one does, because its plan must not be kept.
#[tokio::test]
async fn the_statement_that_makes_jobs_is_kept_and_the_one_that_claims_them_is_not() {
    #[derive(diesel::QueryableByName)]
    struct Kept {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let queue = queue().await;
    let mut connection = queue.connection().await;
    for n in 0..3 {
        enqueue(&mut connection, NewJob::of(&Note { n }))
            .await
            .unwrap();
        assert_eq!(claimed(&mut connection, 1).await.len(), 1);
    }
    for (beginning, expected) in [("INSERT INTO jobs", 1), ("WITH look", 0)] {
        let kept = "SELECT count(*) FROM pg_prepared_statements WHERE starts_with(statement, $1)";
        let kept = diesel::sql_query(kept).bind::<diesel::sql_types::Text, _>(beginning);
        let kept: Kept = diesel_async::RunQueryDsl::get_result(kept, &mut connection)
            .await
            .unwrap();
        assert_eq!(kept.count, expected, "{beginning}");
    }
}
