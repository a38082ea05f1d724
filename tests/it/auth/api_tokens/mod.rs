//! API tokens: made once, shown once, and ended at once.

mod repetitions;

use futures_util::future::join_all;

use super::*;

const TOKENS: &str = "/api/v1/me/tokens";

async fn create(app: &TestApp, who: &str, key: Option<&str>, body: &Value) -> Answer {
    let mut headers = vec![JSON, ("authorization", who)];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    app.send(Method::POST, TOKENS, &headers, body.to_string().into())
        .await
}

fn body(name: &str) -> Value {
    json!({ "name": name, "access": "read" })
}

fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["secret"].as_str().unwrap().to_owned()
}

async fn count(session: &tokio_postgres::Client, of: &str) -> i64 {
    let statement = format!("SELECT count(*) FROM {of}");
    session.query_one(&statement, &[]).await.unwrap().get(0)
}

/// As `chartroom logout` does, which has nothing but the token.
#[tokio::test]
async fn who_holds_a_token_ends_it_and_no_other() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let ended = secret(&create(&app, &bearer, None, &body("ended")).await);
    let kept = secret(&create(&app, &bearer, None, &body("kept")).await);
    let unknown = format!("{}A", &ended[..ended.len() - 1]);
    for token in [&unknown, &ended, &ended] {
        let answer = post_form(&app, "/auth/revoke", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for (token, expected) in [(&ended, 401), (&kept, 200)] {
        assert_eq!(me(&app, &format!("Bearer {token}")).await, expected);
    }
    let session = app.database.session().await;
    let told = "audit_events WHERE action = 'api_token.deleted'";
    assert_eq!(count(&session, told).await, 1);
}

#[tokio::test]
async fn a_token_is_made_listed_read_and_ended() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let wanted =
        json!({ "name": " deploy ", "access": "write", "expires_at": "2199-01-01T00:00:00Z" });
    let made = create(&app, &bearer, None, &wanted).await;
    let secret = secret(&made);
    assert!(secret.starts_with("crt_") && secret.len() >= 47);
    assert_eq!(made.header("cache-control"), "no-store");
    let shown = made.json();
    let place = format!("{TOKENS}/{}", shown["id"].as_str().unwrap());
    assert_eq!(made.header("location"), place);
    assert_eq!(
        (&shown["name"], &shown["access"], &shown["expires_at"]),
        (
            &json!("deploy"),
            &json!("write"),
            &json!("2199-01-01T00:00:00.000000Z")
        )
    );
    let token = format!("Bearer {secret}");
    assert_eq!(
        (
            me(&app, &token).await,
            me(&app, &basic("whatever", &secret)).await
        ),
        (200, 200)
    );

    let got = get_as(&app, &place, &bearer).await;
    let mut without = shown.clone();
    without.as_object_mut().unwrap().remove("secret");
    assert_eq!(got.json(), without);
    let headers = [
        ("authorization", bearer.as_str()),
        ("if-none-match", got.header("etag")),
    ];
    let again = app.send(Method::GET, &place, &headers, Body::empty()).await;
    assert_eq!(again.status, 304);

    for name in ["second", "third"] {
        create(&app, &bearer, None, &body(name)).await;
    }
    let names = async |query: &str| {
        let page = get_as(&app, &format!("{TOKENS}{query}"), &bearer).await;
        assert!(!page.text().contains("secret"), "{}", page.text());
        let page = page.json();
        let items = page["items"].as_array().unwrap().clone();
        let names: Vec<_> = items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect();
        (names, page["next"].as_str().map(str::to_owned))
    };
    assert_eq!(names("").await.0, ["third", "second", "deploy"]);
    let (first, next) = names("?limit=2").await;
    assert_eq!(first, ["third", "second"]);
    let rest = names(&format!("?limit=2&cursor={}", next.unwrap())).await;
    assert_eq!(rest, (vec!["deploy".to_owned()], None));

    // Nobody else sees it.
    let eve = Person::register(&app, "eve").await.sign_in(&app).await;
    for method in [Method::GET, Method::DELETE] {
        let answer = send_as(&app, method, &place, &eve.bearer()).await;
        assert_eq!(answer.problem(), "not-found");
    }
    let list = get_as(&app, TOKENS, &eve.bearer()).await.json();
    assert_eq!(list["items"], json!([]));

    let headers = [("authorization", bearer.as_str()), ("if-match", "\"2\"")];
    let stale = app
        .send(Method::DELETE, &place, &headers, Body::empty())
        .await;
    assert_eq!(stale.problem(), "precondition-failed");
    assert_eq!(me(&app, &token).await, 200);
    let ended = send_as(&app, Method::DELETE, &place, &bearer).await;
    assert_eq!(ended.status, 204, "{}", ended.text());
    // It was believed from memory a moment ago.
    assert_eq!(
        (
            me(&app, &token).await,
            me(&app, &basic("whatever", &secret)).await
        ),
        (401, 401)
    );
    let again = send_as(&app, Method::DELETE, &place, &bearer).await;
    assert_eq!(again.problem(), "not-found");
    let acts = "audit_events WHERE action IN ('api_token.created', 'api_token.deleted')";
    assert_eq!(count(&app.database.session().await, acts).await, 4);
}

