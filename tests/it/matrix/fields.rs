//! What the bodies and parameters of all operations take: their own fields and no column of the
//! database, and any text as a text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// What breaks a statement that is glued together.
const HOSTILE: [&str; 9] = [
    "'",
    "''; DROP TABLE posts; --",
    "' OR '1'='1",
    "\" OR 1=1 --",
    "\\'; UPDATE users SET is_admin = true; --",
    "1); DELETE FROM project_members; --",
    "') UNION SELECT password_hash FROM users --",
    "$1 $$ %s {0} \\x27",
    "(SELECT pg_sleep(10))",
];

pub(super) fn operation<'a>(document: &'a Value, call: &Call) -> &'a Value {
    let (method, path) = call.operation.split_once(' ').unwrap();
    &document["paths"][path][method.to_lowercase()]
}

/// The members that a JSON body may have. The fields of records are the dataset's, which
/// tests/it/datasets tries.
fn members(document: &Value, call: &Call) -> Option<BTreeSet<String>> {
    let content = &operation(document, call)["requestBody"]["content"];
    let kind = content.as_object().unwrap().values().next().unwrap();
    let schema = kind["schema"]["$ref"].as_str().unwrap();
    let schema = document.pointer(schema.trim_start_matches('#')).unwrap();
    let members = schema["properties"].as_object()?;
    Some(members.keys().cloned().collect())
}

pub(super) async fn send(
    stage: &Stage,
    call: &Call,
    world: &World,
    query: &str,
    body: &Value,
) -> Answer {
    let (method, path) = call.operation.split_once(' ').unwrap();
    let target = format!("{}{query}", fill(path, &world.things));
    let json = [("content-type", "application/json")];
    let (headers, body) = match body {
        Value::Null => (&json[..0], Body::empty()),
        body => (&json[..], body.to_string().into()),
    };
    let method: Method = method.parse().unwrap();
    stage
        .send(world.caller.as_ref(), method, &target, headers, body)
        .await
}

/// All columns there are are somebody's guess.
#[tokio::test]
async fn no_body_takes_a_column_that_is_not_a_field_of_it() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let columns = stage.columns().await;
    assert!(
        columns.len() > 40 && columns.contains("is_admin"),
        "{columns:?}"
    );
    let (mut refused, mut taken) = (0, 0);
    for call in CALLS {
        let world = stage.permitted(call).await;
        let Sent::Json(body) = (call.sends)(&world) else {
            continue;
        };
        let Some(members) = members(&document, call) else {
            continue;
        };
        for column in columns.iter().filter(|column| !members.contains(*column)) {
            let mut body = body.clone();
            body[column] = true.into();
            let answer = send(&stage, call, &world, "", &body).await;
            let operation = call.operation;
            assert_eq!(answer.status, 422, "{operation} {column}");
            let error = &answer.json()["errors"][0];
            assert_eq!(error["code"], "unknown-field", "{operation} {column}");
            assert_eq!(error["pointer"], format!("/{column}"), "{operation}");
            refused += 1;
        }
        // The control: without it the same body is taken, so nothing of what was refused was done.
        let answer = send(&stage, call, &world, "", &body).await;
        let is_done = answer.status.is_success() || answer.problem() == "last-owner";
        assert!(is_done, "{}: {}", call.operation, answer.text());
        taken += 1;
    }
    println!("{refused} bodies refused, {taken} taken");
    assert!(refused > 300 && taken >= 10, "{refused} {taken}");
}

#[tokio::test]
async fn no_text_is_more_than_a_text_wherever_it_is_sent() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let bystander = stage.world("other owner", "free").await;
    let others = bystander.caller.as_ref().unwrap();
    let before = stage.digest(others).await;
    let (mut parameters, mut fields) = (0, 0);
    for call in CALLS {
        let world = stage.permitted(call).await;
        let known = operation(&document, call)["parameters"].as_array();
        let known = known.into_iter().flatten().filter(|it| it["in"] == "query");
        for name in known.map(|it| it["name"].as_str().unwrap()) {
            for text in HOSTILE {
                let form = [(name, text)];
                let query = format!("?{}", serde_urlencoded::to_string(form).unwrap());
                let answer = send(&stage, call, &world, &query, &Value::Null).await;
                let status = answer.status.as_u16();
                // What takes a file refuses a request without one.
                let has_file =
                    matches!((call.sends)(&world), Sent::Csv(_) | Sent::Bytes(_)) && status == 415;
                assert!(
                    [200, 400].contains(&status) || has_file,
                    "{} {name}={text}: {}",
                    call.operation,
                    answer.text()
                );
                parameters += 1;
            }
        }
        let Sent::Json(body) = (call.sends)(&world) else {
            continue;
        };
        for name in members(&document, call).into_iter().flatten() {
            for text in HOSTILE {
                let mut body = body.clone();
                body[&name] = text.into();
                let answer = send(&stage, call, &world, "", &body).await;
                let status = answer.status;
                let is_known = status.is_success() || [403, 409, 422].contains(&status.as_u16());
                assert!(
                    is_known,
                    "{} {name}: {text}: {}",
                    call.operation,
                    answer.text()
                );
                fields += 1;
            }
        }
    }
    println!("{parameters} parameters, {fields} fields");
    assert!(parameters > 300 && fields > 200, "{parameters} {fields}");
    assert_eq!(stage.digest(others).await, before);
    // The control: a change of what others have is seen.
    let change = format!(
        "UPDATE posts SET title = 'x' WHERE author_id = '{}'",
        others.id
    );
    stage.sql(&change).await;
    assert_ne!(stage.digest(others).await, before);
}
