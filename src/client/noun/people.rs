//! Accounts, and what is administered: what each verb is.

use super::own::Own;
use super::{
    Condition, Does, Goes, Id, Kind, Method, Noun, Verb, body, filter, given, of, option, switch,
    verb,
};
use crate::client::names;
use crate::client::shown::Column;

const A_USER: Id = Id::Named(&names::USER);
const A_TOKEN: Id = Id::Named(&names::TOKEN);
const A_NUMBER: &str = "Its number";

pub(super) const NOTIFICATION: Noun = Noun {
    name: "notification",
    about: "What you are told",
    after: "",
    key: "id",
    wants_session: false,
    columns: &[
        Column::table("ID", "id"),
        Column::table("AT", "at"),
        Column::table("TYPE", "type"),
        Column::table("SUBJECT", "subject"),
        Column::table("READ", "read_at"),
        Column::wide("ACTOR", "actor"),
        Column::one("DATA", "data"),
    ],
    verbs: &[
        verb(
            "ls",
            "List what you are told, newest first",
            "/api/v1/me/notifications",
            Does::List,
            &[switch(
                "unread",
                Goes::Query("unread", Id::AsIs),
                "Only what you have not read",
            )],
        ),
        verb(
            "read",
            "Note that you have read them",
            "/api/v1/me/notifications/{id}",
            Does::Own(Own::Read),
            &[of("id", "ID", Id::AsIs, A_NUMBER).many()],
        ),
    ],
};

pub(super) const TOKEN: Noun = Noun {
    name: "token",
    about: "Your API tokens; an API token alone does not manage them, a session does",
    after: "`chartroom login --session` keeps a session for a while.",
    key: "id",
    wants_session: true,
    columns: &[
        Column::table("NAME", "name"),
        Column::table("ACCESS", "access"),
        Column::table("CREATED", "created_at"),
        Column::table("EXPIRES", "expires_at"),
        Column::table("ID", "id"),
    ],
    verbs: &[
        verb("ls", "List them", "/api/v1/me/tokens", Does::List, &[]),
        verb(
            "get",
            "Show one, never its secret",
            "/api/v1/me/tokens/{token}",
            Does::Get(&[]),
            &[of(
                "token",
                "TOKEN",
                A_TOKEN,
                "Name or id of a token of yours",
            )],
        ),
        Verb {
            // The secret is what is wanted, and is shown this once.
            key: Some("secret"),
            ..verb(
                "create",
                "Make one, and print its secret, which is shown this once",
                "/api/v1/me/tokens",
                Does::Send(Method::Post, Condition::None),
                &[
                    given("name", "NAME", "What it is for"),
                    body("access", "WHAT", "What it may do")
                        .words(&["read", "write"])
                        .default("read"),
                    option(
                        "expires",
                        "TIME",
                        Goes::Body("expires_at", Kind::Text),
                        "When it ends, such as 2027-01-31T12:00:00Z",
                    ),
                ],
            )
        },
        verb(
            "rm",
            "End them",
            "/api/v1/me/tokens/{token}",
            Does::Remove,
            &[of("token", "TOKEN", A_TOKEN, "Name or id of a token of yours").many()],
        ),
    ],
};

