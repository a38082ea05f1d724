//! The rules of `migrations/README.md`, each with a control that breaks it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::database::TestDatabase;
use crate::support::schema::texts;

/// Text of all files, by folder and file name.
fn files() -> BTreeMap<String, BTreeMap<String, String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap();
    let entries = |path: &Path| {
        std::fs::read_dir(path)
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    entries(&root)
        .iter()
        .filter(|entry| entry.path().is_dir())
        .map(|folder| {
            let texts = entries(&folder.path())
                .iter()
                .map(|file| (name(file), std::fs::read_to_string(file.path()).unwrap()))
                .collect();
            (name(folder), texts)
        })
        .collect()
}

fn folder_problems(folder: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    let (version, name) = folder.split_once('_').unwrap_or((folder, ""));
    if version.len() != 14 || !version.bytes().all(|b| b.is_ascii_digit()) {
        problems.push(format!("{folder}: the version is YYYYMMDDHHMMSS"));
    }
    if name.is_empty()
        || !name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        problems.push(format!("{folder}: the name is verb_object in lower case"));
    }
    for file in ["up.sql", "down.sql"] {
        match files.get(file) {
            None => problems.push(format!("{folder}: {file} is missing")),
            Some(sql) => problems.extend(
                sql_problems(sql, files.get("metadata.toml"))
                    .iter()
                    .map(|problem| format!("{folder}/{file}: {problem}")),
            ),
        }
    }
    problems
}

fn sql_problems(sql: &str, metadata: Option<&String>) -> Vec<&'static str> {
    let code: String = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n");
    let code = code
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_uppercase();
    let statements = code
        .split(';')
        .filter(|statement| !statement.trim().is_empty())
        .count();
    let mut problems = Vec::new();
    if statements == 0 {
        problems.push("it does nothing");
    }
    if code.contains(" CONCURRENTLY ") {
        if statements > 1 {
            problems.push("a concurrent statement stands alone");
        }
        if !metadata.is_some_and(|text| text.contains("run_in_transaction = false")) {
            problems
                .push("a concurrent statement needs run_in_transaction = false in metadata.toml");
        }
        if !code.contains(" IF NOT EXISTS ") && !code.contains(" IF EXISTS ") {
            problems
                .push("a concurrent statement is repeated after an interruption: IF [NOT] EXISTS");
        }
    }
    for word in [
        "LOCK_TIMEOUT",
        "STATEMENT_TIMEOUT",
        "ADVISORY",
        "DISCARD",
        "COMMIT",
    ] {
        if code.contains(word) {
            problems.push("timeouts, locks and the transaction belong to the runner");
        }
    }
    problems
}

#[test]
fn every_folder_follows_the_rules() {
    let folders = files();
    assert!(!folders.is_empty());
    let problems: Vec<_> = folders
        .iter()
        .flat_map(|(folder, files)| folder_problems(folder, files))
        .collect();
    assert_eq!(problems, [""; 0]);
    let mut versions: Vec<&str> = folders.keys().map(|folder| &folder[..14]).collect();
    versions.dedup();
    assert_eq!(
        versions.len(),
        folders.len(),
        "two migrations have one version"
    );
}

#[test]
fn a_folder_that_breaks_a_rule_is_found() {
    let metadata = "run_in_transaction = false".to_owned();
    let index = "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_b_idx ON a (b)";
    assert!(sql_problems(index, Some(&metadata)).is_empty());
    for (sql, metadata) in [
        ("-- nothing", None),
        (index, None),
        (&*format!("{index}; SELECT 1"), Some(&metadata)),
        (&index.replace("IF NOT EXISTS ", ""), Some(&metadata)),
        ("SET lock_timeout = '1h'; SELECT 1", None),
    ] {
        assert_eq!(sql_problems(sql, metadata).len(), 1, "{sql}");
    }
    let file = |name: &str| (name.to_owned(), "SELECT 1".to_owned());
    let whole = BTreeMap::from([file("up.sql"), file("down.sql")]);
    assert!(folder_problems("20990101000000_create_a", &whole).is_empty());
    for folder in ["2099_create_a", "20990101000000", "20990101000000_Create"] {
        assert_eq!(folder_problems(folder, &whole).len(), 1, "{folder}");
    }
    let half = BTreeMap::from([file("up.sql")]);
    assert_eq!(folder_problems("20990101000000_create_a", &half).len(), 1);
}

