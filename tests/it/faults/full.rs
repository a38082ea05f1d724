//! Row A9: the database has no disk space left. Who writes is told so and nothing is done; who
//! reads notices nothing.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use super::Bench;
use crate::support::client::Answer;

/// Raises what the title asks for: SQLSTATE, message, detail and hint.
const TRIGGER: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE said text[] := string_to_array(NEW.title, '|');
    BEGIN
        IF said[2] IS NULL THEN RETURN NEW; END IF;
        RAISE EXCEPTION USING ERRCODE = said[1], MESSAGE = said[2], DETAIL = said[3], HINT = said[4];
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION refuse()";

async fn write(bench: &Bench, title: &str, content: &str) -> Answer {
    let body = json!({ "title": title, "content": content });
    let request = (bench.scene).request(Method::POST, "/api/v1/posts", Some(body), None);
    bench.client.send(request).await.unwrap()
}

fn refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let problem: Value = answer.json();
    assert_eq!(problem["code"], "storage-full");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("nothing was done") && !detail.contains("base/"),
        "{detail}"
    );
    let wait: u8 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=5).contains(&wait));
}

async fn reads(bench: &Bench) {
    for number in 0..5 {
        let answer = bench.client.send(bench.scene.read(number)).await.unwrap();
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
    }
}

/// The server processes that have served the application's writes.
async fn writers(bench: &Bench) -> BTreeSet<i32> {
    let query = "SELECT pid FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'chartroom/write'";
    let rows = bench.session.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_full_disk_is_said_as_the_server_says_it() {
    let bench = Bench::new(&["--database-connections=1"]).await;
    bench.session.batch_execute(TRIGGER).await.unwrap();
    let before = writers(&bench).await;
    for title in [
        "53100|could not extend file \"base/5/16384\": No space left on device||Check free disk space.",
        "53100|could not extend file \"base/5/16384\": wrote only 4096 of 8192 bytes at block 7||Check free disk space.",
        "53100|could not access status of transaction 7|Could not write to file \"pg_xact/0000\": No space left on device.|",
    ] {
        for _ in 0..3 {
            refused(&write(&bench, title, "c").await);
        }
        reads(&bench).await;
    }
    assert_eq!(
        bench
            .number("SELECT count(*) FROM posts WHERE title LIKE '53%'")
            .await,
        0
    );
    assert_eq!(writers(&bench).await, before, "the connection is kept");
    assert_eq!(write(&bench, "room again", "c").await.status, 201);
    // The control: its neighbours stay what they were, a defect that costs the connection.
    for title in [
        "53200|out of memory||",
        "53300|too many connections for role||",
    ] {
        let answer = write(&bench, title, "c").await;
        assert_eq!(answer.status, 500, "{}", answer.text());
    }
    assert_ne!(writers(&bench).await, before);
}

/// A file system of a few MiB, gone when dropped.
struct Small(PathBuf);

impl Small {
    /// `None` where the one who runs this may not mount.
    fn mounted(data_directory: &str) -> Option<Self> {
        let owner = std::fs::metadata(data_directory).ok()?;
        let place = PathBuf::from(format!("{data_directory}-small-{}", std::process::id()));
        std::fs::create_dir(&place).ok()?;
        let options = format!("size=16m,mode=0700,uid={},gid={}", owner.uid(), owner.gid());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&place)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(place));
        }
        let _ = std::fs::remove_dir(&place);
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn a_disk_that_is_really_full_refuses_writes_and_serves_reads() {
    let bench = Bench::new(&[]).await;
    let directory = bench
        .session
        .query_one("SHOW data_directory", &[])
        .await
        .unwrap();
    let Some(small) = Small::mounted(directory.get(0)) else {
        eprintln!("skipped: mounting a small file system needs more rights");
        return;
    };
    let space = format!("small_{}", std::process::id());
    let execute = async |sql: &str| bench.session.batch_execute(sql).await;
    let place = small.0.to_str().unwrap();
    execute(&format!("CREATE TABLESPACE {space} LOCATION '{place}'"))
        .await
        .unwrap();
    execute(&format!("ALTER TABLE posts SET TABLESPACE {space}"))
        .await
        .unwrap();
    execute(&format!("CREATE TABLE filler (t text) TABLESPACE {space}"))
        .await
        .unwrap();
    execute("ALTER TABLE filler ALTER t SET STORAGE PLAIN")
        .await
        .unwrap();
    // A page for each row, to the last one there is room for.
    let fill =
        "DO $$ BEGIN LOOP INSERT INTO filler VALUES (repeat('x', 7000)); COMMIT; END LOOP; END $$";
    let full = execute(fill).await.unwrap_err();
    assert_eq!(
        full.code().map(|code| code.code()),
        Some("53100"),
        "{full:?}"
    );
    // What does not compress, and does not fit where there may be a little room.
    let content: String = (0..2_000_u64)
        .map(|n| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    for _ in 0..5 {
        refused(&write(&bench, "too much", &content).await);
        reads(&bench).await;
    }
    execute("DROP TABLE filler").await.unwrap();
    assert_eq!(write(&bench, "room again", &content).await.status, 201);
    assert_eq!(
        bench
            .number("SELECT count(*) FROM posts WHERE title = 'too much'")
            .await,
        0
    );
    execute("ALTER TABLE posts SET TABLESPACE pg_default")
        .await
        .unwrap();
    // Of itself, as it must be in no transaction.
    execute("CHECKPOINT").await.unwrap();
    execute(&format!("DROP TABLESPACE {space}")).await.unwrap();
}
