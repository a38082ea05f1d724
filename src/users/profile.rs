//! What people keep about themselves: any JSON object, of a bounded size, because each read of the
//! account carries it whole.

use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::kernel::values::{Checked, Wrong, checked};

/// Bytes of the profile written as JSON without spaces.
const LARGEST: usize = 8 * 1024;
/// Objects and lists in one another, the profile itself counted.
const DEEPEST: usize = 16;

/// A profile as it is kept.
#[derive(Clone, Debug, Default)]
pub struct Profile(pub Map<String, Value>);

impl Checked for Profile {
    type Raw = Map<String, Value>;

    fn checked(raw: Self::Raw) -> Result<Self, Wrong> {
        fits(&raw)?;
        Ok(Self(raw))
    }

    fn described() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Object)
    }
}

checked!(Profile);

/// Whether a profile may be kept, of a change the whole that it makes.
pub fn fits(profile: &Map<String, Value>) -> Result<(), Wrong> {
    let wrong = |code, detail: String| Err(Wrong::new(code, detail));
    // The depth first: what follows walks down it.
    if !is_shallow(profile.values(), DEEPEST - 1) {
        return wrong(
            "too-deep",
            format!("expected at most {DEEPEST} objects and lists in one another"),
        );
    }
    match serde_json::to_vec(profile) {
        Ok(written) if written.len() <= LARGEST => Ok(()),
        _ => wrong(
            "too-large",
            format!("expected at most {LARGEST} bytes as JSON, with what is kept already"),
        ),
    }
}

fn is_shallow<'a>(values: impl Iterator<Item = &'a Value>, levels: usize) -> bool {
    let mut values = values;
    values.all(|value| match (value, levels.checked_sub(1)) {
        (Value::Object(members), Some(levels)) => is_shallow(members.values(), levels),
        (Value::Array(items), Some(levels)) => is_shallow(items.iter(), levels),
        (Value::Object(_) | Value::Array(_), None) => false,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(value: Value) -> Result<(), String> {
        let Value::Object(profile) = value else {
            panic!("{value}")
        };
        fits(&profile).map_err(|wrong| wrong.code.to_owned())
    }

    #[test]
    fn a_profile_is_bounded_in_size_and_depth() {
        let filled = |length: usize| json!({ "a": "x".repeat(length) });
        let frame = filled(0).to_string().len();
        assert_eq!(judged(filled(LARGEST - frame)), Ok(()));
        assert_eq!(judged(filled(LARGEST - frame + 1)), Err("too-large".into()));
        let nested = |levels| {
            (1..levels).fold(json!({}), |inner, level| match level % 2 {
                0 => json!({ "a": [inner] }),
                _ => json!({ "a": inner }),
            })
        };
        let depth = |value: &Value| {
            let (mut depth, mut deepest) = (0_usize, 0);
            for c in value.to_string().chars() {
                match c {
                    '{' | '[' => depth += 1,
                    '}' | ']' => depth -= 1,
                    _ => {}
                }
                deepest = deepest.max(depth);
            }
            deepest
        };
        for levels in 1..=DEEPEST {
            let profile = nested(levels);
            let expected = match depth(&profile) {
                0..=DEEPEST => Ok(()),
                _ => Err("too-deep".into()),
            };
            assert_eq!(judged(profile), expected, "{levels}");
        }
    }
}
