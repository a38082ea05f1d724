//! The SQL of a page: rows after a place, in order, as many as fit.
//!
//! The limit is a literal out of a few. As a bind parameter it made PostgreSQL plan every execution
//! anew, because a generic plan has to guess it and looks dearer than a plan for the value at hand;
//! as 200 different literals it would make 200 statements.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{Error, QueryResult};
use diesel::sql_types::{
    BigInt, Bool, Date, Double, Nullable, Numeric, SingleValue, SqlType, Text, Timestamptz, Uuid,
    is_nullable,
};

use super::cursor::{Key, Place};

/// Counting stops here: past it, a number is of no use to anybody and costs a scan.
pub const COUNT_CAP: i64 = 10_000;
/// One more than the cap, so that reaching it is told from passing it.
const COUNT_LIMIT: &str = " LIMIT 10001";
/// Each has room for the one row more that says whether there is another page.
const LIMITS: [(usize, &str); 5] = [
    (10, " LIMIT 11"),
    (25, " LIMIT 26"),
    (50, " LIMIT 51"),
    (100, " LIMIT 101"),
    (200, " LIMIT 201"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// Where a list has its rows without a value, in whichever direction it is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    First,
    Last,
}

/// Types of columns that a list can be sorted by.
pub trait Sortable: SingleValue {
    const NULLABLE: bool = false;

    fn takes(key: &Key) -> bool;
}

macro_rules! sortable {
    ($($sql:ty => $key:ident,)+) => {
        $(impl Sortable for $sql {
            fn takes(key: &Key) -> bool {
                matches!(key, Key::$key(_))
            }
        })+
    };
}

sortable! {
    Text => Text, BigInt => Int, Timestamptz => Time, Uuid => Uuid,
    Double => Float, Numeric => Decimal, Date => Date,
}

impl<T: Sortable + SqlType<IsNull = is_nullable::NotNull>> Sortable for Nullable<T> {
    const NULLABLE: bool = true;

    fn takes(key: &Key) -> bool {
        *key == Key::Null || T::takes(key)
    }
}

/// The part of a list that one query finds. A column that can be null makes two parts, each with a
/// query: an index serves either in both directions, but no order of both at once.
#[derive(Clone, Debug)]
pub(super) enum Part {
    All,
    Given,
    Null,
    /// What comes after the place in its part.
    After(Place),
}

impl Part {
    /// The parts of what comes after the place, in order.
    pub(super) fn after<T: Sortable>(place: Option<Place>, nulls: Nulls) -> Vec<Self> {
        if !T::NULLABLE {
            return vec![place.map_or(Self::All, Self::After)];
        }
        let [first, second] = match nulls {
            Nulls::First => [Self::Null, Self::Given],
            Nulls::Last => [Self::Given, Self::Null],
        };
        match place {
            None => vec![first, second],
            Some(place) if (place.key == Key::Null) == (nulls == Nulls::First) => {
                vec![Self::After(place), second]
            }
            Some(place) => vec![Self::After(place)],
        }
    }
}

/// `(column, id) > (…, …)`: one comparison of rows, which an index on both serves as a range; or
/// what else makes the part of a list.
#[derive(Clone, Debug)]
pub struct After<C, I> {
    pub(super) column: C,
    pub(super) id: I,
    pub(super) part: Part,
    pub(super) direction: Direction,
}

/// `column, id`, both in the same direction.
#[derive(Clone, Debug)]
pub struct By<C, I> {
    pub(super) column: C,
    pub(super) id: I,
    pub(super) direction: Direction,
}

/// A query with a literal limit.
#[derive(Clone, Debug)]
pub struct Limited<Q> {
    pub(super) query: Q,
    pub(super) limit: usize,
}

/// How many rows a query has, up to [`COUNT_CAP`] and one.
#[derive(Clone, Debug)]
pub struct Counted<Q>(pub(super) Q);

impl<C: Expression, I: Expression> Expression for After<C, I> {
    type SqlType = Bool;
}

impl<C: Expression, I: Expression> Expression for By<C, I> {
    type SqlType = diesel::expression::expression_types::NotSelectable;
}

macro_rules! fragments {
    ($($name:ident,)+) => {$(
        impl<C, I, S> AppearsOnTable<S> for $name<C, I>
        where
            C: Expression + AppearsOnTable<S>,
            I: Expression + AppearsOnTable<S>,
        {
        }

        impl<C, I> ValidGrouping<()> for $name<C, I> {
            type IsAggregate = is_aggregate::No;
        }

        // The text depends on the request, so it alone identifies the statement.
        impl<C, I> QueryId for $name<C, I> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    )+};
}

fragments! { After, By, }

impl<C, I> QueryFragment<Pg> for After<C, I>
where
    C: Expression + QueryFragment<Pg>,
    C::SqlType: Sortable,
    I: Expression<SqlType = Uuid> + QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let place = match &self.part {
            Part::After(place) => place,
            Part::All => {
                out.push_sql("TRUE");
                return Ok(());
            }
            part => {
                self.column.walk_ast(out.reborrow())?;
                out.push_sql(match part {
                    Part::Null => " IS NULL",
                    _ => " IS NOT NULL",
                });
                return Ok(());
            }
        };
        if !C::SqlType::takes(&place.key) {
            return Err(Error::QueryBuilderError(
                "the list's places have another type than its column".into(),
            ));
        }
        let sign = match self.direction {
            Direction::Ascending => " > ",
            Direction::Descending => " < ",
        };
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        if place.key == Key::Null {
            out.push_sql(" IS NULL AND ");
            self.id.walk_ast(out.reborrow())?;
            out.push_sql(sign);
        } else {
            out.push_sql(", ");
            self.id.walk_ast(out.reborrow())?;
            out.push_sql(")");
            out.push_sql(sign);
            out.push_sql("(");
            match &place.key {
                Key::Text(text) => out.push_bind_param::<Text, _>(text)?,
                Key::Int(number) => out.push_bind_param::<BigInt, _>(number)?,
                Key::Time(time) => out.push_bind_param::<Timestamptz, _>(time)?,
                Key::Uuid(id) => out.push_bind_param::<Uuid, _>(id)?,
                Key::Float(number) => out.push_bind_param::<Double, _>(number)?,
                Key::Date(date) => out.push_bind_param::<Date, _>(date)?,
                Key::Decimal(digits) => {
                    out.push_bind_param::<Text, _>(digits)?;
                    out.push_sql("::numeric");
                }
                Key::Null => {}
            }
            out.push_sql(", ");
        }
        out.push_bind_param::<Uuid, _>(&place.id)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: QueryFragment<Pg>, I: QueryFragment<Pg>> QueryFragment<Pg> for By<C, I> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let direction = match self.direction {
            Direction::Ascending => "",
            Direction::Descending => " DESC",
        };
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(direction);
        out.push_sql(", ");
        self.id.walk_ast(out.reborrow())?;
        out.push_sql(direction);
        Ok(())
    }
}

impl<Q: Query> Query for Limited<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for Limited<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Limited<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        let fitting = LIMITS.iter().find(|(most, _)| self.limit <= *most);
        let Some((_, sql)) = fitting else {
            return Err(Error::QueryBuilderError(
                "a page is larger than pages get".into(),
            ));
        };
        out.push_sql(sql);
        Ok(())
    }
}

impl<Q> Query for Counted<Q> {
    type SqlType = BigInt;
}

impl<Q: QueryId> QueryId for Counted<Q> {
    type QueryId = Counted<Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(COUNT_LIMIT);
        out.push_sql(") AS counted");
        Ok(())
    }
}
