//! Lists that are sorted by a column with nulls.

use chartroom::db::page::{CursorKey, Direction, Nulls, PageQuery, Scope, Sorts as _};
use diesel::prelude::*;
use diesel::sql_types as sql;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use utoipa_axum::router::OpenApiRouter;

use super::{By, COLUMNS, TABLE, filled, ids, page};
use crate::support::app::TestApp;

/// By the cursors, as clients walk.
#[tokio::test]
async fn the_pages_are_the_whole_list_wherever_the_nulls_are() {
    let cursors = CursorKey::new(&[7; 32]);
    let scope = || Scope::new("readings", "/", "", vec![]);
    for seed in [1, 2] {
        let (app, session) = filled(60, seed).await;
        for (column, nulls) in COLUMNS
            .into_iter()
            .flat_map(|column| [(column, Nulls::First), (column, Nulls::Last)])
        {
            for direction in [Direction::Ascending, Direction::Descending] {
                let way = match direction {
                    Direction::Ascending => "ASC",
                    Direction::Descending => "DESC",
                };
                let end = match nulls {
                    Nulls::First => "FIRST",
                    Nulls::Last => "LAST",
                };
                let order = format!("{column} {way} NULLS {end}, id {way}");
                let all = format!("SELECT id FROM readings ORDER BY {order}");
                let all = ids(&session, &all).await;
                for limit in [1, 4, 10, 60] {
                    let (mut met, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
                    loop {
                        let sort = By(column, nulls);
                        let wanted = PageQuery {
                            sort,
                            direction,
                            limit,
                            counts: true,
                            after: cursor.map(|text| cursors.open(&scope(), &text).unwrap()),
                        };
                        let read = async |conn: &mut AsyncPgConnection| page(conn, &wanted).await;
                        let found = app.app.db.read(read).await.unwrap();
                        let (rows, is_last, total) = found.parts(limit);
                        assert_eq!(total, Some(60));
                        assert!(is_last || rows.len() == limit, "{order}");
                        met.extend(rows.iter().map(|row| row.id));
                        pages += 1;
                        if is_last {
                            break;
                        }
                        cursor = rows
                            .last()
                            .map(|row| cursors.seal(&scope(), &sort.place(row)));
                    }
                    assert_eq!(met, all, "{order}, {limit} a page");
                    assert_eq!(pages, 60_usize.div_ceil(limit), "{order}");
                }
            }
        }
    }
}

/// An index on the column and the id serves every part in both directions.
#[tokio::test]
async fn a_later_page_of_a_column_with_nulls_reads_no_more_than_the_first() {
    let app = TestApp::with(&["--database-connections=1"], OpenApiRouter::new()).await;
    let session = app.database.session().await;
    session.batch_execute(TABLE).await.unwrap();
    let fill = "INSERT INTO readings (id, number) SELECT gen_random_uuid(), \
        CASE WHEN n % 2 = 0 THEN n % 50 END FROM generate_series(1, 20000) n; ANALYZE readings";
    session.batch_execute(fill).await.unwrap();
    for nulls in [Nulls::First, Nulls::Last] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut after = None;
            for _ in 0..70 {
                let wanted = PageQuery {
                    sort: By("number", nulls),
                    direction,
                    limit: 200,
                    counts: false,
                    after,
                };
                let before = read(&app).await;
                let load = async |conn: &mut AsyncPgConnection| page(conn, &wanted).await;
                let found = app.app.db.write(load).await.unwrap();
                let rows = read(&app).await - before;
                assert!(
                    (201..=402).contains(&rows),
                    "{nulls:?}, {direction:?}: {rows}"
                );
                let (shown, is_last, _) = found.parts(200);
                assert!(!is_last);
                after = shown.last().map(|row| wanted.sort.place(row));
            }
        }
    }
}

/// How many rows the application's one connection has read.
async fn read(app: &TestApp) -> i64 {
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = sql::BigInt)]
        rows: i64,
    }
    let flush = "SELECT pg_stat_force_next_flush()";
    let ask = "SELECT pg_stat_get_tuples_returned('readings'::regclass) \
        + pg_stat_get_tuples_returned('readings_number_idx'::regclass) AS rows";
    let read = async |conn: &mut AsyncPgConnection| {
        diesel::sql_query(flush).execute(conn).await?;
        diesel::sql_query(ask).get_result::<Read>(conn).await
    };
    app.app.db.write(read).await.unwrap().rows
}
