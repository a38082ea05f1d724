//! Files in which bytes were changed: each is read, or refused in a sentence, or ends at a limit.

use std::fs;
use std::path::Path;

use chartroom::process::{Code, Format, Limit, Reading, RunnerError};

use super::{data, read, read_with, refused, runner};
use crate::support::process::TempDir;

/// Changes a byte here and there, 40 times, and says how often the file was still read.
async fn edited(name: &str, format: Format, dir: &Path) -> usize {
    let whole = fs::read(data(name)).unwrap();
    let path = dir.join("edited");
    let runner = runner();
    let mut as_before = 0;
    for round in 0..40 {
        let mut bytes = whole.clone();
        let at = (round * 7_919 + 13) % bytes.len();
        let value = bytes[at];
        bytes[at] = [0xff, 0, value ^ 1, 0x7f][round % 4];
        fs::write(&path, bytes).unwrap();
        match read_with(&runner, &path, Reading::new(format)).await {
            Ok(_) => as_before += 1,
            Err(RunnerError::Refused(failure)) => {
                assert!((10..500).contains(&failure.message.len()), "{failure:?}");
            }
            Err(RunnerError::Limit(Limit::Memory(_))) => {}
            Err(error) => panic!("{name}, byte {at}: {error:?}"),
        }
    }
    as_before
}

#[tokio::test]
async fn a_byte_that_is_another_ends_in_a_sentence() {
    let dir = TempDir::new("edited").unwrap();
    for (name, format) in [
        ("kinds.parquet", Format::Parquet),
        ("numbers.none.parquet", Format::Parquet),
        ("kinds.arrow", Format::Arrow),
        ("kinds.arrows", Format::Arrow),
        ("p08a.xlsx", Format::Xlsx),
    ] {
        let read = edited(name, format, &dir.0).await;
        println!("{name}: {read} of 40 are read");
        assert!(read < 40);
    }
}

#[tokio::test]
async fn a_file_that_ends_too_early_is_damaged() {
    let dir = TempDir::new("cut").unwrap();
    let path = dir.0.join("cut");
    for (name, format) in [
        ("kinds.parquet", Format::Parquet),
        ("kinds.arrow", Format::Arrow),
        ("kinds.arrows", Format::Arrow),
        ("p08a.xlsx", Format::Xlsx),
    ] {
        let whole = fs::read(data(name)).unwrap();
        for part in [3, 10, 30, 50] {
            fs::write(&path, &whole[..whole.len() * part / 100]).unwrap();
            let (code, message) = refused(&path, Reading::new(format)).await;
            assert_eq!(code, Code::Damaged, "{name}: {message}");
        }
    }
}

/// The page checksum sees what no length and no type would.
#[tokio::test]
async fn a_value_that_is_another_is_seen() {
    let dir = TempDir::new("checksum").unwrap();
    let path = dir.0.join("numbers.parquet");
    let mut bytes = fs::read(data("numbers.none.parquet")).unwrap();
    let place = bytes
        .windows(8)
        .position(|window| window == [7, 0, 0, 0, 8, 0, 0, 0])
        .unwrap();
    bytes[place] = 9;
    fs::write(&path, &bytes).unwrap();
    let (code, message) = refused(&path, Reading::new(Format::Parquet)).await;
    assert_eq!(code, Code::Damaged);
    assert!(message.to_lowercase().contains("crc"), "{message}");
    // Control: it is the value that was changed.
    bytes[place] = 7;
    fs::write(&path, &bytes).unwrap();
    read(&path, Format::Parquet).await.unwrap();
}

