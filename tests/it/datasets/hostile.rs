//! Files that nobody should send: each is refused in a sentence that says where, nothing of it
//! stays, and the next file is loaded.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use serde_json::json;
use uuid::Uuid;

use super::{Place, mistakes};
use crate::support::app::{Answer, outcome};
use crate::support::service::PATIENCE;
use crate::support::wait::until;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PARQUET: &str = "application/vnd.apache.parquet";
const ARROW: &str = "application/vnd.apache.arrow.stream";
const COLUMNS: [(&str, &str); 5] = [
    ("n", "int"),
    ("t", "text"),
    ("f", "float64"),
    ("day", "date"),
    ("d", "decimal"),
];

fn gzip(parts: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    parts.for_each(|part| packed.write_all(&part).unwrap());
    packed.finish().unwrap()
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What becomes of the file, asked for by the same key where it takes its time.
async fn sent(place: &Place, dataset: &str, headers: &[(&str, &str)], file: &[u8]) -> Answer {
    let key = Uuid::now_v7().to_string();
    let mut headers = headers.to_vec();
    headers.push(("idempotency-key", &key));
    let ended = until("the end of the import", PATIENCE, async || {
        let answer = place.import(dataset, "", &headers, file.to_vec()).await;
        let is_under_way = answer.status == 202 || outcome(&answer).1 == "request-in-flight";
        (!is_under_way).then_some(answer)
    });
    ended.await.unwrap()
}

/// Both the sentence and where it points.
fn says(answer: &Answer, part: &str) -> bool {
    answer.text().contains(part)
}

#[tokio::test]
async fn a_value_that_is_none_is_told_by_row_and_column() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let cases = [
        ("x,,,,", "/rows/2/n", "not-an-int"),
        ("1.0,,,,", "/rows/2/n", "not-an-int"),
        ("1F,,,,", "/rows/2/n", "not-an-int"),
        ("1_000,,,,", "/rows/2/n", "not-an-int"),
        ("١٢,,,,", "/rows/2/n", "not-an-int"),
        ("１２,,,,", "/rows/2/n", "not-an-int"),
        ("9007199254740992,,,,", "/rows/2/n", "not-an-int"),
        ("99999999999999999999,,,,", "/rows/2/n", "not-an-int"),
        ("=1+1,,,,", "/rows/2/n", "not-an-int"),
        (",a\0b,,,", "/rows/2/t", "not-a-text"),
        (",,NaN,,", "/rows/2/f", "not-a-number"),
        (",,inf,,", "/rows/2/f", "not-a-number"),
        (",,-Infinity,,", "/rows/2/f", "not-a-number"),
        (",,1e999,,", "/rows/2/f", "not-a-number"),
        (",,\"1,5\",,", "/rows/2/f", "not-a-number"),
        (",,,2026-02-30,", "/rows/2/day", "not-a-date"),
        (",,,1000000-01-01,", "/rows/2/day", "not-a-date"),
        (",,,0000-01-01,", "/rows/2/day", "not-a-date"),
        (",,,01/02/2026,", "/rows/2/day", "not-a-date"),
        (",,,-4712-01-01,", "/rows/2/day", "not-a-date"),
        (",,,infinity,", "/rows/2/day", "not-a-date"),
        (",,,,NaN", "/rows/2/d", "not-a-decimal"),
        (",,,,1e1000000", "/rows/2/d", "not-a-decimal"),
        (",,,,1e-2147483648", "/rows/2/d", "not-a-decimal"),
        (",,,,--1", "/rows/2/d", "not-a-decimal"),
        (",,,", "/rows/2", "wrong-number-of-fields"),
        (",,,,,", "/rows/2", "wrong-number-of-fields"),
        (",a\"b,,,", "/rows/2", "stray-quote"),
        (",\"a\"b,,,", "/rows/2", "stray-quote"),
        (",\"a\" ,,,", "/rows/2", "stray-quote"),
    ];
    for (line, pointer, code) in cases {
        let file = format!("n,t,f,day,d\n{line}\n1,good,1.5,2026-01-01,1.50\n");
        let answer = sent(&place, &dataset, &[], file.as_ref()).await;
        assert_eq!(outcome(&answer).0, 422, "{line}: {}", answer.text());
        let expected = (pointer.to_owned(), code.to_owned());
        assert_eq!(mistakes(&answer), [expected], "{line:?}");
    }
    nothing_stays(&place, &dataset).await;
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_as_a_whole() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let good = "n,t,f,day,d\n1,x,,,\n";
    let after = |rest: &[u8]| [good.as_bytes(), rest].concat();
    let wide = [b"n".to_vec(), vec![b','; 10_000_000]].concat();
    let names = |name: &str| format!("n,t,f,day,{name}\n").into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "empty-file"),
        ("a mark alone", b"\xef\xbb\xbf".to_vec(), "empty-file"),
        ("ten million columns", wide, "more than 1600 fields"),
        (
            "another's columns",
            b"a,b\n1,2\n".to_vec(),
            "unknown-column",
        ),
        ("a blank name", names(""), "blank-header"),
        ("a name twice", names("n"), "doubled-header"),
        ("a long name", names(&"x".repeat(201)), "bad-header"),
        ("a name with a bell", names("\x07"), "bad-header"),
        ("no text", after(b"2,\xff,,,\n"), "after row 2"),
        ("half a character", after(b"2,\xe6\x97,,,\n"), "not UTF-8"),
        ("surrogates", after(b"2,\xed\xa0\x80,,,\n"), "not UTF-8"),
        ("an overlong slash", after(b"2,\xc0\xaf,,,\n"), "not UTF-8"),
        (
            "an open quote",
            after(b"2,\"open,,,\n"),
            "within a quoted field",
        ),
        (
            "a field of 2 MiB",
            after(&vec![b'x'; 2 << 20]),
            "longer than 1 MiB",
        ),
        (
            "a quoted one",
            after(&[b"\"".as_slice(), &vec![b'\n'; 2 << 20]].concat()),
            "longer than 1 MiB",
        ),
        ("zeros", vec![0; 3 << 20], "longer than 1 MiB"),
    ];
    for (name, file, part) in cases {
        let answer = sent(&place, &dataset, &[], file.as_ref()).await;
        let told = outcome(&answer);
        assert_eq!(
            told,
            (422, "import-refused".to_owned()),
            "{name}: {}",
            answer.text()
        );
        assert!(says(&answer, part), "{name}: {}", answer.text());
    }
    nothing_stays(&place, &dataset).await;
}

