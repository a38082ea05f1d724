//! What each operation is sent for its rows, and which ids it has rows for. What is sent is
//! well-formed and meant to succeed: only who asks, and for what, decides.

use serde_json::{Value, json};

use super::links;
use super::world::{PASSWORD, World};

pub(crate) enum Sent {
    Nothing,
    /// What follows the `?`.
    Query(String),
    Json(Value),
    Csv(&'static str),
    Bytes(&'static [u8]),
    Form(Vec<(&'static str, String)>),
}

use Sent::{Bytes, Csv, Form, Json, Nothing, Query};

pub(crate) struct Call {
    /// As the document names it.
    pub operation: &'static str,
    /// Kinds of ids, as the table explains them.
    pub ids: &'static [&'static str],
    pub sends: fn(&World) -> Sent,
}

impl Call {
    pub(super) fn reads(&self) -> bool {
        self.operation.starts_with("GET ")
    }

    /// Whether a list is of the caller's world alone, and not of all there is.
    pub(super) fn shows_items(&self, id: &str) -> bool {
        let everybodys = [
            "GET /api/v1/audit",
            "GET /api/v1/datasets",
            "GET /api/v1/jobs",
            "GET /api/v1/models",
            "GET /api/v1/posts",
            "GET /api/v1/users",
        ];
        self.reads() && (id != "-" || !everybodys.contains(&self.operation))
    }
}

const NONE: &[&str] = &["-"];
const PROJECT: &[&str] = &["own", "internal", "foreign", "random", "deleted"];
/// In the query or the body, where it may be missing.
const IN_PROJECT: &[&str] = &["-", "own", "internal", "foreign", "random", "deleted"];
const POST: &[&str] = &[
    "own", "draft", "internal", "free", "foreign", "random", "deleted",
];
const PERSONAL: &[&str] = &["own", "foreign", "random", "deleted"];
const MEMBER: &[&str] = &[
    "own",
    "internal",
    "foreign",
    "random",
    "deleted",
    "own/self",
    "own/account",
    "own/random",
    "own/deleted",
];

const fn call(
    operation: &'static str,
    ids: &'static [&'static str],
    sends: fn(&World) -> Sent,
) -> Call {
    Call {
        operation,
        ids,
        sends,
    }
}

pub(crate) const CALLS: &[Call] = &[
    call("GET /.well-known/jwks.json", NONE, |_| Nothing),
    call("GET /.well-known/oauth-authorization-server", NONE, |_| {
        Nothing
    }),
    call("GET /api/v1/version", NONE, |_| Nothing),
    call("POST /auth/token", NONE, credentials),
    call("POST /auth/login", NONE, credentials),
    call("GET /auth/oidc", NONE, |_| Nothing),
    call("POST /auth/revoke", NONE, own_token),
    call("POST /auth/introspect", NONE, own_token),
    call("POST /auth/logout", NONE, |_| Nothing),
    call("GET /api/v1/me", NONE, |_| Nothing),
    call("PATCH /api/v1/me", NONE, |_| Json(json!({ "name": "Ada" }))),
    call("DELETE /api/v1/me", NONE, |_| {
        Json(json!({ "password": PASSWORD }))
    }),
    call("POST /api/v1/me/password", NONE, |_| {
        Json(json!({ "current": PASSWORD, "new": "correct horse battery staple" }))
    }),
    call("POST /auth/password-reset", NONE, |world| {
        Json(json!({ "email": format!("{}@example.org", world.things.user) }))
    }),
    call("POST /auth/password-reset/confirm", NONE, |world| {
        let token = links::reset(world.things.user);
        Json(json!({ "token": token, "new": "correct horse battery staple" }))
    }),
    call("POST /auth/email/confirm", NONE, |world| {
        Json(json!({ "token": links::confirm(world.things.user) }))
    }),
    call("POST /auth/registration/confirm", NONE, |world| {
        Json(json!({ "token": links::registration(world.things.user) }))
    }),
    call("POST /api/v1/me/email/confirmation", NONE, |_| Nothing),
    call("GET /api/v1/me/sessions", NONE, |_| Nothing),
    call("DELETE /api/v1/me/sessions", NONE, |_| Nothing),
    call("DELETE /api/v1/me/sessions/{id}", PERSONAL, |_| Nothing),
    call("GET /api/v1/me/identities", NONE, |_| Nothing),
    call("DELETE /api/v1/me/identities/{id}", PERSONAL, |_| Nothing),
    call("GET /api/v1/me/activity", NONE, |_| Nothing),
    call("GET /api/v1/events", NONE, |_| Nothing),
    call("GET /api/v1/me/notifications", NONE, |_| Nothing),
    call("PATCH /api/v1/me/notifications/{id}", PERSONAL, |_| {
        Json(json!({ "read": true }))
    }),
    call("GET /api/v1/me/preferences", NONE, |_| Nothing),
    call("PUT /api/v1/me/preferences/{type}", NONE, |_| {
        Json(json!({ "in_app": "off", "mail": "daily" }))
    }),
    call("POST /mail/unsubscribe", NONE, |world| {
        Query(format!("token={}", links::unsubscribe(world.things.user)))
    }),
    call("GET /api/v1/me/tokens", NONE, |_| Nothing),
    call("POST /api/v1/me/tokens", NONE, |_| {
        Json(json!({ "name": "new", "access": "write" }))
    }),
    call("GET /api/v1/me/tokens/{id}", PERSONAL, |_| Nothing),
    call("DELETE /api/v1/me/tokens/{id}", PERSONAL, |_| Nothing),
    call("GET /api/v1/users", NONE, |_| Nothing),
    call("POST /api/v1/users", NONE, |world| {
        let email = format!("{}@example.org", world.things.user);
        Json(json!({ "email": email, "password": PASSWORD }))
    }),
    call("GET /api/v1/users/{id}", PERSONAL, |_| Nothing),
    call("PATCH /api/v1/users/{id}", PERSONAL, |_| {
        Json(json!({ "admin": true }))
    }),
    call("DELETE /api/v1/users/{id}", PERSONAL, |_| Nothing),
    call("DELETE /api/v1/users/{id}/sessions", PERSONAL, |_| Nothing),
    call("GET /api/v1/users/{id}/identities", PERSONAL, |_| Nothing),
    call(
        "DELETE /api/v1/users/{id}/identities/{identity}",
        PERSONAL,
        |_| Nothing,
    ),
    call("GET /api/v1/audit", NONE, |_| Nothing),
    call("GET /api/v1/jobs", NONE, |_| Nothing),
    call("GET /api/v1/jobs/{id}", PERSONAL, |_| Nothing),
    call("DELETE /api/v1/jobs/{id}", PERSONAL, |_| Nothing),
    call("POST /api/v1/jobs/{id}/retry", PERSONAL, |_| Nothing),
    call("GET /api/v1/projects", NONE, |_| Nothing),
    call("POST /api/v1/projects", NONE, |_| {
        Json(json!({ "name": "New" }))
    }),
    call("GET /api/v1/projects/{id}", PROJECT, |_| Nothing),
    call("PATCH /api/v1/projects/{id}", PROJECT, |_| {
        Json(json!({ "name": "Changed" }))
    }),
    call("DELETE /api/v1/projects/{id}", PROJECT, |_| Nothing),
    call("GET /api/v1/projects/{id}/audit", PROJECT, |_| Nothing),
    call("GET /api/v1/projects/{id}/invitations", PROJECT, |_| {
        Nothing
    }),
    call("POST /api/v1/projects/{id}/invitations", PROJECT, |world| {
        let email = format!("{}@example.net", world.things.user);
        Json(json!({ "email": email, "role": "editor" }))
    }),
    call(
        "GET /api/v1/projects/{id}/invitations/{iid}",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "DELETE /api/v1/projects/{id}/invitations/{iid}",
        PROJECT,
        |_| Nothing,
    ),
    call("POST /auth/invitations/accept", NONE, |world| {
        let token = links::invitation(world.things.invitation);
        match &world.caller {
            Some(_) => Json(json!({ "token": token })),
            None => Json(json!({ "token": token, "password": PASSWORD })),
        }
    }),
    call("GET /api/v1/projects/{id}/members", PROJECT, |_| Nothing),
    call(
        "GET /api/v1/projects/{id}/members/{principal}",
        MEMBER,
        |_| Nothing,
    ),
    call(
        "PUT /api/v1/projects/{id}/members/{principal}",
        MEMBER,
        |_| Json(json!({ "role": "owner" })),
    ),
    call(
        "DELETE /api/v1/projects/{id}/members/{principal}",
        MEMBER,
        |_| Nothing,
    ),
    call("GET /api/v1/posts", IN_PROJECT, |world| {
        match world.id.as_str() {
            "-" => Nothing,
            _ => Query(format!("project_id={}", world.things.project)),
        }
    }),
    call("POST /api/v1/posts", IN_PROJECT, |world| {
        let project = (world.id != "-").then_some(world.things.project);
        Json(json!({ "title": "New", "content": "New", "project_id": project }))
    }),
    call("GET /api/v1/posts/{id}", POST, |_| Nothing),
    call("PATCH /api/v1/posts/{id}", POST, |_| {
        Json(json!({ "title": "Changed" }))
    }),
    call("DELETE /api/v1/posts/{id}", POST, |_| Nothing),
    call("PUT /api/v1/posts/{id}/vote", POST, |_| Nothing),
    call("DELETE /api/v1/posts/{id}/vote", POST, |_| Nothing),
    call("GET /api/v1/posts/{id}/votes", POST, |_| Nothing),
    call("GET /api/v1/datasets", IN_PROJECT, |world| {
        match world.id.as_str() {
            "-" => Nothing,
            _ => Query(format!("project_id={}", world.things.project)),
        }
    }),
    call("POST /api/v1/datasets", PROJECT, |world| {
        let columns = json!([{ "name": "n", "type": "int" }]);
        let project = world.things.project;
        Json(json!({ "project_id": project, "name": "New", "columns": columns, "key": ["n"] }))
    }),
    call("GET /api/v1/datasets/{id}", PROJECT, |_| Nothing),
    call("PATCH /api/v1/datasets/{id}", PROJECT, |_| {
        Json(json!({ "name": "Changed" }))
    }),
    call("DELETE /api/v1/datasets/{id}", PROJECT, |_| Nothing),
    call("GET /api/v1/datasets/{id}/imports", PROJECT, |_| Nothing),
    call("POST /api/v1/datasets/{id}/imports", PROJECT, |_| {
        Csv("n\n1\n")
    }),
    call(
        "GET /api/v1/datasets/{id}/imports/{import}",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "DELETE /api/v1/datasets/{id}/imports/{import}",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "GET /api/v1/datasets/{id}/imports/{import}/rejected",
        PROJECT,
        |_| Nothing,
    ),
    call("GET /api/v1/datasets/{id}/records", PROJECT, |_| Nothing),
    call("POST /api/v1/datasets/{id}/records", PROJECT, |_| {
        Json(json!({ "n": 2 }))
    }),
    call("GET /api/v1/datasets/{id}/records/{rid}", PROJECT, |_| {
        Nothing
    }),
    call("PATCH /api/v1/datasets/{id}/records/{rid}", PROJECT, |_| {
        Json(json!({ "n": 3 }))
    }),
    call(
        "DELETE /api/v1/datasets/{id}/records/{rid}",
        PROJECT,
        |_| Nothing,
    ),
    call("GET /api/v1/datasets/{id}/aggregate", PROJECT, |_| Nothing),
    call("GET /api/v1/datasets/{id}/compare", PROJECT, |_| {
        Query("by=n&groups=1,2&measures=n".to_owned())
    }),
    call("GET /api/v1/datasets/{id}/pins", PROJECT, |_| Nothing),
    call("POST /api/v1/datasets/{id}/pins", PROJECT, |_| {
        Json(json!({ "name": "new", "version": 1 }))
    }),
    call("GET /api/v1/datasets/{id}/pins/{name}", PROJECT, |_| {
        Nothing
    }),
    call("DELETE /api/v1/datasets/{id}/pins/{name}", PROJECT, |_| {
        Nothing
    }),
    call("GET /api/v1/datasets/{id}/diff", PROJECT, |_| Nothing),
    call("GET /api/v1/datasets/{id}/diff/summary", PROJECT, |_| {
        Nothing
    }),
    call("GET /api/v1/datasets/{id}/profile", PROJECT, |_| Nothing),
    call(
        "GET /api/v1/datasets/{id}/datapackage.json",
        PROJECT,
        |_| Nothing,
    ),
    call("GET /api/v1/datasets/{id}/croissant.json", PROJECT, |_| {
        Nothing
    }),
    call("GET /api/v1/datasets/{id}/versions", PROJECT, |_| Nothing),
    call(
        "GET /api/v1/datasets/{id}/versions/{version}/data.parquet",
        PROJECT,
        |_| Nothing,
    ),
    call("GET /api/v1/models", IN_PROJECT, |world| {
        match world.id.as_str() {
            "-" => Nothing,
            _ => Query(format!("project_id={}", world.things.project)),
        }
    }),
    call("POST /api/v1/models", PROJECT, |world| {
        let project = world.things.project;
        let caller = world.caller.as_ref().map(|caller| caller.id);
        let name = format!("n-{}", caller.unwrap_or_default());
        Json(json!({ "project_id": project, "name": name }))
    }),
    call("GET /api/v1/models/{name}", PROJECT, |_| Nothing),
    call("PATCH /api/v1/models/{name}", PROJECT, |_| {
        Json(json!({ "description": "Changed" }))
    }),
    call("DELETE /api/v1/models/{name}", PROJECT, |_| Nothing),
    call("GET /api/v1/models/{name}/stats", PROJECT, |_| Nothing),
    call("POST /api/v1/models/{name}/batch", PROJECT, |world| {
        let dataset = world.things.dataset;
        Json(json!({
            "version": 1, "dataset": dataset, "inputs": ["n", "n"], "columns": [], "into": dataset,
        }))
    }),
    call("GET /api/v1/lineage", PROJECT, |world| {
        Query(format!("of=dataset:{}@1", world.things.dataset))
    }),
    call("GET /api/v1/models/{name}/versions", PROJECT, |_| Nothing),
    call("POST /api/v1/models/{name}/versions", PROJECT, |_| {
        Bytes(b"no model")
    }),
    call(
        "GET /api/v1/models/{name}/versions/{version}",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "PATCH /api/v1/models/{name}/versions/{version}",
        PROJECT,
        |_| Json(json!({ "description": "Changed" })),
    ),
    call(
        "DELETE /api/v1/models/{name}/versions/{version}",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "GET /api/v1/models/{name}/versions/{version}/bytes",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "POST /api/v1/models/{name}/versions/{version}/verify",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "GET /api/v1/models/{name}/versions/{version}/golden",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "PUT /api/v1/models/{name}/versions/{version}/golden",
        PROJECT,
        |_| Json(golden()),
    ),
    call(
        "DELETE /api/v1/models/{name}/versions/{version}/golden",
        PROJECT,
        |_| Nothing,
    ),
    call("GET /api/v1/models/{name}/log", PROJECT, |_| Nothing),
    call("PUT /api/v1/models/{name}/log", PROJECT, |world| {
        Json(json!({ "dataset": world.things.dataset, "share": 0.5 }))
    }),
    call("DELETE /api/v1/models/{name}/log", PROJECT, |_| Nothing),
    call("GET /api/v1/models/{name}/aliases", PROJECT, |_| Nothing),
    call("GET /api/v1/models/{name}/aliases/{alias}", PROJECT, |_| {
        Nothing
    }),
    call("PUT /api/v1/models/{name}/aliases/{alias}", PROJECT, |_| {
        Json(json!({ "version": 1 }))
    }),
    call(
        "DELETE /api/v1/models/{name}/aliases/{alias}",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "POST /api/v1/models/{name}/aliases/{alias}/back",
        PROJECT,
        |_| Json(json!({})),
    ),
    call(
        "GET /api/v1/models/{name}/aliases/{alias}/moves",
        PROJECT,
        |_| Nothing,
    ),
    call("GET /v2", NONE, |_| Nothing),
    call("GET /v2/health/live", NONE, |_| Nothing),
    call("GET /v2/health/ready", NONE, |_| Nothing),
    call("GET /v2/models/{name}", PROJECT, |_| Nothing),
    call("GET /v2/models/{name}/ready", PROJECT, |_| Nothing),
    call("POST /v2/models/{name}/infer", PROJECT, |_| Bytes(QUESTION)),
    call("GET /v2/models/{name}/versions/{version}", PROJECT, |_| {
        Nothing
    }),
    call(
        "GET /v2/models/{name}/versions/{version}/ready",
        PROJECT,
        |_| Nothing,
    ),
    call(
        "POST /v2/models/{name}/versions/{version}/infer",
        PROJECT,
        |_| Bytes(QUESTION),
    ),
];

/// What the versions of all models answer.
pub(super) fn golden() -> Value {
    let tensor =
        |name: &str| json!({ "name": name, "shape": [1, 2], "datatype": "FP32", "data": [1, 2] });
    json!({ "inputs": [tensor("x")], "outputs": [tensor("y")], "tolerance": 0.0 })
}

const QUESTION: &[u8] =
    br#"{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}"#;

/// The caller's own; of somebody unknown where nobody calls.
fn credentials(world: &World) -> Sent {
    let login = world.caller.as_ref().map_or("nobody", |who| &who.login);
    Form(vec![
        ("grant_type", "password".to_owned()),
        ("username", login.to_owned()),
        ("password", PASSWORD.to_owned()),
    ])
}

fn own_token(world: &World) -> Sent {
    let token = world.caller.as_ref().map_or("none", |who| &who.access);
    Form(vec![("token", token.to_owned())])
}
