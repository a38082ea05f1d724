//! What administrators do to others, and that it acts on every replica at once.

use chartroom::identity::account::Account;
use chartroom::identity::revocation::feed::FRESH;
use chartroom::identity::secret::{fresh_secret, secret_hash};
use chartroom::identity::session::{self, Kind};
use chartroom::kernel::types::{PrincipalId, SessionId};
use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::*;
use crate::support::wait::until;

/// Somebody who administers, and an access token that says so.
pub(super) async fn admin(app: &TestApp, username: &str) -> (Person, String) {
    let person = Person::register(app, username).await;
    make_admin(app, &person).await;
    let bearer = person.sign_in(app).await.bearer();
    (person, bearer)
}

async fn make_admin(app: &TestApp, person: &Person) {
    let statement = format!(
        "UPDATE users SET is_admin = true WHERE id = '{}'",
        person.id
    );
    let session = app.database.session().await;
    session.batch_execute(&statement).await.unwrap();
}

pub(super) async fn patch_user(app: &TestApp, who: &str, id: &str, body: Value) -> Answer {
    patch_if(app, who, id, body, None).await
}

async fn patch_if(app: &TestApp, who: &str, id: &str, body: Value, etag: Option<&str>) -> Answer {
    let mut headers = vec![PATCH, ("authorization", who)];
    headers.extend(etag.map(|etag| ("if-match", etag)));
    let target = format!("/api/v1/users/{id}");
    app.send(Method::PATCH, &target, &headers, body.to_string().into())
        .await
}

/// A machine's secret of that person's.
async fn api_token(app: &TestApp, person: &Person) -> String {
    let secret = fresh_secret("crt_").unwrap();
    let secret = secret.expose_secret();
    let user: Uuid = person.id.parse().unwrap();
    let insert = "INSERT INTO api_tokens (id, user_id, name, access, secret_hash) VALUES ($1, $2, 'ci', 'write', $3)";
    let session = app.database.session().await;
    let hash = secret_hash(secret);
    session
        .execute(insert, &[&Uuid::now_v7(), &user, &hash])
        .await
        .unwrap();
    format!("Bearer {secret}")
}

