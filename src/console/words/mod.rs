//! What pages say, in every language that they speak: a function for each sentence, so that one
//! that is missing in a language does not compile.

mod common;
mod datasets;
mod models;
mod people;
mod places;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    En,
    De,
}

impl Lang {
    pub const ALL: [(Self, &'static str, &'static str); 2] =
        [(Self::En, "en", "English"), (Self::De, "de", "Deutsch")];

    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// `None` for a language that is not spoken here.
    pub fn of_code(code: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, known, _)| *known == code);
        known.map(|(lang, ..)| *lang)
    }

    /// The language that a browser prefers of these; the order of the list decides between equals.
    pub fn preferred(headers: &HeaderMap) -> Self {
        let text = headers.get(ACCEPT_LANGUAGE);
        let text = text.and_then(|value| value.to_str().ok()).unwrap_or("");
        let mut best: Option<(Self, f32)> = None;
        for item in text.split(',') {
            let mut parts = item.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let primary = tag.split('-').next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if let Some(lang) = Self::of_code(primary)
                && weight > best.map_or(0.0, |(_, weight)| weight)
            {
                best = Some((lang, weight));
            }
        }
        best.map_or(Self::default(), |(lang, _)| lang)
    }
}

/// Functions of [`Lang`], each with its sentence in English and in German.
macro_rules! said {
    ($($name:ident $(($($value:ident),+))? : $en:literal / $de:literal;)+) => {
        impl $crate::console::words::Lang {
            $($crate::console::words::said!(@one $name $(($($value),+))? : $en, $de);)+
        }
    };
    (@one $name:ident : $en:literal, $de:literal) => {
        pub fn $name(self) -> &'static str {
            match self {
                Self::En => $en,
                Self::De => $de,
            }
        }
    };
    (@one $name:ident ($($value:ident),+) : $en:literal, $de:literal) => {
        pub fn $name(self, $($value: impl std::fmt::Display),+) -> String {
            match self {
                Self::En => format!($en),
                Self::De => format!($de),
            }
        }
    };
}

pub(in crate::console) use said;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_which_language() {
        let of = |text: &str| {
            let value = text.parse().unwrap();
            Lang::preferred(&HeaderMap::from_iter([(ACCEPT_LANGUAGE, value)]))
        };
        for (text, expected) in [
            ("de", Lang::De),
            ("de-AT,de;q=0.9,en;q=0.8", Lang::De),
            ("fr, de;q=0.2", Lang::De),
            ("en, de", Lang::En),
            ("de;q=0.5, en;q=0.7", Lang::En),
            ("de;q=0", Lang::En),
            ("fr", Lang::En),
            ("", Lang::En),
            ("*", Lang::En),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        assert_eq!(Lang::preferred(&HeaderMap::new()), Lang::En);
    }

    #[test]
    fn a_sentence_has_its_values_in_both_languages() {
        for (lang, ..) in Lang::ALL {
            let said = lang.expires_on("2030-01-02");
            assert!(said.contains("2030-01-02"), "{said}");
        }
        assert_ne!(Lang::En.save(), Lang::De.save());
    }
}