#[tokio::test]
async fn lengths_that_a_file_cannot_have_are_refused_before_they_are_read() {
    let dir = TempDir::new("forged").unwrap();
    let path = dir.0.join("forged");
    let whole = fs::read(data("numbers.none.parquet")).unwrap();
    let tail = whole.len() - 8;
    let with = |at: usize, new: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    // The length of the table of contents; then the first page's head: field 2 is what it unpacks
    // to, 3 what it has in the file, both as zigzag varints of at most five bytes.
    let page = whole
        .windows(2)
        .position(|window| window == [0x15, 0x04])
        .unwrap();
    assert_eq!(page, 4, "the dictionary page is the first");
    for (bytes, expected) in [
        (
            with(tail, &[0xff, 0xff, 0xff, 0xff]),
            "table of contents is longer",
        ),
        (
            with(tail, &[0xff, 0xff, 0xff, 0x7f]),
            "table of contents is longer",
        ),
        (with(tail + 4, b"PARX"), "does not end as it begins"),
        (
            with(6, &[0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f]),
            "a page unpacks to more",
        ),
        (
            with(6, &[0x15, 0x02, 0x15, 0xfe, 0xff, 0x03]),
            "a page is longer",
        ),
    ] {
        fs::write(&path, bytes).unwrap();
        let (_, message) = refused(&path, Reading::new(Format::Parquet)).await;
        assert!(message.contains(expected), "{message}");
    }
    fs::write(&path, with(0, b"PARE")).unwrap();
    let (code, _) = refused(&path, Reading::new(Format::Parquet)).await;
    assert_eq!(code, Code::Encrypted);

    // A body of 2^62 bytes, and metadata of 2 GiB, in an Arrow stream.
    let mut stream = fs::read(data("kinds.arrows")).unwrap();
    stream[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
    fs::write(&path, &stream).unwrap();
    let (code, message) = refused(&path, Reading::new(Format::Arrow)).await;
    assert_eq!(code, Code::Damaged, "{message}");
}

/// A thousand is said of the rows, of the values of the column, and of those of its page.
#[tokio::test]
async fn numbers_that_contradict_each_other_are_refused() {
    let dir = TempDir::new("contradiction").unwrap();
    let path = dir.0.join("forged");
    let whole = fs::read(data("numbers.none.parquet")).unwrap();
    let thousand = [0xd0, 0x0f];
    let all = whole
        .windows(2)
        .enumerate()
        .filter(|(_, window)| **window == thousand);
    let places: Vec<usize> = all.map(|(at, _)| at).collect();
    assert!(places.len() >= 4, "{places:?}");
    let mut refusals = 0;
    for place in &places {
        // 8,191 and -8,192, as they are written there.
        for forged in [[0xfe, 0x7f], [0xff, 0x7f]] {
            let mut bytes = whole.clone();
            bytes[*place..place + 2].copy_from_slice(&forged);
            fs::write(&path, bytes).unwrap();
            match read(&path, Format::Parquet).await {
                // One of them is a statistic that nobody reads.
                Ok(read) => assert_eq!(read.rows.len(), 1_000),
                Err(RunnerError::Refused(failure)) => {
                    assert_eq!(failure.code, Code::Damaged, "{failure:?}");
                    refusals += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    println!("{refusals} of {} are refused", 2 * places.len());
    assert!(refusals >= 6);
}

/// Lists that say they have two billion entries, texts of two gigabytes, and structs without end,
/// where the table of contents should be.
#[tokio::test]
async fn a_forged_table_of_contents_reserves_nothing() {
    let dir = TempDir::new("contents").unwrap();
    let path = dir.0.join("forged.parquet");
    let long = [0xff, 0xff, 0xff, 0xff, 0x07];
    for contents in [
        // version, then the schema as a list of structs, of integers, of texts
        [&[0x15, 0x02, 0x19, 0xfc][..], &long].concat(),
        [&[0x15, 0x02, 0x19, 0xf5], &long[..]].concat(),
        [&[0x15, 0x02, 0x19, 0xf8], &long[..]].concat(),
        // an unknown text, and an unknown map
        [&[0x15, 0x02, 0x88], &long[..]].concat(),
        [&[0x15, 0x02, 0x8b], &long[..], &[0x88]].concat(),
        vec![0x9c; 10_000],
        vec![0x1c; 10_000],
        Vec::new(),
    ] {
        let length = u32::try_from(contents.len()).unwrap();
        let bytes = [b"PAR1", &*contents, &length.to_le_bytes(), b"PAR1"].concat();
        fs::write(&path, bytes).unwrap();
        match read(&path, Format::Parquet).await {
            Err(RunnerError::Refused(failure)) => assert_eq!(failure.code, Code::Damaged),
            Err(RunnerError::Limit(Limit::Memory(_))) => {}
            other => panic!("{contents:?}: {other:?}"),
        }
    }
}
