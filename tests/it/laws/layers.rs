//! Which room may import which, read from the sources. No row has an exception, and there is no
//! list of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// From the ground up: a room, and the rooms below it that it imports.
const ROOMS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("schema", &[]),
    ("config", &["kernel"]),
    ("telemetry", &["kernel", "config"]),
    ("server", &["kernel"]),
    ("db", &["kernel", "config", "telemetry"]),
    ("blobs", &["kernel", "schema", "db"]),
    ("net", &["kernel", "config"]),
    ("process", &["config", "telemetry"]),
    ("client", &["kernel", "config", "net"]),
    ("state", &["kernel", "config", "telemetry", "db", "process"]),
    (
        "http",
        &[
            "kernel",
            "schema",
            "config",
            "telemetry",
            "server",
            "db",
            "state",
        ],
    ),
    ("events", &["kernel", "schema", "telemetry", "db"]),
    (
        "identity",
        &[
            "kernel",
            "schema",
            "config",
            "telemetry",
            "db",
            "net",
            "state",
            "http",
            "events",
        ],
    ),
    (
        "jobs",
        &[
            "kernel",
            "schema",
            "telemetry",
            "db",
            "http",
            "events",
            "identity",
        ],
    ),
    (
        "mail",
        &[
            "kernel",
            "schema",
            "config",
            "telemetry",
            "db",
            "events",
            "identity",
            "jobs",
        ],
    ),
    (
        "users",
        &[
            "kernel", "schema", "config", "db", "http", "events", "identity", "jobs", "mail",
        ],
    ),
    (
        "projects",
        &[
            "kernel", "schema", "db", "http", "events", "identity", "jobs", "mail",
        ],
    ),
    ("audit", &["kernel", "http", "events", "identity"]),
    ("activity", &["kernel", "http", "events", "identity"]),
    ("feed", &["kernel", "db", "http", "events", "identity"]),
    (
        "notifications",
        &[
            "kernel", "schema", "db", "http", "events", "identity", "jobs", "mail",
        ],
    ),
    ("kube", &["kernel", "config", "identity"]),
    (
        "posts",
        &[
            "kernel", "schema", "db", "http", "events", "identity", "projects",
        ],
    ),
    (
        "datasets",
        &[
            "kernel",
            "schema",
            "telemetry",
            "db",
            "blobs",
            "process",
            "state",
            "http",
            "events",
            "identity",
            "jobs",
            "projects",
        ],
    ),
    (
        "models",
        &[
            "kernel",
            "schema",
            "telemetry",
            "db",
            "blobs",
            "process",
            "state",
            "http",
            "events",
            "identity",
            "jobs",
            "projects",
            "datasets",
        ],
    ),
    (
        "console",
        &[
            "kernel",
            "db",
            "process",
            "client",
            "http",
            "events",
            "identity",
            "jobs",
            "mail",
            "users",
            "projects",
            "audit",
            "notifications",
            "posts",
            "datasets",
            "models",
        ],
    ),
    (
        "app",
        &[
            "kernel",
            "schema",
            "config",
            "telemetry",
            "server",
            "db",
            "net",
            "process",
            "client",
            "state",
            "http",
            "events",
            "identity",
            "jobs",
            "mail",
            "users",
            "projects",
            "audit",
            "activity",
            "feed",
            "notifications",
            "kube",
            "posts",
            "datasets",
            "models",
            "console",
        ],
    ),
];

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The rooms that a source names with `crate::`, comments left out.
fn named(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let is_longer = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let rest = &code[at + "crate::".len()..];
        if is_longer {
            continue;
        }
        let Some(group) = rest.strip_prefix('{') else {
            rooms.insert(first(rest));
            continue;
        };
        let (mut depth, mut tops) = (1, vec![String::new()]);
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => tops.push(String::new()),
                _ => {}
            }
            match tops.last_mut() {
                Some(top) if depth == 1 && !c.is_whitespace() && c != ',' => top.push(c),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        rooms.extend(
            tops.iter()
                .map(|top| first(top))
                .filter(|room| !room.is_empty()),
        );
    }
    rooms
}

fn first(path: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    path.chars().take_while(|c| is_part(*c)).collect()
}

fn arrows() -> Arrows {
    let mut arrows = Arrows::new();
    for file in sources(Path::new("src")) {
        let within = file.strip_prefix("src").unwrap();
        let room = within.iter().next().unwrap().to_str().unwrap();
        let room = room.trim_end_matches(".rs");
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let named = named(&std::fs::read_to_string(&file).unwrap());
        let others = named.into_iter().filter(|other| other != room);
        arrows.entry(room.to_owned()).or_default().extend(others);
    }
    arrows
}

