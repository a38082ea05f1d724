//! The texts that requests bring are as long as their columns take: the database would refuse a
//! longer one, as an error of the service.

use std::collections::BTreeMap;

use chartroom::datasets::card::{Contact, DataSource, Licence};
use chartroom::datasets::model::{DatasetDescription, DatasetName, Message};
use chartroom::datasets::pins::PinName;
use chartroom::jobs::handlers::KindText;
use chartroom::models::alias::{AliasName, MoveReason};
use chartroom::models::model::{ModelDescription, ModelName};
use chartroom::models::version::{ModelLicence, VersionDescription};
use chartroom::posts::model as posts;
use chartroom::projects::model::{Description, ProjectName};

use crate::support::database::TestDatabase;

/// A constraint on the length of a column, with what the type of its texts admits.
const TYPES: &[(&str, usize, usize)] = &[
    ("datasets_name_check", DatasetName::MIN, DatasetName::MAX),
    (
        "datasets_description_check",
        DatasetDescription::MIN,
        DatasetDescription::MAX,
    ),
    ("dataset_pins_name_check", PinName::MIN, PinName::MAX),
    ("datasets_licence_check", Licence::MIN, Licence::MAX),
    ("datasets_source_check", DataSource::MIN, DataSource::MAX),
    ("datasets_contact_check", Contact::MIN, Contact::MAX),
    ("dataset_imports_message_check", Message::MIN, Message::MAX),
    ("dataset_versions_message_check", Message::MIN, Message::MAX),
    ("models_name_check", ModelName::MIN, ModelName::MAX),
    (
        "models_description_check",
        ModelDescription::MIN,
        ModelDescription::MAX,
    ),
    (
        "model_versions_description_check",
        VersionDescription::MIN,
        VersionDescription::MAX,
    ),
    (
        "model_versions_licence_check",
        ModelLicence::MIN,
        ModelLicence::MAX,
    ),
    ("model_aliases_name_check", AliasName::MIN, AliasName::MAX),
    (
        "model_alias_moves_alias_check",
        AliasName::MIN,
        AliasName::MAX,
    ),
    (
        "model_alias_moves_reason_check",
        MoveReason::MIN,
        MoveReason::MAX,
    ),
    ("posts_title_check", posts::Title::MIN, posts::Title::MAX),
    (
        "posts_content_check",
        posts::Content::MIN,
        posts::Content::MAX,
    ),
    ("projects_name_check", ProjectName::MIN, ProjectName::MAX),
    (
        "projects_description_check",
        Description::MIN,
        Description::MAX,
    ),
];

/// Those on texts that no request brings as they are.
const OTHERS: &[(&str, &str)] = &[
    (
        "dead_jobs_reason_check",
        "written by the runner, which cuts it",
    ),
    (
        "jobs_kind_check",
        "a constant of the code; requests only search for it",
    ),
    (
        "jobs_last_error_check",
        "written by the runner, which cuts it",
    ),
    (
        "jobs_trace_check",
        "the header that this service writes itself",
    ),
    ("jobs_unique_key_check", "made by the code that enqueues"),
    ("outbox_kind_check", "a constant of the code"),
    ("outbox_subject_check", "made by the code, of ids"),
    ("periods_name_check", "a constant of the code"),
    (
        "model_logs_problem_check",
        "cut by the code that says what is wrong",
    ),
    (
        "user_identities_issuer_check",
        "a setting, which is refused when it is longer",
    ),
    (
        "user_identities_subject_check",
        "an ID token with a longer one is refused",
    ),
    (
        "user_words_word_check",
        "cut from a name by the code that keeps it",
    ),
    ("workloads_name_check", "has the grammar of Kubernetes"),
];

/// The least and the most characters that a constraint admits, as PostgreSQL writes it.
fn lengths(definition: &str) -> (usize, usize) {
    let after = |sign: &str| {
        let (_, rest) = definition.split_once(&format!(") {sign} "))?;
        let digits = rest
            .trim_start_matches('(')
            .split(|c: char| !c.is_ascii_digit());
        digits.into_iter().next()?.parse().ok()
    };
    (after(">=").unwrap_or(0), after("<=").unwrap_or(usize::MAX))
}

#[tokio::test]
async fn texts_are_as_long_as_their_columns_take() {
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    let all = "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint \
               WHERE contype = 'c' AND pg_get_constraintdef(oid) LIKE '%char_length(%'";
    let rows = session.query(all, &[]).await.unwrap();
    let mut found: BTreeMap<String, String> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (name, min, max) in TYPES {
        let definition = found.remove(*name).unwrap_or_default();
        assert_eq!(lengths(&definition), (*min, *max), "{name}: {definition}");
    }
    // What requests may search for is as long as what there can be.
    assert_eq!(lengths(&found["jobs_kind_check"]).1, KindText::MAX);
    for (name, reason) in OTHERS {
        assert!(found.remove(*name).is_some(), "{name}: {reason}");
    }
    assert!(
        found.is_empty(),
        "add to TYPES or to OTHERS of tests/it/laws/columns.rs: {found:?}"
    );
}

/// Control: the database refuses by that very constraint what is one character longer.
#[tokio::test]
async fn a_column_takes_the_longest_text_and_no_longer_one() {
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    let insert = "INSERT INTO projects (id, name, description) \
                  VALUES (gen_random_uuid(), repeat('ü', $1), repeat('ü', $2))";
    let insert = session.prepare(insert).await.unwrap();
    let attempt = async |name: usize, description: usize| {
        let sizes = [name, description].map(|size| i32::try_from(size).unwrap());
        let done = session.execute(&insert, &[&sizes[0], &sizes[1]]).await;
        done.map_err(|error| error.as_db_error().unwrap().constraint().map(str::to_owned))
    };
    let (name, description) = (ProjectName::MAX, Description::MAX);
    assert_eq!(attempt(name, description).await, Ok(1));
    let refused = |constraint: &str| Err(Some(constraint.to_owned()));
    assert_eq!(
        attempt(name + 1, description).await,
        refused("projects_name_check")
    );
    assert_eq!(
        attempt(name, description + 1).await,
        refused("projects_description_check")
    );
}

#[test]
fn lengths_are_read_as_postgresql_writes_them() {
    for (definition, expected) in [
        (
            "CHECK (((char_length(a) >= 1) AND (char_length(a) <= 300)))",
            (1, 300),
        ),
        ("CHECK ((char_length(a) <= 10000))", (0, 10_000)),
        ("", (0, usize::MAX)),
    ] {
        assert_eq!(lengths(definition), expected, "{definition}");
    }
}
