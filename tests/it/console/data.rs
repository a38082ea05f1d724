//! Datasets: the table and its URL, columns, versions, imports, comparisons, the sample.

use super::*;

const CSV: &str = "race,year,income,big,note\nWhite,2009,100.5,9007199254740993,\nWhite,2019,115,2,x\nAsian,2009,200,3,y\nAsian,2019,190,4,z\n";

#[tokio::test]
async fn the_table_is_what_its_url_says() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let dataset = house.dataset(&ann, &project, CSV).await;
    let path = format!("/datasets/{dataset}");
    let page = house.page(&ann, &path).await;
    // Exact, also where a browser's numbers are not.
    for part in [
        ">9007199254740993<",
        ">100.5<",
        "class=\"null\">no value<",
        "<small>text</small>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let rows = |page: &str| page.matches("<tr><td").count();
    assert_eq!(rows(&page), 4);
    let filtered = house
        .page(&ann, &format!("{path}?race=Asian&sort=-year&empty="))
        .await;
    assert_eq!(rows(&filtered), 2);
    assert!(
        filtered.contains("aria-sort=\"descending\"") && filtered.contains("race is <strong>Asian"),
        "{filtered}"
    );
    // The same with the library for Python.
    let asked = format!("{path}?note=a+%22b%22&income__gt=110&select=race,year&version=1&limit=3");
    let python = house.page(&ann, &asked).await.replace("&quot;", "\"");
    let expected = format!(
        "import chartroom\n\nframe = chartroom.dataset(\"{dataset}\").to_polars({{\"note\": \"a \\\"b\\\"\", \"income__gt\": \"110\"}}, select=[\"race\", \"year\"], version=1)</code>"
    );
    assert!(python.contains(&expected), "{python}");
    let first = house.page(&ann, &format!("{path}?limit=3")).await;
    assert_eq!(rows(&first), 3);
    let end = first
        .find("\" class")
        .or_else(|| first.find("Next page"))
        .unwrap();
    assert!(end > 0 && first.contains("cursor="), "{first}");
    let asked = house
        .get(
            &ann,
            &format!("{path}/ask?kept=race%3DWhite%26cursor%3Dx&field=income&op=gt&value=110"),
        )
        .await;
    assert_eq!(went(&asked), format!("{path}?race=White&income__gt=110"));
    assert_eq!(rows(&house.page(&ann, went(&asked)).await), 1);
    let chosen = house
        .get(&ann, &format!("{path}/ask?kept=&column=race&column=year"))
        .await;
    assert_eq!(went(&chosen), format!("{path}?select=race%2Cyear"));
    assert!(!house.page(&ann, went(&chosen)).await.contains(">100.5<"));
    assert_eq!(
        house.get(&ann, &format!("{path}?nothing=1")).await.status,
        400
    );
}

#[tokio::test]
async fn bars_lead_to_their_records() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let dataset = house.dataset(&ann, &project, CSV).await;
    let page = house
        .page(&ann, &format!("/datasets/{dataset}/profile"))
        .await;
    let begin = format!("/datasets/{dataset}?income__gte=");
    let targets: Vec<String> = page
        .match_indices(&begin)
        .map(|(at, _)| unescaped(&page[at..at + page[at..].find('"').unwrap()]))
        .collect();
    assert!(!targets.is_empty(), "{page}");
    let mut seen = 0;
    for target in &targets {
        seen += house.page(&ann, target).await.matches("<tr><td").count();
    }
    assert_eq!(seen, 4, "every record is behind one bar: {targets:?}");
    assert!(
        page.contains(&format!("/datasets/{dataset}?race=White")),
        "{page}"
    );
}

#[tokio::test]
async fn types_are_chosen_before_a_file_is_loaded() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let new = json!({ "project_id": project, "name": "d" });
    let dataset = house.made(&ann, "/api/v1/datasets", new).await;
    let path = format!("/datasets/{dataset}/import");
    let send = async |fields: &[(&str, &str)]| {
        let field = |(name, value): &(&str, &str)| {
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields: String = fields.iter().map(field).collect();
        let file = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nplz;n\r\n1;2\r\n\r\n--XX--\r\n";
        let headers = [("content-type", "multipart/form-data; boundary=XX"), OWN];
        let body = format!("{fields}{file}").into();
        house.send(&ann, Method::POST, &path, &headers, body).await
    };
    let said = [("delimiter", ";"), ("message", "the <first>")];
    let tried = send(&[said[0], said[1], ("dry_run", "true")]).await;
    let page = house.page(&ann, went(&tried)).await;
    for part in [
        "Nothing is loaded yet.",
        "<option value=\"plz:int\" selected>int</option>",
        "<option value=\"plz:text\">text</option>",
        "name=\"delimiter\" value=\";\"",
        "name=\"message\" value=\"the &lt;first&gt;\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("name=\"dry_run\""), "{page}");
    let key = hidden(&page, "key");
    let types = [("type", "plz:text"), ("type", "n:int")];
    let sent = send(&[("key", &*key), said[0], said[1], types[0], types[1]]).await;
    let loaded = house.page(&ann, went(&sent)).await;
    assert!(loaded.contains("It made version 1."), "{loaded}");
    assert!(!loaded.contains("<option"), "its types stay: {loaded}");
    let table = house.page(&ann, &format!("/datasets/{dataset}")).await;
    assert!(table.contains("<small>text</small>"), "{table}");
}

