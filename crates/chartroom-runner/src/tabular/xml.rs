//! A first walk over the parts of a workbook, which counts what they unpack to and measures every
//! tag and text, so that what reads them afterwards never has to hold a longer one. It reserves
//! nothing that depends on the file.

use std::io::Read;

use chartroom_wire::tabular::{Code, Failure};

use super::damaged;

/// A tag of a worksheet has a handful of attributes.
const TAG: u64 = 64 * 1024;
/// Excel's own parts are less than 20 deep.
const DEPTH: u32 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// Behind `<`, with what tells the kinds of tags apart still to come.
    Opened,
    /// Behind `<!`, with the characters of `[CDATA[` that have come.
    Declared(usize),
    /// Behind `<!-`.
    Dash,
    Tag {
        closing: bool,
    },
    Quoted {
        by: u8,
        closing: bool,
    },
    /// Until `-->`, `]]>` or `?>`: the characters of it that have come.
    Until(&'static [u8], usize),
}

/// Walks over one XML part.
#[derive(Debug)]
pub(super) struct Walk {
    state: State,
    /// Bytes of the tag or text so far.
    length: u64,
    depth: u32,
    text: u64,
    before: u8,
}

impl Walk {
    /// `text`: bytes of the longest text.
    pub(super) fn new(text: u64) -> Self {
        Self {
            state: State::Text,
            length: 0,
            depth: 0,
            text,
            before: 0,
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for byte in bytes {
            self.byte(*byte)?;
        }
        Ok(())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), Failure> {
        self.length += 1;
        let before = std::mem::replace(&mut self.before, byte);
        let next = match (self.state, byte) {
            (_, 0) => return Err(bad("it is not in UTF-8")),
            (State::Text, b'<') => State::Opened,
            (State::Text, _) => return self.within(self.text),
            (State::Opened, b'!') => State::Declared(0),
            (State::Opened, b'?') => State::Until(b"?>", 0),
            (State::Opened, b'/') => State::Tag { closing: true },
            (State::Opened, _) => State::Tag { closing: false },
            (State::Declared(at), _) => declared(at, byte)?,
            (State::Dash, b'-') => State::Until(b"-->", 0),
            (State::Dash, _) => return Err(declaration()),
            (State::Tag { closing }, b'>') => {
                self.close(closing, before)?;
                State::Text
            }
            (State::Tag { closing }, b'"' | b'\'') => State::Quoted { by: byte, closing },
            (State::Quoted { by, closing }, _) if by == byte => State::Tag { closing },
            (State::Tag { .. } | State::Quoted { .. }, _) => return self.within(TAG),
            (State::Until(end, at), _) => {
                let (next, done) = towards(end, at, byte);
                if !done {
                    self.state = State::Until(end, next);
                    return self.within(self.text);
                }
                State::Text
            }
        };
        if matches!(next, State::Text) || matches!(self.state, State::Text) {
            self.length = 0;
        }
        self.state = next;
        Ok(())
    }

    fn within(&self, most: u64) -> Result<(), Failure> {
        if self.length <= most {
            return Ok(());
        }
        let message = format!("the workbook has a tag or a text of more than {most} bytes");
        Err(Failure::new(Code::TooLong, message))
    }

    fn close(&mut self, closing: bool, before: u8) -> Result<(), Failure> {
        if closing {
            self.depth = self.depth.saturating_sub(1);
        } else if before != b'/' {
            self.depth += 1;
        }
        if self.depth > DEPTH {
            return Err(bad("its elements are nested too deeply"));
        }
        Ok(())
    }
}

/// How much of `end` has come with this byte, and whether it is all.
fn towards(end: &'static [u8], at: usize, byte: u8) -> (usize, bool) {
    let (first, last) = (end.first().copied(), end.len() - 1);
    if end.get(at) == Some(&byte) {
        return (at + 1, at == last);
    }
    // Of `]]>` and `-->` the first character may come more than twice.
    let again = first == Some(byte);
    (if again { at.min(last).max(1) } else { 0 }, false)
}

fn declared(at: usize, byte: u8) -> Result<State, Failure> {
    const CDATA: &[u8] = b"[CDATA[";
    match (at, byte) {
        (0, b'-') => Ok(State::Dash),
        _ if CDATA.get(at) == Some(&byte) => Ok(if at + 1 == CDATA.len() {
            State::Until(b"]]>", 0)
        } else {
            State::Declared(at + 1)
        }),
        _ => Err(declaration()),
    }
}

fn declaration() -> Failure {
    bad("it declares a document type, which no workbook needs")
}

fn bad(why: &str) -> Failure {
    let message = format!("a part of the workbook is not as it has to be: {why}");
    Failure::new(Code::Damaged, message)
}

/// Takes what comes out of a part off `left`, and walks over it where it is XML.
pub(super) fn measure(
    part: &mut impl Read,
    left: &mut u64,
    mut walk: Option<Walk>,
) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = part
            .read(&mut buffer)
            .map_err(|error| damaged("workbook", &error))?;
        if read == 0 {
            return Ok(());
        }
        let after = left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX));
        *left = after.ok_or_else(too_large)?;
        if let Some(walk) = &mut walk {
            walk.bytes(buffer.get(..read).unwrap_or_default())?;
        }
    }
}

pub(super) fn too_large() -> Failure {
    let message = "the workbook unpacks to more than a workbook may";
    Failure::new(Code::TooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str) -> Result<(), Failure> {
        Walk::new(100).bytes(text.as_bytes())
    }

    #[test]
    fn what_workbooks_hold_passes() {
        let deep = "<a><b/></a>".repeat(10_000);
        for text in [
            "<?xml version=\"1.0\"?><a b='>' c=\"<'\">x</a>",
            "<a><!-- -> --- ' -->y<![CDATA[<!DOCTYPE ]] ]]]></a>",
            "<a><!----><!-- \" --></a>",
            &deep,
        ] {
            walk(text).unwrap();
        }
    }

    #[test]
    fn what_no_workbook_holds_is_refused() {
        let long = "x".repeat(101);
        let attributes = format!("<a {}>", "a='' ".repeat(80_000));
        for (text, code) in [
            ("<!DOCTYPE a [<!ENTITY b 'c'>]>", Code::Damaged),
            ("<a/><!ENTITY", Code::Damaged),
            ("<!-x", Code::Damaged),
            ("<a\0", Code::Damaged),
            (&format!("<a>{long}</a>"), Code::TooLong),
            (&format!("<!--{long}-->"), Code::TooLong),
            (&format!("<![CDATA[{long}]]>"), Code::TooLong),
            (&attributes, Code::TooLong),
            (&format!("<a b='{}'>", "><".repeat(40_000)), Code::TooLong),
            (&"<a>".repeat(257), Code::Damaged),
        ] {
            assert_eq!(walk(text).unwrap_err().code, code, "{:.40}", text);
        }
    }

    #[test]
    fn only_so_much_is_unpacked() {
        let mut left = 1 << 20;
        let failure = measure(&mut std::io::repeat(b' '), &mut left, None).unwrap_err();
        assert_eq!(failure.code, Code::TooLarge);
    }
}