/// Each way in, as a header.
struct Ways([(&'static str, String); 4]);

impl Ways {
    async fn of(app: &TestApp, person: &Person) -> Self {
        Self([
            ("authorization", person.sign_in(app).await.bearer()),
            ("cookie", person.cookie(app).await),
            ("authorization", basic(&person.username, PASSWORD)),
            ("authorization", api_token(app, person).await),
        ])
    }

    /// What each is answered.
    async fn ask(&self, app: &TestApp, target: &str) -> [u16; 4] {
        let mut statuses = [0; 4];
        for (status, (name, value)) in statuses.iter_mut().zip(&self.0) {
            let headers = [(*name, value.as_str())];
            let answer = app.send(Method::GET, target, &headers, Body::empty());
            *status = answer.await.status.as_u16();
        }
        statuses
    }

    async fn until(&self, app: &TestApp, target: &str, expected: [u16; 4]) {
        let seen = async || (self.ask(app, target).await == expected).then_some(());
        until("the end on another replica", FRESH, seen)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn administrators_see_more_of_users_than_others() {
    let app = app(&[]).await;
    let (root, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let target = format!("/api/v1/users/{}", ann.id);
    let public = json!({ "id": ann.id, "username": "ann", "name": null });
    let others = [
        ann.sign_in(&app).await.bearer(),
        api_token(&app, &root).await,
    ];
    for who in &others {
        assert_eq!(get_as(&app, &target, who).await.json(), public);
        let list = get_as(&app, "/api/v1/users?q=ann", who).await.json();
        assert_eq!(list["items"], json!([public]));
    }
    let seen = get_as(&app, &target, &bearer).await;
    let mut all = seen.json();
    assert!(all["created_at"].take().is_string());
    let expected = json!({ "id": ann.id, "username": "ann", "name": null, "email": ann.email, "admin": false, "disabled": false, "created_at": null });
    assert_eq!(all, expected);
    let headers = [
        ("authorization", bearer.as_str()),
        ("if-none-match", seen.header("etag")),
    ];
    let again = app.send(Method::GET, &target, &headers, Body::empty());
    assert_eq!(again.await.status, 304);
    for nobody in [Uuid::now_v7().to_string(), "ann".to_owned()] {
        let answer = get_as(&app, &format!("/api/v1/users/{nobody}"), &bearer).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "not-found")
        );
    }
}

#[tokio::test]
async fn only_administrators_change_others_and_only_what_may_be_changed() {
    let app = app(&[]).await;
    let (root, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let target = format!("/api/v1/users/{}", ann.id);
    let sessions = format!("{target}/sessions");
    let disable = json!({ "disabled": true });
    let anonymous = app.send(Method::PATCH, &target, &[PATCH], disable.to_string().into());
    assert_eq!(anonymous.await.status, 401);
    for who in [
        ann.sign_in(&app).await.bearer(),
        api_token(&app, &root).await,
    ] {
        let answers = [
            patch_user(&app, &who, &ann.id, disable.clone()).await,
            send_as(&app, Method::DELETE, &target, &who).await,
            send_as(&app, Method::DELETE, &sessions, &who).await,
            get_as(&app, "/api/v1/audit", &who).await,
        ];
        for answer in answers {
            assert_eq!(
                (answer.status.as_u16(), answer.problem().as_str()),
                (403, "forbidden")
            );
        }
    }
    let nobody = Uuid::now_v7().to_string();
    let missing = [
        patch_user(&app, &bearer, &nobody, disable.clone()).await,
        send_as(
            &app,
            Method::DELETE,
            &format!("/api/v1/users/{nobody}"),
            &bearer,
        )
        .await,
        send_as(
            &app,
            Method::DELETE,
            &format!("/api/v1/users/{nobody}/sessions"),
            &bearer,
        )
        .await,
        patch_user(&app, &bearer, "ann", disable.clone()).await,
    ];
    for answer in missing {
        assert_eq!(answer.problem(), "not-found");
    }
    for (body, pointer) in [
        (json!({ "disabled": "yes" }), "/disabled"),
        (json!({ "admin": null }), "/admin"),
        (json!({ "admin": 1 }), "/admin"),
        (json!({ "email": "eve@example.com" }), "/email"),
        (json!({ "is_admin": true }), "/is_admin"),
        (json!([]), ""),
        (json!([true]), ""),
    ] {
        let answer = patch_user(&app, &bearer, &ann.id, body.clone()).await;
        assert_eq!(answer.problem(), "validation-failed", "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let form = [FORM, ("authorization", bearer.as_str())];
    let answer = app.send(Method::PATCH, &target, &form, Body::from("disabled=true"));
    assert_eq!(answer.await.problem(), "unsupported-media-type");

    let before = get_as(&app, &target, &bearer).await;
    let etag = before.header("etag").to_owned();
    let same = patch_if(
        &app,
        &bearer,
        &ann.id,
        json!({ "disabled": false }),
        Some(&etag),
    )
    .await;
    assert_eq!(
        (same.json(), same.header("etag")),
        (before.json(), etag.as_str())
    );
    let changed = patch_if(&app, &bearer, &ann.id, disable.clone(), Some(&etag)).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json()["disabled"]),
        (200, &json!(true))
    );
    assert_ne!(changed.header("etag"), etag);
    let stale = patch_if(
        &app,
        &bearer,
        &ann.id,
        json!({ "disabled": false }),
        Some(&etag),
    )
    .await;
    assert_eq!(stale.problem(), "precondition-failed");
    let headers = [
        ("authorization", bearer.as_str()),
        ("if-match", etag.as_str()),
    ];
    let stale = app.send(Method::DELETE, &target, &headers, Body::empty());
    assert_eq!(stale.await.problem(), "precondition-failed");
    assert_eq!(get_as(&app, &target, &bearer).await.json(), changed.json());
}

#[tokio::test]
async fn a_disabled_user_is_out_by_every_way_on_every_replica() {
    let app = app(&[]).await;
    let other = app.beside(&UNLIMITED);
    let (_, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let ways = Ways::of(&app, &ann).await;
    let pair = ann.sign_in(&app).await;
    // Found good on both, so that both remember.
    for replica in [&app, &other] {
        assert_eq!(ways.ask(replica, "/api/v1/me").await, [200; 4]);
    }
    let answer = patch_user(&app, &bearer, &ann.id, json!({ "disabled": true })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(ways.ask(&app, "/api/v1/me").await, [401; 4]);
    ways.until(&other, "/api/v1/me", [401; 4]).await;
    for replica in [&app, &other] {
        assert_eq!(
            by_refresh(replica, &pair.refresh).await.problem(),
            "invalid-grant"
        );
        assert_eq!(
            by_password(replica, "ann", PASSWORD).await.problem(),
            "invalid-grant"
        );
    }
    // Enabled again, the password is good and nothing that has ended is.
    let answer = patch_user(&app, &bearer, &ann.id, json!({ "disabled": false })).await;
    assert_eq!(answer.json()["disabled"], false);
    for replica in [&app, &other] {
        assert_eq!(ways.ask(replica, "/api/v1/me").await, [401, 401, 200, 401]);
    }
}

#[tokio::test]
async fn a_demoted_administrator_has_no_right_left_on_any_replica() {
    let app = app(&[]).await;
    let other = app.beside(&UNLIMITED);
    let (_, bearer) = admin(&app, "root").await;
    let (ann, _) = admin(&app, "ann").await;
    let ways = Ways::of(&app, &ann).await;
    for replica in [&app, &other] {
        assert_eq!(
            ways.ask(replica, "/api/v1/audit").await,
            [200, 200, 200, 403]
        );
    }
    let answer = patch_user(&app, &bearer, &ann.id, json!({ "admin": false })).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["admin"]),
        (200, &json!(false))
    );
    assert_eq!(ways.ask(&app, "/api/v1/audit").await, [401, 401, 403, 403]);
    ways.until(&other, "/api/v1/audit", [401, 401, 403, 403])
        .await;
    // The account is as good as any.
    for replica in [&app, &other] {
        assert_eq!(ways.ask(replica, "/api/v1/me").await, [401, 401, 200, 200]);
    }
    let answer = patch_user(&app, &bearer, &ann.id, json!({ "admin": true })).await;
    assert_eq!(answer.json()["admin"], true);
    let again = ann.sign_in(&app).await.bearer();
    assert_eq!(get_as(&app, "/api/v1/audit", &again).await.status, 200);
}

/// The user was read before a demotion, and the session starts after it.
#[tokio::test]
async fn a_sign_in_that_overlaps_a_demotion_does_not_keep_the_right() {
    let app = app(&[]).await;
    let (_, bearer) = admin(&app, "root").await;
    let (ann, _) = admin(&app, "ann").await;
    let id = PrincipalId(ann.id.parse().unwrap());
    let user = app
        .app
        .db
        .read(async |connection| Account::find(connection, id).await);
    let user = user.await.unwrap().unwrap().user;
    assert!(user.is_admin);
    let start = async || {
        let lifetimes = app.app.identity.lifetimes;
        let started = app.app.db.write(async |connection| {
            let id = SessionId::fresh();
            session::start(connection, id, &user, &Kind::Bearer, lifetimes, None, None).await
        });
        started.await.unwrap().unwrap().is_admin
    };
    assert!(start().await);
    patch_user(&app, &bearer, &ann.id, json!({ "admin": false })).await;
    assert!(!start().await);
}

#[tokio::test]
async fn an_administrator_always_remains() {
    let app = app(&[]).await;
    let (root, bearer) = admin(&app, "root").await;
    let target = format!("/api/v1/users/{}", root.id);
    for body in [
        json!({ "admin": false }),
        json!({ "disabled": true }),
        json!({ "admin": false, "disabled": true }),
    ] {
        let answer = patch_user(&app, &bearer, &root.id, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (409, "last-admin")
        );
    }
    let answer = send_as(&app, Method::DELETE, &target, &bearer).await;
    assert_eq!(answer.problem(), "last-admin");
    let headers = [JSON, ("authorization", bearer.as_str())];
    let password = json!({ "password": PASSWORD }).to_string();
    let answer = app.send(Method::DELETE, "/api/v1/me", &headers, password.into());
    assert_eq!(answer.await.problem(), "last-admin");
    assert_eq!(me(&app, &bearer).await, 200, "nothing was changed");
    // Who cannot sign in does not count.
    let (ann, _) = admin(&app, "ann").await;
    patch_user(&app, &bearer, &ann.id, json!({ "disabled": true })).await;
    let answer = patch_user(&app, &bearer, &root.id, json!({ "admin": false })).await;
    assert_eq!(answer.problem(), "last-admin");
    patch_user(&app, &bearer, &ann.id, json!({ "disabled": false })).await;
    let answer = patch_user(&app, &bearer, &root.id, json!({ "admin": false })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn of_administrators_who_demote_each_other_at_once_one_remains() {
    let app = app(&[]).await;
    let mut people = Vec::new();
    for name in ["ann", "bob", "cy"] {
        people.push(Person::register(&app, name).await);
    }
    for round in 0..5 {
        let mut bearers = Vec::new();
        for person in &people {
            make_admin(&app, person).await;
            bearers.push(person.sign_in(&app).await.bearer());
        }
        // Everybody demotes the next, and everybody themselves.
        let asks = (0..6).map(|number| {
            let (who, whom) = (number % 3, (number % 3 + 1 + number / 3 * 2) % 3);
            patch_user(
                &app,
                &bearers[who],
                &people[whom].id,
                json!({ "admin": false }),
            )
        });
        let answers = join_all(asks).await;
        let allowed = |answer: &&Answer| [200, 401, 403, 409].contains(&answer.status.as_u16());
        for answer in &answers {
            assert!(allowed(&answer), "{}", answer.text());
        }
        let count = "SELECT count(*) FROM users WHERE is_admin AND NOT is_disabled";
        let session = app.database.session().await;
        let left: i64 = session.query_one(count, &[]).await.unwrap().get(0);
        assert!(left >= 1, "round {round}: nobody administers any more");
        assert!(answers.iter().any(|answer| answer.status == 200));
    }
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_signed_out() {
    let app = app(&[]).await;
    let (_, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let ways = Ways::of(&app, &ann).await;
    assert_eq!(ways.ask(&app, "/api/v1/me").await, [200; 4]);
    let target = format!("/api/v1/users/{}", ann.id);
    assert_eq!(
        send_as(&app, Method::DELETE, &target, &bearer).await.status,
        204
    );
    assert_eq!(ways.ask(&app, "/api/v1/me").await, [401; 4]);
    for answer in [
        send_as(&app, Method::DELETE, &target, &bearer).await,
        get_as(&app, &target, &bearer).await,
    ] {
        assert_eq!(answer.problem(), "not-found");
    }
    let found = get_as(&app, "/api/v1/users?q=ann", &bearer).await.json();
    assert_eq!(found["items"], json!([]));
    Person::register(&app, "ann").await;
}

#[tokio::test]
async fn signing_somebody_out_ends_sessions_and_leaves_machines() {
    let app = app(&[]).await;
    let other = app.beside(&UNLIMITED);
    let (_, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let ways = Ways::of(&app, &ann).await;
    for replica in [&app, &other] {
        assert_eq!(ways.ask(replica, "/api/v1/me").await, [200; 4]);
    }
    let target = format!("/api/v1/users/{}/sessions", ann.id);
    for _ in 0..2 {
        assert_eq!(
            send_as(&app, Method::DELETE, &target, &bearer).await.status,
            204
        );
    }
    assert_eq!(ways.ask(&app, "/api/v1/me").await, [401, 401, 200, 200]);
    ways.until(&other, "/api/v1/me", [401, 401, 200, 200]).await;
}

/// A change of the password ends what was found good by it and leaves machines, at once and not
/// when a cache forgets.
#[tokio::test]
async fn an_api_token_outlives_a_change_of_the_password() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let (token, old) = (api_token(&app, &ann).await, basic("ann", PASSWORD));
    assert_eq!((me(&app, &token).await, me(&app, &old).await), (200, 200));
    let bearer = ann.sign_in(&app).await.bearer();
    let body = json!({ "current": PASSWORD, "new": "a wholly new horse" });
    let headers = [JSON, ("authorization", bearer.as_str())];
    let target = "/api/v1/me/password";
    let changed = app.send(Method::POST, target, &headers, body.to_string().into());
    assert_eq!(changed.await.status, 204);
    assert_eq!((me(&app, &token).await, me(&app, &old).await), (200, 401));
    assert_eq!(me(&app, &basic("ann", "a wholly new horse")).await, 200);
}
