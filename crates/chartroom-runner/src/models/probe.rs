//! Whether rows of several requests may be joined: tried out, since no file says it.
//!
//! Random inputs are asked apart and joined, and the rows of the answers compared. It is only
//! believed where rows that differ were seen to give answers that differ.

use chartroom_wire::models::{Datatype, Tensor, Values, texts};
use ort::session::Session;

use super::ask;

/// Rows of the two inputs that are joined.
const SPLITS: [(u64, u64); 3] = [(1, 1), (2, 3), (3, 1)];
/// Of numbers with fractions: near to zero, and far from it, as a tree may split anywhere.
const SCALES: [f64; 4] = [1.0, 100.0, 0.01, 10_000.0];
/// For axes that may have any length, beside the first.
const LENGTHS: [u64; 6] = [3, 1, 8, 16, 64, 224];
/// Whole numbers are below: some name a row of a table that is short.
const WHOLE: [u64; 3] = [100, 10, 2];
const TOLERANCE: f64 = 1e-5;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What is tried: how long the other axes are, and how large numbers are.
#[derive(Clone, Copy)]
struct Try {
    length: u64,
    whole: u64,
    scale: f64,
}

/// What the file says of an output's shape does not count: LightGBM's converter says `[1]` of
/// labels that are as many as there are rows.
pub(super) fn is_batchable(session: &mut Session, inputs: &[Tensor]) -> bool {
    let is_free = |of: &Tensor| of.shape.first().is_some_and(|axis| *axis < 0);
    if inputs.is_empty() || !inputs.iter().all(is_free) {
        return false;
    }
    let mut random = Random(SEED);
    let tries = LENGTHS.into_iter().flat_map(|length| {
        WHOLE.into_iter().map(move |whole| Try {
            length,
            whole,
            scale: 1.0,
        })
    });
    // The first that the model takes at all.
    let Some(found) = tries.into_iter().find(|of| {
        let values = random.inputs(inputs, 1, *of);
        ask::run(session, inputs, &values).is_ok()
    }) else {
        return false;
    };
    let mut has_differed = false;
    for scale in SCALES {
        for (left, right) in SPLITS {
            let left = random.inputs(inputs, left, Try { scale, ..found });
            let right = random.inputs(inputs, right, Try { scale, ..found });
            match compare(session, inputs, &left, &right) {
                Some(differs) => has_differed |= differs,
                None => return false,
            }
        }
    }
    has_differed
}

/// `None` where the joined answer is not the answers joined; else whether the two differ.
fn compare(
    session: &mut Session,
    inputs: &[Tensor],
    left: &[Values],
    right: &[Values],
) -> Option<bool> {
    let joined: Option<Vec<Values>> = left.iter().zip(right).map(|(l, r)| join(l, r)).collect();
    let mut answer = |values: &[Values]| ask::run(session, inputs, values).ok();
    let (one, other, both) = (answer(left)?, answer(right)?, answer(&joined?)?);
    let mut differs = false;
    for ((one, other), both) in one.iter().zip(&other).zip(&both) {
        let expected = join(one, other)?;
        if expected.shape != both.shape || !agree(&expected, both) {
            return None;
        }
        differs |= !agree_in_first_row(one, other);
    }
    Some(differs)
}

/// One below the other; `None` where they are no rows of one table.
fn join(left: &Values, right: &Values) -> Option<Values> {
    let (first, rest) = left.shape.split_first()?;
    let (more, same) = right.shape.split_first()?;
    (rest == same && left.datatype == right.datatype).then(|| {
        let mut shape = vec![first.saturating_add(*more)];
        shape.extend_from_slice(rest);
        Values {
            datatype: left.datatype,
            shape,
            bytes: [left.bytes.as_slice(), right.bytes.as_slice()].concat(),
        }
    })
}

fn agree_in_first_row(one: &Values, other: &Values) -> bool {
    let row = |of: &Values| {
        let rows = of
            .shape
            .first()
            .and_then(|rows| usize::try_from(*rows).ok())?;
        let of_a_row = of.bytes.len().checked_div(rows)?;
        let bytes = match of.datatype {
            // Texts differ in length, so all of them are taken.
            Datatype::Bytes => of.bytes.clone(),
            _ => of.bytes.get(..of_a_row)?.to_vec(),
        };
        Some(Values {
            bytes,
            ..of.clone()
        })
    };
    match (row(one), row(other)) {
        (Some(one), Some(other)) => agree(&one, &other),
        _ => true,
    }
}