#[tokio::test]
async fn what_a_token_cannot_be_is_listed() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let cases = [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": " " }), "/name"),
        (json!({ "name": "n".repeat(201) }), "/name"),
        (json!({ "name": "a\u{7}" }), "/name"),
        (json!({ "name": null }), "/name"),
        (json!({ "access": "admin" }), "/access"),
        (json!({ "access": null }), "/access"),
        (
            json!({ "expires_at": "2001-01-01T00:00:00Z" }),
            "/expires_at",
        ),
        (
            json!({ "expires_at": "+12020-01-01T00:00:00Z" }),
            "/expires_at",
        ),
        (json!({ "expires_at": "tomorrow" }), "/expires_at"),
        (json!({ "expires_at": 7 }), "/expires_at"),
        (json!({ "id": ann.id }), "/id"),
        (json!({ "user_id": ann.id }), "/user_id"),
    ];
    for (change, pointer) in cases {
        let mut body = body("a");
        let members = body.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        let answer = create(&app, &bearer, None, &body).await;
        assert_eq!(answer.status, 422, "{change}: {}", answer.text());
        assert_eq!(answer.problem(), "validation-failed");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{change}");
    }
    let text = [("content-type", "text/plain"), ("authorization", &bearer)];
    let answer = app.send(Method::POST, TOKENS, &text, "a".into()).await;
    assert_eq!(answer.problem(), "unsupported-media-type");
    assert_eq!(count(&app.database.session().await, "api_tokens").await, 0);
    let longest = create(&app, &bearer, None, &body(&"ü".repeat(200))).await;
    assert_eq!(longest.status, 201);
}

/// Also where it was believed a moment before and is remembered.
#[tokio::test]
async fn a_token_ends_when_it_says() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let session = app.database.session().await;
    let endless = ann.api_token(&app, "read").await;
    // A slow machine may not get to believe a token that lasts a second.
    for seconds in [1, 4, 16] {
        let mut wanted = body("short");
        wanted["expires_at"] = json!("2199-01-01T00:00:00Z");
        let made = create(&app, &basic("ann", PASSWORD), None, &wanted).await;
        let token = format!("Bearer {}", secret(&made));
        let of = format!("id = '{}'", made.json()["id"].as_str().unwrap());
        let shorten = format!(
            "UPDATE api_tokens SET expires_at = clock_timestamp() + interval '{seconds} s' WHERE {of}"
        );
        session.batch_execute(&shorten).await.unwrap();
        if me(&app, &token).await != 200 {
            continue;
        }
        let wait = format!(
            "SELECT pg_sleep(extract(epoch FROM expires_at - clock_timestamp())) FROM api_tokens WHERE {of}"
        );
        session.batch_execute(&wait).await.unwrap();
        assert_eq!(me(&app, &token).await, 401);
        assert_eq!(me(&app, &endless).await, 200);
        return;
    }
    panic!("the token was never good");
}