#[tokio::test]
async fn a_form_imports_a_file_without_a_script() {
    let house = House::new().await;
    let (ann, ben) = (
        house.person("ann", false).await,
        house.person("ben", false).await,
    );
    let project = house.project(&ann, &[(&ben, "viewer")]).await;
    let dataset = house
        .made(
            &ann,
            "/api/v1/datasets",
            json!({ "project_id": project, "name": "d" }),
        )
        .await;
    let path = format!("/datasets/{dataset}/import");
    let form = house.page(&ann, &path).await;
    let send = async |who: &Person, key: &str, file: &str, content: &str| {
        let field = |name: &str, value: &str| {
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = [
            field("key", key),
            field("mode", "append"),
            field("message", ""),
            format!(
                "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\nContent-Type: application/octet-stream\r\n\r\n{content}\r\n--XX--\r\n"
            ),
        ];
        let headers = [("content-type", "multipart/form-data; boundary=XX"), OWN];
        house
            .send(who, Method::POST, &path, &headers, body.concat().into())
            .await
    };
    let key = hidden(&form, "key");
    let sent = send(&ann, &key, "a.csv", CSV).await;
    let import = went(&sent).to_owned();
    let page = house.page(&ann, &import).await;
    assert!(
        page.contains("It made version 1.") && page.contains("Rows loaded: 4"),
        "{page}"
    );
    assert_eq!(
        went(&send(&ann, &key, "a.csv", CSV).await),
        import,
        "sent twice, loaded once"
    );
    let wrong = send(
        &ann,
        "another",
        "a.csv",
        "race,year,income,big,note\nWhite,x,1,1,\nWhite,2020,1,1,\n",
    )
    .await;
    let failed = went(&wrong).to_owned();
    let page = house.page(&ann, &failed).await;
    assert!(
        page.contains("refused") && page.contains("/rejected\""),
        "{page}"
    );
    assert!(house.page(&ann, "/home").await.contains(&failed));
    assert_eq!(send(&ann, "third", "a.pdf", CSV).await.status, 415);
    assert_eq!(send(&ben, "fourth", "a.csv", CSV).await.status, 403);
    let listed = house
        .page(&ann, &format!("/datasets/{dataset}/imports"))
        .await;
    assert!(
        listed.contains(&failed) && listed.contains(&import),
        "{listed}"
    );
}

#[tokio::test]
async fn what_a_dataset_says_of_itself_is_changed_beside_others() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let dataset = house.dataset(&ann, &project, "a,b\n1,x\n").await;
    let path = format!("/datasets/{dataset}");
    let settings = format!("{path}/settings");
    let etag = hidden(&house.page(&ann, &settings).await, "etag");
    let elsewhere = json!({ "description": "About *incomes*" });
    let api = format!("/api/v1{path}");
    assert_eq!(
        house
            .api(&ann, Method::PATCH, &api, Some(elsewhere))
            .await
            .status,
        200
    );
    let mut fields = vec![
        ("etag", &*etag),
        ("before.name", "Incomes"),
        ("name", "Incomes"),
        ("licence", "CC0-1.0"),
        ("tags", "census, age"),
    ];
    let saved = house.post(&ann, &settings, &fields).await;
    assert_eq!(went(&saved), path);
    let page = house.page(&ann, &path).await;
    for part in ["<em>incomes</em>", "Licence: CC0-1.0", ">census<", ">age<"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What is wrong is said at the field, wherever the API has it.
    let long = "x".repeat(3_000);
    fields.push(("source", &long));
    let refused = house.post(&ann, &settings, &fields).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("id=\"source-wrong\""),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn versions_are_told_apart() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let dataset = house.dataset(&ann, &project, "a,b\n1,x\n").await;
    house.import(&ann, &dataset, "a,b\n2,y\n").await;
    let path = format!("/datasets/{dataset}");
    let page = house.page(&ann, &format!("{path}/versions")).await;
    assert!(page.contains(&format!("{path}?version=1")), "{page}");
    let old = house.page(&ann, &format!("{path}?version=1")).await;
    assert!(
        old.contains("You see version 1") && !old.contains(">y<"),
        "{old}"
    );
    let page = house.page(&ann, &format!("{path}/difference?to=2")).await;
    assert!(
        page.contains("From version 1 to 2") && page.contains("1 added"),
        "{page}"
    );
}

#[tokio::test]
async fn groups_are_compared_in_a_sentence() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let dataset = house.dataset(&ann, &project, CSV).await;
    let path = format!("/datasets/{dataset}/compare");
    let asked = "by=race&groups=White,Asian&measures=income&period=year&at=2019&base=2009&agg=";
    let page = house.page(&ann, &format!("{path}?{asked}")).await;
    for part in [
        "White: income was 115 in 2019, 14.43 % more than in 2009.",
        "Asian: income was 190 in 2019, 5 % less than in 2009.",
        "format=svg",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Two records in a group: it says so, and how to ask otherwise.
    let refused = house
        .get(
            &ann,
            &format!("{path}?by=race&groups=White&measures=income"),
        )
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("name=\"agg\""),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn the_sample_is_one_click_away() {
    let house = House::on(TestApp::with_files().await).await;
    let ann = house.person("ann", false).await;
    let home = house.page(&ann, "/home").await;
    let key = hidden(&home, "key");
    let loaded = house.post(&ann, "/home/sample", &[("key", &key)]).await;
    let path = went(&loaded).to_owned();
    let list = async || {
        let page = house.page(&ann, &path).await;
        page.contains("280 records").then_some(page)
    };
    let within = std::time::Duration::from_secs(60);
    crate::support::wait::until("the sample", within, list)
        .await
        .unwrap();
    // A second click finds what the first has made.
    assert_eq!(
        went(&house.post(&ann, "/home/sample", &[("key", &key)]).await),
        path
    );
    let home = house.page(&ann, "/home").await;
    assert_eq!(home.matches(">Sample<").count(), 1, "{home}");
}
