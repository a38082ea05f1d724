//! Somebody with every kind of credential, and what may happen to these.

use bytes::Bytes;
use http::Request;
use http::request::Builder;
use http_body_util::Full;
use serde_json::json;

use super::super::{FORM, JSON, PASSWORD, PATCH, basic};
use super::fleet::Fleet;
use crate::support::client::{Answer, Client, get, post};
use crate::support::service::PATIENCE;
use crate::support::wait::until;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
    Cookie,
    Basic,
    ApiToken,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Access,
        Self::Refresh,
        Self::Cookie,
        Self::Basic,
        Self::ApiToken,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// With the access token.
    SignOut,
    CookieSignOut,
    /// By oneself, from another session.
    NewPassword,
    /// By an administrator.
    Reset,
    Disable,
    /// Of the whole account, by oneself.
    Delete,
    Promote,
    Demote,
}

impl Event {
    pub(super) const ALL: [Self; 8] = [
        Self::SignOut,
        Self::CookieSignOut,
        Self::NewPassword,
        Self::Reset,
        Self::Disable,
        Self::Delete,
        Self::Promote,
        Self::Demote,
    ];

    /// A sign-out ends its own session, a new password all but API tokens, an administrator
    /// everything. With another role all sessions end; the password has the new rights, and an API
    /// token never has them.
    pub(super) fn ends(self, kind: Kind) -> bool {
        match self {
            Self::SignOut => matches!(kind, Kind::Access | Kind::Refresh),
            Self::CookieSignOut => kind == Kind::Cookie,
            Self::NewPassword => kind != Kind::ApiToken,
            Self::Reset | Self::Disable | Self::Delete => true,
            Self::Promote | Self::Demote => !matches!(kind, Kind::Basic | Kind::ApiToken),
        }
    }
}

pub(super) struct Person {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) event: Event,
    access: String,
    refresh: String,
    cookie: String,
    api_token: String,
    /// The session that changes the password; none of those above.
    own: String,
}

fn form(path: &str, fields: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let request = Request::post(path).header(FORM.0, FORM.1);
    request.body(Full::new(body.into())).unwrap()
}

fn with(request: Builder, header: (&str, &str), body: String) -> Request<Full<Bytes>> {
    let request = request.header(header.0, header.1);
    request.body(Full::new(body.into())).unwrap()
}

/// Repeats what is answered with 503: that is neither accepted nor refused.
async fn settled(client: &Client, request: impl Fn() -> Request<Full<Bytes>>) -> Answer {
    let asked = async || {
        let answer = client.send(request()).await.unwrap();
        (answer.status != 503).then_some(answer)
    };
    until("an answer", PATIENCE, asked).await.unwrap()
}

impl Person {
    pub(super) async fn new(fleet: &Fleet, name: &str, event: Event) -> Self {
        let client = &fleet.clients[0];
        let email = format!("{name}@example.com");
        let account = json!({ "email": email, "password": PASSWORD }).to_string();
        let made = settled(client, || post("/api/v1/users", account.clone())).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["id"].as_str().unwrap().to_owned();
        if event == Event::Demote {
            let promote = format!("UPDATE users SET is_admin = true WHERE id = '{id}'");
            fleet.session.batch_execute(&promote).await.unwrap();
        }
        let fields = [
            ("grant_type", "password"),
            ("username", email.as_str()),
            ("password", PASSWORD),
        ];
        let [pair, own] = [
            settled(client, || form("/auth/token", &fields))
                .await
                .json(),
            settled(client, || form("/auth/token", &fields))
                .await
                .json(),
        ];
        let cookie = settled(client, || form("/auth/login", &fields[1..])).await;
        let cookie = cookie.headers["set-cookie"].to_str().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let own = format!("Bearer {}", text(&own["access_token"]));
        let ends = chrono::Utc::now() + chrono::TimeDelta::days(1);
        let wanted = json!({ "name": "test", "expires_at": ends, "access": "write" });
        let made = settled(client, || {
            let request = Request::post("/api/v1/me/tokens").header(JSON.0, JSON.1);
            with(request, ("authorization", &own), wanted.to_string())
        });
        let made = made.await;
        assert_eq!(made.status, 201, "{}", made.text());
        let api_token = text(&made.json()["secret"]);
        Self {
            id,
            event,
            access: format!("Bearer {}", text(&pair["access_token"])),
            refresh: text(&pair["refresh_token"]),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            api_token: format!("Bearer {api_token}"),
            own,
            email,
        }
    }