/// Foreign keys whose columns do not lead a whole, valid index: every delete of what they point to
/// would scan the table.
const UNINDEXED: &str = "SELECT k.conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE k.contype = 'f' AND {ours} AND NOT EXISTS ( \
         SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL \
         AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) ORDER BY 1";

/// Names that do not begin with the table and end with the kind. The kinds that PostgreSQL 18 adds
/// have no name of ours.
const MISNAMED: &str = "SELECT format('%s.%s', c.relname, k.conname) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND {ours} AND NOT (starts_with(k.conname, c.relname || '_') AND k.conname ~ \
         (CASE k.contype WHEN 'p' THEN '_pkey$' WHEN 'u' THEN '_key$' WHEN 'f' THEN '_fkey$' WHEN 'c' THEN '_check$' ELSE '_excl$' END)) \
     UNION ALL SELECT format('%s.%s', c.relname, x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE {ours} AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) AND NOT (starts_with(x.relname, c.relname || '_') AND x.relname ~ '_(idx|key)$') ORDER BY 1";

const NAMES: &str = "SELECT k.conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND {ours} ORDER BY 1";

/// Constraints whose name nobody wrote: PostgreSQL made it, and may make another one the next time.
fn unwritten(names: Vec<String>, sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let written = |name: &str| {
        words
            .windows(2)
            .any(|pair| pair[0].eq_ignore_ascii_case("constraint") && pair[1] == name)
    };
    names.into_iter().filter(|name| !written(name)).collect()
}

#[tokio::test]
async fn foreign_keys_have_indexes_and_constraints_have_names() {
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    assert_eq!(texts(&session, UNINDEXED).await, [""; 0]);
    assert_eq!(texts(&session, MISNAMED).await, [""; 0]);
    let sql: String = files()
        .values()
        .filter_map(|files| files.get("up.sql"))
        .cloned()
        .collect();
    assert_eq!(unwritten(texts(&session, NAMES).await, &sql), [""; 0]);
}

#[tokio::test]
async fn a_table_that_breaks_a_rule_is_found() {
    let database = TestDatabase::empty().await;
    let session = database.session().await;
    let sql = "CREATE TABLE a (id int, other int, CONSTRAINT a_pkey PRIMARY KEY (id), CONSTRAINT a_id_other_key UNIQUE (id, other));
        CREATE TABLE good (a_id int, b_id int, other int, CONSTRAINT good_a_id_fkey FOREIGN KEY (a_id) REFERENCES a,
            CONSTRAINT good_pair_fkey FOREIGN KEY (b_id, other) REFERENCES a (id, other));
        CREATE INDEX good_a_id_idx ON good (a_id, other); CREATE INDEX good_pair_idx ON good (other, b_id);
        CREATE TABLE bad (a_id int, b_id int, c_id int, n int CHECK (n > 0), m int CONSTRAINT positive CHECK (m > 0), UNIQUE (n),
            CONSTRAINT bad_a_id_fkey FOREIGN KEY (a_id) REFERENCES a, CONSTRAINT bad_b_id_fkey FOREIGN KEY (b_id) REFERENCES a,
            CONSTRAINT bad_c_id_fkey1 FOREIGN KEY (c_id) REFERENCES a);
        CREATE INDEX bad_b_id_idx ON bad (b_id) WHERE n > 0; CREATE INDEX bad_c_id_idx ON bad (n, c_id); CREATE INDEX bad_index ON bad (m);";
    session.batch_execute(sql).await.unwrap();
    assert_eq!(
        texts(&session, UNINDEXED).await,
        ["bad_a_id_fkey", "bad_b_id_fkey", "bad_c_id_fkey1"]
    );
    assert_eq!(
        texts(&session, MISNAMED).await,
        ["bad.bad_c_id_fkey1", "bad.bad_index", "bad.positive"]
    );
    let names = texts(&session, NAMES).await;
    assert_eq!(unwritten(names, sql), ["bad_n_check", "bad_n_key"]);
}
