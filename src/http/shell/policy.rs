//! How a route is served: what its body may be, how long it may take, which permits it needs. A
//! handler says it in `extensions(("x-policy" = json!("upload")))`; one that says nothing gets the
//! strictest.

use utoipa::openapi::path::Operation;

const NAME: &str = "x-policy";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoutePolicy {
    /// A body of at most 16 KiB and an answer, both whole in memory, within the request deadline.
    #[default]
    Short,
    /// The same with a body as large as the setting allows.
    Large,
    /// The handler reads the body as it arrives, for as long as it keeps arriving.
    Upload,
    /// The answer is made while it is read, for as long as it keeps being read.
    Download,
}

impl RoutePolicy {
    pub const ALL: [(&str, Self); 4] = [
        ("short", Self::Short),
        ("large", Self::Large),
        ("upload", Self::Upload),
        ("download", Self::Download),
    ];

    pub fn of(operation: &Operation) -> anyhow::Result<Self> {
        let said = operation.extensions.as_ref();
        let Some(said) = said.and_then(|said| said.get(NAME)) else {
            return Ok(Self::default());
        };
        let known = Self::ALL.iter().find(|(word, _)| said == word);
        known.map(|(_, policy)| *policy).ok_or_else(|| {
            let words = Self::ALL.map(|(word, _)| word).join(", ");
            anyhow::anyhow!("{NAME} is one of {words}, not {said}")
        })
    }

    /// Whether it lasts for as long as bytes move: such requests have permits of their own, and
    /// what is noted of them waits for their end.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Upload | Self::Download)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::openapi::extensions::ExtensionsBuilder;
    use utoipa::openapi::path::OperationBuilder;

    use super::*;

    #[test]
    fn a_policy_is_one_of_the_words_or_refused() {
        let of = |word| {
            let said = ExtensionsBuilder::new().add(NAME, json!(word)).build();
            RoutePolicy::of(&OperationBuilder::new().extensions(Some(said)).build())
        };
        for (word, policy) in RoutePolicy::ALL {
            assert_eq!(of(word).unwrap(), policy);
        }
        for bad in ["", "uplaod", "Large", "upload "] {
            let refused = of(bad).unwrap_err().to_string();
            assert!(
                refused.contains("short, large, upload, download"),
                "{refused}"
            );
        }
        let none = RoutePolicy::of(&OperationBuilder::new().build()).unwrap();
        assert_eq!(none, RoutePolicy::Short);
    }
}
