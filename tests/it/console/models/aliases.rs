//! Moving aliases, their history, and what they keep from being deleted.

use super::*;

#[tokio::test]
async fn an_alias_is_moved_once_the_difference_is_seen() {
    let lab = Lab::new().await;
    lab.version(json!({ "factor": 1 })).await;
    lab.version(json!({ "factor": 2 })).await;
    lab.version(json!({ "factor": 3, "input": "z" })).await;
    lab.version(json!({ "problem": "no" })).await;
    let form = lab.page("/models/churn/move").await;
    has(&form, &["name=\"weights\"", "value=\"production\""]);
    let first = lab
        .page("/models/churn/move?alias=production&version=1")
        .await;
    has(&first, &["leads nowhere now"]);
    assert_eq!(hidden(&first, "etag"), "");
    let reason = ("reason", "the first one");
    lab.lead("production", &[("version", "1"), reason]).await;
    assert_eq!(lab.leads("production").await, json!({ "1": 1 }));
    // It is there by now, so the form that has not seen it moves nothing.
    let blind = [("alias", "production"), ("etag", ""), ("version", "2")];
    let refused = lab.post("/models/churn/move", &blind).await;
    assert_eq!(refused.status, 412);
    has(
        &refused.text(),
        &["Somebody has moved the alias meanwhile", "versions/1"],
    );

    let same = lab
        .page("/models/churn/move?alias=production&version=2")
        .await;
    has(&same, &["Version 2 takes and gives the same"]);
    let etag = hidden(&same, "etag");
    let other = lab
        .page("/models/churn/move?alias=production&version=3")
        .await;
    has(
        &other,
        &[
            "Version 3 takes or gives something else",
            "<th scope=\"row\">z ",
            "FP32 [-1, 2]",
            "not there",
        ],
    );
    has(
        &lab.page("/models/churn/move?alias=production&version=4")
            .await,
        &["Version 4 cannot be asked"],
    );
    has(
        &lab.page("/models/churn/move?alias=production&version=9")
            .await,
        &["There is no version 9."],
    );
    let to = |version: &'static str| {
        [
            ("alias", "production"),
            ("etag", &*etag),
            ("version", version),
        ]
    };
    let unready = lab.post("/models/churn/move", &to("4")).await;
    assert_eq!(unready.status, 409);
    has(&unready.text(), &["version 4 is not ready"]);
    assert_eq!(lab.post("/models/churn/move", &to("9")).await.status, 422);
    assert_eq!(lab.leads("production").await, json!({ "1": 1 }));
    let moved = lab.post("/models/churn/move", &to("2")).await;
    assert_eq!(went(&moved), "/models/churn/aliases/production");
    // Sent twice, it is one move; from where it does not lead any more, it is none.
    let twice = lab.post("/models/churn/move", &to("2")).await;
    assert_eq!(went(&twice), "/models/churn/aliases/production");
    let stale = lab.post("/models/churn/move", &to("3")).await;
    assert_eq!(stale.status, 412);
    has(&stale.text(), &["Somebody has moved the alias meanwhile"]);
    assert_eq!(lab.leads("production").await, json!({ "2": 1 }));

    // One click, and it leads where it led.
    let page = lab.page("/models/churn").await;
    has(
        &page,
        &[
            "Back to version 1",
            "the first one",
            "The ann",
            "Request id",
        ],
    );
    let back = [
        ("alias", "production"),
        ("etag", &*hidden(&page, "etag")),
        ("version", &*hidden(&page, "version")),
    ];
    assert_eq!(
        went(&lab.post("/models/churn/move", &back).await),
        "/models/churn/aliases/production"
    );
    assert_eq!(lab.leads("production").await, json!({ "1": 1 }));
    has(
        &lab.page("/models").await,
        &["production leads to", "versions/1"],
    );
}

