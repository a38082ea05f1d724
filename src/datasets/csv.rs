//! Reads CSV as it arrives, record by record. It remembers which fields were quoted, because `""`
//! is an empty text and nothing is no value, which the crates for CSV do not tell apart.

use memchr::memchr;

/// The longest record. One that is longer ends the reading: what follows could be anything.
pub const LONGEST_RECORD: usize = 1 << 20;
pub const MOST_FIELDS: usize = 1_600;

/// What ends the reading of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    #[error("a record is longer than 1 MiB; is a quotation mark left open?")]
    TooLong,
    #[error("a record has more than 1600 fields; is the delimiter another one?")]
    TooManyFields,
    #[error(
        "the file is not UTF-8; say what it is, such as Content-Type: text/csv; charset=windows-1252"
    )]
    NotUtf8,
    #[error("the file is not {0}, as it was declared to be")]
    NotEncoded(&'static str),
    #[error("the file ends within a quoted field")]
    Open,
}

/// A record: its text, and where in it the fields are.
#[derive(Debug, Default)]
pub struct Record {
    text: String,
    fields: Vec<Field>,
    /// Something stands beside the quotation marks of a field, or one within it is not doubled.
    pub has_stray_quote: bool,
    /// The line on which it begins, counted from 1; 0 in a file without lines.
    pub line: u64,
    /// The number that the file itself gives the row; 0 where rows are counted.
    pub number: u64,
    /// What keeps a row of a file that is no CSV from being read.
    pub wrong: Option<Box<Wrong>>,
}

/// A mistake in a row as a whole, or in the value of what is no column.
#[derive(Debug)]
pub struct Wrong {
    pub column: Option<String>,
    pub code: &'static str,
    pub value: Option<String>,
    /// All of the row, as it stands in the file.
    pub line: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct Field {
    begin: usize,
    end: usize,
    is_quoted: bool,
    /// Quotation marks in it are still doubled.
    is_doubled: bool,
    is_error: bool,
}

impl Record {
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// How many bytes its texts have, about.
    pub fn size(&self) -> usize {
        self.text.len() + self.fields.len()
    }

    /// The text of the field, and whether it was quoted.
    pub fn field(&self, place: usize) -> Option<(&str, bool)> {
        let field = self.fields.get(place)?;
        Some((self.text.get(field.begin..field.end)?, field.is_quoted))
    }

    /// Whether the field has what the file itself calls an error.
    pub fn is_error(&self, place: usize) -> bool {
        self.fields.get(place).is_some_and(|field| field.is_error)
    }

    /// Begins an empty row of a file that is no CSV.
    pub fn numbered(number: u64) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Adds a field of such a row; `None` is no value.
    pub fn push(&mut self, text: Option<&str>, is_error: bool) {
        let begin = self.text.len();
        self.text.push_str(text.unwrap_or_default());
        self.fields.push(Field {
            begin,
            end: self.text.len(),
            is_quoted: text == Some(""),
            is_error,
            ..Field::default()
        });
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        (0..self.len()).filter_map(|place| self.field(place))
    }

    /// Nothing but the end of a line. In a file of one column that is a record without a value.
    pub fn is_blank(&self) -> bool {
        matches!(self.fields.as_slice(), [only] if !only.is_quoted && only.begin == only.end)
    }