#[tokio::test]
async fn what_does_not_end_is_not_read_to_its_end() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    // One field of a GiB, as it would come over a line.
    let endless = (0..1 << 14).map(move |_| {
        count.fetch_add(1 << 16, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 16]))
    });
    let endless = Body::from_stream(stream::iter(endless));
    let answer = place.import(&dataset, "", &[], endless).await;
    assert_eq!(outcome(&answer).0, 422, "{}", answer.text());
    assert!(says(&answer, "longer than 1 MiB"), "{}", answer.text());
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < 4 << 20, "{taken} bytes were read");

    // The same from less than a thousandth of it, and a compressed text that breaks off.
    let packed = [("content-encoding", "gzip")];
    let bomb = gzip((0..64).map(|_| vec![b'x'; 1 << 20]));
    let answer = sent(&place, &dataset, &packed, &bomb).await;
    assert!(says(&answer, "longer than 1 MiB"), "{}", answer.text());
    let whole = gzip(std::iter::once(b"n,t,f,day,d\n1,x,,,\n".repeat(1_000)));
    for cut in [1, 10, whole.len() / 2, whole.len() - 1] {
        let answer = sent(&place, &dataset, &packed, &whole[..cut]).await;
        assert_eq!(outcome(&answer).0, 400, "{cut}: {}", answer.text());
    }
    let answer = sent(&place, &dataset, &packed, b"n\n1\n").await;
    assert_eq!(outcome(&answer).0, 400, "{}", answer.text());
    nothing_stays(&place, &dataset).await;
}

