//! The program itself reads the settings that the chart gives to each of its containers.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::helm::{Case, Object, holds};
use crate::pods::{containers, list};
use crate::process::TempDir;

/// What a variable is in a pod whose Secrets hold plausible values, its files in `folder`.
fn value(variable: &Value, folder: &str) -> String {
    match variable["value"].as_str() {
        Some(value) => value.replace("/etc/chartroom", folder),
        None if variable["name"] == "CHARTROOM_DATABASE_PORT" => "5432".to_owned(),
        None => "from-a-secret".to_owned(),
    }
}

/// `chartroom config` ends with 78 for an unknown variable, a value out of range and a
/// contradiction.
fn the_program_refuses(case: &Case) -> Vec<String> {
    let dir = TempDir::new("settings").unwrap();
    let certificate = rcgen::generate_simple_self_signed(["db.example.org".to_owned()]).unwrap();
    let certificate = certificate.cert.pem();
    for (file, content) in [
        ("database/password", "secret"),
        (
            "database/uri",
            "postgres://user:secret@db.example.org/chartroom?sslmode=require",
        ),
        ("database-ca/ca.crt", certificate.as_str()),
        ("keys/none", ""),
        ("smtp/password", "secret"),
        ("sso/client-secret", "secret"),
        (
            "sso/providers.json",
            r#"[{"id": "a", "issuer": "https://a.example", "client_id": "c", "client_secret": "s"}]"#,
        ),
        ("smtp-ca/ca.crt", certificate.as_str()),
    ] {
        let path = dir.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let folder = dir.0.to_str().unwrap();
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        // What runs models has settings of its own.
        for container in containers(pod).filter(|c| !c["env"].is_null() && c["name"] != "runner") {
            let variables = list(&container["env"])
                .iter()
                .map(|v| (v["name"].as_str().unwrap(), value(v, folder)));
            let output = Command::new(env!("CARGO_BIN_EXE_chartroom"))
                .arg("config")
                .env_clear()
                .envs(variables)
                .current_dir(&dir.0)
                .output()
                .unwrap();
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                findings.push(format!("{object}: {said}"));
            }
        }
    }
    findings
}

/// `chartroom provision` ends with 78 for a plan that it does not understand, and with 1 where
/// there is no API server.
fn the_program_refuses_the_plan(case: &Case) -> Vec<String> {
    let dir = TempDir::new("plan").unwrap();
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(plan) = object.0["data"]["plan.json"].as_str() else {
            continue;
        };
        fs::write(dir.0.join("plan.json"), plan).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_chartroom"))
            .args(["provision", "--plan", "plan.json"])
            .env_clear()
            .env("KUBECONFIG", "/nowhere")
            .current_dir(&dir.0)
            .output()
            .unwrap();
        if output.status.code() != Some(1) {
            let said = String::from_utf8_lossy(&output.stderr);
            findings.push(format!("{object}: {said}"));
        }
    }
    findings
}

#[test]
fn the_program_understands_every_plan() {
    let change = |from: &'static str, to: &'static str| {
        move |object: &mut Object| {
            if let Some(plan) = object.0["data"]["plan.json"].as_str() {
                object.0["data"]["plan.json"] = json!(plan.replace(from, to));
            }
        }
    };
    holds(
        the_program_refuses_the_plan,
        "hook.yaml",
        &[
            (
                "a member of another name",
                &change("operatorTimeout", "patience"),
            ),
            ("a span without a unit", &change("\"210s\"", "\"210\"")),
            (
                "another owner",
                &change("\"release\":", "\"release\": \"x/y\", \"rel\":"),
            ),
        ],
    );
}

#[test]
fn the_program_accepts_the_settings_of_every_container() {
    let set = |name: &'static str, wrong: &'static str| {
        move |object: &mut Object| {
            let env = object.0.pointer_mut("/spec/template/spec/containers/0/env");
            for variable in env.and_then(Value::as_array_mut).into_iter().flatten() {
                if variable["name"] == name {
                    variable["value"] = json!(wrong);
                }
            }
        }
    };
    holds(
        the_program_refuses,
        "hook.yaml",
        &[
            ("a span without a unit", &set("CHARTROOM_DRAIN_DELAY", "5")),
            (
                "an origin without a scheme",
                &set("CHARTROOM_PUBLIC_URL", "demo"),
            ),
            (
                "an unknown mode",
                &set("CHARTROOM_DATABASE_SSLMODE", "always"),
            ),
            (
                "a missing file",
                &set("CHARTROOM_DATABASE_PASSWORD_FILE", "/nowhere"),
            ),
        ],
    );
}

/// What `migrate up` writes into the database, without which it has the whole trail kept.
fn the_migration_lacks_how_long_the_trail_is_kept(case: &Case) -> Vec<String> {
    let kept = |variable: &&Value| variable["name"] == "CHARTROOM_AUDIT_KEEP_DAYS";
    let expected = (case.file == "hook-full.yaml").then_some("400");
    let mut migrations = 0;
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        for container in containers(pod).filter(|c| c["name"] == "migrate") {
            migrations += 1;
            let found = list(&container["env"]).iter().find(kept);
            let days = found.map(|found| found["value"].as_str().unwrap());
            if days != expected {
                findings.push(format!("{object}: {days:?}"));
            }
        }
    }
    if expected.is_some() && migrations != 1 {
        findings.push(format!("{migrations} migrations"));
    }
    findings
}

#[test]
fn the_migration_is_told_how_long_the_trail_is_kept() {
    holds(
        the_migration_lacks_how_long_the_trail_is_kept,
        "hook-full.yaml",
        &[("nothing of it", &|object| {
            let text = object.0.to_string();
            let other = text.replace("CHARTROOM_AUDIT_KEEP_DAYS", "CHARTROOM_OTHER");
            object.0 = serde_json::from_str(&other).unwrap();
        })],
    );
}
