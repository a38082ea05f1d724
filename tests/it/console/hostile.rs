//! Texts that mean to be more than texts, wherever people can put one: every page that shows them
//! has the tags and the attributes that its templates have, and no others.

use regex::Regex;

use super::*;

const CORPUS: [&str; 50] = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example></script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"jav\tascript:alert(1)\">x</a>",
    "<form action=javascript:alert(1)><button>x",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>*{background:url(//evil.example)}</style>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</option></select><script>alert(1)</script>",
    "</code></pre><script>alert(1)</script>",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](https://example.org \"onclick=alert(1)\")",
    "[x](<https://example.org/\" onclick=alert(1)>)",
    "![x](https://evil.example/a.png\" onerror=alert(1))",
    "<javascript:alert(1)>",
    "`<script>alert(1)</script>`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{constructor.constructor('alert(1)')()}}",
    "\u{202e}<b>txt</b>\u{feff}<i>",
];

const TAGS: &str = "a body br button code dd del details dialog div dl dt em footer form g h1 h2 h3 \
    head header hr html img input ins kbd label li link main meta meter nav ol option output p path polygon pre progress \
    rect script section select small span strong summary svg table tbody td text textarea th thead time \
    title tr ul blockquote";
const ATTRIBUTES: &str = "accept action alt aria-current aria-describedby aria-invalid aria-label \
    aria-labelledby aria-pressed aria-sort autocomplete charset checked class content data-again \
    d data-close data-copy data-done data-draft data-failed data-focus data-get data-guard data-keeps \
    data-keys data-live data-row data-rows data-script data-show data-theme data-type data-upload datetime \
    defer download enctype fill fill-opacity font-size for height hidden href id lang loading max maxlength method min name \
    points preserveaspectratio rel required role rx scope selected src start stroke stroke-opacity stroke-width style-none tabindex target text-anchor title type value \
    viewbox width x y colspan open";

/// What a page has that no template of ours has.
fn foreign(page: &str) -> Vec<String> {
    let tag = Regex::new(r#"<([a-zA-Z!?/][^\s>/]*)((?:[^>"]|"[^"]*")*)>"#).unwrap();
    let attribute = Regex::new(r#"([^\s"=/]+)(?:="([^"]*)")?"#).unwrap();
    let tags: Vec<&str> = TAGS.split_whitespace().collect();
    let attributes: Vec<&str> = ATTRIBUTES.split_whitespace().collect();
    let mut found = Vec::new();
    for one in tag.captures_iter(page) {
        let name = one[1].to_lowercase();
        if name.starts_with('/') || name == "!doctype" {
            continue;
        }
        if !tags.contains(&&*name) {
            found.push(format!("<{name}>"));
        }
        for given in attribute.captures_iter(&one[2]) {
            let attribute = given[1].to_lowercase();
            if !attributes.contains(&&*attribute) {
                found.push(format!("<{name} {attribute}>"));
            }
            let value = given.get(2).map_or("", |value| value.as_str());
            let leads = ["href", "src", "action", "data-upload"].contains(&&*attribute);
            let is_ours = value.starts_with('/') && !value.starts_with("//");
            if leads
                && !is_ours
                && !value.starts_with('#')
                && !value.starts_with("https://example.org")
            {
                found.push(format!("<{name} {attribute}={value}>"));
            }
        }
    }
    found
}

#[test]
fn a_foreign_tag_is_seen() {
    assert_eq!(
        foreign("<p class=\"x\"><a href=\"/home\">a &lt;b&gt;</a></p>"),
        [""; 0]
    );
    for (page, expected) in [
        ("<p><iframe></iframe></p>", "<iframe>"),
        ("<img src=\"/x\" onerror=\"alert(1)\">", "<img onerror>"),
        (
            "<a href=\"javascript:alert(1)\">",
            "<a href=javascript:alert(1)>",
        ),
        ("<a href=\"//evil.example\">", "<a href=//evil.example>"),
    ] {
        assert_eq!(foreign(page), [expected]);
    }
}

#[tokio::test]
async fn no_text_becomes_more_than_a_text() {
    let house = House::new().await;
    let admin = house.person("admin", true).await;
    let ann = house.person("ann", false).await;
    let mut pages = 0;
    for text in CORPUS {
        let name: String = text
            .chars()
            .filter(|c| !c.is_control() && !['\u{202e}', '\u{feff}'].contains(c))
            .collect();
        let escaped = name.replace('\'', "''");
        house
            .sql(&format!(
                "UPDATE users SET name = '{escaped}' WHERE id = '{}'",
                ann.id
            ))
            .await;
        let new = json!({ "name": name.trim(), "description": text });
        let project = house.made(&ann, "/api/v1/projects", new).await;
        let new = json!({ "title": name, "content": text, "project_id": project });
        let post = house.made(&ann, "/api/v1/posts", new).await;
        let column = name.trim();
        let new = json!({
            "project_id": project, "name": name.trim(), "description": text,
            "card": { "tags": [] },
            "columns": [{ "name": column, "field": "one", "type": "text", "description": text, "unit": "u" }],
        });
        let dataset = house.made(&ann, "/api/v1/datasets", new).await;
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let head = format!("\"{}\"", column.replace('"', "\"\""));
        let import = house
            .import(&ann, &dataset, &format!("{head}\n{quoted}\n"))
            .await;
        let token = json!({ "name": name.trim(), "access": "read" });
        house.made(&ann, "/api/v1/me/tokens", token).await;
        let query = serde_urlencoded::to_string([("q", text)]).unwrap();
        let paths = [
            (&ann, "/home".to_owned()),
            (&ann, format!("/projects?{query}")),
            (&ann, format!("/projects/{project}")),
            (&ann, format!("/projects/{project}/edit")),
            (&ann, format!("/posts?project_id={project}&{query}")),
            (&ann, format!("/posts/new?project_id={project}")),
            (&ann, format!("/posts/{post}")),
            (&ann, format!("/posts/{post}/edit")),
            (&ann, format!("/datasets/{dataset}")),
            (&ann, format!("/datasets/{dataset}/profile")),
            (&ann, format!("/datasets/{dataset}/versions")),
            (&ann, format!("/datasets/{dataset}/difference")),
            (&ann, format!("/datasets/{dataset}/imports/{import}")),
            (&ann, format!("/datasets/{dataset}/compare?{query}")),
            (&ann, format!("/datasets/{dataset}/settings")),
            (&ann, "/me".to_owned()),
            (&ann, "/me/tokens".to_owned()),
            (&admin, "/admin".to_owned()),
            (&admin, "/admin/audit".to_owned()),
            (&Person::default(), format!("/sign-in?next={query}")),
        ];
        for (who, path) in paths {
            let answer = house.get(who, &path).await;
            assert!(
                answer.status == 200 || answer.status == 400,
                "{path}: {}",
                answer.status
            );
            assert_eq!(foreign(&answer.text()), [""; 0], "{text} on {path}");
            pages += 1;
        }
        // A form that is shown again has what was typed.
        let typed = [("title", text), ("content", text), ("do", "preview")];
        let seen = house.post(&ann, "/posts/new", &typed).await;
        assert_eq!(foreign(&seen.text()), [""; 0], "{text} in a preview");
        house
            .api(
                &ann,
                Method::DELETE,
                &format!("/api/v1/projects/{project}"),
                None,
            )
            .await;
        house.sql("DELETE FROM api_tokens").await;
    }
    println!("{pages} pages");
}

#[tokio::test]
async fn no_text_of_a_model_becomes_more_than_a_text() {
    let lab = super::models::Lab::new().await;
    let (house, ann) = (&lab.house, &lab.ann);
    let dataset = house.dataset(ann, &lab.project, "a,b\n1,2\n").await;
    let mut pages = 0;
    for text in CORPUS {
        let about = json!({ "name": text.chars().filter(|c| !c.is_control()).take(50).collect::<String>() });
        let api = format!("/api/v1/datasets/{dataset}");
        let named = house.api(ann, Method::PATCH, &api, Some(about)).await;
        assert_eq!(named.status, 200, "{}", named.text());
        let file = json!({ "factor": 1, "input": text, "output": text, "says": text });
        let version = lab.version(file).await;
        let number = version.rsplit('/').next().unwrap();
        let failed = lab.version(json!({ "problem": text })).await;
        let name: String = text.chars().filter(|c| !c.is_control()).take(50).collect();
        let mut says = json!({ "description": text, "licence": name, "tags": [name.trim()] });
        says["trained_on"] = json!([{ "dataset": dataset, "version": 1 }]);
        let api = format!("/api/v1{version}");
        let said = house.api(ann, Method::PATCH, &api, Some(says)).await;
        assert_eq!(said.status, 200, "{}", said.text());
        let about = json!({ "description": text });
        let api = "/api/v1/models/churn";
        let said = house.api(ann, Method::PATCH, api, Some(about)).await;
        assert_eq!(said.status, 200, "{}", said.text());
        lab.lead("a", &[("version", number), ("reason", text)])
            .await;
        let query = serde_urlencoded::to_string([("name__contains", text)]).unwrap();
        let other = [("alias", "a"), ("version", "1"), ("reason", text)];
        let other = serde_urlencoded::to_string(other).unwrap();
        let wrong = [("alias", text), ("version", text), ("weights", text)];
        let wrong = serde_urlencoded::to_string(wrong).unwrap();
        let asked = serde_urlencoded::to_string([("version", text)]).unwrap();
        for path in [
            "/models".to_owned(),
            format!("/models?{query}"),
            "/models/churn".to_owned(),
            "/models/churn/edit".to_owned(),
            "/models/churn/aliases/a".to_owned(),
            format!("/models/churn/move?{other}"),
            format!("/models/churn/move?{wrong}"),
            format!("/models/churn/try?version={number}"),
            format!("/models/churn/try?{asked}"),
            format!("{version}/edit"),
            format!("{version}/golden"),
            format!("{version}/lineage"),
            version.clone(),
            failed,
        ] {
            let page = house.get(ann, &path).await;
            assert!(page.status.as_u16() < 500, "{path}: {}", page.text());
            assert_eq!(foreign(&page.text()), [""; 0], "{text} on {path}");
            pages += 1;
        }
        for typed in ["1,2", text] {
            let fields = [("version", number), ("input.0", typed)];
            let answer = house.post(ann, "/models/churn/try", &fields).await;
            let expected = if typed == "1,2" { 200 } else { 400 };
            assert_eq!(answer.status, expected, "{text}: {}", answer.text());
            assert_eq!(foreign(&answer.text()), [""; 0], "{text} in an answer");
        }
        for (path, names) in [
            (format!("{version}/golden"), ["inputs", "outputs"]),
            ("/models/churn/log".to_owned(), ["dataset", "share"]),
        ] {
            let fields = [("do", "set"), (names[0], text), (names[1], text)];
            let answer = house.post(ann, &path, &fields).await;
            assert_eq!(answer.status, 422, "{path} {text}: {}", answer.text());
            assert_eq!(foreign(&answer.text()), [""; 0], "{text} on {path}");
        }
    }
    println!("{pages} pages");
}
