//! Searching for words: what is found, in which order, and that no question is a wrong one.

use super::*;

async fn place() -> (Place, Person) {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    for (title, content) in [
        ("Forecasting demand", "Models for retail, with seasons."),
        ("Retail prices", "A price list. Prices and prices again."),
        (
            "Weather",
            "The seasons of the year; a forecast for each demand.",
        ),
        ("Prix fixe", "A menu."),
    ] {
        ann.post(&place, json!({ "title": title, "content": content }))
            .await;
    }
    (place, ann)
}

#[tokio::test]
async fn questions_find_what_they_ask_for() {
    let (place, ann) = place().await;
    for (q, expected) in [
        ("retail", vec!["Retail prices", "Forecasting demand"]),
        // One word in all its forms.
        ("season", vec!["Weather", "Forecasting demand"]),
        ("RETAIL price", vec!["Retail prices"]),
        ("\"forecasting demand\"", vec!["Forecasting demand"]),
        ("forecast demand -weather", vec!["Forecasting demand"]),
        ("weather or menu", vec!["Prix fixe", "Weather"]),
        ("nowhere", vec![]),
        // Words that say nothing, or no words at all, find nothing.
        ("the", vec![]),
        ("", vec![]),
        ("%21%22-%28", vec![]),
    ] {
        let q = q.replace(' ', "%20").replace('"', "%22");
        let found = ann.titles(&place, &format!("/api/v1/posts?q={q}")).await;
        assert_eq!(found, expected, "{q}");
    }
    // What was changed is found by what it says now.
    let page = ann.get(&place, "/api/v1/posts?q=menu").await.json();
    let post = format!("/api/v1/posts/{}", page["items"][0]["id"].as_str().unwrap());
    ann.patch(&place, &post, json!({ "content": "A breakfast." }))
        .await;
    assert_eq!(
        ann.titles(&place, "/api/v1/posts?q=breakfasts").await,
        ["Prix fixe"]
    );
    assert_eq!(ann.titles(&place, "/api/v1/posts?q=menu").await, [""; 0]);
}

#[tokio::test]
async fn the_best_comes_first_where_rank_sorts() {
    let (place, ann) = place().await;
    let by = async |sort: &str| {
        ann.titles(
            &place,
            &format!("/api/v1/posts?q=price%20or%20retail&sort={sort}"),
        )
        .await
    };
    assert_eq!(by("-rank").await, ["Retail prices", "Forecasting demand"]);
    assert_eq!(by("rank").await, ["Forecasting demand", "Retail prices"]);
    let first = ann
        .get(
            &place,
            "/api/v1/posts?q=price%20or%20retail&sort=-rank&limit=1&count=true",
        )
        .await
        .json();
    assert_eq!(first["count"], 2);
    let next = first["next"].as_str().unwrap();
    let target = format!("/api/v1/posts?q=price%20or%20retail&sort=-rank&limit=1&cursor={next}");
    assert_eq!(ann.titles(&place, &target).await, ["Forecasting demand"]);
    let without = ann.get(&place, "/api/v1/posts?sort=-rank").await;
    assert_eq!(without.problem(), "invalid-parameter");
}

#[tokio::test]
async fn no_question_is_an_error() {
    let (place, ann) = place().await;
    let pieces = [
        "a",
        "\"",
        "or",
        "-",
        "(",
        ")",
        "&",
        "|",
        "!",
        ":*",
        "'",
        "<->",
        "\\",
        "*",
        "%",
        "\u{1F600}",
        "\t",
        "--",
        "http://x.y/z?a=b",
        "1e309",
    ];
    let mut random = Random(7);
    for _ in 0..200 {
        let mut q = String::new();
        for _ in 0..1 + random.below(12) {
            q += pieces[random.below(pieces.len())];
            if random.below(2) == 0 {
                q.push(' ');
            }
        }
        let value: String =
            percent_encoding::utf8_percent_encode(&q, percent_encoding::NON_ALPHANUMERIC).collect();
        let sort = ["-rank", "-created_at"][random.below(2)];
        let answer = ann
            .get(
                &place,
                &format!("/api/v1/posts?sort={sort}&count=true&q={value}"),
            )
            .await;
        assert_eq!(answer.status, 200, "{q:?}: {}", answer.text());
    }
    assert_eq!(
        ann.get(&place, &format!("/api/v1/posts?q={}", "x".repeat(500)))
            .await
            .status,
        200
    );
    let long = ann
        .get(&place, &format!("/api/v1/posts?q={}", "x".repeat(501)))
        .await;
    assert_eq!(long.problem(), "invalid-parameter");
}

/// Another language knows other forms of a word.
#[tokio::test]
async fn the_language_is_a_setting() {
    for (language, expected) in [("german", 1), ("simple", 0)] {
        let flag = format!("--search-language={language}");
        let place = Place::new(&[&flag]).await;
        let ann = place.person("ann").await;
        ann.post(&place, json!({ "content": "Die H\u{e4}user der Stadt" }))
            .await;
        let found = ann.titles(&place, "/api/v1/posts?q=haus").await;
        assert_eq!(found.len(), expected, "{language}");
        assert_eq!(
            ann.titles(&place, "/api/v1/posts?q=h%C3%A4user")
                .await
                .len(),
            1
        );
    }
}
