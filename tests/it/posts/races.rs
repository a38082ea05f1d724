//! Who is removed while their write waits for a row does not write any more.

use super::*;
use crate::support::wait::until;

const SOON: std::time::Duration = std::time::Duration::from_secs(20);

/// What is written while another holds this row.
struct Case {
    deed: &'static str,
    /// Locks what the deed waits for, in a transaction that is open.
    lock: fn(project: &str, post: &str) -> String,
}

const CASES: [Case; 6] = [
    Case {
        deed: "change",
        lock: |_, post| format!("SELECT FROM posts WHERE id = '{post}' FOR UPDATE"),
    },
    Case {
        deed: "delete",
        lock: |_, post| format!("SELECT FROM posts WHERE id = '{post}' FOR UPDATE"),
    },
    Case {
        deed: "vote",
        lock: |_, post| format!("SELECT FROM posts WHERE id = '{post}' FOR UPDATE"),
    },
    Case {
        deed: "vote",
        lock: |_, post| format!("SELECT FROM post_scores WHERE post_id = '{post}' FOR UPDATE"),
    },
    Case {
        deed: "unvote",
        lock: |_, post| format!("SELECT FROM post_scores WHERE post_id = '{post}' FOR UPDATE"),
    },
    Case {
        deed: "create",
        lock: |project, _| format!("SELECT FROM projects WHERE id = '{project}' FOR UPDATE"),
    },
];

async fn attempt(place: &Place, who: &Person, deed: &str, project: &str, post: &str) -> Answer {
    let path = format!("/api/v1/posts/{post}");
    match deed {
        "change" => who.patch(place, &path, json!({ "title": "Late" })).await,
        "delete" => who.delete(place, &path).await,
        "vote" => who.vote(place, &path).await,
        "unvote" => who.unvote(place, &path).await,
        _ => {
            who.create(
                place,
                json!({ "title": "Late", "content": "", "project_id": project }),
            )
            .await
        }
    }
}

/// All that such a write may have changed.
async fn state(place: &Place) -> String {
    let ask = "SELECT concat((SELECT string_agg(title || version, ' ' ORDER BY id) FROM posts), ' ', \
        (SELECT count(*) FROM post_votes), ' ', (SELECT sum(votes) FROM post_scores))";
    place.session.query_one(ask, &[]).await.unwrap().get(0)
}

/// Each deed, with the member removed, demoted or left alone in the meantime.
#[tokio::test]
async fn audit_l4_what_waited_is_judged_by_what_is_true_after_the_wait() {
    let place = Place::new(&[]).await;
    let owner = place.person("owner").await;
    for (number, Case { deed, lock }) in CASES.iter().enumerate() {
        for visibility in ["private", "internal"] {
            for meanwhile in ["removed", "demoted", "left alone"] {
                let who = place
                    .person(&format!(
                        "p{number}{visibility}{}",
                        meanwhile.replace(' ', "")
                    ))
                    .await;
                let project = place
                    .project(visibility, &[(&owner, "owner"), (&who, "editor")])
                    .await;
                let post = owner.post(&place, json!({ "project_id": project })).await;
                let post = post.rsplit('/').next().unwrap().to_owned();
                if *deed == "unvote" {
                    assert_eq!(
                        attempt(&place, &who, "vote", &project, &post).await.status,
                        204
                    );
                }
                let before = state(&place).await;
                let holder = place.app.database.session().await;
                holder.batch_execute("BEGIN").await.unwrap();
                holder.batch_execute(&lock(&project, &post)).await.unwrap();
                let late = attempt(&place, &who, deed, &project, &post);
                let meet = async {
                    until("the write waits", SOON, async || {
                        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                            AND datname = current_database()";
                        (place.number(waiting).await > 0).then_some(())
                    })
                    .await
                    .unwrap();
                    let row = format!("project_id = '{project}' AND principal_id = '{}'", who.id);
                    match meanwhile {
                        "removed" => {
                            place
                                .sql(&format!("DELETE FROM project_members WHERE {row}"))
                                .await
                        }
                        "demoted" => {
                            place
                                .sql(&format!(
                                    "UPDATE project_members SET role = 'viewer' WHERE {row}"
                                ))
                                .await;
                        }
                        _ => {}
                    }
                    holder.batch_execute("COMMIT").await.unwrap();
                };
                let (late, ()) = tokio::join!(late, meet);
                let name = format!("{deed}, {visibility}, {meanwhile}");
                let reads = visibility == "internal" || meanwhile == "demoted";
                let votes = deed.ends_with("vote");
                let expected = match meanwhile {
                    "left alone" => None,
                    "demoted" if votes => None,
                    _ if votes && reads => None,
                    _ if reads => Some(403),
                    _ => Some(404),
                };
                match expected {
                    Some(status) => {
                        assert_eq!(late.status, status, "{name}: {}", late.text());
                        assert_eq!(state(&place).await, before, "{name}");
                    }
                    None => {
                        assert!(late.status.is_success(), "{name}: {}", late.text());
                        assert_ne!(state(&place).await, before, "{name}");
                    }
                }
            }
        }
    }
}
