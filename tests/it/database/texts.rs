//! Statements that serve requests are texts that stand in the source: values are bound, and nothing
//! is glued into them.

use std::path::{Path, PathBuf};

/// What is put together of SQL in a source file, as its first lines.
fn glued(source: &str) -> Vec<String> {
    let verbs = [
        "SELECT ",
        "INSERT ",
        "UPDATE ",
        "DELETE ",
        " FROM ",
        " WHERE ",
        "ORDER BY ",
    ];
    let formats = source.match_indices("format!(").filter_map(|(at, _)| {
        let rest = source.get(at..)?;
        let text = rest.split('"').nth(1)?;
        let is_sql = verbs.iter().any(|verb| text.contains(verb));
        is_sql.then(|| text.to_owned())
    });
    let queries = [
        "sql_query(format!",
        "sql_query(&",
        "push_sql(&",
        "push_sql(format!",
    ];
    let calls = queries.iter().filter(|query| source.contains(**query));
    formats
        .chain(calls.map(|call| (*call).to_owned()))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_statement_of_a_request_is_glued_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    sources(&root, &mut all);
    // Names of roles and indexes cannot be bound; who runs these commands owns the database.
    let is_served = |path: &&PathBuf| !path.starts_with(root.join("db"));
    let served: Vec<_> = all.iter().filter(is_served).collect();
    assert!(served.len() > 60, "{}", served.len());
    for path in served {
        let found = glued(&std::fs::read_to_string(path).unwrap());
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

#[test]
fn what_is_glued_is_seen() {
    for source in [
        "let it = format!(\"SELECT * FROM posts ORDER BY {sort}\");",
        "format!(\n    \"DELETE FROM posts WHERE id = '{id}'\"\n)",
        "sql_query(format!(\"{text}\"))",
        "out.push_sql(&name);",
    ] {
        assert_eq!(glued(source).len(), 1, "{source}");
    }
    assert!(glued("out.push_sql(\" ORDER BY \"); format!(\"from {a} where {b}\")").is_empty());
}
