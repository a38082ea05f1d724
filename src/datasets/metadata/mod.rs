//! A version of a dataset as catalogues of others describe data: Frictionless Data Package and
//! MLCommons Croissant.

pub mod croissant;
pub mod package;

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::model::Dataset;
use super::versions::Version;

/// What is described.
pub struct Described<'a> {
    pub dataset: &'a Dataset,
    /// `None` before the first change.
    pub version: Option<&'a Version>,
    /// Where the API is.
    pub public_url: &'a str,
}

impl Described<'_> {
    fn url(&self) -> String {
        format!("{}/api/v1/datasets/{}", self.public_url, self.dataset.id)
    }

    /// Where its records are as CSV.
    fn file(&self) -> String {
        let version = self.number();
        match self.version {
            Some(_) => format!("{}/records?format=csv&version={version}", self.url()),
            None => format!("{}/records?format=csv", self.url()),
        }
    }

    fn number(&self) -> i64 {
        self.version.map_or(0, |version| version.version)
    }

    /// As semantic versions are written: no release after it changes what a version is.
    fn semantic(&self) -> String {
        format!("{}.0.0", self.number())
    }

    /// Whether the version keeps the rules that there are. Those that were before may have been
    /// others.
    fn keeps_rules(&self) -> bool {
        self.number() >= self.dataset.rules_since
    }

    fn made_at(&self) -> String {
        let made_at = self
            .version
            .map_or(self.dataset.created_at, Version::made_at);
        made_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
    }
}

fn is_url(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && text.parse::<http::Uri>().is_ok()
}

/// What is there and says something.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

macro_rules! documents {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {$(
        $(#[doc = $doc])+
        #[derive(Serialize)]
        #[serde(transparent)]
        pub struct $name(Value);

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .description(Some(concat!($($doc),+).trim()))
                    .additional_properties(Some(AdditionalProperties::FreeForm(true)))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

documents! {
    /// A Frictionless Data Package, version 2
    DataPackage,
    /// A dataset as MLCommons Croissant 1.0 describes it, in JSON-LD
    CroissantDataset,
}