pub(super) const USER: Noun = Noun {
    name: "user",
    about: "Accounts, as a service shows them; create-admin, disable and reset-password work on the database",
    after: "On the database itself, with the settings of a service (`chartroom user create-admin --help`):\n  create-admin    Make an account that administers\n  disable         Shut an account\n  reset-password  Replace a password\n\nThe verbs above ask a service over HTTP instead.",
    key: "id",
    wants_session: true,
    columns: &[
        Column::table("USERNAME", "username"),
        Column::table("NAME", "name"),
        Column::table("EMAIL", "email"),
        Column::table("ADMIN", "admin"),
        Column::table("DISABLED", "disabled"),
        Column::table("ID", "id"),
        Column::wide("CREATED", "created_at"),
    ],
    verbs: &[
        verb(
            "ls",
            "List them",
            "/api/v1/users",
            Does::List,
            &[option(
                "search",
                "TEXT",
                Goes::Query("q", Id::AsIs),
                "Only those whose username or name begins so",
            )],
        ),
        verb(
            "get",
            "Show one",
            "/api/v1/users/{user}",
            Does::Get(&[]),
            &[of("user", "USER", A_USER, "Username or id")],
        ),
        verb(
            "edit",
            "Disable, enable or make an administrator, for administrators",
            "/api/v1/users/{user}",
            Does::Edit(&["admin", "disabled"]),
            &[of("user", "USER", A_USER, "Username or id")],
        ),
        verb(
            "rm",
            "Delete accounts for good, for administrators",
            "/api/v1/users/{user}",
            Does::Remove,
            &[of("user", "USER", A_USER, "Username or id").many()],
        ),
    ],
};

pub(super) const JOB: Noun = Noun {
    name: "job",
    about: "What is done outside of requests",
    after: "",
    key: "id",
    wants_session: true,
    columns: &[
        Column::table("ID", "id"),
        Column::table("KIND", "kind"),
        Column::table("STATE", "state"),
        Column::table("DUE", "due_at"),
        Column::table("FAILURES", "failures"),
        Column::wide("LANE", "lane"),
        Column::wide("CREATED", "created_at"),
        Column::wide("ERROR", "last_error"),
        Column::one("ARGUMENTS", "args"),
        Column::one("PROGRESS", "progress"),
        Column::one("REASON", "reason"),
    ],
    verbs: &[
        verb(
            "ls",
            "List what waits, runs or has failed for good, for administrators",
            "/api/v1/jobs",
            Does::List,
            &[
                filter("state", "STATE", "Only those in this state").words(&[
                    "scheduled",
                    "ready",
                    "running",
                    "dead",
                ]),
                filter("kind", "KIND", "Only those of this kind"),
            ],
        ),
        verb(
            "get",
            "Show one",
            "/api/v1/jobs/{id}",
            Does::Get(&[]),
            &[of("id", "ID", Id::AsIs, A_NUMBER)],
        ),
        verb(
            "retry",
            "Send a dead one back",
            "/api/v1/jobs/{id}/retry",
            Does::Send(Method::Post, Condition::None),
            &[of("id", "ID", Id::AsIs, A_NUMBER)],
        ),
        verb(
            "cancel",
            "Take them away, or ask them to stop",
            "/api/v1/jobs/{id}",
            Does::Remove,
            &[of("id", "ID", Id::AsIs, A_NUMBER).many()],
        ),
    ],
};

pub(super) const AUDIT: Noun = Noun {
    name: "audit",
    about: "Who did what, for administrators; of a project, for its owners",
    after: "",
    key: "id",
    wants_session: true,
    columns: &[
        Column::table("AT", "at"),
        Column::table("ACTION", "action"),
        Column::table("ACTOR", "actor"),
        Column::table("TARGET", "target"),
        Column::wide("ADDRESS", "address"),
        Column::wide("REQUEST", "request_id"),
        Column::wide("DETAIL", "detail"),
        Column::wide("ID", "id"),
    ],
    verbs: &[verb(
        "ls",
        "List it, newest first",
        "/api/v1/audit",
        Does::Own(Own::Audit),
        &[
            option(
                "project",
                "PROJECT",
                Goes::Own,
                "That of a project of which you are an owner",
            ),
            filter(
                "action",
                "ACTION",
                "Only this action, such as session.started",
            ),
            option(
                "actor",
                "USER",
                Goes::Query("actor", A_USER),
                "Only what they did",
            ),
            filter("target", "ID", "Only what was done to this"),
            option(
                "since",
                "TIME",
                Goes::Query("at__gte", Id::AsIs),
                "Only what happened then or later",
            ),
        ],
    )],
};
