//! Joining the rows of several questions to one, and taking the answer apart again.

use bytes::Bytes;

use chartroom_wire::models::{Datatype, Inputs, Values, texts};

/// A question with as many rows waits for no others.
pub(super) const LARGE: u64 = 16;
/// Rows of the questions that are joined.
pub(super) const MOST: u64 = 64;

pub type Tensors = Vec<Values<Bytes>>;

/// Rows of a question: the length of the first axis, where all inputs have the same.
pub(super) fn rows(values: &[Values<Bytes>]) -> Option<u64> {
    let mut lengths = values.iter().map(|value| value.shape.first().copied());
    let first = lengths.next()??;
    lengths.all(|length| length == Some(first)).then_some(first)
}

/// Whether a question can be joined with another: all axes but the first are as long.
pub(super) fn fit(one: &Inputs<Bytes>, other: &Inputs<Bytes>) -> bool {
    let rest = |value: &Values<Bytes>| value.shape.get(1..).map(<[u64]>::to_vec);
    one.wanted == other.wanted
        && one.values.len() == other.values.len()
        && one
            .values
            .iter()
            .zip(&other.values)
            .all(|(one, other)| one.datatype == other.datatype && rest(one) == rest(other))
}

/// One question with the rows of all, which fit.
pub(super) fn joined(all: &[&Inputs<Bytes>]) -> Inputs<Vec<u8>> {
    let Some(first) = all.first() else {
        return Inputs {
            values: Vec::new(),
            wanted: Vec::new(),
        };
    };
    let values = first.values.iter().enumerate().map(|(place, value)| {
        let parts = all.iter().filter_map(|inputs| inputs.values.get(place));
        let mut shape = value.shape.clone();
        let mut bytes = Vec::new();
        let mut rows = 0_u64;
        for part in parts {
            rows = rows.saturating_add(part.shape.first().copied().unwrap_or(0));
            bytes.extend_from_slice(&part.bytes);
        }
        if let Some(length) = shape.first_mut() {
            *length = rows;
        }
        Values {
            datatype: value.datatype,
            shape,
            bytes,
        }
    });
    Inputs {
        values: values.collect(),
        wanted: first.wanted.clone(),
    }
}

/// The answer of each question: so many rows each, in their order. `None` where the answer does
/// not have as many rows as were asked for.
pub(super) fn apart(answer: &Tensors, rows: &[u64]) -> Option<Vec<Tensors>> {
    let mut answers: Vec<Tensors> = rows.iter().map(|_| Vec::new()).collect();
    let total: u64 = rows.iter().sum();
    for value in answer {
        if value.shape.first() != Some(&total) {
            return None;
        }
        let mut rest = value.bytes.clone();
        for (answer, rows) in answers.iter_mut().zip(rows) {
            let length = length(value, &rest, *rows, total)?;
            if length > rest.len() {
                return None;
            }
            let bytes = rest.split_to(length);
            let mut shape = value.shape.clone();
            if let Some(first) = shape.first_mut() {
                *first = *rows;
            }
            answer.push(Values {
                datatype: value.datatype,
                shape,
                bytes,
            });
        }
    }
    Some(answers)
}

/// Bytes of the first rows of what is left of a tensor.
fn length(value: &Values<Bytes>, rest: &[u8], rows: u64, total: u64) -> Option<usize> {
    match value.datatype {
        Datatype::Bytes => {
            let each: u64 = value.shape.get(1..)?.iter().product();
            let texts = texts(rest).take(usize::try_from(each.checked_mul(rows)?).ok()?);
            texts
                .map(|text| text.map(|text| text.len() + 4))
                .try_fold(0, |sum, length| Some(sum + length?))
        }
        _ => {
            let all = u64::try_from(value.bytes.len()).ok()?;
            let each = all.checked_div(total)?;
            usize::try_from(each.checked_mul(rows)?).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(shape: &[u64], all: &[f32]) -> Values<Bytes> {
        let bytes: Vec<u8> = all.iter().flat_map(|it| it.to_le_bytes()).collect();
        Values {
            datatype: Datatype::Fp32,
            shape: shape.to_vec(),
            bytes: bytes.into(),
        }
    }

    fn words(all: &[&str]) -> Values<Bytes> {
        let mut bytes = Vec::new();
        for word in all {
            let length = u32::try_from(word.len()).unwrap();
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(word.as_bytes());
        }
        Values {
            datatype: Datatype::Bytes,
            shape: vec![u64::try_from(all.len()).unwrap()],
            bytes: bytes.into(),
        }
    }

    fn asked(values: Tensors) -> Inputs<Bytes> {
        Inputs {
            values,
            wanted: Vec::new(),
        }
    }

    #[test]
    fn what_is_joined_comes_apart_again() {
        let one = asked(vec![floats(&[1, 2], &[1.0, 2.0]), words(&["a"])]);
        let two = asked(vec![
            floats(&[2, 2], &[3.0, 4.0, 5.0, 6.0]),
            words(&["", "long"]),
        ]);
        assert!(fit(&one, &two));
        assert_eq!((rows(&one.values), rows(&two.values)), (Some(1), Some(2)));
        let joined = joined(&[&one, &two]);
        assert_eq!(joined.values[0].shape, [3, 2]);
        assert_eq!(joined.values[1].shape, [3]);
        let answer: Tensors = joined
            .values
            .into_iter()
            .map(|it| Values {
                datatype: it.datatype,
                shape: it.shape,
                bytes: it.bytes.into(),
            })
            .collect();
        let answers = apart(&answer, &[1, 2]).unwrap();
        assert_eq!(answers, [one.values, two.values]);
    }

    #[test]
    fn what_differs_is_not_joined_and_a_short_answer_not_taken_apart() {
        let one = asked(vec![floats(&[1, 2], &[1.0, 2.0])]);
        let wide = asked(vec![floats(&[1, 3], &[1.0, 2.0, 3.0])]);
        assert!(!fit(&one, &wide));
        let some = Inputs {
            wanted: vec![1],
            ..one.clone()
        };
        assert!(!fit(&one, &some));
        let uneven = [floats(&[1, 2], &[1.0, 2.0]), words(&["a", "b"])];
        assert_eq!(rows(&uneven), None);
        assert_eq!(rows(&[floats(&[], &[1.0])]), None);
        assert!(apart(&vec![floats(&[2], &[1.0, 2.0])], &[1, 2]).is_none());
        assert!(apart(&vec![words(&["a"])], &[1, 1]).is_none());
    }
}
