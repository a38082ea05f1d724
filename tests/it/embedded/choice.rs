//! Which PostgreSQL is run: an installed one that fits, the pinned one that is fetched, or a
//! refusal that says what to do.

use std::fs;

use chartroom_embedded::{Embedded, EmbeddedError, Stop};

use super::{TempDir, connect, options};
use crate::support::database::SERVER;

#[tokio::test]
async fn files_of_another_major_version_are_refused() {
    let dir = TempDir::new();
    fs::create_dir_all(dir.data().join("pgdata")).unwrap();
    fs::write(dir.data().join("pgdata/PG_VERSION"), "13\n").unwrap();
    let mut options = options(&dir);
    options.bin_dir = Some(SERVER.bin_dir.clone());
    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(&refused, EmbeddedError::OtherMajor { has, .. } if has == "13"),
        "{refused}"
    );
    let text = refused.to_string();
    for part in [
        "PostgreSQL 13",
        "CHARTROOM_EMBEDDED_BIN_DIR",
        "found: PostgreSQL",
    ] {
        assert!(text.contains(part), "{text}");
    }

    // Neither is a download of a version that does not fit begun.
    options.bin_dir = None;
    options.hide_installed = true;
    let refused = Embedded::start(options).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::OtherMajor { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn without_postgresql_and_download_the_message_says_what_to_do() {
    let dir = TempDir::new();
    let mut options = options(&dir);
    options.hide_installed = true;
    options.bin_dir = None;
    options.download = false;
    options.cache_dir = dir.0.join("cache");
    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::NotInstalled { .. }),
        "{refused}"
    );
    let text = refused.to_string();
    for part in [
        "apt-get install postgresql",
        "dnf install postgresql-server",
        "brew install postgresql@",
        "CHARTROOM_DATABASE_URL",
        "CHARTROOM_EMBEDDED_BIN_DIR",
        "CHARTROOM_EMBEDDED_DOWNLOAD",
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }

    options.bin_dir = Some(dir.0.clone());
    let refused = Embedded::start(options).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::BinDir { .. }), "{refused}");
}

#[cfg(feature = "fetch-postgres")]
#[tokio::test]
async fn a_download_that_fails_or_is_not_the_pinned_build_is_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mirror = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        for answer in [
            "200 OK\r\ncontent-length: 7\r\n\r\ngarbage",
            "404 Not Found\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(read > 0 && request.starts_with(b"GET /io/zonky/"));
            stream
                .write_all(format!("HTTP/1.1 {answer}").as_bytes())
                .await
                .unwrap();
        }
    });
    let dir = TempDir::new();
    let mut options = options(&dir);
    options.hide_installed = true;
    options.bin_dir = None;
    options.cache_dir = dir.0.join("cache");
    options.mirror = Some(mirror);

    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::Checksum { .. }),
        "{refused}"
    );
    let kept: Vec<_> = fs::read_dir(&options.cache_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(kept, ["lock"], "nothing of it is kept");

    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::NotInstalled { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("404"), "{refused}");
    assert!(refused.to_string().contains("apt-get"), "{refused}");
    server.await.unwrap();
}

/// Needs the network once; afterwards the build is kept in the target directory.
#[cfg(feature = "fetch-postgres")]
#[tokio::test]
async fn with_none_installed_the_pinned_one_is_fetched_once_and_runs() {
    let cache = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("postgresql");
    let (first, second) = (TempDir::new(), TempDir::new());
    let start = async |dir: &TempDir| {
        let mut options = options(dir);
        options.hide_installed = true;
        options.bin_dir = None;
        options.cache_dir = cache.clone();
        Embedded::start(options)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    };
    // Both at once: one fetches, the other waits for it.
    let both = tokio::join!(start(&first), start(&second));
    for embedded in [both.0, both.1] {
        let version: String = connect(embedded.address())
            .await
            .query_one("SHOW server_version", &[])
            .await
            .unwrap()
            .get(0);
        assert!(version.starts_with("18."), "{version}");
        embedded.stop(Stop::Fast).await;
    }

    // Its files need that version, whatever is installed; and what is there is no download.
    let mut options = options(&first);
    options.bin_dir = None;
    options.download = false;
    options.cache_dir = cache;
    let embedded = Embedded::start(options.clone())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let bin_dir = embedded.bin_dir().to_owned();
    embedded.stop(Stop::Fast).await;

    fs::write(first.data().join("pgdata/PG_VERSION"), "17\n").unwrap();
    options.bin_dir = Some(bin_dir);
    let refused = Embedded::start(options).await.unwrap_err();
    assert!(
        matches!(&refused, EmbeddedError::OtherMajor { has, .. } if has == "17"),
        "{refused}"
    );
}