    /// Takes the bytes that the fields are in, whose quotation marks become single.
    fn take(&mut self, bytes: &[u8]) -> Result<(), CsvError> {
        let text = str::from_utf8(bytes).or(Err(CsvError::NotUtf8))?;
        self.text.clear();
        self.text.push_str(text);
        self.has_stray_quote = false;
        if memchr(b'"', bytes).is_none() {
            return Ok(());
        }
        for field in &mut self.fields {
            let within = text.get(field.begin..field.end).unwrap_or_default();
            if field.is_doubled {
                field.begin = self.text.len();
                self.text.push_str(&within.replace("\"\"", "\""));
                field.end = self.text.len();
            } else if within.contains('"') {
                self.has_stray_quote = true;
            }
        }
        Ok(())
    }
}

/// Splits bytes into records.
pub struct Reader {
    delimiter: u8,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
    has_begun: bool,
    is_over: bool,
}

/// Where a record ends: how many bytes and lines after its beginning.
struct Ends {
    next: usize,
    lines: u64,
}

impl Reader {
    pub fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            has_begun: false,
            is_over: false,
        }
    }

    /// Takes the next part of the file.
    pub fn push(&mut self, part: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.extend_from_slice(part);
    }

    /// No part comes any more.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// Reads the next record into `record`; false where there is none yet, or none any more.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, CsvError> {
        if !self.has_begun {
            const MARK: &[u8] = b"\xef\xbb\xbf";
            if self.buffer.len() < MARK.len() && !self.is_over {
                return Ok(false);
            }
            self.has_begun = true;
            if self.buffer.starts_with(MARK) {
                self.at = MARK.len();
            }
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(false);
        }
        record.line = self.line;
        let found = split(rest, self.delimiter, self.is_over, &mut record.fields)?;
        let too_long = found.as_ref().map_or(rest.len(), |found| found.next) > LONGEST_RECORD;
        if too_long {
            return Err(CsvError::TooLong);
        }
        let Some(Ends { next, lines }) = found else {
            return Ok(false);
        };
        record.take(rest.get(..next).unwrap_or_default())?;
        self.at += next;
        self.line += lines;
        Ok(true)
    }
}

/// Finds the fields of the first record in `rest`; `None` where the rest of it has to come first.
fn split(
    rest: &[u8],
    delimiter: u8,
    is_over: bool,
    fields: &mut Vec<Field>,
) -> Result<Option<Ends>, CsvError> {
    fields.clear();
    let (mut at, mut lines) = (0, 0);
    loop {
        let mut field = Field {
            begin: at,
            is_quoted: rest.get(at) == Some(&b'"'),
            ..Field::default()
        };
        if field.is_quoted {
            at += 1;
            field.begin = at;
            loop {
                let open = rest.get(at..).unwrap_or_default();
                let Some(length) = memchr(b'"', open) else {
                    return match is_over {
                        true => Err(CsvError::Open),
                        false => Ok(None),
                    };
                };
                lines += newlines(open.get(..length).unwrap_or_default());
                at += length + 1;
                match rest.get(at) {
                    Some(b'"') => {
                        field.is_doubled = true;
                        at += 1;
                    }
                    // Whether it is doubled shows with the next byte.
                    None if !is_over => return Ok(None),
                    _ => break,
                }
            }
            field.end = at - 1;
        }
        let open = rest.get(at..).unwrap_or_default();
        let length = ending(open, delimiter);
        at += length;
        if !field.is_quoted {
            field.end = at;
        } else if length > 0 {
            // With the mark in it that closes the field too early, it shows as stray.
            field.end = at;
            field.is_doubled = false;
        }
        let end = rest.get(at).copied();
        if end.is_none() && !is_over {
            return Ok(None);
        }
        if fields.len() == MOST_FIELDS {
            return Err(CsvError::TooManyFields);
        }
        fields.push(field);
        match end {
            Some(byte) if byte == delimiter => at += 1,
            Some(b'\r') => {
                match rest.get(at + 1) {
                    Some(b'\n') => at += 2,
                    None if !is_over => return Ok(None),
                    _ => at += 1,
                }
                lines += 1;
                break;
            }
            Some(_) => {
                at += 1;
                lines += 1;
                break;
            }
            None => break,
        }
    }
    Ok(Some(Ends { next: at, lines }))
}

/// Where an unquoted field ends. Fields are short, so that looking at eight bytes at once takes a
/// little more than half the time of `memchr3`.
fn ending(text: &[u8], delimiter: u8) -> usize {
    const ALL: u64 = 0x0101_0101_0101_0101;
    let is_in = |word: u64, byte: u8| zeros(word ^ (u64::from(byte) * ALL));
    let (words, rest) = text.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = is_in(word, delimiter) | is_in(word, b'\n') | is_in(word, b'\r');
        if found != 0 {
            // The lowest bit that is set is the highest of its byte.
            return place * 8 + usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
        }
    }
    let ends = |byte: &u8| *byte == delimiter || *byte == b'\n' || *byte == b'\r';
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    text.len() - rest.len() + length
}

