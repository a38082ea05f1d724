//! Projects and members by the command line, against a real service; names, and editors.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn projects_are_made_shown_changed_and_removed() {
    let desk = Desk::new().await;
    let body = json!({ "email": "bob@example.com", "username": "bob", "password": PASSWORD });
    let place = &desk.place;
    place.send("", Method::POST, "/api/v1/users", body).await;

    let made = desk
        .ask(&[
            "project",
            "create",
            "Census",
            "--visibility",
            "internal",
            "--member",
            "bob=editor",
        ])
        .await;
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let id = made.out.trim_end();
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    let shown = desk.done(&["project", "get", "Census", "-o", "json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["id"], &shown["visibility"]),
        (&json!(id), &json!("internal"))
    );
    let members = desk.done(&["member", "ls", id]).await;
    let rows: Vec<Vec<&str>> = members
        .lines()
        .map(|it| it.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["USERNAME", "NAME", "ROLE", "SINCE"]);
    let bob = rows.iter().find(|row| row[0] == "bob").unwrap();
    assert_eq!(bob[1], "editor");

    // Who is a member is not made one again, and who is none gets no other role.
    assert_eq!(desk.ask(&["member", "add", id, "bob"]).await.code, 5);
    desk.done(&["member", "set", id, "bob", "viewer"]).await;
    let bob = desk.done(&["member", "get", id, "bob", "-o", "csv"]).await;
    assert_eq!(bob.lines().next().unwrap(), "username,name,role,since,id");
    assert!(
        bob.lines().nth(1).unwrap().starts_with("bob,,viewer,"),
        "{bob}"
    );
    desk.done(&["member", "rm", id, "bob"]).await;
    assert_ne!(
        desk.ask(&["member", "set", id, "bob", "viewer"]).await.code,
        0
    );
    desk.done(&["member", "add", id, "bob"]).await;

    let changed = desk
        .ask(&[
            "project",
            "edit",
            "Census",
            "--set",
            "description=of 2020",
            "--set",
            "reminders=[\"P3D\"]",
        ])
        .await;
    assert_eq!(
        (changed.code, changed.out.trim_end()),
        (0, id),
        "{changed:?}"
    );
    let now = desk.ask(&["project", "get", id, "-o", "json"]).await.json();
    assert_eq!(
        (&now["description"], &now["reminders"]),
        (&json!("of 2020"), &json!(["P3D"]))
    );
    let same = desk
        .ask(&["project", "edit", id, "--set", "nothing:={}"])
        .await;
    assert_eq!(same.code, 1, "{same:?}");
    assert!(
        same.err.contains(" /nothing: ") && same.err.contains("(request "),
        "{same:?}"
    );

    let removed = desk.ask(&["project", "rm", "Census"]).await;
    assert_eq!((removed.code, removed.out.as_str()), (0, ""), "{removed:?}");
    assert_eq!(
        removed.err,
        format!("chartroom: removed the project {id}\n")
    );
    assert_eq!(desk.ask(&["project", "get", id]).await.code, 4);
}

#[tokio::test]
async fn a_name_is_that_of_one_thing_or_of_none() {
    let desk = Desk::new().await;
    let (one, other) = (
        desk.done(&["project", "create", "Twin"]).await,
        desk.done(&["project", "create", "Twin"]).await,
    );
    let several = desk.ask(&["project", "get", "Twin"]).await;
    assert_eq!((several.code, several.out.as_str()), (2, ""));
    for id in [&one, &other] {
        assert!(several.err.contains(id.trim_end()), "{several:?}");
    }
    let none = desk.ask(&["project", "get", "Twi"]).await;
    assert_eq!((none.code, none.out.as_str()), (4, ""));
    assert_eq!(
        none.err,
        "chartroom: no project of yours is called \"Twi\"\n"
    );
    // An id is one of them.
    desk.done(&["project", "rm", one.trim_end()]).await;
    let left = desk.done(&["project", "get", "Twin", "-o", "name"]).await;
    assert_eq!(left, other);
}

