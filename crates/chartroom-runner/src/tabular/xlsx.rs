//! Workbooks: one sheet, cell by cell, never as the rectangle that its two farthest cells span.
//!
//! A number of a workbook is a 64-bit float, because that is what Excel makes of it; only whole
//! numbers keep the digits that a program has written for them. Formulas give the value that was
//! kept with them.

use std::fmt::Write as _;
use std::io::BufReader;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use chartroom_wire::tabular::{Bounds, Code, Failure, Head, Request, Sheet};
use zip::ZipArchive;

use super::exact::Exact;
use super::{calendar, damaged, other_format, texts, xml};
use crate::output::{Output, RowBuffer, Slot, Stop};
use crate::source::{Reader, Source};

/// A workbook of 1,000 sheets has some 2,000 parts.
const PARTS: usize = 20_000;
/// What encrypted workbooks and those of the old format begin with.
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ZIP: &[u8] = b"PK\x03\x04";
/// A text of XML may be longer than what it says: `&#x10FFFF;` is a character of four bytes.
const ESCAPED: u64 = 10;

type Workbook = Xlsx<BufReader<Reader>>;

pub(super) fn read(
    request: &Request,
    source: &Source,
    start: &[u8],
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    if !start.starts_with(COMPOUND_FILE) {
        if !start.starts_with(ZIP) {
            return Err(other_format("XLSX workbook").into());
        }
        measure(source, request.bounds)?;
    }
    let mut workbook =
        Workbook::new(BufReader::new(source.reader(0))).map_err(|error| match error {
            XlsxError::Password => Failure::new(
                Code::Encrypted,
                "the workbook is encrypted; save it without a password",
            ),
            _ if start.starts_with(COMPOUND_FILE) => {
                let message = "the workbook is of the old format .xls; save it as .xlsx";
                Failure::new(Code::OtherFormat, message)
            }
            XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => Failure::new(
                Code::OtherFormat,
                "the file is an archive in which no XLSX workbook is",
            ),
            error => damaged("workbook", &error),
        })?;
    let (sheet, head) = choose(&workbook, request.sheet.as_deref())?;
    output.head(&head)?;
    let parts = ZipArchive::new(BufReader::new(source.reader(0)));
    let mut parts = parts.map_err(|error| damaged("workbook", &error))?;
    let exact = Exact::open(&mut parts, &sheet);
    rows(&mut workbook, &sheet, exact, request.bounds, output)
}

/// Refuses what unpacks to too much, or is no XML that a spreadsheet program writes.
fn measure(source: &Source, bounds: Bounds) -> Result<(), Failure> {
    let bad = |error| damaged("workbook", &error);
    let mut parts = ZipArchive::new(BufReader::new(source.reader(0))).map_err(bad)?;
    if parts.len() > PARTS {
        let message = format!("the workbook has more than {PARTS} parts");
        return Err(Failure::new(Code::TooLarge, message));
    }
    let said = parts.decompressed_size();
    if said.is_some_and(|said| said > u128::from(bounds.unpacked)) {
        return Err(xml::too_large());
    }
    let mut left = bounds.unpacked;
    for at in 0..parts.len() {
        let mut part = parts.by_index(at).map_err(bad)?;
        let name = part.name().map_err(bad)?.to_ascii_lowercase();
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
        let walk = is_xml.then(|| xml::Walk::new(u64::from(bounds.row).saturating_mul(ESCAPED)));
        xml::measure(&mut part, &mut left, walk)?;
    }
    Ok(())
}

fn choose(workbook: &Workbook, wanted: Option<&str>) -> Result<(String, Head), Failure> {
    let sheets = workbook.sheets_metadata().iter();
    let sheets: Vec<Sheet> = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| Sheet {
            name: sheet.name.clone(),
            hidden: sheet.visible != SheetVisible::Visible,
        })
        .collect();
    let chosen = match wanted {
        Some(wanted) => sheets.iter().find(|sheet| sheet.name == wanted),
        None => sheets.iter().find(|sheet| !sheet.hidden).or(sheets.first()),
    };
    let Some(chosen) = chosen else {
        let names: Vec<String> = sheets
            .iter()
            .take(20)
            .map(|sheet| format!("{:.40}", sheet.name))
            .collect();
        let message = match wanted {
            _ if sheets.is_empty() => "the workbook has no worksheet".to_owned(),
            _ => format!(
                "the workbook has no worksheet of that name; it has: {}",
                names.join(", ")
            ),
        };
        return Err(Failure::new(Code::UnknownSheet, message));
    };
    let name = chosen.name.clone();
    let head = Head {
        sheets,
        sheet: Some(name.clone()),
        columns: Vec::new(),
    };
    Ok((name, head))
}

