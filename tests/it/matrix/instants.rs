//! The instants in all answers: one format, whatever the fraction of their second.

use std::collections::BTreeSet;

use chartroom::events::sequencer::{MOST, sequence};
use chrono::DateTime;

use super::*;

/// Where the document has instants in an answer: the schema and its member.
type Places = BTreeSet<(String, String)>;

/// Whole seconds, of which a format that leaves zeros out shows least; what is optional is there.
const WHOLE: &str = "
    SET session_replication_role = replica;
    UPDATE projects SET expires_at = now() + interval '1 day';
    UPDATE api_tokens SET expires_at = now() + interval '1 day';
    UPDATE users SET email_verified_at = now();
    INSERT INTO dataset_versions (dataset_id, version, generation, change, kind, made_at, added, removed, changed, row_count, purged_at)
        SELECT dataset_id, 99, generation, change, kind, made_at, 0, 0, 0, 0, now() FROM dataset_versions WHERE version = 1
        ON CONFLICT DO NOTHING;
    INSERT INTO lineage (from_id, from_version, to_id, to_version, kind)
        SELECT datasets.id, 1, models.id, 1, 'trained_on' FROM datasets JOIN models USING (project_id)
        ON CONFLICT DO NOTHING;
    DO $$
    DECLARE changes record;
    BEGIN
        FOR changes IN
            SELECT c.table_name AS name, string_agg(format('%1$I = date_trunc(''second'', %1$I)', c.column_name), ', ') AS list
            FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' AND t.table_type = 'BASE TABLE'
                AND c.is_generated = 'NEVER'
            GROUP BY 1
        LOOP
            EXECUTE format('UPDATE %I SET %s', changes.name, changes.list);
        END LOOP;
    END $$;
    RESET session_replication_role;";

/// Each member of a value that is an instant by its schema. Without a value: where there may be
/// one.
fn instants(
    document: &Value,
    schema: &Value,
    value: Option<&Value>,
    name: &str,
    found: &mut Instants,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        if value.is_none() && !found.entered.insert(name.to_owned()) {
            return;
        }
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return instants(document, target, value, name, found);
    }
    for part in ["allOf", "oneOf", "anyOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            instants(document, schema, value, name, found);
        }
    }
    if schema["items"].is_object() {
        match value {
            None => instants(document, &schema["items"], None, name, found),
            Some(value) => {
                for item in value.as_array().into_iter().flatten() {
                    instants(document, &schema["items"], Some(item), name, found);
                }
            }
        }
    }
    for (member, schema) in schema["properties"].as_object().into_iter().flatten() {
        let value = value.map(|value| &value[member]);
        if schema["format"] == "date-time" && value.is_none_or(Value::is_string) {
            found.places.insert((name.to_owned(), member.clone()));
        }
        if value.is_none_or(|value| !value.is_null()) {
            instants(document, schema, value, name, found);
        }
    }
}

#[derive(Default)]
struct Instants {
    places: Places,
    entered: BTreeSet<String>,
}

/// All texts that are instants, also where no schema says so.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if DateTime::parse_from_rfc3339(text).is_ok() => {
            found.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

fn is_whole(instant: &str) -> bool {
    instant.len() == "2026-01-02T03:04:05.000000Z".len()
        && instant.get(19..20) == Some(".")
        && instant.ends_with('Z')
}

#[tokio::test]
async fn every_instant_has_six_digits_and_z() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let (mut seen, mut expected) = (Instants::default(), Instants::default());
    let mut instants_seen = 0;
    for call in CALLS {
        let world = stage.permitted(call).await;
        let things = world.things;
        // Something that has happened, and somebody who voted.
        let (project, post) = (things.project, things.post);
        for (method, target, body) in [
            (
                "PATCH",
                format!("/api/v1/projects/{project}"),
                json!({ "name": "Changed" }),
            ),
            ("PUT", format!("/api/v1/posts/{post}/vote"), json!({})),
        ] {
            let who = world.caller.as_ref();
            let method: Method = method.parse().unwrap();
            stage
                .send(who, method, &target, &[], body.to_string().into())
                .await;
        }
        stage.sql(WHOLE).await;
        sequence(&stage.app.app.db, &[], MOST).await.unwrap();
        let (_, answer) = attempt(&stage, call, &world, &[]).await;
        let (method, path) = call.operation.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        for (status, response) in operation["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/json"]["schema"];
            if status.starts_with('2') && !schema.is_null() {
                instants(&document, schema, None, "", &mut expected);
            }
        }
        // What is refused everybody here has no instants, which the last lines see to.
        if !answer.status.is_success() {
            continue;
        }
        let Ok(value) = serde_json::from_slice(&answer.body) else {
            continue;
        };
        let status = answer.status.as_u16().to_string();
        let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
        instants(&document, schema, Some(&value), "", &mut seen);
        let mut all = Vec::new();
        texts(&value, &mut all);
        instants_seen += all.len();
        let other: Vec<_> = all.iter().filter(|it| !is_whole(it)).collect();
        assert_eq!(other, Vec::<&String>::new(), "{}", call.operation);
    }
    assert!(instants_seen > 50, "{instants_seen}");
    // Each has been there, so none is only right because it was null.
    assert_eq!(seen.places, expected.places);
    assert!(seen.places.len() > 10, "{:?}", seen.places);
}