pub(crate) fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Every arrow that the table does not have.
fn forbidden(arrows: &Arrows) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let each = arrows
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
    each.filter(|(from, to)| {
        let may = allowed.get(from.as_str());
        !may.is_some_and(|may| may.contains(&to.as_str()))
    })
    .map(|(from, to)| format!("{from} -> {to}"))
    .collect()
}

/// The rooms that lie on a circle of arrows.
fn on_circles(arrows: &Arrows) -> Vec<&String> {
    let reaches = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = arrows[from].iter().collect();
        while let Some(room) = next.pop() {
            if seen.insert(room) {
                next.extend(arrows.get(room).into_iter().flatten());
            }
        }
        seen
    };
    arrows
        .keys()
        .filter(|room| reaches(room).contains(room))
        .collect()
}

#[test]
fn arrows_point_down() {
    let arrows = arrows();
    assert_eq!(
        forbidden(&arrows),
        [""; 0],
        "arrows that the table does not have"
    );
    let drawn = |from: &str, to: &str| arrows.get(from).is_some_and(|all| all.contains(to));
    for (at, (room, below)) in ROOMS.iter().enumerate() {
        for other in *below {
            let is_below = ROOMS[..at].iter().any(|(name, _)| name == other);
            assert!(is_below, "{other} is not named before {room}");
            assert!(
                drawn(room, other),
                "the table has {room} -> {other}, and no source does"
            );
        }
    }
    let circles = on_circles(&arrows);
    println!("{} rooms, on circles: {}", arrows.len(), circles.len());
    assert!(circles.is_empty(), "{circles:?}");
}

/// Control: what the law forbids is seen, however it is written.
#[test]
fn an_arrow_upward_is_seen() {
    for (source, expected) in [
        ("use crate::app::serve;", vec!["app"]),
        ("    use crate::http::{body, shell::Shell};\n", vec!["http"]),
        (
            "use crate::{\n    http::{body, shell},\n    posts,\n};\nlet a = {b, c};",
            vec!["http", "posts"],
        ),
        ("let x = crate::users::names::email(y);", vec!["users"]),
        ("// use crate::app;\n/// [`crate::app`]\n", vec![]),
        ("$crate::app!(); my_crate::app();", vec![]),
    ] {
        let found: Vec<String> = named(source).into_iter().collect();
        assert_eq!(found, expected, "{source}");
    }
    let mut arrows = arrows();
    arrows.get_mut("db").unwrap().insert("http".to_owned());
    assert_eq!(forbidden(&arrows), ["db -> http"]);
    assert!(on_circles(&arrows).iter().any(|room| *room == "db"));
}

/// The rooms that the header of the library lists, each with what it says of it.
fn listed() -> Vec<(String, String)> {
    let library = std::fs::read_to_string("src/lib.rs").unwrap();
    let mut rooms: Vec<(String, String)> = Vec::new();
    for line in library.lines().filter_map(|line| line.strip_prefix("//! ")) {
        if let Some(room) = line.strip_prefix("- [`") {
            let (name, about) = room.split_once("`]: ").unwrap();
            rooms.push((name.to_owned(), about.to_owned()));
        } else if let (Some(more), Some((_, about))) = (line.strip_prefix("  "), rooms.last_mut()) {
            about.push(' ');
            about.push_str(more);
        }
    }
    rooms
}

#[test]
fn the_maps_name_the_rooms_there_are() {
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    assert_eq!(
        arrows().into_keys().collect::<BTreeSet<_>>(),
        rooms.iter().map(|room| (*room).to_owned()).collect()
    );
    let listed = listed();
    let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, rooms, "src/lib.rs, in the order of the table");
    let tree: String = listed
        .iter()
        .map(|(name, about)| {
            let is_folder = Path::new("src").join(name).is_dir();
            let entry = format!("{name}{}", if is_folder { "/" } else { ".rs" });
            format!("  {entry:<15}{about}\n")
        })
        .collect();
    let page = std::fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let begin = page.find("```text\nsrc/").unwrap();
    let begin = begin + page[begin..].find("\n  ").unwrap() + 1;
    let end = begin + page[begin..].find("\nmigrations/").unwrap() + 1;
    if std::env::var_os("CHARTROOM_UPDATE").is_some() {
        let page = [&page[..begin], &tree, &page[end..]].concat();
        std::fs::write("docs/ARCHITECTURE.md", page).unwrap();
        return;
    }
    assert_eq!(
        page[begin..end],
        tree,
        "docs/ARCHITECTURE.md; `just readme`"
    );
}
