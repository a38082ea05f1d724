//! The parameters of a list: what they may be, what is said where they are not, how they are
//! documented.

use axum::extract::{FromRef, FromRequestParts, Query};
use http::Uri;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{Cursors, Limit, PageParams};
use crate::db::page::{Direction, PageQuery, Scope, Sorts};
use crate::kernel::error::{ApiError, Code};
use crate::kernel::values::Checked as _;

const USUAL: usize = 50;
/// `before` is for pages alone: the API, which documents it nowhere, refuses it before.
const OWN: [&str; 5] = ["limit", "cursor", "count", "sort", "before"];

impl<S: Sorts, A: Send + Sync> FromRequestParts<A> for PageParams<S>
where
    Cursors: FromRef<A>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &A) -> Result<Self, ApiError> {
        Self::read(&parts.uri, Cursors::from_ref(state))
    }
}

impl<S: Sorts> PageParams<S> {
    fn read(uri: &Uri, cursors: Cursors) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| ApiError::new(Code::InvalidParameter, error.body_text()))?;
        let (own, filters): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .partition(|(name, _)| OWN.contains(&name.as_str()));
        let value = |wanted: &str| {
            let mut values = own.iter().filter(|(name, _)| name == wanted);
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(invalid(wanted, "given more than once")),
                (first, None) => Ok(first.map(|(_, value)| value.as_str())),
            }
        };
        let limit = match value("limit")? {
            None => USUAL,
            // What is no number is as far off as zero.
            Some(text) => Limit::checked(text.parse().unwrap_or_default())
                .map_err(|wrong| invalid("limit", &wrong.detail))?
                .get(),
        };
        let counts = match value("count")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("count", "expected true or false")),
        };
        let (sort, direction) = match value("sort")? {
            None => S::DEFAULT,
            Some(text) => sort_of(text).ok_or_else(|| {
                invalid(
                    "sort",
                    &format!("expected one of {}", sort_names::<S>().join(", ")),
                )
            })?,
        };
        let scope = Scope::new(S::LIST, uri.path(), &name_of(sort, direction), filters);
        let back = value("before")?;
        let after = match back.or(value("cursor")?) {
            None => None,
            Some(text) => Some(cursors.keys.open(&scope, text).ok_or_else(|| {
                invalid(
                    "cursor",
                    "expected `next` of a page of this list, with the same filters and sort; begin again without it",
                )
            })?),
        };
        Ok(Self {
            query: PageQuery {
                sort,
                direction: match (direction, back) {
                    (direction, None) => direction,
                    (Direction::Ascending, Some(_)) => Direction::Descending,
                    (Direction::Descending, Some(_)) => Direction::Ascending,
                },
                limit,
                counts,
                after,
            },
            scope,
            uri: uri.clone(),
            is_back: back.is_some(),
            cursors,
        })
    }
}

fn invalid(parameter: &str, expected: &str) -> ApiError {
    ApiError::new(Code::InvalidParameter, format!("{parameter}: {expected}"))
}

fn name_of<S: Sorts>(sort: S, direction: Direction) -> String {
    let name = S::ALL
        .iter()
        .find_map(|(name, one)| (*one == sort).then_some(*name))
        .unwrap_or_default();
    match direction {
        Direction::Ascending => name.to_owned(),
        Direction::Descending => format!("-{name}"),
    }
}

fn sort_of<S: Sorts>(text: &str) -> Option<(S, Direction)> {
    let (name, direction) = match text.strip_prefix('-') {
        Some(name) => (name, Direction::Descending),
        None => (text, Direction::Ascending),
    };
    let (_, sort) = S::ALL.iter().find(|(known, _)| *known == name)?;
    Some((*sort, direction))
}

fn sort_names<S: Sorts>() -> Vec<String> {
    let both = |(name, _): &(&str, S)| [(*name).to_owned(), format!("-{name}")];
    S::ALL.iter().flat_map(both).collect()
}

impl<S: Sorts> IntoParams for PageParams<S> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = |name: &str, description: &str, schema: ObjectBuilder| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        let schema = |kind| ObjectBuilder::new().schema_type(kind);
        let (sort, direction) = S::DEFAULT;
        vec![
            parameter(
                "limit",
                "How many items the page has at most. A page of large ones ends earlier, at about 1 MiB",
                Limit::described().default(Some(USUAL.into())),
            ),
            parameter(
                "cursor",
                "The `next` of the page before. Filters and `sort` have to be the same",
                schema(Type::String),
            ),
            parameter(
                "count",
                "Whether to count the items on all pages, up to 10,000",
                schema(Type::Boolean).default(Some(false.into())),
            ),
            parameter(
                "sort",
                "What to sort by. With `-` the largest, or the latest, comes first",
                schema(Type::String)
                    .enum_values(Some(sort_names::<S>()))
                    .default(Some(name_of(sort, direction).into())),
            ),
        ]
    }
}