#[tokio::test]
async fn only_a_person_has_tokens_and_a_reading_one_only_reads() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let read = ann.api_token(&app, "read").await;
    let write = ann.api_token(&app, "write").await;
    let place = {
        let list = get_as(&app, TOKENS, &basic("ann", PASSWORD)).await.json();
        let id = list["items"][0]["id"].as_str().unwrap().to_owned();
        format!("{TOKENS}/{id}")
    };
    let refused = async |method: Method, target: &str, kind, who: &str, body: Value| {
        let headers = [kind, ("authorization", who)];
        let answer = app
            .send(method.clone(), target, &headers, body.to_string().into())
            .await;
        assert_eq!(answer.status, 403, "{method} {target}: {}", answer.text());
        assert_eq!(answer.problem(), "forbidden");
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    let routes = [
        (Method::GET, TOKENS, Value::Null),
        (Method::POST, TOKENS, body("another")),
        (Method::GET, &place, Value::Null),
        (Method::DELETE, &place, Value::Null),
        (
            Method::DELETE,
            "/api/v1/me",
            json!({ "password": PASSWORD }),
        ),
        (Method::DELETE, "/api/v1/me/sessions", Value::Null),
        (
            Method::POST,
            "/api/v1/me/password",
            json!({ "current": PASSWORD, "new": "a much better one" }),
        ),
    ];
    for (method, target, body) in routes {
        for who in [&read, &write] {
            refused(method.clone(), target, JSON, who, body.clone()).await;
        }
    }
    let name = json!({ "name": "Ann" });
    let why = refused(Method::PATCH, "/api/v1/me", PATCH, &read, name.clone()).await;
    assert_eq!(why, "this API token only reads");
    let email = json!({ "email": "new@example.com", "current_password": PASSWORD });
    let why = refused(Method::PATCH, "/api/v1/me", PATCH, &write, email).await;
    assert_eq!(why, "an API token does not change the email");

    // Control: what else each may do, it does.
    assert_eq!(me(&app, &read).await, 200);
    let headers = [PATCH, ("authorization", write.as_str())];
    let patched = app
        .send(
            Method::PATCH,
            "/api/v1/me",
            &headers,
            name.to_string().into(),
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    let anonymous = app.get(TOKENS).await;
    assert_eq!(anonymous.problem(), "unauthenticated");
}

#[tokio::test]
async fn nobody_has_more_than_a_hundred_however_many_come_at_once() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let session = app.database.session().await;
    let fill = format!(
        "INSERT INTO api_tokens (id, user_id, name, access, secret_hash) \
         SELECT gen_random_uuid(), '{}', 'n', 'read', decode(md5(n::text), 'hex') FROM generate_series(1, 98) n",
        ann.id
    );
    session.batch_execute(&fill).await.unwrap();
    let wanted = body("a");
    let answers = join_all((0..8).map(|_| create(&app, &bearer, None, &wanted))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (2, 6));
    for answer in refused {
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (409, "conflict")
        );
    }
    assert_eq!(count(&session, "api_tokens").await, 100);
    let ended = send_as(&app, Method::DELETE, made[0].header("location"), &bearer).await;
    assert_eq!(ended.status, 204);
    assert_eq!(create(&app, &bearer, None, &wanted).await.status, 201);
    // Somebody else's are not counted.
    let eve = Person::register(&app, "eve").await.sign_in(&app).await;
    assert_eq!(create(&app, &eve.bearer(), None, &wanted).await.status, 201);
}

#[tokio::test]
async fn a_token_outlives_the_password_it_was_made_with() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let token = ann.api_token(&app, "read").await;
    assert_eq!(me(&app, &token).await, 200);
    let change = async |current: &str, new: &str| {
        let headers = [JSON, ("authorization", &basic("ann", current))];
        let body = json!({ "current": current, "new": new }).to_string();
        let answer = app
            .send(Method::POST, "/api/v1/me/password", &headers, body.into())
            .await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    };
    let new = "a much better one";
    change(PASSWORD, new).await;
    assert_eq!(me(&app, &basic("ann", PASSWORD)).await, 401);
    // At once, and not when memory has forgotten that it was believed before the change.
    assert_eq!(me(&app, &token).await, 200);
    change(new, PASSWORD).await;
    assert_eq!(me(&app, &basic("ann", PASSWORD)).await, 200);
}
