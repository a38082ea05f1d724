//! For how long the trail is kept: the owner of the tables says so, and the service removes what is
//! older and nothing else.

use std::time::Duration;

use chartroom::db::retention::keep_audit_events;
use chartroom::events::model::purge;

use uuid::Uuid;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

async fn ages(session: &tokio_postgres::Client) -> Vec<String> {
    let rows = "SELECT detail->>'age' FROM audit_events WHERE action = 'a.b' ORDER BY id";
    let rows = session.query(rows, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// One event for each age in days, with ids in the order of time.
async fn tell(session: &tokio_postgres::Client, ages: &[i32]) {
    for age in ages {
        let at = chrono::Utc::now() - chrono::TimeDelta::days((*age).into());
        let seconds = u64::try_from(at.timestamp()).unwrap();
        let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0);
        let insert = "INSERT INTO audit_events (id, at, action, detail) \
                      VALUES ($1, $2, 'a.b', jsonb_build_object('age', $3::int))";
        let id = Uuid::new_v7(time);
        session.execute(insert, &[&id, &at, age]).await.unwrap();
    }
}

#[tokio::test]
async fn the_trail_is_kept_for_ever_unless_its_owner_says_for_how_long() {
    let app = app(&[]).await;
    let (db, endpoint) = (&app.app.db, &app.database.endpoint);
    let owner = app.database.session().await;
    tell(&owner, &[4_000, 100, 91, 89, 0]).await;
    assert_eq!(purge(db).await.unwrap(), 0);
    keep_audit_events(endpoint, Some(90), PATIENCE)
        .await
        .unwrap();
    assert_eq!(purge(db).await.unwrap(), 3);
    assert_eq!(ages(&owner).await, ["89", "0"]);
    // For ever again.
    keep_audit_events(endpoint, None, PATIENCE).await.unwrap();
    tell(&owner, &[5_000]).await;
    assert_eq!(purge(db).await.unwrap(), 0);
    assert_eq!(ages(&owner).await.len(), 3);
}

/// What is old is removed by its owner as well, and nothing that is not.
#[tokio::test]
async fn nobody_removes_what_is_to_be_kept() {
    let app = app(&[]).await;
    let endpoint = &app.database.endpoint;
    let owner = app.database.session().await;
    tell(&owner, &[91, 89]).await;
    let delete = "DELETE FROM audit_events";
    for days in [None, Some(90)] {
        keep_audit_events(endpoint, days, PATIENCE).await.unwrap();
        let error = owner.batch_execute(delete).await.unwrap_err();
        let said = error.as_db_error().unwrap().message();
        assert_eq!(said, "audit_events is append-only", "{days:?}");
        assert_eq!(ages(&owner).await, ["91", "89"]);
    }
    // The role of the service can neither delete nor change what is kept. A table or a view of its
    // own that has the name of the trail is not what the function looks at.
    let service = app.database.runtime_session().await;
    for sql in [
        "DELETE FROM audit_events WHERE at < now() - interval '91 days'",
        "CREATE OR REPLACE FUNCTION audit_kept_for() RETURNS interval LANGUAGE sql STABLE \
         AS 'SELECT interval ''0 days'''",
        "ALTER FUNCTION audit_kept_for() RENAME TO other",
        "DROP FUNCTION audit_kept_for()",
        "ALTER TABLE audit_events DISABLE TRIGGER audit_events_kept",
    ] {
        let refused = service.batch_execute(sql).await.expect_err(sql);
        let right = tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE;
        assert_eq!(refused.code(), Some(&right), "{sql}: {refused}");
    }
    service
        .batch_execute(
            "CREATE TEMPORARY TABLE audit_events AS SELECT id, now() - interval '100 days' AS at \
             FROM public.audit_events; \
             SET search_path = pg_temp, public; \
             SELECT public.purge_audit_events(1000)",
        )
        .await
        .unwrap();
    let own: i64 = service
        .query_one("SELECT count(*) FROM pg_temp.audit_events", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(own, 2, "its own table stays as it is");
    assert_eq!(ages(&owner).await, ["89"]);
    // Nobody else calls the function.
    let public = "SELECT has_function_privilege('pg_monitor', 'purge_audit_events(integer)', \
                  'EXECUTE')";
    let may: bool = owner.query_one(public, &[]).await.unwrap().get(0);
    assert!(!may);
}
