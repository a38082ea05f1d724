use super::*;

/// A generator of its own, so that a failure comes again: xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.roll(most + 1);
        (0..length)
            .map(|_| u8::try_from(self.roll(256)).unwrap())
            .collect()
    }
}

/// Gives what it has in pieces of any size.
struct Dribble<'a>(&'a [u8], Dice);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.0.len());
        let now = if most == 0 { 0 } else { 1 + self.1.roll(most) };
        buffer[..now].copy_from_slice(&self.0[..now]);
        self.0 = &self.0[now..];
        Ok(now)
    }
}

#[test]
fn messages_survive_the_way_whatever_their_length() {
    let mut dice = Dice(7);
    for round in 0..40 {
        let lengths = [
            0,
            1,
            MAX_PAYLOAD - 1,
            MAX_PAYLOAD,
            MAX_PAYLOAD + 1,
            3 * MAX_PAYLOAD,
        ];
        let sent: Vec<Message> = (0..4)
            .map(|id| Message {
                id,
                kind: KINDS[dice.roll(KINDS.len())],
                body: vec![u8::try_from(round).unwrap(); lengths[dice.roll(lengths.len())]],
            })
            .collect();
        let mut bytes = Vec::new();
        for message in &sent {
            write(&mut bytes, message.id, message.kind, &message.body).unwrap();
        }
        let mut from = Dribble(&bytes, Dice(round + 1));
        let mut messages = Messages::new(4 * MAX_PAYLOAD);
        for message in &sent {
            assert_eq!(messages.read(&mut from).unwrap().as_ref(), Some(message));
        }
        assert!(messages.read(&mut from).unwrap().is_none());
    }
}

fn frame(id: u32, kind: Kind, more: bool, length: usize) -> Frame {
    let length = u32::try_from(length).unwrap();
    Frame {
        id,
        kind,
        more,
        length,
    }
}

#[test]
fn frames_of_two_ids_alternate_and_a_cancel_ends_one() {
    let mut messages = Messages::new(MAX_PAYLOAD);
    let mut push = |id, kind, more, body: &str| {
        messages
            .push(frame(id, kind, more, body.len()), body.into())
            .unwrap()
    };
    assert!(push(1, Kind::Data, true, "a").is_none());
    assert!(push(2, Kind::Data, true, "x").is_none());
    assert_eq!(push(1, Kind::Data, false, "b").unwrap().body, b"ab");
    assert_eq!(push(2, Kind::Cancel, false, "").unwrap().kind, Kind::Cancel);
    assert_eq!(push(2, Kind::Data, false, "y").unwrap().body, b"y");
    assert_eq!(messages.held, 0);
}

#[test]
fn unfinished_messages_have_one_bound() {
    let mut messages = Messages::new(10 * MAX_PAYLOAD);
    let mut taken = 0;
    let error = loop {
        let id = taken % 3;
        let push = frame(id, Kind::Data, true, MAX_PAYLOAD);
        match messages.push(push, vec![0; MAX_PAYLOAD]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(taken, 10, "{error}");
    let mut messages = Messages::new(MAX_PAYLOAD);
    let begun = (0..1_000).take_while(|id| {
        messages
            .push(frame(*id, Kind::Data, true, 1), vec![0])
            .is_ok()
    });
    assert_eq!(begun.count(), MAX_OPEN);
}

#[test]
fn a_forged_length_is_refused_before_anything_is_reserved() {
    for length in [MAX_PAYLOAD + 1, 1 << 31, usize::try_from(u32::MAX).unwrap()] {
        let head = frame(1, Kind::Data, false, length).to_bytes();
        let error = Messages::new(MAX_PAYLOAD).read(&mut &head[..]).unwrap_err();
        assert!(matches!(error, WireError::Malformed(_)), "{error}");
    }
    // Control: the longest frame is taken.
    let head = frame(1, Kind::Data, false, MAX_PAYLOAD).to_bytes();
    assert_eq!(Frame::parse(head).unwrap().length(), MAX_PAYLOAD);
}

/// Whatever is changed in a stream, reading it ends, in messages or in an error.
#[test]
fn damaged_streams_end() {
    let mut dice = Dice(11);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let mut bytes = Vec::new();
        for id in 0..4 {
            let kind = KINDS[dice.roll(KINDS.len())];
            write(&mut bytes, id, kind, &dice.bytes(64)).unwrap();
        }
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            bytes[at] = u8::try_from(dice.roll(256)).unwrap();
        }
        bytes.truncate(bytes.len() - dice.roll(8));
        let mut messages = Messages::new(MAX_PAYLOAD);
        let mut from = bytes.as_slice();
        let ended = loop {
            match messages.read(&mut from) {
                Ok(Some(message)) => assert!(message.body.len() <= MAX_PAYLOAD),
                Ok(None) => break true,
                Err(_) => break false,
            }
            assert!(messages.held <= MAX_PAYLOAD);
        };
        (read, refused) = (read + usize::from(ended), refused + usize::from(!ended));
    }
    println!("{read} read, {refused} refused");
    assert!(read > 100 && refused > 100);
}

