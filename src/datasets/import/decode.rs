//! Texts of other encodings become UTF-8 as they arrive.

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::datasets::csv::{CsvError, Reader};

/// The longest mark that says an encoding.
const MARK: usize = 3;

/// Decodes a text for its reader. The mark at its beginning counts, and without one what is
/// declared.
pub struct Decoder {
    state: State,
    text: String,
}

enum State {
    /// The first bytes, which may be a mark.
    Beginning(Vec<u8>),
    /// The reader says in which record a mistake is.
    Utf8,
    Other(Box<encoding_rs::Decoder>),
}

impl Decoder {
    pub fn new(declared: &'static Encoding) -> Self {
        let state = match declared == UTF_8 {
            true => State::Beginning(Vec::new()),
            false => State::Other(Box::new(declared.new_decoder())),
        };
        Self {
            state,
            text: String::new(),
        }
    }

    /// Gives the reader the next part.
    pub fn push(&mut self, part: &[u8], is_last: bool, to: &mut Reader) -> Result<(), CsvError> {
        let State::Beginning(held) = &mut self.state else {
            return self.decode(part, is_last, to);
        };
        held.extend_from_slice(part);
        if held.len() < MARK && !is_last {
            return Ok(());
        }
        let first = std::mem::take(held);
        self.state = match Encoding::for_bom(&first) {
            Some((other, _)) if other != UTF_8 => State::Other(Box::new(other.new_decoder())),
            _ => State::Utf8,
        };
        self.decode(&first, is_last, to)
    }

    fn decode(&mut self, part: &[u8], is_last: bool, to: &mut Reader) -> Result<(), CsvError> {
        let State::Other(decoder) = &mut self.state else {
            to.push(part);
            return Ok(());
        };
        self.text.clear();
        let most = decoder.max_utf8_buffer_length_without_replacement(part.len());
        self.text.reserve(most.unwrap_or_default());
        let encoding = decoder.encoding().name();
        let text = &mut self.text;
        match decoder.decode_to_string_without_replacement(part, text, is_last) {
            (DecoderResult::InputEmpty, _) => {
                to.push(text.as_bytes());
                Ok(())
            }
            _ => Err(CsvError::NotEncoded(encoding)),
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1252};

    use super::*;
    use crate::datasets::csv::Record;

    /// The first record, whatever the parts that the text comes in.
    fn read(
        declared: &'static Encoding,
        text: &[u8],
        size: usize,
    ) -> Result<Vec<String>, CsvError> {
        let mut reader = Reader::new(b',');
        let (mut decoder, mut record) = (Decoder::new(declared), Record::default());
        for part in text.chunks(size) {
            decoder.push(part, false, &mut reader)?;
        }
        decoder.push(&[], true, &mut reader)?;
        reader.end();
        reader.next(&mut record)?;
        Ok(record.iter().map(|(text, _)| text.to_owned()).collect())
    }

    #[test]
    fn a_text_is_read_as_its_mark_or_its_sender_says() {
        let utf_16 = |text: &str, mark: bool, to: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let mark = mark.then_some('\u{feff}').into_iter();
            let text: String = mark.chain(text.chars()).collect();
            text.encode_utf16().flat_map(to).collect()
        };
        let text = "é,日本,x";
        let cases = [
            (UTF_8, text.as_bytes().to_vec()),
            (UTF_8, format!("\u{feff}{text}").into_bytes()),
            (UTF_8, utf_16(text, true, u16::to_le_bytes)),
            (UTF_8, utf_16(text, true, u16::to_be_bytes)),
            (UTF_16LE, utf_16(text, false, u16::to_le_bytes)),
            (UTF_16BE, utf_16(text, false, u16::to_be_bytes)),
            // A mark counts more than what is declared.
            (UTF_16LE, utf_16(text, true, u16::to_be_bytes)),
        ];
        for (declared, bytes) in cases {
            for size in 1..=bytes.len() {
                let read = read(declared, &bytes, size).unwrap();
                assert_eq!(read, ["é", "日本", "x"], "{declared:?} in {size}");
            }
        }
        assert_eq!(read(WINDOWS_1252, b"\xe9,\x80", 1).unwrap(), ["é", "€"]);
        assert_eq!(read(SHIFT_JIS, b"\x93\xfa\x96\x7b", 1).unwrap(), ["日本"]);
    }

    #[test]
    fn what_is_none_of_its_encoding_is_refused() {
        assert_eq!(read(UTF_8, b"a\xe9,b", 1), Err(CsvError::NotUtf8));
        let wrong = Err(CsvError::NotEncoded("Shift_JIS"));
        assert_eq!(read(SHIFT_JIS, b"a\x93", 1), wrong);
        let odd = Err(CsvError::NotEncoded("UTF-16LE"));
        assert_eq!(read(UTF_16LE, b"a\0b", 2), odd);
    }
}
