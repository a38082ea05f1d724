//! Every kind of value, as other people's programs write it.

use chartroom::process::{Code, Format, Reading, Type};

use super::workbook::Workbook;
use super::{data, read, read_with, refused, runner};
use crate::support::process::TempDir;

/// The two workbooks of the first system, as they are published.
#[tokio::test]
async fn the_tables_of_the_census_bureau_are_read() {
    for (name, title, last) in [
        (
            "p08w.xlsx",
            "Table P-8. Age--White People, by Median Income and Sex: 1967 to 2019",
            180,
        ),
        (
            "p08a.xlsx",
            "Table P-8. Age--Asian People, by Median Income and Sex: 2002 to 2019",
            180,
        ),
    ] {
        let whole = read(&data(name), Format::Xlsx).await.unwrap();
        assert_eq!(whole.head.sheet.as_deref(), name.strip_suffix(".xlsx"));
        assert_eq!(whole.rows.len(), last, "{name}");
        assert_eq!(whole.row(2), [Some(title)]);
        assert_eq!(whole.row(4), [Some("15 to 24 Years")]);
        assert_eq!(whole.row(9).len(), 7);
        assert_eq!(whole.row(9)[0], Some("2019"));
    }
    let white = read(&data("p08w.xlsx"), Format::Xlsx).await.unwrap();
    let expected = [
        "2017 (40)",
        "10821",
        "14275",
        "14888",
        "10347",
        "11538",
        "12033",
    ];
    assert_eq!(white.row(11), expected.map(Some));
}

#[tokio::test]
async fn a_workbook_of_every_kind() {
    let whole = read(&data("kinds.xlsx"), Format::Xlsx).await.unwrap();
    let sheets: Vec<_> = whole
        .head
        .sheets
        .iter()
        .map(|sheet| (&*sheet.name, sheet.hidden))
        .collect();
    assert_eq!(
        sheets,
        [("Kinds", false), ("Empty", false), ("Hidden", true)]
    );
    let rows = [
        (
            1,
            vec![
                Some("text"),
                Some(" two  spaces\nand a line "),
                None,
                Some("漢字 & <b>"),
                Some("A"),
            ],
        ),
        (
            2,
            [
                "number",
                "1",
                "-0.5",
                "0.1",
                "1e300",
                "1.5e-9",
                "123456789012345",
            ]
            .map(Some)
            .to_vec(),
        ),
        (
            3,
            ["date", "2024-02-29", "2024-02-29T13:14:15", "07:08:09"]
                .map(Some)
                .to_vec(),
        ),
        (4, ["length", "PT25H30M1S"].map(Some).to_vec()),
        (5, ["truth", "true", "false"].map(Some).to_vec()),
        (
            6,
            ["error", "error #DIV/0!", "error #N/A"].map(Some).to_vec(),
        ),
        (8, vec![None, None, Some("alone")]),
    ];
    assert_eq!(whole.rows.len(), rows.len());
    for (number, expected) in rows {
        assert_eq!(whole.row(number), expected);
    }
}

#[tokio::test]
async fn a_sheet_is_chosen_by_its_name() {
    let sheet = |name: &str| Reading {
        sheet: Some(name.to_owned()),
        ..Reading::new(Format::Xlsx)
    };
    let path = data("kinds.xlsx");
    let hidden = read_with(&runner(), &path, sheet("Hidden")).await.unwrap();
    assert_eq!(hidden.row(1), [Some("secret")]);
    let empty = read_with(&runner(), &path, sheet("Empty")).await.unwrap();
    assert!(empty.rows.is_empty());
    let (code, message) = refused(&path, sheet("kinds")).await;
    assert_eq!(code, Code::UnknownSheet);
    assert!(
        message.ends_with("it has: Kinds, Empty, Hidden"),
        "{message}"
    );
}

