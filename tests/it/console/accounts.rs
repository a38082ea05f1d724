//! Signing in and out, and making accounts.

use super::*;

const PASSWORD: &str = "correct horse battery";

async fn register(house: &House, email: &str, next: &str) -> Answer {
    let fields = [("email", email), ("password", PASSWORD), ("next", next)];
    house.post(&Person::default(), "/register", &fields).await
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let all = answer.headers.get_all("set-cookie").into_iter();
    let all = all.map(|value| value.to_str().unwrap());
    let session = all
        .into_iter()
        .find(|text| text.starts_with("__Host-session="));
    session.unwrap().split(';').next().unwrap().to_owned()
}

async fn with_cookie(house: &House, method: Method, path: &str, cookie: &str) -> Answer {
    let headers = [("cookie", cookie), FORM, OWN];
    house
        .send(&Person::default(), method, path, &headers, Body::empty())
        .await
}

#[tokio::test]
async fn the_first_form_makes_an_administrator_and_no_other_does() {
    let house = House::new().await;
    let nobody = Person::default();
    assert_eq!(went(&house.get(&nobody, "/home").await), "/sign-in");
    assert_eq!(went(&house.get(&nobody, "/sign-in").await), "/register");
    let page = house.page(&nobody, "/register").await;
    assert!(page.contains("Make the first account"), "{page}");
    // What is wrong is said at its field, and what was typed is still there.
    let short = [("email", "ann@x.y"), ("password", "short")];
    let refused = house.post(&nobody, "/register", &short).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("id=\"password-wrong\""),
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("value=\"ann@x.y\"") && !refused.text().contains("short"));

    let made = register(&house, "ann@x.y", "/home").await;
    assert_eq!(went(&made), "/home");
    let ann = cookie(&made);
    let home = with_cookie(&house, Method::GET, "/home", &ann).await;
    assert!(home.text().contains("href=\"/admin\""), "{}", home.text());
    assert_eq!(
        with_cookie(&house, Method::GET, "/admin", &ann)
            .await
            .status,
        200
    );

    // The second is one like any other.
    let page = house.page(&nobody, "/register").await;
    assert!(!page.contains("Make the first account"), "{page}");
    let ben = cookie(&register(&house, "ben@x.y", "/posts?sort=-votes").await);
    assert_eq!(
        with_cookie(&house, Method::GET, "/admin", &ben)
            .await
            .status,
        403
    );
    let again = register(&house, "ben@x.y", "/home").await;
    assert_eq!(again.status, 409);
    assert!(
        again
            .text()
            .contains("there is an account with this email already")
    );
}

#[tokio::test]
async fn of_two_first_accounts_at_once_one_administers() {
    let house = House::new().await;
    let both = tokio::join!(
        register(&house, "ann@x.y", ""),
        register(&house, "ben@x.y", "")
    );
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    let admins = "SELECT count(*) FROM users WHERE is_admin";
    let admins: i64 = house.session.query_one(admins, &[]).await.unwrap().get(0);
    assert_eq!(admins, 1, "{statuses:?}");
}

#[tokio::test]
async fn only_who_sits_at_the_machine_makes_the_first_account() {
    let nobody = Person::default();
    for flags in [
        &["--listen=0.0.0.0:0"][..],
        &["--database-host=localhost", "--registration=open"],
        &["--trusted-proxies=127.0.0.0/8"],
    ] {
        let house = House::on(TestApp::with(flags, Default::default()).await).await;
        let from = [("x-forwarded-for", "192.0.2.7")];
        let shown = house
            .send(&nobody, Method::GET, "/sign-in", &from, Body::empty())
            .await;
        assert_eq!(shown.status, 200, "{flags:?}");
        let fields =
            serde_urlencoded::to_string([("email", "a@x.y"), ("password", PASSWORD)]).unwrap();
        let headers = [FORM, OWN, from[0]];
        let made = house
            .send(&nobody, Method::POST, "/register", &headers, fields.into())
            .await;
        assert_eq!(went(&made), "/home", "{flags:?}");
        let admins = "SELECT count(*) FROM users WHERE is_admin";
        let admins: i64 = house.session.query_one(admins, &[]).await.unwrap().get(0);
        assert_eq!(admins, 0, "{flags:?}");
    }
    // Control: without any of that, the same request makes one.
    let house = House::new().await;
    register(&house, "a@x.y", "").await;
    let admins = "SELECT count(*) FROM users WHERE is_admin";
    let admins: i64 = house.session.query_one(admins, &[]).await.unwrap().get(0);
    assert_eq!(admins, 1);
}

