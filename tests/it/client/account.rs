//! Signing in, and whose token is sent where.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;

/// With nothing of the environment but a home.
async fn plain(desk: &Desk, arguments: &[&str]) -> Said {
    desk.run(arguments, &[], "").await
}

async fn sign_in(desk: &Desk, more: &[&str]) -> Said {
    let url = desk.url();
    let arguments = [&["login", &url, "--username", "ann"], more].concat();
    let said = desk.run(&arguments, &[], &format!("{PASSWORD}\n")).await;
    assert!(!format!("{said:?}").contains(PASSWORD), "{said:?}");
    said
}

fn file(desk: &Desk) -> PathBuf {
    desk.place.dir.0.join(".config/chartroom/credentials")
}

fn kept(desk: &Desk) -> Value {
    serde_json::from_str(&fs::read_to_string(file(desk)).unwrap()).unwrap()
}

async fn tokens(desk: &Desk) -> Vec<String> {
    let names = desk.ask(&["token", "ls", "-o", "json"]).await.json();
    let names = names.as_array().unwrap().iter();
    names
        .map(|token| token["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_sign_in_keeps_a_token_that_its_owner_alone_reads_and_signing_out_ends_it() {
    let desk = Desk::new().await;
    let wrong = desk
        .run(&["login", &desk.url(), "--username", "ann"], &[], "not it")
        .await;
    assert_eq!((wrong.code, file(&desk).exists()), (3, false), "{wrong:?}");
    let said = sign_in(&desk, &[]).await;
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    assert!(said.err.contains(file(&desk).to_str().unwrap()), "{said:?}");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file(&desk)), 0o600);
    assert_eq!(mode(file(&desk).parent().unwrap()), 0o700);
    let text = fs::read_to_string(file(&desk)).unwrap();
    assert!(!text.contains(PASSWORD));
    let name = desk.place.ports.public.to_string();
    let token = kept(&desk)["contexts"][&name]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(token.starts_with("crt_") && !format!("{said:?}").contains(&token));

    let me = plain(&desk, &["whoami"]).await;
    assert!(me.out.starts_with("USERNAME  ann\n"), "{me:?}");
    let contexts = plain(&desk, &["context", "ls", "-o", "json"]).await;
    assert_eq!(contexts.json()[0]["user"], "ann");
    assert!(!format!("{contexts:?}").contains(&token));
    assert_eq!(plain(&desk, &["project", "ls"]).await.code, 0);
    // The session of the sign-in is over, and a second sign-in leaves no second token behind.
    assert_eq!(tokens(&desk).await.len(), 1);
    sign_in(&desk, &["--access", "read"]).await;
    assert_eq!(tokens(&desk).await.len(), 1);
    assert_eq!(plain(&desk, &["project", "create", "x"]).await.code, 3);

    let out = plain(&desk, &["logout"]).await;
    assert_eq!(out.code, 0, "{out:?}");
    assert!(out.err.contains("its token is ended"), "{out:?}");
    assert!(tokens(&desk).await.is_empty());
    let after = plain(&desk, &["project", "ls"]).await;
    assert_eq!(after.code, 2, "{after:?}");
    assert!(after.err.contains("chartroom login"), "{after:?}");
    assert_eq!(plain(&desk, &["logout"]).await.code, 2);
}

#[tokio::test]
async fn a_session_administers_until_it_is_ended() {
    let desk = Desk::new().await;
    sign_in(&desk, &["--session"]).await;
    assert_eq!(
        plain(&desk, &["token", "create", "by session"]).await.code,
        0
    );
    let session = kept(&desk);
    plain(&desk, &["logout"]).await;
    fs::write(file(&desk), session.to_string()).unwrap();
    assert_eq!(plain(&desk, &["token", "ls"]).await.code, 3);
}

