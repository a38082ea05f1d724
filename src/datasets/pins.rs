//! Pins: names for versions that are kept for good.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, no_id};
use crate::kernel::types::{DatasetId, PrincipalId, instant};
use crate::kernel::values::{NameRule, text};
use crate::schema::dataset_pins;

text! {
    /// The name of a pin, which is alone in its dataset: letters, digits and `.`, `-`, `_`
    PinName = |text| NameRule::ANY.checked(text),
    || NameRule::ANY.described().description(Some("The name of a pin, which is alone in its dataset"));
}

impl PinName {
    pub const MIN: usize = NameRule::MIN;
    pub const MAX: usize = NameRule::MAX;
}

/// A version that is kept for good
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = dataset_pins, check_for_backend(diesel::pg::Pg))]
pub struct Pin {
    pub name: String,
    pub version: i64,
    /// Who made it; null if the account was deleted
    made_by: Option<PrincipalId>,
    #[serde(serialize_with = "instant")]
    made_at: DateTime<Utc>,
}

impl Pin {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        dataset: DatasetId,
        name: &str,
    ) -> QueryResult<Option<Self>> {
        dataset_pins::table
            .find((dataset, name))
            .select(Self::as_select())
            .first(&mut connection)
            .await
            .optional()
    }

    pub async fn insert(
        connection: &mut AsyncPgConnection,
        dataset: DatasetId,
        name: &PinName,
        version: i64,
        by: PrincipalId,
    ) -> QueryResult<Self> {
        diesel::insert_into(dataset_pins::table)
            .values((
                dataset_pins::dataset_id.eq(dataset),
                dataset_pins::name.eq(name),
                dataset_pins::version.eq(version),
                dataset_pins::made_by.eq(by),
            ))
            .returning(Self::as_select())
            .get_result(connection)
            .await
    }

    pub async fn delete(
        connection: &mut AsyncPgConnection,
        dataset: DatasetId,
        name: &str,
    ) -> QueryResult<usize> {
        diesel::delete(dataset_pins::table.find((dataset, name)))
            .execute(connection)
            .await
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum PinSort {
    Name,
}

impl Sorts for PinSort {
    type Row = Pin;
    const LIST: &'static str = "pins";
    const ALL: &'static [(&'static str, Self)] = &[("name", Self::Name)];
    const DEFAULT: (Self, Direction) = (Self::Name, Direction::Ascending);

    fn place(self, row: &Pin) -> Place {
        Place {
            key: Key::Text(row.name.clone()),
            id: uuid::Uuid::nil(),
        }
    }
}

/// The pins of a dataset, in pages.
pub async fn page(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    page: &PageQuery<PinSort>,
) -> QueryResult<Found<Pin>> {
    let wanted = || {
        dataset_pins::table
            .filter(dataset_pins::dataset_id.eq(dataset))
            .select(Pin::as_select())
            .into_boxed()
    };
    let id = no_id();
    page.load(connection, wanted, dataset_pins::name, id).await
}
