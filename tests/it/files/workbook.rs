//! Workbooks written by hand, part by part, so that each can be wrong in one place.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

pub(super) struct Workbook {
    /// What stands before the worksheet's first tag.
    pub(super) before: &'static str,
    /// What stands behind its one worksheet, `S`, in the list of them.
    pub(super) sheets: String,
    /// The rows of its one worksheet, `S`.
    pub(super) rows: String,
    pub(super) strings: Option<String>,
    /// Whether its parts are packed.
    pub(super) packed: bool,
}

impl Workbook {
    pub(super) fn of(rows: impl Into<String>) -> Self {
        Self {
            before: "",
            sheets: String::new(),
            rows: rows.into(),
            strings: None,
            packed: true,
        }
    }

    pub(super) fn write(self, to: &Path) {
        let mut zip = ZipWriter::new(File::create(to).unwrap());
        let mut part = |name: &str, packed: bool, text: &str| {
            let method = match packed {
                true => CompressionMethod::Deflated,
                false => CompressionMethod::Stored,
            };
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        };
        let relation = |id: &str, kind: &str, target: &str| {
            format!(r#"<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"/>"#)
        };
        let relations = |all: &[String]| {
            format!(
                r#"<Relationships xmlns="{PACKAGE}">{}</Relationships>"#,
                all.concat()
            )
        };
        let top = relations(&[relation("r1", "officeDocument", "xl/workbook.xml")]);
        part("_rels/.rels", true, &top);
        let of_workbook = relations(&[
            relation("r1", "worksheet", "worksheets/sheet1.xml"),
            relation("r2", "sharedStrings", "sharedStrings.xml"),
        ]);
        part("xl/_rels/workbook.xml.rels", true, &of_workbook);
        let first = r#"<sheet name="S" sheetId="1" r:id="r1"/>"#;
        let sheets = format!("{first}{}", self.sheets);
        let workbook = format!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>"#
        );
        part("xl/workbook.xml", true, &workbook);
        if let Some(strings) = &self.strings {
            let strings = format!(r#"<sst xmlns="{MAIN}">{strings}</sst>"#);
            part("xl/sharedStrings.xml", self.packed, &strings);
        }
        let Self { before, rows, .. } = &self;
        let sheet = format!(
            r#"{before}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#
        );
        part("xl/worksheets/sheet1.xml", self.packed, &sheet);
        zip.finish().unwrap();
    }
}
