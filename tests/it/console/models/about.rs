//! What is known of a model beside its versions: its golden test, the answers that are kept, where
//! it came from, and how long it takes.

use super::*;

#[tokio::test]
async fn an_answer_becomes_a_golden_test() {
    let lab = Lab::new().await;
    let version = lab.version(json!({ "factor": 2 })).await;
    let golden = format!("{version}/golden");
    has(
        &lab.page(&golden).await,
        &["This version has no golden test."],
    );
    let ask = [("version", "1"), ("input.0", "1, 2.5")];
    let asked = lab.post("/models/churn/try", &ask).await.text();
    has(&asked, &["Make this the golden test of version 1", &golden]);
    let [inputs, outputs] = ["inputs", "outputs"].map(|name| hidden(&asked, name));
    let form = [("inputs", &*inputs), ("outputs", &*outputs)];
    // It is shown before it is kept.
    let filled = lab.post(&golden, &form).await;
    assert_eq!(filled.status, 200);
    has(
        &filled.text(),
        &[
            "&quot;data&quot;:[2.0,5.0]",
            "This version has no golden test.",
        ],
    );
    let etag = hidden(&filled.text(), "etag");
    let set = [("do", "set"), ("etag", &*etag), form[0], form[1]];
    assert_eq!(went(&lab.post(&golden, &set).await), golden);
    has(
        &lab.page(&golden).await,
        &["golden test passed", "&quot;data&quot;:[1,2.5]"],
    );
    has(&lab.page(&version).await, &["golden test passed"]);
    assert_eq!(lab.post(&golden, &set).await.status, 412, "it was changed");

    let etag = hidden(&lab.page(&golden).await, "etag");
    let other = form[1].1.replace("5.0", "6");
    let wrong = [
        ("do", "set"),
        ("etag", &*etag),
        form[0],
        ("outputs", &*other),
    ];
    assert_eq!(went(&lab.post(&golden, &wrong).await), golden);
    has(
        &lab.page(&golden).await,
        &[
            "golden test failed",
            "y: value 1 is 5.0, and 6.0 was expected",
        ],
    );
    // What cannot be asked is said where it was typed, and stays there.
    let etag = hidden(&lab.page(&golden).await, "etag");
    for (inputs, tolerance, status, said) in [
        ("[1,", "", 422, "id=\"inputs-wrong\""),
        ("[]", "", 422, "id=\"inputs-wrong\""),
        (form[0].1, "much", 422, "id=\"tolerance-wrong\""),
        (form[0].1, "2", 422, "the tolerance is from 0 to 1"),
        ("[{}]", "", 400, "role=\"alert\""),
    ] {
        let typed = [
            ("do", "set"),
            ("etag", &*etag),
            ("inputs", inputs),
            form[1],
            ("tolerance", tolerance),
        ];
        let refused = lab.post(&golden, &typed).await;
        assert_eq!(refused.status, status, "{inputs} {tolerance}");
        let inputs = inputs.replace('"', "&quot;");
        has(&refused.text(), &[said, &inputs]);
    }
    let remove = [("do", "remove"), ("etag", &*etag)];
    assert_eq!(lab.house.post(&lab.ben, &golden, &remove).await.status, 403);
    let viewed = lab.house.page(&lab.ben, &golden).await;
    assert!(
        viewed.contains("&quot;data&quot;:[2.0,6]")
            && !viewed.contains("<form method=\"post\" action=\"/models")
    );
    assert_eq!(went(&lab.post(&golden, &remove).await), version);
    has(
        &lab.page(&golden).await,
        &["This version has no golden test."],
    );
}

#[tokio::test]
async fn answers_are_kept_and_no_more() {
    let lab = Lab::new().await;
    let log = "/models/churn/log";
    let none = lab.page(log).await;
    has(
        &none,
        &["No answers of this model are kept.", "Make an empty one"],
    );
    lab.version(json!({ "factor": 2 })).await;
    let new = json!({ "project_id": lab.project, "name": "answers" });
    let dataset = lab.house.made(&lab.ann, "/api/v1/datasets", new).await;
    for share in ["much", "0", "7"] {
        let keep = [("dataset", &*dataset), ("share", share)];
        let refused = lab.post(log, &keep).await;
        assert_eq!(refused.status, 422, "{share}");
        has(
            &refused.text(),
            &["id=\"share-wrong\"", &format!("value=\"{share}\"")],
        );
    }
    let keep = [("dataset", &*dataset), ("share", "0.05")];
    assert_eq!(lab.house.post(&lab.ben, log, &keep).await.status, 403);
    assert_eq!(went(&lab.post(log, &keep).await), log);
    let page = lab.page(log).await;
    let way = format!("<a href=\"/datasets/{dataset}\">answers</a>");
    has(
        &page,
        &[
            "5\u{a0}% of the questions",
            &way,
            "0 records",
            "value=\"0.05\"",
        ],
    );
    let seen = lab.house.page(&lab.ben, log).await;
    assert!(
        seen.contains(&way) && !seen.contains("<h2>Keep answers"),
        "{seen}"
    );
    let etag = hidden(&page, "etag");
    let stop = [("do", "stop"), ("etag", &*etag)];
    assert_eq!(went(&lab.post(log, &stop).await), log);
    assert_eq!(lab.post(log, &stop).await.status, 412, "it is gone");
    has(
        &lab.page(log).await,
        &["No answers of this model are kept."],
    );
}

