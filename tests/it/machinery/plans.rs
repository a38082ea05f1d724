//! PostgreSQL plans the statement of a list once, not for every page.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::things::{app, things};

#[derive(QueryableByName)]
struct Plans {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    generic_plans: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    custom_plans: i64,
}

/// How the statements with this text were planned on the connection that the application has.
async fn plans(app: &crate::support::app::TestApp, pattern: &str) -> Vec<Plans> {
    app.app
        .db
        .write(async |conn| {
            diesel::sql_query("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement ~ $1")
                .bind::<diesel::sql_types::Text, _>(pattern)
                .load(conn)
                .await
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn the_limit_does_not_make_it_plan_anew() {
    let (app, _) = app(&["--database-connections=1"]).await;
    let session = app.database.session().await;
    let fill = "INSERT INTO things (id, title, votes, created_at) \
                SELECT gen_random_uuid(), 'thing', n % 100, now() - n * interval '1 second' FROM generate_series(1, 20000) n; \
                ANALYZE things";
    session.batch_execute(fill).await.unwrap();
    for sort in ["-created_at", "votes"] {
        let first = app.get(&format!("/things?sort={sort}")).await.json();
        let cursor = first["next"].as_str().unwrap().to_owned();
        for limit in [50, 40, 30, 26, 50, 50, 50, 50, 50, 50, 50, 50] {
            app.get(&format!(
                "/things?sort={sort}&limit={limit}&cursor={cursor}"
            ))
            .await;
        }
    }
    for column in ["created_at", "votes"] {
        let found = plans(
            &app,
            &format!(r#"^SELECT.*\("things"."{column}", "things"."id"\) [<>] .* LIMIT 51$"#),
        )
        .await;
        assert_eq!(
            found.len(),
            1,
            "{column}: limits from 26 to 50 share one statement"
        );
        // PostgreSQL tries five plans for the values at hand before it settles.
        assert_eq!(
            (found[0].custom_plans, found[0].generic_plans),
            (5, 7),
            "{column}"
        );
    }
    // The control: diesel's own limit is a bind parameter.
    for _ in 0..12 {
        let bound = things::table
            .order((things::created_at, things::id))
            .select(things::id)
            .limit(50);
        let bound = async |conn: &mut _| bound.load::<uuid::Uuid>(conn).await;
        app.app.db.write(bound).await.unwrap();
    }
    let bound = plans(&app, r"LIMIT \$1$").await;
    assert_eq!((bound[0].custom_plans, bound[0].generic_plans), (12, 0));
}

/// Page 300 costs what page 1 costs: the index is entered at the cursor.
#[tokio::test]
async fn a_later_page_reads_no_more_than_the_first() {
    let (app, _) = app(&[]).await;
    let session = app.database.session().await;
    let fill = "INSERT INTO things (id, title, votes, created_at) \
                SELECT gen_random_uuid(), 'thing', 7, now() - n * interval '1 second' FROM generate_series(1, 20000) n; \
                ANALYZE things";
    session.batch_execute(fill).await.unwrap();
    let explain = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT id FROM things WHERE (created_at, id) < \
                   (now() - interval '15000 seconds', '00000000-0000-7000-8000-000000000000') ORDER BY created_at DESC, id DESC LIMIT 51";
    let answer = session.simple_query(explain).await.unwrap();
    let plan: String = answer
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let scan = &plan[0]["Plan"]["Plans"][0];
    assert!(
        scan["Index Cond"]
            .as_str()
            .unwrap()
            .starts_with("(ROW(created_at, id) < ROW("),
        "{plan}"
    );
    assert_eq!(
        scan["Rows Removed by Filter"].as_i64().unwrap_or(0),
        0,
        "{plan}"
    );
}
