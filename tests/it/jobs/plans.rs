//! How a claim is planned and what it reads, whatever the table has been through.

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

/// What a claim reads of a runner that knows one kind and has all its slots free: buffers, and how
/// often the table as a whole. Rolled back.
async fn read(session: &tokio_postgres::Client, floor: &str) -> (i64, i64) {
    let explain = format!(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM claim_jobs('{{0,1,2,3}}', \
            array_fill({floor}::timestamptz, '{{4}}'), '{{8,8,2,1}}', \
         '{{4,4,1,1}}', '{{test.note.1}}', '{{1}}', '{{0192f0c1-2345-7000-8000-000000000000}}', \
         '{{3}}', false, 30, \
         '0192f0c1-2345-7000-8000-000000000000', '{{1,2,3}}', '{{1,1,1}}')"
    );
    let whole = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'jobs'";
    session.batch_execute("BEGIN").await.unwrap();
    let before: i64 = session.query_one(whole, &[]).await.unwrap().get(0);
    let read = explained(session, &explain).await;
    let after: i64 = session.query_one(whole, &[]).await.unwrap().get(0);
    session.batch_execute("ROLLBACK").await.unwrap();
    (read.buffers, after - before)
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

/// The session plans once, for an empty queue that has just been looked at, as a quiet one's is.
#[tokio::test]
async fn a_claim_reads_little_however_full_the_queue_was_when_it_was_planned() {
    let queue = queue().await;
    let session = &queue.session;
    queue.sql("VACUUM ANALYZE jobs").await;
    // To plan reads the catalogue.
    read(session, BEGINNING).await;
    let (empty, whole) = read(session, BEGINNING).await;
    assert!(empty <= 30 && whole == 0, "{empty}, {whole}");
    queue.sql(&fill(20_000)).await;
    let (unanalysed, whole) = read(session, BEGINNING).await;
    assert!(unanalysed < 200 && whole == 0, "{unanalysed}, {whole}");
    queue.sql("ANALYZE jobs").await;
    let (analysed, whole) = read(session, BEGINNING).await;
    assert!(analysed < 200 && whole == 0, "{analysed}, {whole}");
    // All done, and not yet vacuumed; then with what is left of the pages.
    queue.sql("DELETE FROM jobs").await;
    let (done, whole) = read(session, "now()").await;
    assert!(done < 200 && whole == 0, "{done}, {whole}");
    queue.sql(&fill(20)).await;
    assert_eq!(read(session, BEGINNING).await.1, 0);
    // The control: where every way is open, a kept plan reads all there is.
    queue
        .sql(
            "ALTER FUNCTION claim_jobs RESET ALL; \
             ALTER FUNCTION claim_jobs SET plan_cache_mode = force_generic_plan; \
             DELETE FROM jobs",
        )
        .await;
    queue.sql("VACUUM ANALYZE jobs").await;
    read(session, BEGINNING).await;
    queue.sql(&fill(20_000)).await;
    let (control, _) = read(session, BEGINNING).await;
    assert!(control > 1_000, "{control}");
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
        let (with_floor, whole) = read(&queue.session, &floor).await;
        assert!(with_floor <= 2_000 && whole == 0, "{with_floor}, {whole}");
        let (without, _) = read(&queue.session, BEGINNING).await;
        println!("{with_floor} buffers from the floor, {without} from the beginning");
        assert!(without > 20_000, "{without}");
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

/// To make a job and to claim it costs no parsing.
#[tokio::test]
async fn the_statements_that_make_jobs_and_claim_them_are_kept() {
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
    // The control: what a job is failed with is not.
    let hold = Hold { id: 1, claims: 1 };
    chartroom::jobs::hold::fail(&mut connection, hold, Duration::ZERO, "no")
        .await
        .unwrap();
    let statements = [
        ("INSERT INTO jobs", 1),
        ("SELECT * FROM claim_jobs", 1),
        ("UPDATE jobs", 0),
    ];
    for (beginning, expected) in statements {
        let kept = "SELECT count(*) FROM pg_prepared_statements WHERE starts_with(statement, $1)";
        let kept = diesel::sql_query(kept).bind::<diesel::sql_types::Text, _>(beginning);
        let kept: Kept = diesel_async::RunQueryDsl::get_result(kept, &mut connection)
            .await
            .unwrap();
        assert_eq!(kept.count, expected, "{beginning}");
    }
}
