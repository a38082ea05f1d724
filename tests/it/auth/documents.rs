//! Tokens seen from outside: revoked, introspected, and verified by others with the published keys.

use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use super::admins::admin;
use super::*;

#[tokio::test]
async fn either_token_revokes_its_session_and_no_other_is_an_error() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let kept = ann.sign_in(&app).await;
    for by_access in [true, false] {
        let pair = ann.sign_in(&app).await;
        let token = if by_access {
            &pair.access
        } else {
            &pair.refresh
        };
        for _ in 0..2 {
            let answer = post_form(&app, "/auth/revoke", &[("token", token)]).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("cache-control")),
                (200, "no-store")
            );
        }
        assert_eq!(me(&app, &pair.bearer()).await, 401);
        assert_eq!(by_refresh(&app, &pair.refresh).await.status, 400);
    }
    for unknown in ["", "x", "crr_x", "a.b.c", &format!("{}x", kept.access)] {
        let fields = [("token", unknown), ("token_type_hint", "access_token")];
        assert_eq!(post_form(&app, "/auth/revoke", &fields).await.status, 200);
    }
    assert_eq!(me(&app, &kept.bearer()).await, 200);
}

#[tokio::test]
async fn administrators_introspect_and_others_may_not() {
    let app = app(&[]).await;
    let (ann, root) = (
        Person::register(&app, "ann").await,
        Person::register(&app, "root").await,
    );
    let statement = format!("UPDATE users SET is_admin = true WHERE id = '{}'", root.id);
    app.database
        .session()
        .await
        .batch_execute(&statement)
        .await
        .unwrap();
    let (pair, admin) = (ann.sign_in(&app).await, root.sign_in(&app).await.bearer());
    let ask = async |who: &str, token: &str| {
        let headers = [FORM, ("authorization", who)];
        app.send(
            Method::POST,
            "/auth/introspect",
            &headers,
            form(&[("token", token)]),
        )
        .await
    };
    let refused = ask(&pair.bearer(), &pair.access).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (403, "forbidden")
    );
    for token in [&pair.access, &pair.refresh] {
        let answer = ask(&admin, token).await.json();
        assert_eq!(
            (&answer["active"], &answer["sub"]),
            (&json!(true), &json!(ann.id))
        );
    }
    let next = Pair::of(&by_refresh(&app, &pair.refresh).await);
    post_form(&app, "/auth/revoke", &[("token", &next.access)]).await;
    for token in ["", "x", &pair.access, &pair.refresh, &next.refresh] {
        assert_eq!(ask(&admin, token).await.json(), json!({ "active": false }));
    }
}

/// A token is as good as what it stands for: the session may have idled out or the user been
/// disabled meanwhile.
#[tokio::test]
async fn introspection_says_nothing_of_tokens_that_are_good_no_more() {
    let app = app(&[]).await;
    let (_, admin) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let session = app.database.session().await;
    let ask = async |token: &str| {
        let headers = [FORM, ("authorization", admin.as_str())];
        let body = form(&[("token", token)]);
        app.send(Method::POST, "/auth/introspect", &headers, body)
            .await
            .text()
    };
    for ends in [
        "UPDATE sessions SET idle_ends_at = now() WHERE user_id = $1",
        "UPDATE sessions SET ends_at = now(), idle_ends_at = now() WHERE user_id = $1",
        "UPDATE sessions SET ended_at = now() WHERE user_id = $1",
        "UPDATE users SET is_disabled = true WHERE id = $1",
        "DELETE FROM principals WHERE id = $1",
    ] {
        let pair = ann.sign_in(&app).await;
        for token in [&pair.access, &pair.refresh] {
            assert!(
                ask(token).await.contains("\"active\":true"),
                "before {ends}"
            );
        }
        let id: uuid::Uuid = ann.id.parse().unwrap();
        session.execute(ends, &[&id]).await.unwrap();
        for token in [&pair.access, &pair.refresh] {
            assert_eq!(ask(token).await, r#"{"active":false}"#, "{ends}");
        }
        let enable = "UPDATE users SET is_disabled = false WHERE id = $1";
        session.execute(enable, &[&id]).await.unwrap();
    }
}

#[tokio::test]
async fn others_verify_our_tokens_with_what_we_publish() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let pair = ann.sign_in(&app).await;
    let metadata = app
        .get("/.well-known/oauth-authorization-server")
        .await
        .json();
    let issuer = metadata["issuer"].as_str().unwrap();
    assert_eq!(pair.claim("iss"), issuer);
    let paths = app.get("/openapi.json").await.json()["paths"].take();
    for endpoint in [
        "token_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "jwks_uri",
    ] {
        let path = metadata[endpoint]
            .as_str()
            .unwrap()
            .strip_prefix(issuer)
            .unwrap();
        assert!(
            paths[path].is_object(),
            "{endpoint} is not a documented path"
        );
    }
    let jwks = app.get("/.well-known/jwks.json").await.json();
    assert!(!jwks.to_string().contains("\"d\""));

    let (message, signature) = pair.access.rsplit_once('.').unwrap();
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value =
        serde_json::from_slice(&decode(message.split('.').next().unwrap())).unwrap();
    let key = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .unwrap();
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (
            &json!("EC"),
            &json!("P-256"),
            &json!("ES256"),
            &json!("sig")
        )
    );
    let mut point = vec![4];
    point.extend(decode(key["x"].as_str().unwrap()));
    point.extend(decode(key["y"].as_str().unwrap()));
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    public
        .verify(message.as_bytes(), &decode(signature))
        .unwrap();
    // Control: it is the message that was signed.
    assert!(
        public
            .verify(&message.as_bytes()[1..], &decode(signature))
            .is_err()
    );
}
