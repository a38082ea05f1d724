//! Versions as Parquet files that stay: when they are made, what is read of them, when they go.

use chartroom::blobs::BlobWriter;
use chartroom::datasets::files::WriteVersion;
use chartroom::datasets::retention::{Retention, purge};
use chartroom::datasets::sweep::sweep;
use chartroom::kernel::types::DatasetId;
use http::Method;
use serde_json::json;

use super::Place;
use crate::support::app::{Answer, outcome};

const LINES: usize = 60_000;

impl Place {
    /// Makes the file as the job does that a request begins.
    async fn make(&self, dataset: &str, version: i64) {
        let id = dataset.rsplit('/').next().unwrap();
        let job = WriteVersion {
            dataset: DatasetId(id.parse().unwrap()),
            version,
        };
        let core = &self.app.app.core;
        job.make(&core.db, &core.runner).await.unwrap();
    }

    async fn file(&self, dataset: &str, version: i64, headers: &[(&str, &str)]) -> Answer {
        let target = format!("{dataset}/versions/{version}/data.parquet");
        let authorization = ("authorization", self.authorization.as_str());
        let headers: Vec<_> = headers.iter().copied().chain([authorization]).collect();
        let body = axum::body::Body::empty();
        self.app.send(Method::GET, &target, &headers, body).await
    }

    async fn counts(&self) -> [i64; 3] {
        let mut counts = [0; 3];
        for (count, table) in counts
            .iter_mut()
            .zip(["dataset_files", "blobs", "blob_parts"])
        {
            *count = self.number(&format!("SELECT count(*) FROM {table}")).await;
        }
        counts
    }
}

/// A dataset whose first version takes several statements to read.
async fn large(place: &Place) -> String {
    let dataset = place.dataset(&[("t", "text")], json!({})).await;
    let mut seed = 1_u64;
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{seed:016x}")
    };
    let lines: String = (0..LINES)
        .map(|_| format!("{}{}{}\n", word(), word(), word()))
        .collect();
    place.load(&dataset, "", &format!("t\n{lines}")).await;
    dataset
}

#[tokio::test]
async fn a_file_is_made_for_the_first_reader_and_stays_the_same() {
    let place = Place::with_files().await;
    let dataset = large(&place).await;
    place.load(&dataset, "?mode=replace", "t\nlater\n").await;
    // The reader waits, and begins one job.
    let (first, other, ()) = tokio::join!(
        place.file(&dataset, 1, &[]),
        place.file(&dataset, 1, &[]),
        place.make(&dataset, 1),
    );
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'datasets.file.1'";
    assert_eq!(place.number(jobs).await, 1);
    assert_eq!((first.status.as_u16(), other.status.as_u16()), (200, 200));
    assert_eq!(
        first.header("content-type"),
        "application/vnd.apache.parquet"
    );
    assert_eq!(first.header("accept-ranges"), "bytes");
    assert_eq!(first.header("content-length"), first.body.len().to_string());
    assert!(first.body.len() > 1 << 20, "{}", first.body.len());
    assert_eq!(first.body, other.body);
    // What is made twice is kept once, and the same rows make the same file.
    place.make(&dataset, 1).await;
    let export = place
        .get(&format!("{dataset}/records?version=1&format=parquet"))
        .await;
    assert!(export.body == first.body);
    let (tag, all) = (first.header("etag"), first.body.len());
    assert!(tag.starts_with("\"1-"), "{tag}");
    let same = place.file(&dataset, 1, &[("if-none-match", tag)]).await;
    assert_eq!((same.status.as_u16(), same.header("etag")), (304, tag));
    for (range, expected) in [
        ("bytes=0-3", 0..4),
        ("bytes=-8", all - 8..all),
        ("bytes=262140-262150", 262_140..262_151),
        ("bytes=262144-1048576", 262_144..1_048_577),
        ("bytes=1000-", 1_000..all),
    ] {
        let part = place.file(&dataset, 1, &[("range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert!(part.body == first.body[expected.clone()], "{range}");
        let said = format!("bytes {}-{}/{all}", expected.start, expected.end - 1);
        assert_eq!(part.header("content-range"), said);
        assert_eq!(part.header("content-length"), expected.len().to_string());
        assert_eq!(part.header("etag"), tag);
    }
    let other = [("range", "bytes=0-3"), ("if-range", "\"1-0\"")];
    assert_eq!(place.file(&dataset, 1, &other).await.body.len(), all);
    let behind = format!("bytes={all}-");
    let behind = place.file(&dataset, 1, &[("range", &behind)]).await;
    assert_eq!(outcome(&behind), (416, "range-not-satisfiable".to_owned()));
    assert_eq!(behind.header("content-range"), format!("bytes */{all}"));
    let target = format!("{dataset}/versions/1/data.parquet");
    let head = place.send(Method::HEAD, &target, None).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), all.to_string());
    for version in [0, 3, i64::MAX] {
        let none = place.file(&dataset, version, &[]).await;
        assert_eq!(outcome(&none), (404, "not-found".to_owned()), "{version}");
    }
}

/// Moves the end of what is let go into the past, and removes it.
async fn swept(place: &Place) {
    let later = "UPDATE blobs SET released_at = released_at - interval '1 hour'";
    place.session.batch_execute(later).await.unwrap();
    sweep(&place.app.app.db).await.unwrap();
}

#[tokio::test]
async fn a_file_goes_with_its_version() {
    let place = Place::with_files().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    for n in 0..3 {
        place.load(&dataset, "", &format!("n\n{n}\n")).await;
    }
    for version in 1..=3 {
        place.make(&dataset, version).await;
    }
    assert_eq!(place.counts().await, [3, 3, 3]);
    let keep = Retention {
        versions: Some(2),
        days: None,
    };
    purge(&place.app.app.db, keep).await.unwrap();
    let purged = place.file(&dataset, 1, &[]).await;
    assert_eq!(outcome(&purged), (410, "version-purged".to_owned()));
    // Who reads it already goes on for a while.
    sweep(&place.app.app.db).await.unwrap();
    assert_eq!(place.counts().await, [2, 3, 3]);
    swept(&place).await;
    assert_eq!(place.counts().await, [2, 2, 2]);
    // A job that comes late makes none.
    place.make(&dataset, 1).await;
    assert_eq!(place.counts().await[0], 2);
    let gone = place.send(Method::DELETE, &dataset, None).await;
    assert_eq!(gone.status, 204);
    swept(&place).await;
    assert_eq!(place.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_file_that_is_never_complete_goes_after_a_day() {
    let place = Place::new().await;
    let db = &place.app.app.db;
    let mut blob = BlobWriter::begin(db).await.unwrap();
    blob.write(&[7; 600_000]).await.unwrap();
    assert_eq!(place.counts().await, [0, 1, 2]);
    sweep(db).await.unwrap();
    assert_eq!(place.counts().await, [0, 1, 2]);
    let later = "UPDATE blobs SET created_at = created_at - interval '2 days'";
    place.session.batch_execute(later).await.unwrap();
    sweep(db).await.unwrap();
    assert_eq!(place.counts().await, [0, 0, 0]);
    let late = blob.end().await;
    assert!(late.is_err(), "its parts have no blob any more");
}