#[tokio::test]
async fn a_formula_gives_the_value_that_was_kept_with_it() {
    let dir = TempDir::new("formulas").unwrap();
    let path = dir.0.join("formulas.xlsx");
    let cells = r#"<c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"a"&amp;"b"</f><v>ab</v></c>
        <c r="C1" t="b"><f>TRUE()</f><v>1</v></c><c r="D1" t="e"><f>1/0</f><v>#DIV/0!</v></c>
        <c r="E1"><f>NOW()</f></c><c r="F1"><f>CMD|'/c calc'!A1</f><v>7</v></c>"#;
    Workbook::of(format!(r#"<row r="1">{cells}</row>"#)).write(&path);
    let whole = read(&path, Format::Xlsx).await.unwrap();
    let expected = [
        Some("2"),
        Some("ab"),
        Some("true"),
        Some("error #DIV/0!"),
        None,
        Some("7"),
    ];
    assert_eq!(whole.row(1), expected);
}

/// Keys of a database, as Python's programs write them; Excel would round them.
#[tokio::test]
async fn whole_numbers_keep_their_digits() {
    let dir = TempDir::new("digits").unwrap();
    let path = dir.0.join("digits.xlsx");
    let numbers = [
        ("9007199254740993", "9007199254740993"),
        ("-9223372036854775807", "-9223372036854775807"),
        ("18446744073709551615", "18446744073709551615"),
        ("9007199254740991", "9007199254740991"),
        ("1E+20", "100000000000000000000"),
        ("12345678901234567890.5", "12345678901234567000"),
        ("6.02214076E+23", "6.02214076e23"),
    ];
    let row = |(at, (written, _)): (usize, &(&str, &str))| {
        let before = r#"<c s="0"/><c t="str"><v>9007199254740993</v></c>"#;
        format!(
            r#"<row r="{}">{before}<c><f>1</f><v>{written}</v></c></row>"#,
            at + 1
        )
    };
    let rows: String = numbers
        .iter()
        .cycle()
        .take(14_000)
        .enumerate()
        .map(row)
        .collect();
    Workbook::of(rows).write(&path);
    let whole = read(&path, Format::Xlsx).await.unwrap();
    assert_eq!(whole.rows.len(), 14_000);
    for ((number, cells), (_, expected)) in whole.rows.iter().zip(numbers.iter().cycle()) {
        let text = cells[2].as_deref();
        assert_eq!(text, Some(*expected), "row {number}");
        assert_eq!(cells[1].as_deref(), Some("9007199254740993"));
    }
}

#[tokio::test]
async fn a_table_of_every_kind() {
    let first = [
        "9007199254740993",
        "18446744073709551615",
        "0.1",
        "0.1",
        "12345678901234567890.10",
        "a \"b\"\\\n",
        "true",
        "2024-02-29",
        "07:08:09.000010",
        "2024-02-29T13:14:15.123456",
        "2024-02-29T13:14:15.123456Z",
        "1970-01-01T00:00:00.000000001",
        "[1,null,3]",
        r#"{"a":1.5,"b":"x\""}"#,
        r#"{"k":"2024-02-29"}"#,
        "red",
    ];
    let third = [
        "-9223372036854775808",
        "0",
        "NaN",
        "-Infinity",
        "-0.01",
        "",
        "false",
        "0001-01-01",
        "00:00:00",
        "0001-01-01T00:00:00",
        "9999-12-31T00:00:00Z",
        "1969-12-31T23:59:59.999999999",
        "[]",
        r#"{"a":"NaN","b":null}"#,
        "{}",
        "blue",
    ];
    for (name, format) in [
        ("kinds.parquet", Format::Parquet),
        ("kinds.arrow", Format::Arrow),
        ("kinds.arrows", Format::Arrow),
    ] {
        let whole = read(&data(name), format).await.unwrap();
        assert_eq!(whole.row(1), first.map(Some), "{name}");
        assert_eq!(whole.row(2), [None; 16], "{name}");
        assert_eq!(whole.row(3), third.map(Some), "{name}");
        assert_eq!(whole.rows.len(), 3);
        let kinds: Vec<_> = whole
            .head
            .columns
            .iter()
            .map(|column| &column.kind)
            .collect();
        let utc = Some("UTC".to_owned());
        for (at, expected) in [
            (
                0,
                Type::Int {
                    bits: 64,
                    signed: true,
                },
            ),
            (
                1,
                Type::Int {
                    bits: 64,
                    signed: false,
                },
            ),
            (3, Type::Float { bits: 32 }),
            (
                4,
                Type::Decimal {
                    precision: 38,
                    scale: 2,
                },
            ),
            (5, Type::Text),
            (9, Type::Timestamp { zone: None }),
            (10, Type::Timestamp { zone: utc }),
            (13, Type::Json),
            (15, Type::Text),
        ] {
            assert_eq!(*kinds[at], expected, "{name}, column {at}");
        }
    }
}

#[tokio::test]
async fn the_codecs_of_parquet() {
    for codec in ["none", "snappy", "gzip", "lz4", "zstd"] {
        let path = data(&format!("numbers.{codec}.parquet"));
        let whole = read(&path, Format::Parquet).await.unwrap();
        assert_eq!(whole.rows.len(), 1_000, "{codec}");
        for (number, cells) in &whole.rows {
            assert_eq!(*cells, [Some((number - 1).to_string())], "{codec}");
        }
    }
    let (code, message) = refused(
        &data("numbers.brotli.parquet"),
        Reading::new(Format::Parquet),
    )
    .await;
    assert_eq!(code, Code::Unsupported);
    assert!(message.contains("BROTLI"), "{message}");
}

#[tokio::test]
async fn what_has_no_text_is_refused_by_its_column() {
    let (code, message) = refused(&data("binary.parquet"), Reading::new(Format::Parquet)).await;
    assert_eq!(code, Code::Unsupported);
    assert_eq!(
        message,
        "the column \"picture\" is binary, which is not read"
    );
}

/// Nanoseconds end in 2262, and these timestamps are kept in them.
#[tokio::test]
async fn a_far_timestamp_of_96_bits_is_not_another_one() {
    let whole = read(&data("int96.parquet"), Format::Parquet).await.unwrap();
    assert_eq!(whole.row(1), [Some("9999-12-31T00:00:00")]);
}

#[tokio::test]
async fn a_file_of_another_format_is_named_so() {
    let formats = [Format::Xlsx, Format::Parquet, Format::Arrow];
    let names = ["kinds.xlsx", "kinds.parquet", "kinds.arrow"];
    for (name, own) in names.into_iter().zip(formats) {
        for format in formats.into_iter().filter(|format| *format != own) {
            let (code, message) = refused(&data(name), Reading::new(format)).await;
            assert_eq!(code, Code::OtherFormat, "{message}");
        }
    }
    let dir = TempDir::new("no-table").unwrap();
    let path = dir.0.join("document.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("content.xml", options).unwrap();
    zip.finish().unwrap();
    let (code, message) = refused(&path, Reading::new(Format::Xlsx)).await;
    assert_eq!(code, Code::OtherFormat, "{message}");
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("short", b"PK"),
        ("text", b"a,b\n1,2\n"),
    ] {
        let path = dir.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        for format in formats {
            let (code, message) = refused(&path, Reading::new(format)).await;
            assert_eq!(code, Code::OtherFormat, "{name}: {message}");
        }
    }
}