#[tokio::test]
async fn workbooks_and_tables_that_are_damaged_or_others_are_refused() {
    let place = Place::with_files().await;
    let dataset = place.dataset(&[], json!({})).await;
    let (sheet, parquet, arrow) = (
        data("kinds.xlsx"),
        data("kinds.parquet"),
        data("kinds.arrows"),
    );
    let mut cases: Vec<(&str, Vec<u8>)> = Vec::new();
    for (kind, file) in [(XLSX, &sheet), (PARQUET, &parquet), (ARROW, &arrow)] {
        for part in [0, 1, 3, 7] {
            cases.push((kind, file[..file.len() * part / 8].to_vec()));
        }
        cases.push((kind, vec![0; 4_096]));
        cases.push((kind, b"n,t\n1,x\n".to_vec()));
    }
    cases.push((XLSX, parquet.clone()));
    cases.push((PARQUET, sheet.clone()));
    cases.push((ARROW, sheet.clone()));
    // An archive with nothing in it, and the beginning of a workbook of before 2007.
    cases.push((XLSX, [b"PK\x05\x06".to_vec(), vec![0; 18]].concat()));
    cases.push((
        XLSX,
        [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), vec![0; 504]].concat(),
    ));
    // Lengths that a table of contents cannot have.
    for forged in [0_u32, 1, u32::MAX, i32::MAX.unsigned_abs()] {
        let mut file = parquet.clone();
        let at = file.len() - 8;
        file[at..at + 4].copy_from_slice(&forged.to_le_bytes());
        cases.push((PARQUET, file));
    }
    for (number, (kind, file)) in cases.into_iter().enumerate() {
        let length = file.len();
        let answer = sent(&place, &dataset, &[("content-type", kind)], &file).await;
        let told = outcome(&answer);
        assert_eq!(
            told,
            (422, "import-refused".to_owned()),
            "{number}, {kind}, {length} bytes: {}",
            answer.text()
        );
        assert!(answer.json()["detail"].as_str().unwrap().len() > 20);
    }
    // Text is no workbook, and a workbook no text.
    let answer = place.import(&dataset, "", &[], sheet).await;
    assert_eq!(outcome(&answer).0, 422, "{}", answer.text());
    let answer = place
        .import(&dataset, "", &[("content-type", "application/pdf")], "%PDF")
        .await;
    assert_eq!(outcome(&answer).0, 415, "{}", answer.text());
    assert_eq!(place.get(&dataset).await.json()["version"], 0);
}

#[tokio::test]
async fn another_encoding_is_read_where_it_is_said() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("t", "text")], json!({})).await;
    let as_ = |kind| [("content-type", kind)];
    let latin = b"t\nZ\xfcrich\n".to_vec();
    let answer = place
        .import(
            &dataset,
            "",
            &as_("text/csv; charset=windows-1252"),
            latin.clone(),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let answer = place.import(&dataset, "", &[], latin).await;
    assert!(says(&answer, "charset="), "{}", answer.text());
    let wide: Vec<u8> = "\u{feff}t\n日本\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let answer = place.import(&dataset, "", &[], wide).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let answer = place
        .import(&dataset, "", &as_("text/csv; charset=klingon"), "t\n1\n")
        .await;
    assert_eq!(outcome(&answer).0, 415, "{}", answer.text());
    let records = place.records(&format!("{dataset}/records")).await;
    assert_eq!(records, [json!({ "t": "Zürich" }), json!({ "t": "日本" })]);
}

#[tokio::test]
async fn an_option_that_cannot_be_kept_is_refused() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("t", "text")], json!({})).await;
    for option in [
        "message=%00",
        "columns=%00",
        "set=t:%00",
        "null_words=%00",
        "section_column=t:%00",
        "skip_if=%00",
        "strip=t:%00",
        "sheet=%00",
        "delimiter=%00",
        "message=%FF",
        "skip_if=(a{1000}){1000}",
        "skip_if=(",
        "skip_rows=-1",
        "skip_rows=99999999999999999999",
        "mode=destroy",
        "on_error=ignore",
    ] {
        let answer = place
            .import(&dataset, &format!("?{option}"), &[], "t\n1\n")
            .await;
        let (status, code) = outcome(&answer);
        let is_told = matches!(status, 400 | 422) && !code.is_empty();
        assert!(is_told, "{option}: {status} {}", answer.text());
    }
    assert_eq!(place.get(&dataset).await.json()["version"], 0);
}

/// Nothing was loaded, no table is left, and a good file is taken.
async fn nothing_stays(place: &Place, dataset: &str) {
    let body = place.get(dataset).await.json();
    assert_eq!((&body["rows"], &body["version"]), (&json!(0), &json!(0)));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dataset_rows'";
    assert_eq!(place.number(tables).await, 0);
    place.load(dataset, "", "n,t,f,day,d\n1,\"x\",,,\n").await;
    assert_eq!(place.get(dataset).await.json()["rows"], 1);
}
