//! What a dataset says of itself besides its description: its card.

use diesel::Queryable;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body::patch::{Change, Patch};
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::values::text;

text! {
    /// On which terms the data may be used: an SPDX identifier such as `CC-BY-4.0`, a URL, or words
    Licence: 0..=200, no_control;
    /// Where the data comes from: a URL, or words
    DataSource: 0..=2_000, no_control;
    /// Whom to ask: a name, an address
    Contact: 0..=300, no_control;
    /// A word by which the dataset is found
    Tag: 1..=50, no_control, trimmed;
}

pub const MOST_TAGS: usize = 20;

/// What a dataset says of itself
#[derive(Clone, Debug, Default, PartialEq, Eq, Queryable, Serialize, ToSchema)]
#[schema(as = DatasetCard)]
pub struct Card {
    /// On which terms the data may be used
    pub licence: Option<String>,
    /// Where the data comes from
    pub source: Option<String>,
    /// Whom to ask
    pub contact: Option<String>,
    /// Words by which the dataset is found, in their order
    pub tags: Vec<String>,
}

/// What a dataset says of itself, of which members that are left out stay as they are
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChanges {
    #[serde(default)]
    #[schema(value_type = Option<Licence>)]
    pub licence: Patch<Licence>,
    #[serde(default)]
    #[schema(value_type = Option<DataSource>)]
    pub source: Patch<DataSource>,
    #[serde(default)]
    #[schema(value_type = Option<Contact>)]
    pub contact: Patch<Contact>,
    /// All of them, at most 20
    #[serde(default)]
    #[schema(value_type = Vec<Tag>, max_items = 20, required = false)]
    pub tags: Change<Vec<Tag>>,
}

impl CardChanges {
    /// The tags in their order and each once.
    pub fn sorted_tags(&self) -> ApiResult<Option<Vec<String>>> {
        let Some(tags) = self.tags.value() else {
            return Ok(None);
        };
        if tags.len() > MOST_TAGS {
            let detail = "a dataset has at most 20 tags";
            return Err(ApiError::wrong_field(
                "/card/tags",
                "too-many-items",
                detail,
            ));
        }
        let mut tags: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
        tags.sort();
        tags.dedup();
        Ok(Some(tags))
    }
}
