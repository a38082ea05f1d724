//! Server-Sent Events as the HTML standard has them, from bytes that may be split anywhere.

use std::time::Duration;

/// For one line, and for the data of one block.
pub(super) const MOST_BYTES: usize = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands between two empty lines. It can be an id alone, which says where the stream is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) id: Option<String>,
    pub(super) event: Option<String>,
    pub(super) data: Option<String>,
    pub(super) retry: Option<Duration>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the stream has a line or an event that is longer than {MOST_BYTES} bytes")]
pub(super) struct TooLong;

/// Reads one stream. What its end leaves incomplete is nothing.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    block: Block,
    /// The byte before was CR, so that LF belongs to it.
    is_after_cr: bool,
    is_past_first_line: bool,
}

impl Parser {
    /// The blocks that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Block>, TooLong> {
        let mut blocks = Vec::new();
        for byte in bytes {
            let is_second_half = std::mem::take(&mut self.is_after_cr) && *byte == b'\n';
            match byte {
                b'\n' if is_second_half => {}
                b'\n' | b'\r' => {
                    self.is_after_cr = *byte == b'\r';
                    blocks.extend(self.end_line()?);
                }
                byte if self.line.len() < MOST_BYTES => self.line.push(*byte),
                _ => return Err(TooLong),
            }
        }
        Ok(blocks)
    }

    fn end_line(&mut self) -> Result<Option<Block>, TooLong> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.is_past_first_line, true)
            && line.starts_with(BYTE_ORDER_MARK)
        {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.is_empty() {
            let block = std::mem::take(&mut self.block);
            return Ok(Some(block).filter(|block| *block != Block::default()));
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        let block = &mut self.block;
        match field {
            "data" => match &mut block.data {
                None => block.data = Some(value.to_owned()),
                Some(data) if data.len() + value.len() < MOST_BYTES => {
                    data.push('\n');
                    data.push_str(value);
                }
                Some(_) => return Err(TooLong),
            },
            "event" => block.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => block.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let wait = value.parse().ok().map(Duration::from_millis);
                block.retry = wait.or(block.retry);
            }
            // A comment has an empty name; others may come with later versions.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Block> {
        Parser::default().push(bytes).unwrap()
    }

    fn block(id: &str, event: &str, data: &str) -> Block {
        let given = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        Block {
            id: given(id),
            event: given(event),
            data: given(data),
            retry: None,
        }
    }

    #[test]
    fn a_stream_is_the_same_wherever_it_is_split() {
        let stream = "\u{feff}retry: 2500\n\nid: 1\ndata: {\"a\":\"\u{e4}\u{1f310}\"}\n\n:\n\n\
                      : words\r\nid:2\r\nevent: resync\r\ndata: one\r\ndata:two\r\n\r\n\
                      id: 3\rdata\r\r\ndata:  x\n\nid\ndata: empty\n\nid: 9\ndata: cut";
        let expected = [
            Block {
                retry: Some(Duration::from_millis(2500)),
                ..Block::default()
            },
            block("1", "-", "{\"a\":\"\u{e4}\u{1f310}\"}"),
            block("2", "resync", "one\ntwo"),
            block("3", "-", ""),
            block("-", "-", " x"),
            block("", "-", "empty"),
        ];
        let bytes = stream.as_bytes();
        assert_eq!(all(bytes), expected);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut parser = Parser::default();
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let blocks = parts
                    .into_iter()
                    .flat_map(|part| parser.push(part).unwrap());
                assert_eq!(blocks.collect::<Vec<_>>(), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn every_line_end_ends_a_line_once() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["id: 7", "data: a", "data:", "data: b", "", ""].join(end);
            assert_eq!(all(text.as_bytes()), [block("7", "-", "a\n\nb")], "{end:?}");
        }
    }

    #[test]
    fn what_means_nothing_is_left_out() {
        for text in [
            "",
            "\n\n\n",
            ":\n\n",
            ": a: b\n\n",
            "dat: a\n\n",
            " data: a\n\n",
            "data: unfinished\n",
            "data: unfinished",
            "retry: 1x\n\n",
            "retry: -1\n\n",
            "retry:\n\n",
            "retry: 99999999999999999999999\n\n",
            "id: a\0b\n\n",
        ] {
            assert_eq!(all(text.as_bytes()), [], "{text:?}");
        }
        // The mark is one at the beginning alone.
        let later = all("data: a\n\n\u{feff}data: b\n\n".as_bytes());
        assert_eq!(later, [block("-", "-", "a")]);
        assert_eq!(all(b"data: \xff\n\n"), [block("-", "-", "\u{fffd}")]);
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let value = "a".repeat(MOST_BYTES - "data: ".len());
        let longest = format!("data: {value}\n\n");
        assert_eq!(all(longest.as_bytes()), [block("-", "-", &value)]);
        let longer = format!("data: {value}a");
        assert_eq!(Parser::default().push(longer.as_bytes()), Err(TooLong));
        let many = "data: 0123456789\n".repeat(MOST_BYTES / 10);
        assert_eq!(Parser::default().push(many.as_bytes()), Err(TooLong));
        // Comments are not kept.
        let comments = ": 0123456789\n".repeat(MOST_BYTES / 10);
        assert_eq!(Parser::default().push(comments.as_bytes()), Ok(Vec::new()));
    }
}