#[tokio::test]
async fn a_project_is_made_with_all_its_members_or_says_who_is_missing() {
    let desk = Desk::new().await;
    let wrong = desk
        .ask(&["project", "create", "P", "--member", "ann=king"])
        .await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert_eq!(desk.done(&["project", "ls", "-o", "name"]).await, "");
    let nobody = desk
        .ask(&["project", "create", "P", "--member", "nobody"])
        .await;
    assert_eq!(nobody.code, 4, "{nobody:?}");
    assert!(
        nobody.err.contains("nobody could not be made a member"),
        "{nobody:?}"
    );
    assert_eq!(
        desk.done(&["project", "ls", "-o", "name"]).await,
        nobody.out
    );
}

#[tokio::test]
async fn an_editor_changes_what_it_was_given_unless_somebody_else_has() {
    let desk = Desk::new().await;
    let id = desk.done(&["project", "create", "Shared"]).await;
    let id = id.trim_end();
    let script = |name: &str, text: &str| {
        let path = desk.place.dir.0.join(name);
        fs::write(&path, format!("#!/bin/sh\nset -e\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let edit = async |editor: &str| {
        let variables = [
            ("CHARTROOM_URL", desk.url()),
            ("CHARTROOM_TOKEN", desk.token.clone()),
            ("EDITOR", editor.to_owned()),
            ("TMPDIR", desk.place.dir.0.to_str().unwrap().to_owned()),
        ];
        desk.run(&["project", "edit", id], &variables, "").await
    };
    let kept = || {
        let all = fs::read_dir(&desk.place.dir.0).unwrap();
        let all = all.map(|entry| entry.unwrap().path());
        let is_ours = |name: &str| name.starts_with("chartroom-") && name.ends_with(".json");
        all.filter(|path| is_ours(path.file_name().unwrap().to_str().unwrap()))
            .collect::<Vec<_>>()
    };

    let nothing = edit("true").await;
    assert_eq!(
        (nothing.code, nothing.err.as_str()),
        (0, "chartroom: nothing was changed\n")
    );
    // With an argument, as people set it; and what it writes is no output of ours.
    let rename = script("rename", "echo noise; sed -i s/Shared/$1/ \"$2\"");
    let renamed = edit(&format!("{rename} Mine")).await;
    assert_eq!(
        (renamed.code, renamed.out.trim_end()),
        (0, id),
        "{renamed:?}"
    );
    let name = desk.done(&["project", "get", id, "-o", "json"]).await;
    assert!(
        name.contains("\"name\": \"Mine\"") && kept().is_empty(),
        "{name}"
    );

    // Somebody else is faster.
    let faster = format!(
        "curl -fsS -o /dev/null -X PATCH -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \
         -d '{{\"description\": \"theirs\"}}' {}/api/v1/projects/{id}; sed -i s/Mine/Late/ \"$1\"",
        desk.token,
        desk.url()
    );
    let late = edit(&script("late", &faster)).await;
    assert_eq!((late.code, late.out.as_str()), (5, ""), "{late:?}");
    let files = kept();
    assert_eq!(files.len(), 1, "{late:?}");
    assert!(late.err.contains(files[0].to_str().unwrap()), "{late:?}");
    assert!(late.err.contains("nothing of yours was saved"), "{late:?}");
    assert_eq!(
        files[0].metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(fs::read_to_string(&files[0]).unwrap().contains("Late"));
    fs::remove_file(&files[0]).unwrap();
    let now = desk.ask(&["project", "get", id, "-o", "json"]).await.json();
    assert_eq!(
        (&now["name"], &now["description"]),
        (&json!("Mine"), &json!("theirs"))
    );

    let broken = edit(&script("broken", "echo '{' >\"$1\"")).await;
    assert_eq!((broken.code, kept().len()), (2, 1), "{broken:?}");
    let gives_up = edit("false").await;
    assert_eq!((gives_up.code, kept().len()), (1, 1), "{gives_up:?}");
    let none = desk.ask(&["project", "edit", id]).await;
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.err.contains("--set"), "{none:?}");
}
