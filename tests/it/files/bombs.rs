//! Files that are small and ask for much. Each is refused by a bound, or ends its child by a limit;
//! never more.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chartroom::process::{Bounds, Code, Format, Limit, Reading, RunnerError};

use super::workbook::Workbook;
use super::{MEMORY, PATIENCE, PROGRAM, data, read, read_with, refused, runner, runner_of};
use crate::support::process::TempDir;

fn bounded(format: Format, bounds: Bounds) -> Reading {
    Reading {
        bounds,
        ..Reading::new(format)
    }
}

fn file(dir: &TempDir, workbook: Workbook) -> PathBuf {
    let path = dir.0.join("bomb.xlsx");
    workbook.write(&path);
    path
}

const CELL: &str = r#"<row r="1"><c r="A1"><v>1</v></c></row>"#;

#[tokio::test]
async fn a_sheet_of_two_far_cells_is_two_rows() {
    let dir = TempDir::new("sparse").unwrap();
    let far =
        |name: &str| format!(r#"{CELL}<row r="1048576"><c r="{name}1048576"><v>2</v></c></row>"#);
    let path = file(&dir, Workbook::of(far("ALK")));
    let whole = read(&path, Format::Xlsx).await.unwrap();
    assert_eq!(whole.rows.len(), 2);
    assert_eq!(whole.row(1_048_576).len(), 999);
    assert_eq!(whole.row(1_048_576).last(), Some(&Some("2")));

    let path = file(&dir, Workbook::of(far("XFD")));
    let (code, message) = refused(&path, Reading::new(Format::Xlsx)).await;
    assert_eq!(code, Code::TooManyColumns, "{message}");
    for name in ["ZZZZZZZ", "A99999999999", "é"] {
        let path = file(&dir, Workbook::of(far(name)));
        let (code, message) = refused(&path, Reading::new(Format::Xlsx)).await;
        assert!(
            matches!(code, Code::Damaged | Code::TooManyColumns),
            "{name}: {message}"
        );
    }
}

#[tokio::test]
async fn bounds_of_rows_cells_and_texts_are_kept() {
    let dir = TempDir::new("bounds").unwrap();
    let rows: String = (1..=3)
        .map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="str"><v>abcdef</v></c><c r="B{row}" t="str"><v>abcdef</v></c></row>"#))
        .collect();
    let path = file(&dir, Workbook::of(rows));
    let most = Bounds {
        columns: 2,
        rows: 3,
        cells: 6,
        text: 6,
        row: 12,
        ..Bounds::default()
    };
    let whole = read_with(&runner(), &path, bounded(Format::Xlsx, most))
        .await
        .unwrap();
    assert_eq!(whole.rows.len(), 3);
    for (bounds, expected) in [
        (Bounds { columns: 1, ..most }, Code::TooManyColumns),
        (Bounds { rows: 2, ..most }, Code::TooManyRows),
        (Bounds { cells: 5, ..most }, Code::TooManyCells),
        (Bounds { text: 5, ..most }, Code::TooLong),
        (Bounds { row: 11, ..most }, Code::TooLong),
        (
            Bounds {
                unpacked: 100,
                ..most
            },
            Code::TooLarge,
        ),
    ] {
        let (code, message) = refused(&path, bounded(Format::Xlsx, bounds)).await;
        assert_eq!(code, expected, "{message}");
    }
}

/// What a part says of its size is not believed: it is unpacked, and counted.
#[tokio::test]
async fn a_zip_bomb_is_refused_whatever_it_says() {
    let dir = TempDir::new("zip-bomb").unwrap();
    let row = format!("{CELL}<!--{}-->", " ".repeat(500));
    let path = file(&dir, Workbook::of(row.repeat(8_000)));
    let small = Bounds {
        unpacked: 1 << 20,
        ..Bounds::default()
    };
    let (code, _) = refused(&path, bounded(Format::Xlsx, small)).await;
    assert_eq!(code, Code::TooLarge);

    // The last entry of the directory is the sheet's; its length becomes 1.
    let mut bytes = fs::read(&path).unwrap();
    assert!(bytes.len() < 64 << 10, "{}", bytes.len());
    let entry = bytes
        .windows(4)
        .rposition(|window| window == b"PK\x01\x02")
        .unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&1_u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let (code, message) = refused(&path, bounded(Format::Xlsx, small)).await;
    assert!(matches!(code, Code::TooLarge | Code::Damaged), "{message}");
}

#[tokio::test]
async fn xml_that_grows_is_refused() {
    let dir = TempDir::new("xml-bomb").unwrap();
    let entities =
        r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    let mut workbook = Workbook::of(r#"<row r="1"><c r="A1" t="str"><v>&b;</v></c></row>"#);
    workbook.before = entities;
    let (code, message) = refused(&file(&dir, workbook), Reading::new(Format::Xlsx)).await;
    assert_eq!(code, Code::Damaged);
    assert!(message.contains("document type"), "{message}");

    let attributes: String = (0..80_000).map(|n| format!(r#" a{n}="""#)).collect();
    let workbook = Workbook::of(format!("<row{attributes}>{CELL}</row>"));
    let (code, message) = refused(&file(&dir, workbook), Reading::new(Format::Xlsx)).await;
    assert_eq!(code, Code::TooLong, "{message}");

    let workbook = Workbook::of("<row>".repeat(100_000));
    let (code, message) = refused(&file(&dir, workbook), Reading::new(Format::Xlsx)).await;
    assert!(message.contains("nested"), "{code:?}: {message}");
}

#[tokio::test]
async fn names_that_are_long_together_are_refused() {
    let dir = TempDir::new("names").unwrap();
    for (sheets, is_read) in [(1_000, true), (5_000, false)] {
        let mut workbook = Workbook::of(CELL);
        let name = "n".repeat(1_000);
        workbook.sheets = (0..sheets)
            .map(|n| format!(r#"<sheet name="{name}{n}" sheetId="{}" r:id="r1"/>"#, n + 2))
            .collect();
        let path = file(&dir, workbook);
        match read(&path, Format::Xlsx).await {
            Ok(whole) => assert!(is_read && whole.head.sheets.len() == 1_001),
            Err(RunnerError::Refused(failure)) => {
                assert!(!is_read && failure.code == Code::TooLong, "{failure:?}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn an_encrypted_and_an_old_workbook_are_named_so() {
    let dir = TempDir::new("compound").unwrap();
    let path = dir.0.join("compound.xlsx");
    let compound = |names: &[&str]| {
        // A compound file of three sectors of 512 bytes: its head, its table, its directory.
        let mut bytes = vec![0; 3 * 512];
        bytes[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
        bytes[26] = 3; // version
        bytes[28..30].copy_from_slice(&[0xfe, 0xff]);
        (bytes[30], bytes[32], bytes[44], bytes[48]) = (9, 6, 1, 1);
        bytes[57] = 0x10;
        bytes[60..64].fill(0xfe);
        bytes[61..64].fill(0xff);
        bytes[68] = 0xfe;
        bytes[69..76].fill(0xff);
        bytes[72..76].fill(0);
        bytes[76..512].fill(0xff);
        bytes[76..80].fill(0);
        bytes[512..1024].fill(0xff);
        bytes[512] = 0xfd;
        bytes[516] = 0xfe;
        for (at, name) in names.iter().enumerate() {
            let entry = 1024 + at * 128;
            for (place, unit) in name.encode_utf16().enumerate() {
                bytes[entry + 2 * place..][..2].copy_from_slice(&unit.to_le_bytes());
            }
            bytes[entry + 64] = u8::try_from(2 * name.len() + 2).unwrap();
            bytes[entry + 66] = if at == 0 { 5 } else { 2 };
            bytes[entry + 116..entry + 120].fill(0xff);
            bytes[entry + 116] = 0xfe;
        }
        bytes
    };
    for (names, expected) in [
        (
            &["Root Entry", "EncryptionInfo", "EncryptedPackage"],
            Code::Encrypted,
        ),
        (&["Root Entry", "Workbook", "Other"], Code::OtherFormat),
    ] {
        fs::write(&path, compound(names)).unwrap();
        let (code, message) = refused(&path, Reading::new(Format::Xlsx)).await;
        assert_eq!(code, expected, "{message}");
    }
    // Nothing behind the first eight bytes.
    fs::write(&path, &compound(&[])[..8]).unwrap();
    let (code, _) = refused(&path, Reading::new(Format::Xlsx)).await;
    assert_eq!(code, Code::OtherFormat);
}

/// 100 GB of text in 700 bytes: a bound of a text refuses it, and without that bound it comes row
/// by row, in the memory of some rows.
#[tokio::test]
async fn a_text_in_a_hundred_thousand_rows_is_not_held_as_often() {
    let path = data("long.parquet");
    let bounds = Bounds {
        text: 1_000,
        ..Bounds::default()
    };
    let (code, message) = refused(&path, bounded(Format::Parquet, bounds)).await;
    assert_eq!(code, Code::TooLong, "{message}");

    let file = fs::File::open(&path).unwrap();
    let runner = runner();
    let mut rows = runner
        .read(file, Reading::new(Format::Parquet))
        .await
        .unwrap();
    let mut seen = 0;
    while seen < 200 {
        seen += rows.next().await.unwrap().unwrap().len();
    }
}

/// Most of it is worth nothing to the sheet, so no bound of cells applies.
#[tokio::test]
async fn what_eats_memory_ends_by_its_limit() {
    let dir = TempDir::new("eater").unwrap();
    let mut workbook = Workbook::of(CELL);
    workbook.strings = Some("<si><t>x</t></si>".repeat(1_200_000));
    workbook.packed = false;
    let path = file(&dir, workbook);
    let error = read(&path, Format::Xlsx).await.unwrap_err();
    let limit = u64::try_from(MEMORY).unwrap();
    assert!(
        matches!(&error, RunnerError::Limit(Limit::Memory(most)) if *most == limit),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "reading the file takes more memory than 48 MiB, so it was given up"
    );
}

#[tokio::test]
async fn what_spins_ends_by_its_limit() {
    let dir = TempDir::new("spinner").unwrap();
    let mut workbook = Workbook::of("<row><c><v>1</v></c></row>".repeat(2_000_000));
    workbook.packed = false;
    let path = file(&dir, workbook);
    let began = Instant::now();
    let runner = runner_of(PROGRAM, 1, PATIENCE);
    let error = read_with(&runner, &path, Reading::new(Format::Xlsx))
        .await
        .unwrap_err();
    assert!(
        matches!(error, RunnerError::Limit(Limit::Cpu(1))),
        "{error:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}
