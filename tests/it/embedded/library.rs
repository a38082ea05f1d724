//! Where the library comes from that runs models.

use std::fs;
use std::path::Path;

use chartroom_embedded::onnxruntime::{LibraryError, library, library_from};

use super::TempDir;

#[tokio::test]
async fn the_one_asked_for_is_taken_or_missed() {
    let dir = TempDir::new();
    let asked = dir.0.join("libonnxruntime.so");
    let refused = library(Some(&asked), &dir.0, true).await.unwrap_err();
    assert!(matches!(refused, LibraryError::NotThere(_)), "{refused}");
    assert!(
        refused.to_string().contains("CHARTROOM_ONNXRUNTIME"),
        "{refused}"
    );
    fs::write(&asked, "a library").unwrap();
    assert_eq!(library(Some(&asked), &dir.0, false).await.unwrap(), asked);
}

#[tokio::test]
async fn without_one_and_without_the_network_it_is_said_what_to_do() {
    let dir = TempDir::new();
    let refused = library(None, &dir.0, false).await.unwrap_err().to_string();
    for part in [
        "CHARTROOM_EMBEDDED_DOWNLOAD",
        "CHARTROOM_ONNXRUNTIME",
        "pip download",
    ] {
        assert!(refused.contains(part), "{part} is missing in: {refused}");
    }
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 0);
}

#[cfg(feature = "fetch-postgres")]
#[tokio::test]
async fn what_is_not_the_pinned_one_is_thrown_away() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mirror = format!("http://{}/packages/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        for answer in [
            "200 OK\r\ncontent-length: 7\r\n\r\ngarbage",
            "404 Not Found\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]);
            assert!(
                request.starts_with("GET /packages/") && request.contains("onnxruntime-1.32.0")
            );
            let answer = format!("HTTP/1.1 {answer}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let dir = TempDir::new();
    let cache = dir.0.join("cache");
    let refused = library_from(Some(&mirror), None, &cache, true)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, LibraryError::Checksum { .. }),
        "{refused}"
    );
    let kept: Vec<_> = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(kept, ["lock"], "nothing of it is kept");
    let refused = library_from(Some(&mirror), None, &cache, true)
        .await
        .unwrap_err();
    assert!(matches!(refused, LibraryError::Absent { .. }), "{refused}");
    assert!(refused.to_string().contains("404"), "{refused}");
    server.await.unwrap();
}

/// Needs the network once; afterwards the file is kept in the target directory.
#[cfg(feature = "fetch-postgres")]
#[tokio::test]
async fn the_pinned_one_is_fetched_once() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnxruntime");
    // Both at once: one fetches, the other waits for it.
    let (one, other) = tokio::join!(library(None, &cache, true), library(None, &cache, true));
    let (one, other) = (
        one.unwrap_or_else(|error| panic!("{error}")),
        other.unwrap(),
    );
    assert_eq!(one, other);
    let bytes = fs::read(&one).unwrap();
    let magic: &[u8] = if cfg!(target_os = "linux") {
        b"\x7fELF"
    } else {
        b"\xcf\xfa\xed\xfe"
    };
    assert!(
        bytes.len() > 20 << 20 && bytes.starts_with(magic),
        "{}",
        bytes.len()
    );
    // And what is there is no download.
    assert_eq!(library(None, &cache, false).await.unwrap(), one);
    let kept = fs::read_dir(&cache).unwrap().count();
    assert_eq!(kept, 2, "the library and the lock");
}