#[tokio::test]
async fn shares_and_a_shadow_are_shown_and_the_history_is_walked() {
    let lab = Lab::new().await;
    for factor in 1..=3 {
        lab.version(json!({ "factor": factor })).await;
    }
    let shares = [("weights", "1=90, 2=10"), ("shadow", "3")];
    lab.lead("production", &[("version", "1")]).await;
    lab.lead("production", &shares).await;
    assert_eq!(lab.leads("production").await, json!({ "1": 90, "2": 10 }));
    let alias = "/models/churn/aliases/production";
    let page = lab.page(alias).await;
    has(
        &page,
        &[
            "(90\u{a0}%)",
            "(10\u{a0}%)",
            "Shadow: <a href=\"/models/churn/versions/3\">",
        ],
    );
    assert_eq!(
        page.matches("<li><div class=\"between\">").count(),
        2,
        "{page}"
    );
    let older = lab.page(&format!("{alias}?limit=1")).await;
    // What is before the page is known nevertheless.
    has(&older, &["version 1</a> → <a", "rel=\"next\""]);
    // Where it leads now it need not be led, elsewhere it can.
    assert_eq!(page.matches("Lead here again").count(), 1, "{page}");
    assert!(!older.contains("Lead here again"), "{older}");
    for (name, value) in [
        ("weights", "1=90, 2=x"),
        ("weights", "x=90"),
        ("version", "one"),
        ("shadow", "0"),
    ] {
        let query = serde_urlencoded::to_string([("alias", "a"), (name, value)]).unwrap();
        let path = format!("/models/churn/move?{query}");
        let refused = lab.house.get(&lab.ann, &path).await;
        assert_eq!(refused.status, 422, "{path}");
        has(&refused.text(), &["This could not be saved"]);
    }
    // The name of an alias is a word.
    let number = [("alias", "7"), ("etag", ""), ("version", "1")];
    assert_eq!(lab.post("/models/churn/move", &number).await.status, 400);
    assert_eq!(
        lab.house
            .get(&lab.ann, "/models/churn/aliases/none")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn what_an_alias_leads_to_is_not_deleted_and_why_is_said() {
    let lab = Lab::new().await;
    let path = lab.version(json!({ "factor": 1 })).await;
    let etags = [&path, "/models/churn/edit"].map(str::to_owned);
    let before = hidden(&lab.page(&path).await, "etag");
    lab.lead("production", &[("version", "1")]).await;
    let link = "<li><a href=\"/models/churn/aliases/production\">production</a></li>";
    for page in &etags {
        let page = lab.page(page).await;
        has(
            &page,
            &[
                "This cannot be deleted as long as an alias leads here",
                link,
            ],
        );
        assert!(!page.contains("/delete\""), "{page}");
    }
    let version = [("etag", &*before), ("name", "1")];
    let refused = lab.post(&format!("{path}/delete"), &version).await;
    assert_eq!(refused.status, 409);
    has(
        &refused.text(),
        &["an alias of the model leads to this version", link],
    );
    let etag = hidden(&lab.page("/models/churn/edit").await, "etag");
    let model = [("etag", &*etag), ("name", "churn")];
    let refused = lab.post("/models/churn/delete", &model).await;
    assert_eq!(refused.status, 409);
    has(&refused.text(), &["is asked by its alias", link]);

    // Once the alias is gone, nothing keeps them.
    let page = lab.page("/models/churn/aliases/production").await;
    let remove = "/models/churn/aliases/production/delete";
    let etag = hidden(&page[page.find(remove).unwrap()..], "etag");
    let wrong = [("etag", &*etag), ("name", "x")];
    assert_eq!(lab.post(remove, &wrong).await.status, 409);
    let right = [("etag", &*etag), ("name", "production")];
    assert_eq!(went(&lab.post(remove, &right).await), "/models/churn");
    let kept = lab.page("/models/churn/aliases/production").await;
    has(&kept, &["removed", "nowhere"]);
    let gone = lab.post(&format!("{path}/delete"), &version).await;
    assert_eq!(went(&gone), "/models/churn");
    let etag = hidden(&lab.page("/models/churn/edit").await, "etag");
    let model = [("etag", &*etag), ("name", "churn")];
    went(&lab.post("/models/churn/delete", &model).await);
}