#[tokio::test]
async fn a_version_shows_what_it_was_trained_on() {
    let lab = Lab::new().await;
    let version = lab.version(json!({ "factor": 2 })).await;
    let lineage = format!("{version}/lineage");
    has(
        &lab.page(&lineage).await,
        &["Nothing is known of what this came from"],
    );
    let dataset = lab
        .house
        .dataset(&lab.ann, &lab.project, "a,b\n1,2\n")
        .await;
    let of_dataset = format!("/datasets/{dataset}?version=1");
    let edit = format!("{version}/edit");
    let etag = hidden(&lab.page(&edit).await, "etag");
    let said = async |lines: &str, before: &str| {
        let fields = [
            ("etag", &*etag),
            ("trained_on", lines),
            ("before.trained_on", before),
        ];
        lab.post(&edit, &fields).await
    };
    let refused = said("the census", "").await;
    assert_eq!(refused.status, 422);
    has(
        &refused.text(),
        &["id=\"trained_on-wrong\"", "the census</textarea>"],
    );
    let copied = format!("http://127.0.0.1:8080{of_dataset}");
    assert_eq!(went(&said(&copied, "").await), version);
    let kept = format!("{of_dataset}</textarea>");
    has(&lab.page(&edit).await, &[&kept]);
    for page in [lineage, format!("/datasets/{dataset}/versions/1/lineage")] {
        let page = lab.house.page(&lab.ben, &page).await;
        has(
            &page,
            &[
                "<svg class=\"lineage\"",
                "trained on",
                ">churn<",
                "href=\"/models/churn/versions/1\"",
            ],
        );
        assert!(page.matches(&of_dataset).count() >= 2, "{page}");
    }
    for none in [
        "/models/churn/versions/2/lineage",
        &format!("/datasets/{dataset}/versions/9/lineage"),
    ] {
        assert_eq!(lab.house.get(&lab.ann, none).await.status, 404);
    }
    // Who may not see a dataset sees that there is one.
    let api = format!("/api/v1{version}");
    let apart = lab.house.project(&lab.ann, &[]).await;
    let apart = lab.house.dataset(&lab.ann, &apart, "a,b\n1,2\n").await;
    let trained = json!({ "trained_on": [{ "dataset": apart, "version": 1 }] });
    let said = lab
        .house
        .api(&lab.ann, Method::PATCH, &api, Some(trained))
        .await;
    assert_eq!(said.status, 200, "{}", said.text());
    let page = format!("{version}/lineage");
    let (mine, of_others) = (lab.page(&page).await, lab.house.page(&lab.ben, &page).await);
    assert!(mine.contains(&apart) && !of_others.contains(&apart));
    has(&of_others, &["not visible or gone"]);
}

#[tokio::test]
async fn a_model_says_how_long_it_takes_and_what_was_measured() {
    let lab = Lab::new().await;
    let version = lab.version(json!({ "factor": 2 })).await;
    let quiet = lab.page("/models/churn").await;
    assert!(!quiet.contains("This replica"), "{quiet}");
    for typed in ["1,2", "3,4", "888,1"] {
        lab.post("/models/churn/try", &[("version", "1"), ("input.0", typed)])
            .await;
    }
    let asked = lab.page("/models/churn").await;
    has(
        &asked,
        &[
            "answered: 2",
            "not answered: 1",
            "in the model: p50 ",
            "waiting before: p50 ",
        ],
    );

    let edit = format!("{version}/edit");
    let form = lab.page(&edit).await;
    let etag = hidden(&form, "etag");
    let typed = [("etag", &*etag), ("metrics", "auc = 0.93\n\nrows=12000")];
    assert_eq!(went(&lab.post(&edit, &typed).await), version);
    has(&lab.page(&version).await, &["auc: 0.93", "rows: 12000"]);
    has(&lab.page(&edit).await, &["auc = 0.93\nrows = 12000"]);
    let etag = hidden(&lab.page(&edit).await, "etag");
    for wrong in ["auc = high", "auc", "auc = NaN"] {
        let typed = [("etag", &*etag), ("metrics", wrong)];
        let refused = lab.post(&edit, &typed).await;
        assert_eq!(refused.status, 422, "{wrong}");
        has(&refused.text(), &["id=\"metrics-wrong\"", wrong]);
    }
}
