//! Guesses what the columns of a file are, so that nothing is lost: leading zeros stay text, whole
//! numbers stay exact, decimals keep their digits, dates that could be two days stay text.

use crate::datasets::column::ColumnType;
use crate::datasets::value::is_value;

/// From the narrowest on; a text is what everything can be.
const ORDER: [ColumnType; 8] = [
    ColumnType::Bool,
    ColumnType::Int,
    ColumnType::Bigint,
    ColumnType::Decimal,
    ColumnType::Float64,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::Text,
];

/// What the values of one column have in common.
#[derive(Clone, Debug)]
pub struct Guess {
    is: [bool; ORDER.len()],
    has_values: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            is: [true; ORDER.len()],
            has_values: false,
        }
    }
}

impl Guess {
    pub fn see(&mut self, text: &str, spare: &mut Vec<u8>) {
        self.has_values = true;
        for (kind, is) in ORDER.into_iter().zip(&mut self.is) {
            *is = *is && is_plainly(kind, text, spare);
        }
    }

    /// A column without any value is a text.
    pub fn kind(&self) -> ColumnType {
        if !self.has_values {
            return ColumnType::Text;
        }
        let first = ORDER.into_iter().zip(self.is).find(|(_, is)| *is);
        first.map_or(ColumnType::Text, |(kind, _)| kind)
    }
}

/// Whether nothing is lost by reading the text as one of the kind, and nobody would be surprised.
fn is_plainly(kind: ColumnType, text: &str, spare: &mut Vec<u8>) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let has_leading_zero = digits.len() > 1
        && digits.starts_with('0')
        && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let is_spaced = text.trim() != text;
    match kind {
        ColumnType::Text => true,
        ColumnType::Bool => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        ColumnType::Int | ColumnType::Bigint | ColumnType::Decimal | ColumnType::Float64 => {
            let has_exponent = kind == ColumnType::Decimal && text.contains(['e', 'E']);
            let is_odd = has_leading_zero || is_spaced || has_exponent || text.starts_with('+');
            !is_odd && is_value(kind, text, spare)
        }
        ColumnType::Date | ColumnType::Timestamp => !is_spaced && is_value(kind, text, spare),
        ColumnType::IntRange | ColumnType::Json => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(texts: &[&str]) -> ColumnType {
        let mut guess = Guess::default();
        let mut spare = Vec::new();
        texts.iter().for_each(|text| guess.see(text, &mut spare));
        guess.kind()
    }

    #[test]
    fn the_narrowest_type_that_loses_nothing_is_guessed() {
        for (texts, expected) in [
            (vec!["1", "-20", "0"], ColumnType::Int),
            (vec!["1", "9007199254740993"], ColumnType::Bigint),
            (vec!["1", "99999999999999999999"], ColumnType::Decimal),
            (vec!["1.50", "2"], ColumnType::Decimal),
            (vec!["1.5", "1e-5"], ColumnType::Float64),
            (vec!["007", "8"], ColumnType::Text),
            (vec!["0.5", "-0.25"], ColumnType::Decimal),
            (vec!["true", "FALSE"], ColumnType::Bool),
            (vec!["0", "1"], ColumnType::Int),
            (vec!["2024-01-02"], ColumnType::Date),
            (vec!["2024-01-02", "2024-01-02T10:00:00Z"], ColumnType::Text),
            (vec!["2024-01-02T10:00:00Z"], ColumnType::Timestamp),
            (vec!["01/02/2024"], ColumnType::Text),
            (vec!["1", "n/a"], ColumnType::Text),
            (vec!["+49 30"], ColumnType::Text),
            (vec!["nan", "1"], ColumnType::Text),
            (vec![], ColumnType::Text),
        ] {
            assert_eq!(kind(&texts), expected, "{texts:?}");
        }
    }
}
