//! Whole numbers that a program has written into a workbook with more digits than a 64-bit float
//! keeps, such as the keys of a database.
//!
//! Excel itself makes floats of them, and so does `calamine`, which shows no other form. So where a
//! float is too large to hold every whole number, its digits are looked up in a second walk over
//! the sheet, which goes no further than it has to, and not at all in most workbooks.

use std::collections::HashMap;
use std::io::BufReader;

use quick_xml::events::Event;
use quick_xml::{Reader as Xml, XmlVersion};
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::source::Reader;

/// From here on a float stands for several whole numbers.
const FIRST: f64 = 9_007_199_254_740_992.0;
/// More digits than any number of 64 bits has.
const DIGITS: usize = 20;

pub(super) type Parts = ZipArchive<BufReader<Reader>>;
type Part<'a> = BufReader<ZipFile<'a, BufReader<Reader>>>;

/// The second walk over one worksheet.
pub(super) struct Exact<'a> {
    xml: Xml<Part<'a>>,
    buffer: Vec<u8>,
    /// Cells that have begun so far.
    cells: u64,
}

impl<'a> Exact<'a> {
    /// `None` where the sheet is not found under the names that programs use.
    pub(super) fn open(parts: &'a mut Parts, sheet: &str) -> Option<Self> {
        let id = find(parts, "xl/workbook.xml", "sheet", ("name", sheet), "id")?;
        let rels = "xl/_rels/workbook.xml.rels";
        let target = find(parts, rels, "Relationship", ("Id", &id), "Target")?;
        let path = match target.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None => format!("xl/{target}"),
        };
        Some(Self {
            xml: walk(parts, &path)?,
            buffer: Vec::new(),
            cells: 0,
        })
    }

    /// The digits of the cell with this number, counted from 1 in the order of the sheet, where
    /// they are those of a whole number that is this float. Numbers only rise.
    pub(super) fn digits(&mut self, cell: u64, value: f64) -> Option<String> {
        if value.abs() < FIRST {
            return None;
        }
        while self.cells < cell {
            self.begin("c")?;
            self.cells += 1;
        }
        self.begin("v")?;
        self.buffer.clear();
        let Event::Text(text) = self.xml.read_event_into(&mut self.buffer).ok()? else {
            return None;
        };
        let text: &str = text.as_ref();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = (1..=DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        let is_same = text.parse() == Ok(value);
        (is_whole && is_same).then(|| text.to_owned())
    }

    /// Goes on to where the next element of this name begins.
    fn begin(&mut self, name: &str) -> Option<()> {
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).ok()? {
                Event::Start(tag) if tag.local_name().as_ref() == name => return Some(()),
                Event::Eof => return None,
                _ => {}
            }
        }
    }
}

fn walk<'a>(parts: &'a mut Parts, path: &str) -> Option<Xml<Part<'a>>> {
    let mut xml = Xml::from_reader(BufReader::new(parts.by_name(path).ok()?));
    // As the first walk has it, so that both count the same cells.
    let config = xml.config_mut();
    config.check_end_names = false;
    config.check_comments = false;
    config.expand_empty_elements = true;
    Some(xml)
}

/// An attribute of the first element of this name in which another attribute has this value.
fn find(
    parts: &mut Parts,
    path: &str,
    element: &str,
    (key, value): (&str, &str),
    wanted: &str,
) -> Option<String> {
    let (mut xml, mut buffer) = (walk(parts, path)?, Vec::new());
    loop {
        buffer.clear();
        let tag = match xml.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) if tag.local_name().as_ref() == element => tag,
            Event::Eof => return None,
            _ => continue,
        };
        let mut attributes = tag.attributes();
        let attributes = attributes.with_checks(false).filter_map(|attribute| {
            let attribute = attribute.ok()?;
            let name = attribute.key.local_name().as_ref().to_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            Some((name, value.into_owned()))
        });
        let mut attributes: HashMap<String, String> = attributes.collect();
        if attributes.get(key).is_some_and(|found| found == value) {
            return attributes.remove(wanted);
        }
    }
}
