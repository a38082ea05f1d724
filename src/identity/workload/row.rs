//! The principals of workloads: each is made when it is first needed, by whoever names it or by its
//! first call.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::kernel::types::PrincipalId;
use crate::kernel::workload::WorkloadName;
use crate::schema::workloads;

pub async fn find(
    connection: &mut AsyncPgConnection,
    name: &WorkloadName,
) -> QueryResult<Option<PrincipalId>> {
    workloads::table
        .filter(workloads::name.eq(name.as_str()))
        .select(workloads::id)
        .first(connection)
        .await
        .optional()
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = SqlUuid)]
    id: PrincipalId,
}

/// Of several at once, one makes the rows and the others find them. References are checked when the
/// statement ends, so the name, which decides who that is, may come before what it refers to.
pub async fn ensure(
    connection: &mut AsyncPgConnection,
    name: &WorkloadName,
) -> QueryResult<PrincipalId> {
    let found: Option<Known> = diesel::sql_query(
        "WITH made AS (INSERT INTO workloads (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id), \
         principal AS (INSERT INTO principals (id, kind) SELECT id, 'workload' FROM made) \
         SELECT id FROM made UNION ALL SELECT id FROM workloads WHERE name = $2",
    )
    .bind::<SqlUuid, _>(PrincipalId::fresh())
    .bind::<Text, _>(name.as_str())
    .get_result(connection)
    .await
    .optional()?;
    match found {
        Some(Known { id }) => Ok(id),
        // Made by another while this one waited for it; a new statement sees it.
        None => find(connection, name)
            .await?
            .ok_or(diesel::result::Error::NotFound),
    }
}
