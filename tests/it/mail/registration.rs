//! Registration where addresses are confirmed first: an address that is taken is answered as a free
//! one, and only who reads its mail learns which it is.

use http::Method;
use serde_json::json;

use super::*;
use crate::support::app::{Answer, outcome};

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "a long way to the sea";

struct House {
    post: Post,
    app: TestApp,
    session: tokio_postgres::Client,
}

impl House {
    async fn new(registration: &str) -> Self {
        let post = Post::new(Tls::None).await;
        let app = post.app_for(registration).await;
        let session = app.database.session().await;
        Self { post, app, session }
    }

    async fn register(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.app.post_json("/api/v1/users", body.to_string()).await
    }

    async fn confirm(&self, token: &str) -> Answer {
        let body = json!({ "token": token }).to_string();
        self.app.post_json("/auth/registration/confirm", body).await
    }

    async fn mails(&self) -> Vec<Received> {
        self.post.mails(&self.app).await
    }

    async fn count(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// An account whose address is confirmed.
    async fn account(&self, email: &str) {
        assert_eq!(self.register(email, PASSWORD).await.status, 202);
        let mails = self.mails().await;
        let token = token(&mails[0], "register");
        let made = self.confirm(&token).await;
        assert_eq!(made.status, 204, "{}", made.text());
    }

    async fn me(&self, email: &str, password: &str) -> Answer {
        let me = "/api/v1/me";
        let basic = basic(email, password);
        self.app.send_as(&basic, Method::GET, me, &[], None).await
    }
}

fn basic(login: &str, password: &str) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(format!("{login}:{password}"));
    format!("Basic {text}")
}

#[tokio::test]
async fn a_taken_address_is_answered_as_a_free_one_and_its_owner_is_told() {
    let house = House::new("confirmed").await;
    house.account("ann@example.org").await;

    let taken = house.register("ANN@example.org", OTHER).await;
    let free = house.register("bob@example.org", OTHER).await;
    assert_eq!((taken.status.as_u16(), taken.text()), (202, String::new()));
    assert_eq!(taken.telling(), free.telling());
    // What is done for both is the same as well: one row, one job.
    let rows = "SELECT count(*) FROM registrations";
    assert_eq!(house.count(rows).await, 2);
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'mail.registration.1'";
    assert_eq!(house.count(jobs).await, 2);

    let mut mails = house.mails().await;
    mails.sort_by_key(|mail| mail.to.clone());
    let [to_ann, to_bob] = &mails[..] else {
        panic!("two mails, not {}", mails.len());
    };
    assert_eq!(to_ann.to, ["ann@example.org"]);
    let (text, _) = to_ann.bodies();
    assert!(
        text.contains("has one already") && !text.contains("#register="),
        "{text}"
    );
    assert_eq!(house.me("ann@example.org", PASSWORD).await.status, 200);
    assert_eq!(house.me("ann@example.org", OTHER).await.status, 401);

    // Until the link comes back there is no account, and signing in says no more than of any other.
    assert_eq!(to_bob.to, ["bob@example.org"]);
    let before = house.me("bob@example.org", OTHER).await;
    let nobody = house.me("nobody@example.org", OTHER).await;
    assert_eq!(outcome(&before), outcome(&nobody));
    let token = token(to_bob, "register");
    assert_eq!(house.confirm(&token).await.status, 204);
    let bob = house.me("bob@example.org", OTHER).await;
    assert_eq!(bob.status, 200, "{}", bob.text());
    assert_eq!(bob.json()["email_state"], "ok");

    // The link is good once, and none that was made up is good at all.
    for token in [token.as_str(), "crn_x"] {
        let again = house.confirm(token).await;
        assert_eq!(outcome(&again), (422, "validation-failed".to_owned()));
    }
}

/// Control: where addresses are not confirmed, the answer says it, and the sign-in works at once.
#[tokio::test]
async fn where_registration_is_open_the_answer_says_that_an_address_is_taken() {
    let house = House::new("open").await;
    assert_eq!(
        house.register("ann@example.org", PASSWORD).await.status,
        201
    );
    let taken = house.register("ann@example.org", OTHER).await;
    assert_eq!(outcome(&taken), (409, "conflict".to_owned()));
    assert_eq!(house.me("ann@example.org", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_first_of_several_that_is_confirmed_counts_and_a_mailbox_is_not_filled() {
    let house = House::new("confirmed").await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        let answer = house.register("ann@example.org", PASSWORD).await;
        answers.push(answer.status.as_u16());
    }
    assert_eq!(answers, [202, 202, 202, 202, 202, 429]);
    let mails = house.mails().await;
    assert_eq!(mails.len(), 5);
    assert_eq!(
        house.confirm(&token(&mails[0], "register")).await.status,
        204
    );
    let later = house.confirm(&token(&mails[1], "register")).await;
    assert_eq!(outcome(&later), (422, "validation-failed".to_owned()));
    assert_eq!(house.count("SELECT count(*) FROM registrations").await, 0);
    assert_eq!(house.count("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn a_taken_username_is_told_when_it_is_asked_for_and_when_it_is_confirmed() {
    let house = House::new("confirmed").await;
    let ask = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "username": "ada" });
        house.app.post_json("/api/v1/users", body.to_string()).await
    };
    for email in ["ann@example.org", "bob@example.org"] {
        assert_eq!(ask(email).await.status, 202);
    }
    let mails = house.mails().await;
    let confirmed = house.confirm(&token(&mails[0], "register")).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text());
    let second = house.confirm(&token(&mails[1], "register")).await;
    assert_eq!(outcome(&second), (409, "conflict".to_owned()));
    let third = ask("cid@example.org").await;
    assert_eq!(outcome(&third), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn a_registration_ends_after_a_day() {
    let house = House::new("confirmed").await;
    house.register("ann@example.org", PASSWORD).await;
    let mails = house.mails().await;
    let token = token(&mails[0], "register");
    let later = "UPDATE registrations SET expires_at = expires_at - interval '1 day'";
    house.session.batch_execute(later).await.unwrap();
    let late = house.confirm(&token).await;
    assert_eq!(outcome(&late), (422, "validation-failed".to_owned()));
    let purged = chartroom::users::registration::purge(&house.app.app.db).await;
    assert_eq!(purged.unwrap(), 1);
}

#[test]
fn confirmed_registration_needs_a_mail_server() {
    let refused = config(&["--registration=confirmed"])
        .validate()
        .unwrap_err();
    assert!(
        refused.to_string().contains("CHARTROOM_REGISTRATION"),
        "{refused}"
    );
    assert!(config(&["--registration=open"]).validate().is_ok());
}
