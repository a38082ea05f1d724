//! Follows message boundaries beside hyper, to see in a raw head what hyper's request no longer
//! shows.
//!
//! hyper drops `Content-Length` when `Transfer-Encoding` is present, in either order, and
//! `http::Uri` drops a fragment; both must be refused. Heads only: a body's bytes are skipped,
//! never looked at.

use crate::server::head::RawFlaw;

/// Long enough for every line this reads values from; longer ones are only measured.
const LINE: usize = 96;
const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Where the last byte read leaves the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    Between,
    Head,
    Body,
    /// No longer followed: hyper closes such a connection after this message.
    Lost,
    Http2,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    ChunkExtension,
    Chunk(u64),
    ChunkEnd,
    Trailer { empty: bool },
    Lost,
    Http2,
}

#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    /// The start of a line that a read has cut.
    carry: [u8; LINE],
    carried: usize,
    line_len: usize,
    last: u8,
    lines: u32,
    length: Option<u64>,
    chunked: bool,
    chunk: u64,
    flaw: Option<RawFlaw>,
    heads: u32,
    flawed: Option<(u32, RawFlaw)>,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            state: State::Head,
            carry: [0; LINE],
            carried: 0,
            line_len: 0,
            last: 0,
            lines: 0,
            length: None,
            chunked: false,
            chunk: 0,
            flaw: None,
            heads: 0,
            flawed: None,
        }
    }

    pub(super) fn position(&self) -> Position {
        match self.state {
            State::Head if self.lines == 0 && self.line_len == 0 => Position::Between,
            State::Head => Position::Head,
            State::Lost => Position::Lost,
            State::Http2 => Position::Http2,
            _ => Position::Body,
        }
    }

    /// Complete heads so far.
    pub(super) fn heads(&self) -> u32 {
        self.heads
    }

    /// The first flawed head, counted from 1. Nothing after it is followed.
    pub(super) fn flawed(&self) -> Option<(u32, RawFlaw)> {
        self.flawed
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.state {
                State::Head => bytes = self.head(bytes),
                State::Length(left) => {
                    let (taken, after) = skip(bytes, left);
                    bytes = after;
                    self.state = match left - taken {
                        0 => State::Head,
                        left => State::Length(left),
                    };
                }
                State::Chunk(left) => {
                    let (taken, after) = skip(bytes, left);
                    bytes = after;
                    self.state = match left - taken {
                        0 => State::ChunkEnd,
                        left => State::Chunk(left),
                    };
                }
                State::ChunkSize => {
                    bytes = rest;
                    self.chunk_size(first);
                }
                State::ChunkExtension => {
                    bytes = rest;
                    if first == b'\n' {
                        self.chunk_starts();
                    }
                }
                State::ChunkEnd => {
                    bytes = rest;
                    match first {
                        b'\r' => {}
                        b'\n' => {
                            self.chunk = 0;
                            self.state = State::ChunkSize;
                        }
                        _ => self.lose(),
                    }
                }
                State::Trailer { empty } => {
                    bytes = rest;
                    self.state = match first {
                        b'\n' if empty => State::Head,
                        b'\n' => State::Trailer { empty: true },
                        b'\r' => State::Trailer { empty },
                        _ => State::Trailer { empty: false },
                    };
                }
                State::Lost | State::Http2 => return,
            }
        }
    }

    /// Takes one line of a head, or what there is of it.
    fn head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.carry_on(bytes);
            return &[];
        };
        let (line, rest) = bytes.split_at(end);
        if self.line_len == 0 {
            self.note_fragment(line);
            self.line(line, line.last().copied(), line.len());
        } else {
            self.carry_on(line);
            let carry = self.carry;
            let known = carry.get(..self.carried).unwrap_or_default();
            self.line(known, Some(self.last), self.line_len);
        }
        self.carried = 0;
        self.line_len = 0;
        rest.get(1..).unwrap_or_default()
    }

    fn carry_on(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        self.note_fragment(bytes);
        let room = self.carry.get_mut(self.carried..).unwrap_or_default();
        let taken = room.len().min(bytes.len());
        if let (Some(to), Some(from)) = (room.get_mut(..taken), bytes.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.carried += taken;
        self.line_len += bytes.len();
        self.last = last;
    }

    fn note_fragment(&mut self, part: &[u8]) {
        if self.lines == 0 && part.contains(&b'#') {
            self.flaw = Some(RawFlaw::Fragment);
        }
    }

    /// `line` is the line without its LF, or the first `LINE` bytes of one `len` long.
    fn line(&mut self, line: &[u8], last: Option<u8>, len: usize) {
        let empty = len == 0 || (len == 1 && last == Some(b'\r'));
        if self.lines == 0 {
            if empty {
                return; // RFC 9112 2.2: empty lines before a request line are ignored
            }
            if line.starts_with(PREFACE) {
                self.state = State::Http2;
                return;
            }
        }
        if last != Some(b'\r') {
            self.flaw = Some(RawFlaw::BareLineFeed);
        }
        if empty {
            return self.head_ends();
        }
        self.lines += 1;
        match line.first() {
            Some(b'c' | b'C') if starts_with(line, CONTENT_LENGTH) => {
                let value = line.get(CONTENT_LENGTH.len()..).unwrap_or_default();
                // Padding this long is no client's; and a line that reads have cut is not kept
                // whole.
                let parsed = (len <= LINE).then(|| decimal(value)).flatten();
                if self.length.is_some() || parsed.is_none() {
                    self.flaw = Some(RawFlaw::RepeatedLength);
                }
                self.length = parsed.or(Some(0));
            }
            Some(b't' | b'T') if starts_with(line, TRANSFER_ENCODING) => self.chunked = true,
            _ => {}
        }
    }

    fn head_ends(&mut self) {
        self.heads = self.heads.saturating_add(1);
        if self.chunked && self.length.is_some() {
            self.flaw = Some(RawFlaw::ConflictingLength);
        }
        if let Some(flaw) = self.flaw {
            self.flawed = Some((self.heads, flaw));
            self.state = State::Lost;
            return;
        }
        self.state = match (self.chunked, self.length) {
            (true, _) => State::ChunkSize,
            (false, Some(length)) if length > 0 => State::Length(length),
            _ => State::Head,
        };
        self.lines = 0;
        self.length = None;
        self.chunked = false;
        self.chunk = 0;
    }

    fn chunk_size(&mut self, byte: u8) {
        match char::from(byte).to_digit(16) {
            Some(digit) => {
                let next = self.chunk.checked_mul(16);
                match next.and_then(|size| size.checked_add(u64::from(digit))) {
                    Some(size) => self.chunk = size,
                    None => self.lose(),
                }
            }
            None if byte == b'\n' => self.chunk_starts(),
            None if byte == b'\r' => {}
            None => self.state = State::ChunkExtension,
        }
    }

    fn chunk_starts(&mut self) {
        self.state = match self.chunk {
            0 => State::Trailer { empty: true },
            size => State::Chunk(size),
        };
    }

    /// hyper refuses these too. Should it ever not, no later request on the connection is trusted.
    fn lose(&mut self) {
        self.flawed = Some((self.heads.saturating_add(1), RawFlaw::ConflictingLength));
        self.state = State::Lost;
    }
}

fn skip(bytes: &[u8], left: u64) -> (u64, &[u8]) {
    let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    let rest = bytes.get(taken..).unwrap_or_default();
    (u64::try_from(taken).unwrap_or(left), rest)
}

fn starts_with(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn decimal(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