/// Whether the same values stand in both, but for what rounding may do to fractions.
fn agree(one: &Values, other: &Values) -> bool {
    let is_close = |x: f64, y: f64| {
        let bound = TOLERANCE * x.abs().max(y.abs()).max(1.0);
        x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= bound
    };
    let closer = |read: fn(&[u8]) -> f64, width: usize| {
        let (one, other) = (
            one.bytes.chunks_exact(width),
            other.bytes.chunks_exact(width),
        );
        one.len() == other.len() && one.zip(other).all(|(x, y)| is_close(read(x), read(y)))
    };
    match one.datatype {
        Datatype::Fp16 => closer(
            |it| {
                it.try_into()
                    .map_or(0.0, |it| half::f16::from_le_bytes(it).to_f64())
            },
            2,
        ),
        Datatype::Fp32 => closer(
            |it| {
                it.try_into()
                    .map_or(0.0, |it| f64::from(f32::from_le_bytes(it)))
            },
            4,
        ),
        Datatype::Fp64 => closer(|it| it.try_into().map_or(0.0, f64::from_le_bytes), 8),
        Datatype::Bytes => texts(&one.bytes).eq(texts(&other.bytes)),
        _ => one.bytes == other.bytes,
    }
}

/// Numbers that are the same each time, so that a model is judged the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(SEED);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From -1 to 1.
    fn fraction(&mut self) -> f64 {
        let word = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(word) / f64::from(u32::MAX) * 2.0 - 1.0
    }

    fn word(&mut self) -> String {
        const WORDS: [&str; 16] = [
            "a",
            "b",
            "red",
            "the",
            "good",
            "river",
            "Paris",
            "bad",
            "is",
            "not",
            "a long way",
            "data",
            "1",
            "yes",
            "no",
            "xyz",
        ];
        let count = u64::try_from(WORDS.len()).unwrap_or(1);
        let words: Vec<&str> = (0..3)
            .filter_map(|_| {
                WORDS
                    .get(usize::try_from(self.next() % count).ok()?)
                    .copied()
            })
            .collect();
        match self.next() % 2 {
            0 => words.join(" "),
            _ => words.first().copied().unwrap_or_default().to_owned(),
        }
    }

    fn inputs(&mut self, inputs: &[Tensor], rows: u64, of: Try) -> Vec<Values> {
        inputs
            .iter()
            .map(|input| self.input(input, rows, of))
            .collect()
    }

    fn input(&mut self, input: &Tensor, rows: u64, of: Try) -> Values {
        let rest = input
            .shape
            .iter()
            .skip(1)
            .map(|axis| u64::try_from(*axis).unwrap_or(of.length));
        let shape: Vec<u64> = std::iter::once(rows).chain(rest).collect();
        // What a model with more is asked would not fit a message either.
        let elements = shape
            .iter()
            .try_fold(1_u64, |sum, axis| sum.checked_mul(*axis));
        let elements = elements
            .filter(|elements| *elements <= 1 << 24)
            .unwrap_or(0);
        let mut bytes = Vec::new();
        for _ in 0..elements {
            let whole = (self.next() % of.whole).to_le_bytes();
            let fraction = self.fraction() * of.scale;
            match input.datatype {
                Datatype::Bool => bytes.push(u8::from(self.next().is_multiple_of(2))),
                Datatype::Fp16 => bytes.extend(half::f16::from_f64(fraction).to_le_bytes()),
                Datatype::Fp32 => bytes.extend(single(fraction).to_le_bytes()),
                Datatype::Fp64 => bytes.extend(fraction.to_le_bytes()),
                Datatype::Bytes => {
                    let word = self.word();
                    let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
                    bytes.extend(length.to_le_bytes());
                    bytes.extend(word.as_bytes());
                }
                whole_one => {
                    let width = whole_one.width().unwrap_or(0);
                    bytes.extend(whole.get(..width).unwrap_or_default());
                }
            }
        }
        Values {
            datatype: input.datatype,
            shape,
            bytes,
        }
    }
}

/// Through the number's text, which is the conversion that is not a cast.
fn single(number: f64) -> f32 {
    number.to_string().parse().unwrap_or(0.0)
}