#[tokio::test]
async fn a_token_is_sent_only_where_it_belongs() {
    let desk = Desk::new().await;
    let url = desk.url();
    let given = ["login", &url, "--with-token", "--context", "mine"];
    let bad = desk.run(&given, &[], "c4n4ry").await;
    assert_eq!((bad.code, file(&desk).exists()), (3, false), "{bad:?}");
    let said = desk.run(&given, &[], &format!("{}\n", desk.token)).await;
    assert_eq!(said.code, 0, "{said:?}");
    let asks = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, it)| (*name, (*it).to_owned()))
            .collect();
        desk.run(arguments, &variables, "").await
    };
    let nowhere = "http://127.0.0.1:1";
    for (arguments, variables, code, words) in [
        (&["project", "ls"][..], &[][..], 0, ""),
        (&["project", "ls", "--context", "mine"], &[], 0, ""),
        (&["--context", "mine", "project", "ls"], &[], 0, ""),
        (
            &["project", "ls", "--context", "other"],
            &[],
            2,
            "there are: mine",
        ),
        // The environment goes before what was kept, and what is named goes before both.
        (
            &["project", "ls"],
            &[("CHARTROOM_URL", nowhere), ("CHARTROOM_TOKEN", "x")],
            6,
            "127.0.0.1:1",
        ),
        (
            &["project", "ls", "--context", "mine"],
            &[("CHARTROOM_URL", nowhere), ("CHARTROOM_TOKEN", "x")],
            0,
            "",
        ),
        // A kept token goes to no other service, and one of the environment to none that was kept.
        (
            &["project", "ls"],
            &[("CHARTROOM_URL", nowhere)],
            2,
            "CHARTROOM_TOKEN",
        ),
        (&["project", "ls"], &[("CHARTROOM_URL", &url)], 0, ""),
        (
            &["project", "ls"],
            &[("CHARTROOM_TOKEN", "x")],
            2,
            "CHARTROOM_URL",
        ),
        (
            &["watch", "--type", "x", "--context", "mine"],
            &[],
            1,
            "a type of event",
        ),
    ] {
        let said = asks(arguments, variables).await;
        assert_eq!(said.code, code, "{arguments:?} {variables:?}: {said:?}");
        assert!(
            said.err.contains(words),
            "{arguments:?} {variables:?}: {said:?}"
        );
    }
    // Somewhere else.
    let elsewhere = desk.place.dir.0.join("elsewhere");
    let elsewhere = [("XDG_CONFIG_HOME", elsewhere.to_str().unwrap())];
    assert_eq!(asks(&["project", "ls"], &elsewhere).await.code, 2);

    // What was given goes on being good.
    plain(&desk, &["logout"]).await;
    assert_eq!(desk.ask(&["project", "ls"]).await.code, 0);
}

#[tokio::test]
async fn a_file_that_others_may_read_is_refused() {
    let desk = Desk::new().await;
    sign_in(&desk, &[]).await;
    let token = kept(&desk).to_string();
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(file(&desk), fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [
            &["project", "ls"][..],
            &["login", &desk.url(), "--with-token"],
        ] {
            let refused = plain(&desk, arguments).await;
            assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
            assert!(refused.err.contains("chmod 600"), "{refused:?}");
        }
    }
    fs::set_permissions(file(&desk), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(plain(&desk, &["project", "ls"]).await.code, 0);
    for broken in [
        "",
        "{",
        "{\"contexts\": {\"crt_c4n4ry\": 1}}",
        "{\"crt_c4n4ry\": 1}",
    ] {
        fs::write(file(&desk), broken).unwrap();
        let refused = plain(&desk, &["project", "ls"]).await;
        assert_eq!(
            (refused.code, refused.err.lines().count()),
            (2, 1),
            "{refused:?}"
        );
        assert!(!refused.err.contains("c4n4ry"), "{refused:?}");
    }
    fs::write(file(&desk), token).unwrap();
    assert_eq!(plain(&desk, &["context", "rm", "nowhere"]).await.code, 2);
    let name = desk.place.ports.public.to_string();
    assert_eq!(plain(&desk, &["context", "use", &name]).await.code, 0);
    assert_eq!(plain(&desk, &["context", "rm", &name]).await.code, 0);
    assert_eq!(plain(&desk, &["context", "ls", "-o", "name"]).await.out, "");
}

/// A service may be set up in the same environment, badly; and nothing else is connected to.
#[tokio::test]
async fn a_client_reads_no_setting_of_a_service_and_opens_one_socket() {
    let desk = Desk::new().await;
    let broken = [
        ("CHARTROOM_DATABASE_URL", "nonsense".to_owned()),
        ("CHARTROOM_LISTEN", "nonsense".to_owned()),
        ("CHARTROOM_KEYS_DIR", "/nonsense".to_owned()),
        ("CHARTROOM_URL", desk.url()),
        ("CHARTROOM_TOKEN", desk.token.clone()),
    ];
    let said = desk.run(&["project", "ls"], &broken, "").await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");

    // It waits for an answer that does not come, which is when it has all that it opens.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("http://{address}");
    let variables = [("CHARTROOM_URL", url.as_str()), ("CHARTROOM_TOKEN", "x")];
    let asks = Running::start(&desk.place.dir, &["project", "ls"], &variables);
    let _held = tokio::task::spawn_blocking(move || silent.accept().unwrap())
        .await
        .unwrap();
    let process = format!("/proc/{}", asks.child.id());
    let open = fs::read_dir(format!("{process}/fd")).unwrap();
    let open = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let open: Vec<String> = open
        .filter_map(|target| {
            let target = target.to_str()?;
            Some(
                target
                    .strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    // Of the network alone: others tell a process of its signals.
    let mut connected = Vec::new();
    for kind in ["tcp", "tcp6", "udp", "udp6"] {
        let table = fs::read_to_string(format!("{process}/net/{kind}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if open.iter().any(|inode| inode == fields[9]) {
                connected.push(fields[2].rsplit_once(':').unwrap().1.to_owned());
            }
        }
    }
    assert_eq!(connected, [format!("{:04X}", address.port())]);
}
