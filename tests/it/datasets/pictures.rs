//! Pictures instead of JSON: of groups, comparisons and profiles.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::json;

use super::{COLUMNS, Place};
use crate::support::app::{Answer, outcome};

/// Whether it is XML with one element around all others, of which none is a script.
pub(super) fn well_formed(text: &str) {
    let mut reader = Reader::from_str(text);
    let (mut open, mut elements) = (Vec::new(), 0);
    loop {
        let event = reader.read_event().unwrap_or_else(|error| {
            panic!("{error} at {}: {text}", reader.buffer_position());
        });
        match event {
            Event::Start(tag) => {
                assert!(!open.is_empty() || elements == 0, "{text}");
                open.push(tag.name().as_ref().to_owned());
                elements += 1;
            }
            Event::Empty(tag) => {
                assert!(!open.is_empty(), "{:?}", tag.name());
                elements += 1;
            }
            Event::End(tag) => assert_eq!(open.pop().as_deref(), Some(tag.name().as_ref())),
            Event::Text(_) => {}
            Event::GeneralRef(name) => {
                assert!(
                    ["amp", "lt", "gt", "quot", "#39"].contains(&&*name),
                    "{name:?}"
                );
            }
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(open.is_empty() && elements > 5, "{open:?} {elements}");
    assert!(!text.contains("<script"), "{text}");
}

fn svg(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    well_formed(&answer.text());
    answer.text()
}

async fn loaded(place: &Place) -> String {
    let hostile = "</text><script>alert('1')</script>&\u{1}";
    let name = json!({ "name": "Numbers </svg>&" });
    let dataset = place.dataset(&COLUMNS, name).await;
    let file = format!(
        "n,t,f,day,moment,ok\n1,{hostile},1.5,2024-01-01,2024-01-01T10:00:00Z,true\n\
         2,b,-2,2024-02-01,2024-01-01T12:00:00Z,false\n3,b,,2024-03-01,,\n"
    );
    place.load(&dataset, "", &file).await;
    dataset
}

#[tokio::test]
async fn groups_are_drawn_as_bars_or_lines_and_their_names_are_no_markup() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    let get = async |query: &str| place.get(&format!("{dataset}/aggregate?{query}")).await;
    let bars = svg(&get("group_by=t&measures=count,sum:n&format=svg").await);
    assert!(bars.contains("&lt;/text&gt;&lt;script&gt;"), "{bars}");
    assert!(bars.contains("<title id=\"title\">Numbers &lt;/svg&gt;&amp;</title>"));
    assert!(bars.contains(">5</text>") && !bars.contains("<polyline"));
    let lines = svg(&get("group_by=day&measures=max:f&format=svg").await);
    assert_eq!(lines.matches("<circle").count(), 2);
    let series = svg(&get("group_by=n,ok&measures=count&format=svg").await);
    assert_eq!(series.matches("<polyline").count(), 3);
    assert!(series.contains(">no value</text>"));
    svg(&get("format=svg").await);
    for bad in [
        "group_by=t,n,ok&format=svg",
        "group_by=t&measures=max:day&format=svg",
        "format=png",
    ] {
        assert_eq!(
            outcome(&get(bad).await),
            (400, "invalid-parameter".to_owned()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn who_prefers_pictures_gets_one_with_a_tag_of_its_own() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    let target = format!("{dataset}/compare?by=t&groups=b,none&measures=n&agg=sum");
    let get = async |headers: &[(&str, &str)]| {
        place
            .app
            .send_as(
                &place.authorization,
                http::Method::GET,
                &target,
                headers,
                None,
            )
            .await
    };
    let accepted = "image/avif,image/svg+xml,image/*,*/*;q=0.8";
    let picture = get(&[("accept", accepted)]).await;
    assert!(svg(&picture).contains(">no records</text>"));
    assert!(picture.header("vary").contains("Accept"));
    let policy = picture.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let json = get(&[("accept", "application/json, image/svg+xml")]).await;
    assert_eq!(json.header("content-type"), "application/json");
    assert_ne!(json.header("etag"), picture.header("etag"));
    let known = get(&[
        ("accept", accepted),
        ("if-none-match", picture.header("etag")),
    ])
    .await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let patch = json!({ "name": "Another" });
    let renamed = place.send(http::Method::PATCH, &dataset, Some(patch)).await;
    assert_eq!(renamed.status, 200);
    let known = get(&[
        ("accept", accepted),
        ("if-none-match", picture.header("etag")),
    ])
    .await;
    assert!(svg(&known).contains(">Another</text>"));
}

#[tokio::test]
async fn a_column_of_a_profile_is_drawn_by_how_its_values_are_spread() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    let get = async |query: &str| place.get(&format!("{dataset}/profile?{query}")).await;
    for field in ["n", "f", "day", "moment"] {
        let picture = svg(&get(&format!("column={field}&format=svg")).await);
        assert!(picture.contains("How many values lie where"), "{field}");
    }
    for field in ["t", "ok", "ages"] {
        let picture = svg(&get(&format!("column={field}&format=svg")).await);
        assert!(picture.contains("How often values occur"), "{field}");
    }
    let one = get("column=n").await.json();
    assert_eq!(one["columns"].as_array().unwrap().len(), 1);
    for bad in ["format=svg", "column=nope", "column=n&format=png"] {
        assert_eq!(
            outcome(&get(bad).await),
            (400, "invalid-parameter".to_owned()),
            "{bad}"
        );
    }
}