/// Sets the highest bit of each byte that is zero, and no other.
fn zeros(word: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    !(((word & LOW) + LOW) | word | LOW)
}

fn newlines(text: &[u8]) -> u64 {
    let count = text.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// One field as CSV has it, quoted where it must be; `None` is no value.
pub fn write_field(text: Option<&str>, out: &mut Vec<u8>) {
    let Some(text) = text else { return };
    let must = text.is_empty()
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text
            .bytes()
            .any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r'));
    if !must {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<(u64, Vec<(String, bool)>)>;

    /// The records, whatever the parts that the file comes in.
    fn read(file: &[u8], size: usize) -> Result<Read, CsvError> {
        let mut reader = Reader::new(b',');
        let (mut record, mut all) = (Record::default(), Vec::new());
        let mut drain = |reader: &mut Reader| -> Result<(), CsvError> {
            while reader.next(&mut record)? {
                let fields = record
                    .iter()
                    .map(|(text, quoted)| (text.to_owned(), quoted));
                all.push((record.line, fields.collect()));
            }
            Ok(())
        };
        for part in file.chunks(size) {
            reader.push(part);
            drain(&mut reader)?;
        }
        reader.end();
        drain(&mut reader)?;
        Ok(all)
    }

    #[test]
    fn records_are_the_same_however_the_file_is_cut() {
        let file = "\u{feff}a,b,c\r\n1,\"x, \"\"y\"\"\n z\",\n\n,\"\",é\r\nlast,2".as_bytes();
        let whole = read(file, file.len()).unwrap();
        let texts: Vec<Vec<&str>> = whole
            .iter()
            .map(|(_, fields)| fields.iter().map(|(text, _)| text.as_str()).collect())
            .collect();
        assert_eq!(
            texts,
            [
                vec!["a", "b", "c"],
                vec!["1", "x, \"y\"\n z", ""],
                vec![""],
                vec!["", "", "é"],
                vec!["last", "2"]
            ]
        );
        let lines: Vec<u64> = whole.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6]);
        let quoted: Vec<bool> = whole[3].1.iter().map(|(_, quoted)| *quoted).collect();
        assert_eq!(quoted, [false, true, false]);
        for size in 1..file.len() {
            assert_eq!(read(file, size).unwrap(), whole, "in parts of {size}");
        }
    }

    #[test]
    fn what_is_no_csv_is_said() {
        assert_eq!(read(b"a\n\"open", 3), Err(CsvError::Open));
        assert_eq!(read(b"a\n\xff", 1), Err(CsvError::NotUtf8));
        let long = [b"a\n".as_slice(), &vec![b'x'; LONGEST_RECORD + 2]].concat();
        assert_eq!(read(&long, 1 << 16), Err(CsvError::TooLong));
        let open = [b"a\n\"".as_slice(), &vec![b'x'; LONGEST_RECORD + 2]].concat();
        assert_eq!(read(&open, 1 << 16), Err(CsvError::TooLong));
        assert_eq!(read(&[b','; 2_000], 100), Err(CsvError::TooManyFields));
        let mut reader = Reader::new(b';');
        let mut record = Record::default();
        reader.push(b"a\"b;\"c\" d;\"\"\n");
        assert!(reader.next(&mut record).unwrap() && record.has_stray_quote);
        reader.push(b"a;b\n");
        assert!(reader.next(&mut record).unwrap() && !record.has_stray_quote);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["", "plain", " a", "a ", "a,b", "a\"b", "a\r\nb", "ü"] {
            let mut out = Vec::new();
            write_field(Some(text), &mut out);
            out.extend_from_slice(b",");
            write_field(None, &mut out);
            out.push(b'\n');
            let records = read(&out, 2).unwrap();
            let fields = &records[0].1;
            assert_eq!(fields[0].0, text);
            assert_eq!(fields[0].1, out[0] == b'"');
            assert_eq!(fields[1], (String::new(), false));
        }
    }
}