type Rows = Vec<(u64, Vec<Option<Result<String, String>>>)>;

fn some_rows(dice: &mut Dice) -> Rows {
    let mut number = 0;
    let words = ["", "a", "Zoë", "漢字", "0.1", "\n", "\u{1F980}"];
    (0..dice.roll(20))
        .map(|_| {
            number += 1 + u64::try_from(dice.roll(1_000)).unwrap();
            let cells = (0..dice.roll(8)).map(|_| {
                let word = words[dice.roll(words.len())].repeat(dice.roll(60));
                match dice.roll(3) {
                    0 => None,
                    1 => Some(Err(word)),
                    _ => Some(Ok(word)),
                }
            });
            (number, cells.collect())
        })
        .collect()
}

fn written(rows: &Rows) -> Vec<u8> {
    let mut writer = RowsWriter::default();
    for (number, cells) in rows {
        writer.row(*number, cells.len());
        for cell in cells {
            writer.cell(match cell {
                None => Cell::Null,
                Some(Ok(text)) => Cell::Text(text),
                Some(Err(text)) => Cell::Error(text),
            });
        }
    }
    assert_eq!(writer.rows(), rows.len());
    writer.take()
}

fn read(batch: &Batch) -> Rows {
    let cell = |cell| match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(Ok(String::from(text))),
        Cell::Error(text) => Some(Err(String::from(text))),
    };
    batch
        .rows()
        .map(|row| (row.number, row.map(cell).collect()))
        .collect()
}

#[test]
fn rows_come_out_as_they_went_in() {
    let mut dice = Dice(3);
    for _ in 0..500 {
        let rows = some_rows(&mut dice);
        let batch = Batch::parse(written(&rows)).unwrap();
        assert_eq!(read(&batch), rows);
        assert_eq!(batch.len(), rows.len());
    }
}

/// A batch is refused or it can be read to its end: as many rows as it says, and no text twice.
#[test]
fn damaged_batches_are_refused_or_whole() {
    let mut dice = Dice(5);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut body = written(&some_rows(&mut dice));
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(body.len());
            body[at] = u8::try_from(dice.roll(256)).unwrap();
        }
        let length = body.len();
        let Ok(batch) = Batch::parse(body) else {
            refused += 1;
            continue;
        };
        taken += 1;
        assert_eq!(batch.rows().count(), batch.len());
        let texts = |cell| match cell {
            Cell::Null => 0,
            Cell::Text(text) | Cell::Error(text) => text.len(),
        };
        let texts: usize = batch.rows().flatten().map(texts).sum();
        assert!(texts < length);
    }
    println!("{taken} taken, {refused} refused");
    assert!(taken > 100 && refused > 100);
    for forged in [&[][..], &[0xff; 4], &[1, 0, 0, 0], &[2, 0, 0, 0, 1, 0xff]] {
        assert!(Batch::parse(forged.to_vec()).is_err(), "{forged:?}");
    }
}
