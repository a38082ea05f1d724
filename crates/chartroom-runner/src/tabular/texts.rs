//! Numbers and JSON as texts that lose nothing.

use std::fmt::{Display, LowerExp, Write as _};

/// The shortest text that is read as the same number; without an exponent where that is short, too.
pub(super) fn float<F: Display + LowerExp + Copy + Into<f64>>(value: F, to: &mut String) {
    let wide: f64 = value.into();
    let _ = if wide.is_nan() {
        to.write_str("NaN")
    } else if wide.is_infinite() {
        to.write_str(if wide > 0.0 { "Infinity" } else { "-Infinity" })
    } else if wide == 0.0 || (1e-7..1e21).contains(&wide.abs()) {
        write!(to, "{value}")
    } else {
        write!(to, "{value:e}")
    };
}

/// Makes a JSON string of what was written from `start` on.
pub(super) fn quote(start: usize, to: &mut String) {
    let text = to.split_off(start);
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(to, "\\u{:04x}", u32::from(c));
            }
            c => to.push(c),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_read_as_the_same_number() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let value = f64::from_bits(bits);
            let mut to = String::new();
            float(value, &mut to);
            if !value.is_nan() {
                assert_eq!(to.parse::<f64>().unwrap().to_bits(), bits, "{to}");
            }
        }
        for (value, expected) in [
            (0.1, "0.1"),
            (3.0, "3"),
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (1.5e-9, "1.5e-9"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let mut to = String::new();
            float(value, &mut to);
            assert_eq!(to, expected);
        }
        let mut to = String::new();
        float(0.1_f32, &mut to);
        assert_eq!(to, "0.1");
    }

    #[test]
    fn quoted_text_is_json() {
        let text = "a\"\\\n\u{1}\u{1F980}é";
        let mut to = format!("[{text}");
        quote(1, &mut to);
        to.push(']');
        assert_eq!(serde_json::from_str::<Vec<String>>(&to).unwrap(), [text]);
    }
}
