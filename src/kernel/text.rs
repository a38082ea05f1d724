//! Characters that deceive whoever reads them, by the properties of the Unicode standard: ICU's
//! data, which our URLs are read by as well.

use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, Script};
use icu_properties::script::ScriptWithExtensions;

/// Scripts that one language writes together (UTS #39, section 5.1).
const TOGETHER: [&[Script]; 3] = [
    &[Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Han, Script::Hangul],
    &[Script::Han, Script::Bopomofo],
];

/// Whether a terminal or a reader could mistake it: what is not seen, turns the text around, or
/// ends a line.
pub fn deceives(c: char) -> bool {
    // Nearly all text is ASCII, and this is asked for each character of a log line.
    c >= '\u{7f}'
        && (matches!(
            c,
            '\u{7f}'..='\u{9f}'
                // The separators of lines and of paragraphs.
                | '\u{2028}' | '\u{2029}'
                // A blank that is no space.
                | '\u{2800}'
                // Marks of annotations.
                | '\u{fff9}'..='\u{fffb}'
        ) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
}

/// Whether all letters may be of one script: `аdmin` with a Cyrillic first letter is not. Digits
/// and marks that every script uses do not count.
pub fn is_of_one_script(text: &str) -> bool {
    let scripts = ScriptWithExtensions::new();
    let is_of = |c: char, family: &[Script]| family.iter().any(|one| scripts.has_script(c, *one));
    let letters = || {
        text.chars()
            .filter(|c| !is_of(*c, &[Script::Common, Script::Inherited]))
    };
    let Some(first) = letters().next() else {
        return true;
    };
    let alone = scripts.get_script_extensions_val(first);
    alone.iter().any(|one| letters().all(|c| is_of(c, &[one])))
        || TOGETHER
            .iter()
            .any(|family| letters().all(|c| is_of(c, family)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_deceives() {
        for c in [
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200f}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{206f}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{1d173}',
            '\u{e0041}',
            '\u{e0fff}',
        ] {
            assert!(deceives(c), "{c:?}");
        }
        for c in [
            'a', '~', 'é', 'ß', 'щ', '中', '한', '\u{301}', '😀', '\u{a0}',
        ] {
            assert!(!deceives(c), "{c:?}");
        }
    }

    #[test]
    fn one_script_is_what_one_language_writes() {
        for good in [
            "",
            "ann.o-m_1",
            "Jürgen",
            "анна1",
            "άννα",
            "ｆｏｏ",
            "東京タワーの",
            "김철수",
            "金철수",
            "ㄅㄆ注音",
            "मीरा",
            "سارة٣",
        ] {
            assert!(is_of_one_script(good), "{good}");
        }
        for bad in [
            "аdmin1",
            "admin\u{345}",
            "pаypal",
            "annα",
            "한タ",
            "a中",
            "सa",
        ] {
            assert!(!is_of_one_script(bad), "{bad}");
        }
    }
}