    fn header(&self, kind: Kind) -> (&'static str, String) {
        match kind {
            Kind::Access => ("authorization", self.access.clone()),
            Kind::Cookie => ("cookie", self.cookie.clone()),
            Kind::Basic => ("authorization", basic(&self.email, PASSWORD)),
            Kind::ApiToken => ("authorization", self.api_token.clone()),
            Kind::Refresh => unreachable!("a refresh token is no header"),
        }
    }

    /// Whether a replica takes the credential; it says no in the documented way or not at all.
    pub(super) async fn is_accepted(&self, client: &Client, kind: Kind) -> bool {
        let (answer, refusal) = if kind == Kind::Refresh {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", self.refresh.as_str()),
            ];
            let answer = settled(client, || form("/auth/token", &fields)).await;
            (answer, (400, "invalid-grant"))
        } else {
            let (name, value) = self.header(kind);
            let me = || {
                let mut request = get(&format!("/api/v1/users/{}", self.id));
                request.headers_mut().insert(name, value.parse().unwrap());
                request
            };
            (settled(client, me).await, (401, "unauthenticated"))
        };
        if answer.status == 200 {
            return true;
        }
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["code"].as_str().unwrap()),
            refusal
        );
        false
    }

    /// Whether the password opens what is for administrators.
    pub(super) async fn administers(&self, client: &Client) -> bool {
        let (name, value) = self.header(Kind::Basic);
        let trail = || {
            let mut request = get("/api/v1/audit");
            request.headers_mut().insert(name, value.parse().unwrap());
            request
        };
        let status = settled(client, trail).await.status.as_u16();
        assert!(status == 200 || status == 403, "{status}");
        status == 200
    }

    /// An administrator changes the role.
    pub(super) async fn get_role(&self, client: &Client, administrator: &str) {
        let body = json!({ "admin": self.event == Event::Promote }).to_string();
        let done = settled(client, || {
            let target = format!("/api/v1/users/{}", self.id);
            let request = Request::patch(target).header(PATCH.0, PATCH.1);
            let credential = basic(administrator, PASSWORD);
            with(request, ("authorization", &credential), body.clone())
        });
        let done = done.await;
        assert_eq!(done.status, 200, "{}", done.text());
    }

    /// What a person does to oneself.
    pub(super) async fn act(&self, client: &Client) {
        let (name, value) = match self.event {
            Event::SignOut => self.header(Kind::Access),
            Event::CookieSignOut => self.header(Kind::Cookie),
            _ => ("authorization", self.own.clone()),
        };
        let done = settled(client, || {
            let header = (name, value.as_str());
            if self.event == Event::Delete {
                let body = json!({ "password": PASSWORD }).to_string();
                let request = Request::delete("/api/v1/me").header(JSON.0, JSON.1);
                with(request, header, body)
            } else if self.event == Event::NewPassword {
                let body = json!({ "current": PASSWORD, "new": "another password" });
                let request = Request::post("/api/v1/me/password").header(JSON.0, JSON.1);
                with(request, header, body.to_string())
            } else {
                let request = Request::post("/auth/logout").header("sec-fetch-site", "same-origin");
                with(request, header, String::new())
            }
        });
        let done = done.await;
        assert_eq!(done.status, 204, "{}", done.text());
    }
}
