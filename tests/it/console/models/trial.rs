//! Asking a model from its page.

use super::*;

#[tokio::test]
async fn a_model_is_asked_from_its_page() {
    let lab = Lab::new().await;
    has(
        &lab.page("/models/churn/try").await,
        &["No version is ready to be asked yet."],
    );
    lab.version(json!({ "factor": 2 })).await;
    // Without an alias, the newest version is asked.
    let form = lab.page("/models/churn/try").await;
    has(&form, &["<label for=\"input.0\">x</label>", "FP32 [-1, 2]"]);
    assert_eq!(hidden(&form, "version"), "1");
    lab.lead("production", &[("version", "1")]).await;
    assert_eq!(
        hidden(&lab.page("/models/churn/try").await, "version"),
        "production"
    );
    let ask = async |who: &Person, word: &str, typed: &str| {
        let fields = [("version", word), ("input.0", typed)];
        lab.house.post(who, "/models/churn/try", &fields).await
    };
    // Viewers may.
    for (typed, rows) in [
        ("1, 2.5", vec!["2.0, 5.0"]),
        ("1,2\n3,4", vec!["2.0, 4.0", "6.0, 8.0"]),
        ("[[1, 2], [3, 4]]", vec!["2.0, 4.0", "6.0, 8.0"]),
    ] {
        let answer = ask(&lab.ben, "production", typed).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.text();
        has(&page, &["Version 1 answered in ", " ms."]);
        for row in &rows {
            assert!(page.contains(&format!(">{row}</td>")), "{row}: {page}");
        }
        assert_eq!(page.matches("<th scope=\"row\">").count(), rows.len());
    }
    let page = ask(&lab.ben, "1", "1,2").await.text();
    has(
        &page,
        &[
            "--json &#39;{&quot;inputs&quot;:[{&quot;name&quot;:&quot;x&quot;",
            "/v2/models/churn/versions/1/infer",
            "InferInput(&quot;x&quot;, [1, 2], &quot;FP32&quot;)",
        ]
        .map(|part| part.replace("&#39;", "'"))
        .each_ref()
        .map(String::as_str),
    );
    // What is wrong is said at the field, and what was typed stays.
    for (typed, said) in [
        ("", "x has no values"),
        ("[1,", "x is no JSON"),
        ("[[1,2],[3]]", "x has lists of different lengths"),
        ("a,b", "a text is not a value of FP32"),
        (
            "1,2,3",
            "inputs: x has the shape [1, 3], and the model takes [-1, 2]",
        ),
    ] {
        let answer = ask(&lab.ann, "production", typed).await;
        assert_eq!(answer.status, 400, "{typed}: {}", answer.text());
        let page = answer.text();
        has(
            &page,
            &["id=\"input.0-wrong\"", said, "aria-invalid=\"true\""],
        );
        let kept = format!(">\n{typed}</textarea>");
        assert!(page.contains(&kept), "{kept}: {page}");
    }
    // What the model itself refuses is said above.
    let refused = ask(&lab.ann, "production", "888,1").await;
    assert_eq!(refused.status, 400);
    has(&refused.text(), &["888 is too much"]);
    assert!(!refused.text().contains("input.0-wrong"));
    let ended = ask(&lab.ann, "production", "666,1").await;
    assert_eq!(ended.status, 503);
    has(&ended.text(), &["the process of the model ended", "666,1"]);
    assert_eq!(ask(&lab.ann, "none", "1,2").await.status, 404);
    let none = lab
        .house
        .get(&lab.ann, "/models/churn/try?version=none")
        .await;
    assert_eq!(none.status, 404);
    has(&none.text(), &["no version and no alias none"]);
    let outsider = lab.house.person("eve", false).await;
    assert_eq!(ask(&outsider, "production", "1,2").await.status, 404);
}

#[tokio::test]
async fn texts_are_answered_as_texts() {
    let lab = Lab::new().await;
    lab.version(json!({ "says": "it's \"so\"", "input": "the first", "output": "said" }))
        .await;
    let fields = [("version", "1"), ("input.0", "1,2")];
    let page = lab.post("/models/churn/try", &fields).await.text();
    has(
        &page,
        &[
            "it's &quot;so&quot;, it's &quot;so&quot;",
            "BYTES [1, 2]",
            ">said<",
        ],
    );
}

#[tokio::test]
async fn where_models_run_nowhere_the_pages_say_so() {
    let app = TestApp::with(&["--models-runner=off"], Default::default()).await;
    let house = House::on(app).await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let new = json!({ "project_id": project, "name": "churn" });
    house.made(&ann, "/api/v1/models", new).await;
    for path in ["/models/churn/upload", "/models/churn/try"] {
        has(&house.page(&ann, path).await, &["Models run nowhere here"]);
    }
    assert_eq!(house.get(&ann, "/models/churn").await.status, 200);
}