#[tokio::test]
async fn a_sign_in_goes_on_to_where_one_wanted_to_go_and_nowhere_else() {
    let house = House::new().await;
    let nobody = Person::default();
    register(&house, "ann@x.y", "").await;
    let asked = house.get(&nobody, "/projects?q=a%26b").await;
    let to = went(&asked).to_owned();
    assert_eq!(to, "/sign-in?next=%2Fprojects%3Fq%3Da%2526b");
    assert_eq!(asked.header("www-authenticate"), "");
    let page = house.page(&nobody, &to).await;
    assert_eq!(hidden(&page, "next"), "/projects?q=a%26b");

    let sign_in = async |next: &str, password: &str| {
        let fields = [
            ("username", "ann@x.y"),
            ("password", password),
            ("next", next),
        ];
        house.post(&nobody, "/sign-in", &fields).await
    };
    let wrong = sign_in("/posts", "wrong").await;
    assert_eq!(wrong.status, 400);
    let text = wrong.text();
    assert!(
        text.contains("The name or the password is not good."),
        "{text}"
    );
    assert!(
        text.contains("value=\"ann@x.y\"") && hidden(&text, "next") == "/posts",
        "{text}"
    );
    for (next, target) in [
        ("/posts?sort=-votes", "/posts?sort=-votes"),
        ("", "/home"),
        ("https://evil.example/", "/home"),
        ("//evil.example/", "/home"),
        ("/\\evil.example", "/home"),
        ("javascript:alert(1)", "/home"),
    ] {
        let signed_in = sign_in(next, PASSWORD).await;
        assert_eq!(went(&signed_in), target, "{next}");
    }
    let ann = cookie(&sign_in("", PASSWORD).await);
    assert_eq!(
        with_cookie(&house, Method::GET, "/home", &ann).await.status,
        200
    );
    let out = with_cookie(&house, Method::POST, "/sign-out", &ann).await;
    assert_eq!(went(&out), "/sign-in");
    assert_eq!(out.header("clear-site-data"), "\"cache\"");
    let after = with_cookie(&house, Method::GET, "/home", &ann).await;
    assert_eq!(went(&after), "/sign-in");
    // A form that is sent after the session has ended says how it can still be.
    let late = with_cookie(&house, Method::POST, "/posts/new", &ann).await;
    assert_eq!(
        (late.status.as_u16(), late.header("www-authenticate")),
        (401, "")
    );
    assert!(
        late.text().contains("You are not signed in any more"),
        "{}",
        late.text()
    );
}

#[tokio::test]
async fn too_many_attempts_are_told_when() {
    let flags = [
        "--signin-per-address-burst=2",
        "--signin-per-address-per-minute=1",
    ];
    let house = House::on(TestApp::with(&flags, Default::default()).await).await;
    house.person("ann", false).await;
    let mut last = None;
    for _ in 0..4 {
        let fields = [("username", "ann"), ("password", "wrong")];
        last = Some(house.post(&Person::default(), "/sign-in", &fields).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, 429);
    assert!(last.text().contains("Try again in"), "{}", last.text());
    assert!(
        last.text().contains("name=\"password\""),
        "the form is kept"
    );
}

#[tokio::test]
async fn the_front_door_is_a_page_for_people_and_the_documentation_for_programs() {
    let house = House::new().await;
    let front = async |house: &House, headers: &[(&str, &str)]| {
        let answer = house
            .app
            .send(Method::GET, "/", headers, Body::empty())
            .await;
        (answer.status.as_u16(), answer.header("location").to_owned())
    };
    assert_eq!(front(&house, &[HTML]).await, (307, "/home".to_owned()));
    assert_eq!(front(&house, &[]).await, (307, "/docs".to_owned()));
    assert_eq!(
        front(&house, &[("accept", "*/*")]).await,
        (307, "/docs".to_owned())
    );

    let off = TestApp::with(&["--console=off"], Default::default()).await;
    let off = House::on(off).await;
    assert_eq!(front(&off, &[HTML]).await, (307, "/docs".to_owned()));
    let gone = off.get(&Person::default(), "/sign-in").await;
    assert_eq!(
        (gone.status.as_u16(), gone.problem()),
        (404, "not-found".to_owned())
    );
}

#[tokio::test]
async fn pages_speak_the_language_of_the_browser_or_the_chosen_one() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let in_language = async |headers: &[(&str, &str)]| {
        let answer = house
            .send(&ann, Method::GET, "/projects", headers, Body::empty())
            .await;
        assert!(answer.header("vary").contains("Accept-Language"));
        answer.text()
    };
    let german = [("accept-language", "de-DE,de;q=0.9")];
    let page = in_language(&german).await;
    assert!(
        page.contains("<html lang=\"de\"") && page.contains("Neues Projekt"),
        "{page}"
    );
    let page = in_language(&[]).await;
    assert!(
        page.contains("<html lang=\"en\"") && page.contains("New project"),
        "{page}"
    );
    let fields = [("language", "de"), ("theme", "dark")];
    let saved = house.post(&ann, "/me/display", &fields).await;
    let cookies = saved.headers.get_all("set-cookie").into_iter();
    let chosen = cookies.map(|value| value.to_str().unwrap().split(';').next().unwrap());
    let chosen: Vec<&str> = chosen.collect();
    let page = in_language(&[("cookie", &chosen.join("; "))]).await;
    assert!(
        page.contains("<html lang=\"de\" data-theme=\"dark\" data-keys=\"off\"")
            && page.contains("Gespeichert."),
        "{page}"
    );
}
