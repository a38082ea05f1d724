//! The OpenAPI document: what the repository holds, what the program prints and what the service
//! serves are one, and whole.

mod document;
mod methods;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use chartroom::kernel::error::Code;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::snapshot;

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_chartroom"))
        .arg("openapi")
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_repository_holds_what_the_program_prints() {
    snapshot::file(Path::new("openapi.json"), &printed());
}

#[tokio::test]
async fn the_service_serves_the_same_under_its_own_address() {
    let app = TestApp::with(&["--public-url=https://chartroom.test"], Default::default()).await;
    let answer = app.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let mut served = answer.json();
    assert_eq!(served["servers"][0]["url"], "https://chartroom.test");
    let mut printed: Value = serde_json::from_str(&printed()).unwrap();
    served["servers"].take();
    printed["servers"].take();
    assert_eq!(served, printed);
}

#[test]
fn the_table_of_codes_in_the_handbook_is_the_codes() {
    let mut table = String::from("| `code` | Status | Meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let help = code.help().split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(
            table,
            "| `{}` | {} | {help} |",
            code.as_str(),
            code.status().as_u16()
        )
        .unwrap();
    }
    snapshot::between(
        Path::new("docs/API.md"),
        "<!-- codes: generated, see tests/it/openapi/mod.rs -->\n",
        "<!-- /codes -->",
        &table,
    );
}

#[tokio::test]
async fn every_code_has_its_page() {
    let app = TestApp::new().await;
    let all = app.get("/errors").await;
    assert_eq!(all.header("content-type"), "text/html; charset=utf-8");
    for code in Code::ALL {
        let page = app.get(&format!("/errors/{}", code.as_str())).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        for page in [page.text(), all.text()] {
            assert!(
                page.contains(code.title())
                    && page.contains(&format!("({})", code.status().as_u16())),
                "{code:?}"
            );
        }
    }
    assert_eq!(app.get("/errors/%3Cscript%3E").await.problem(), "not-found");
}