fn rows(
    workbook: &mut Workbook,
    sheet: &str,
    mut exact: Option<Exact<'_>>,
    bounds: Bounds,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let bad = |error: XlsxError| damaged("workbook", &error);
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(bad)?;
    let mut row = RowBuffer::default();
    let mut number = 0;
    let mut count = 0;
    loop {
        let next = cells
            .next_cell()
            .map_err(|error| bad(error).at(number.max(1)))?;
        let Some(cell) = next else { break };
        count += 1;
        if matches!(cell.get_value(), DataRef::Empty) {
            continue;
        }
        let (at, column) = cell.get_position();
        let at = u64::from(at) + 1;
        if at != number {
            if at < number {
                let message = "the rows of the worksheet are not in their order";
                return Err(Failure::new(Code::Damaged, message).at(number).into());
            }
            if row.len() > 0 {
                output.row(number, &row)?;
            }
            row.clear();
            number = at;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if u32::try_from(column).map_or(true, |column| column >= bounds.columns) {
            output
                .columns(column.saturating_add(1))
                .map_err(|failure| failure.at(number))?;
        }
        if column < row.len() {
            let message = "the cells of a row are not in their order";
            return Err(Failure::new(Code::Damaged, message).at(number).into());
        }
        while row.len() < column {
            row.null();
        }
        match (cell.get_value(), &mut exact) {
            (DataRef::Float(value), Some(exact)) => match exact.digits(count, *value) {
                Some(digits) => row.push(Slot::Text, |to| to.push_str(&digits)),
                None => write(&mut row, cell.get_value()),
            },
            (value, _) => write(&mut row, value),
        }
    }
    if row.len() > 0 {
        output.row(number, &row)?;
    }
    Ok(())
}

fn write(row: &mut RowBuffer, value: &DataRef<'_>) {
    let text = |row: &mut RowBuffer, text: &str| row.push(Slot::Text, |to| to.push_str(text));
    match value {
        DataRef::Empty => row.null(),
        DataRef::String(value) | DataRef::DateTimeIso(value) | DataRef::DurationIso(value) => {
            text(row, value);
        }
        DataRef::SharedString(value) => text(row, value),
        DataRef::Bool(value) => text(row, if *value { "true" } else { "false" }),
        DataRef::Error(error) => row.push(Slot::Error, |to| {
            let _ = write!(to, "{error}");
        }),
        DataRef::Int(value) => row.push(Slot::Text, |to| {
            let _ = write!(to, "{value}");
        }),
        DataRef::Float(value) if value.is_finite() => row.push(Slot::Text, |to| {
            // A workbook knows one zero.
            texts::float(value + 0.0, to);
        }),
        DataRef::DateTime(value) if value.is_duration() && value.as_f64().is_finite() => {
            row.push(Slot::Text, |to| duration(value.as_f64(), to));
        }
        DataRef::DateTime(value) if (0.0..2_958_466.0).contains(&value.as_f64()) => {
            row.push(Slot::Text, |to| date_time(value, to));
        }
        // What Excel shows as `####`: a date before its first or behind its last.
        DataRef::Float(_) | DataRef::DateTime(_) => {
            row.push(Slot::Error, |to| to.push_str("#NUM!"));
        }
    }
}

/// A date where it is midnight, a time of day where it has no day, else both.
fn date_time(value: &calamine::ExcelDateTime, to: &mut String) {
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let is_time = value.as_f64() < 1.0;
    let is_date = (hour, minute, second, milli) == (0, 0, 0, 0) && !is_time;
    if !is_time {
        let _ = write!(to, "{year:04}-{month:02}-{day:02}");
    }
    if is_date {
        return;
    }
    if !is_time {
        to.push('T');
    }
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let unit = calendar::Unit(1_000);
    calendar::time(seconds * 1_000 + i64::from(milli), unit, to);
}

/// A length of time, as ISO 8601 writes it.
fn duration(days: f64, to: &mut String) {
    let seconds = (days.abs() * 86_400_000.0).round() / 1_000.0;
    let hours = (seconds / 3_600.0).floor();
    let minutes = ((seconds - hours * 3_600.0) / 60.0).floor();
    let seconds = ((seconds - hours * 3_600.0 - minutes * 60.0) * 1_000.0).round() / 1_000.0;
    let sign = if days < 0.0 { "-" } else { "" };
    let _ = write!(to, "{sign}PT{hours}H{minutes}M{seconds}S");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole() {
        for (days, expected) in [
            (0.0, "PT0H0M0S"),
            (1.5, "PT36H0M0S"),
            (0.0625 / 24.0, "PT0H3M45S"),
            (-0.25, "-PT6H0M0S"),
            (1.0 / 86_400_000.0, "PT0H0M0.001S"),
        ] {
            let mut to = String::new();
            duration(days, &mut to);
            assert_eq!(to, expected);
        }
    }
}
