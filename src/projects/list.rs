//! The list of one's projects: those one is a member of, by filters, in pages.
//!
//! All filters together are one clause, in which those not given admit everything. So there are two
//! statements per sort and size of page, with filters and without, and not one for each of their
//! combinations, of which a connection would keep thousands.

use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::Role;
use super::model::{Project, Visibility};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::kernel::types::{PrincipalId, words};
use crate::kernel::values::UsualTime;
use crate::schema::{project_members, projects};

diesel::define_sql_function! {
    fn coalesce(value: Nullable<Text>, otherwise: Text) -> Text;
}

diesel::define_sql_function! {
    /// Ours: whether a text is like all of the patterns, in upper or lower case.
    fn matches_all(value: Text, patterns: Array<Text>) -> Bool;
}

/// Words that are looked for; more say nothing that these did not.
const MOST_WORDS: usize = 16;

words! {
    /// Whether its `expires_at` has passed
    Status {
        Active = "active",
        Expired = "expired",
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum ProjectSort {
    CreatedAt,
    UpdatedAt,
    Name,
}

impl Sorts for ProjectSort {
    type Row = (Project, Role);
    const LIST: &'static str = "projects";
    const ALL: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("name", Self::Name),
    ];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, (project, _): &Self::Row) -> Place {
        let key = match self {
            // By the time in the id: the index of memberships has the id, so every page is as cheap
            // as the first.
            Self::CreatedAt => Key::Uuid(project.id.0),
            Self::UpdatedAt => Key::Time(project.updated_at),
            Self::Name => Key::Text(project.name.clone()),
        };
        Place {
            key,
            id: project.id.0,
        }
    }

    fn weight((project, _): &Self::Row) -> usize {
        size_of::<Self::Row>() + project.description.as_ref().map_or(0, String::len)
    }
}

pub type ProjectPage = PageQuery<ProjectSort>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectFilter {
    /// Whether its `expires_at` has passed
    #[param(inline)]
    status: Option<Status>,
    /// Only projects in which you have this role
    role: Option<Role>,
    /// Only private ones, which nobody but their members may read, or only internal ones
    visibility: Option<Visibility>,
    /// Only projects with exactly this name
    name: Option<String>,
    /// A part of the name, in upper or lower case, which it must have
    #[serde(rename = "name__contains")]
    name_contains: Option<String>,
    /// Words that the name or the description must have, all of them, in upper or lower case
    q: Option<String>,
    /// Only projects that expire before this time
    #[serde(rename = "expires_at__lt")]
    #[param(inline)]
    expires_at_lt: Option<UsualTime>,
    /// Only projects that expire at this time or before
    #[serde(rename = "expires_at__lte")]
    #[param(inline)]
    expires_at_lte: Option<UsualTime>,
    /// Only projects that expire after this time
    #[serde(rename = "expires_at__gt")]
    #[param(inline)]
    expires_at_gt: Option<UsualTime>,
    /// Only projects that expire at this time or after
    #[serde(rename = "expires_at__gte")]
    #[param(inline)]
    expires_at_gte: Option<UsualTime>,
    /// Only projects that never expire (`true`), or only those that do (`false`)
    #[serde(rename = "expires_at__isnull")]
    expires_at_isnull: Option<bool>,
}

type Mine<'a> = diesel::helper_types::IntoBoxed<'a, mine, Pg>;

#[diesel::dsl::auto_type]
fn mine(who: PrincipalId) -> _ {
    let project: AsSelect<Project, Pg> = Project::as_select();
    project_members::table
        .inner_join(projects::table)
        .filter(project_members::principal_id.eq(who))
        .select((project, project_members::role))
}

/// `one`, or all there are where none is asked for.
fn one_of<T: Copy>(one: Option<T>, all: &[T]) -> Vec<T> {
    one.map_or_else(|| all.to_vec(), |one| vec![one])
}

/// What LIKE finds `part` anywhere with.
fn pattern(part: &str) -> String {
    let part = part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{part}%")
}

fn filtered(all_mine: Mine<'static>, filter: &ProjectFilter) -> Mine<'static> {
    let ProjectFilter {
        status,
        role,
        visibility,
        name,
        name_contains,
        q,
        expires_at_lt,
        expires_at_lte,
        expires_at_gt,
        expires_at_gte,
        expires_at_isnull,
    } = filter.clone();
    let expired = one_of(status, Status::ALL)
        .iter()
        .map(|status| *status == Status::Expired)
        .collect::<Vec<_>>();
    let part: Vec<String> = name_contains.iter().map(|part| pattern(part)).collect();
    let words: Vec<String> = q
        .iter()
        .flat_map(|q| q.split_whitespace())
        .take(MOST_WORDS)
        .map(pattern)
        .collect();
    let text = projects::name
        .concat("\n")
        .concat(coalesce(projects::description, ""));
    let time = |given: Option<UsualTime>| given.map(|UsualTime(time)| time);
    let is_none = |given| time(given).into_sql::<Nullable<Timestamptz>>().is_null();
    all_mine
        .filter(
            projects::expires_at
                .is_not_null()
                .and(projects::expires_at.assume_not_null().le(diesel::dsl::now))
                .eq_any(expired),
        )
        .filter(project_members::role.eq_any(one_of(role, Role::ALL)))
        .filter(projects::visibility.eq_any(one_of(visibility, Visibility::ALL)))
        .filter(
            name.clone()
                .into_sql::<Nullable<Text>>()
                .is_null()
                .or(projects::name.nullable().eq(name)),
        )
        .filter(matches_all(projects::name, part))
        .filter(matches_all(text, words))
        .filter(is_none(expires_at_lt).or(projects::expires_at.lt(time(expires_at_lt))))
        .filter(is_none(expires_at_lte).or(projects::expires_at.le(time(expires_at_lte))))
        .filter(is_none(expires_at_gt).or(projects::expires_at.gt(time(expires_at_gt))))
        .filter(is_none(expires_at_gte).or(projects::expires_at.ge(time(expires_at_gte))))
        .filter(
            projects::expires_at
                .is_null()
                .eq_any(one_of(expires_at_isnull, &[true, false])),
        )
}

pub async fn page(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
    page: &ProjectPage,
    filter: &ProjectFilter,
) -> QueryResult<Found<(Project, Role)>> {
    let wanted = || {
        let all_mine: Mine<'static> = mine(who).into_boxed();
        if *filter == ProjectFilter::default() {
            return all_mine;
        }
        filtered(all_mine, filter)
    };
    let id = project_members::project_id;
    match page.sort {
        ProjectSort::CreatedAt => page.load(connection, wanted, id, id).await,
        ProjectSort::UpdatedAt => {
            page.load(connection, wanted, projects::updated_at, id)
                .await
        }
        ProjectSort::Name => page.load(connection, wanted, projects::name, id).await,
    }
}
