//! Projects and who is in them: what each verb is.

use super::own::Own;
use super::posts::SORT;
use super::{Condition, Does, Goes, Id, Kind, Method, Noun, body, filter, given, of, option, verb};
use crate::client::names;
use crate::client::shown::Column;

const A_PROJECT: Id = Id::Named(&names::PROJECT);
const ROLES: &[&str] = &["viewer", "editor", "owner"];
const VISIBILITIES: &[&str] = &["private", "internal"];
const PROJECT_HELP: &str = "Name or id of one of your projects";
const USER_HELP: &str = "Username or id, or k8s:NAMESPACE/SERVICE-ACCOUNT";

pub(super) const PROJECT: Noun = Noun {
    name: "project",
    about: "Projects: what people share",
    after: "",
    key: "id",
    wants_session: false,
    columns: &[
        Column::table("NAME", "name"),
        Column::table("ROLE", "role"),
        Column::table("VISIBILITY", "visibility"),
        Column::table("EXPIRES", "expires_at"),
        Column::table("ID", "id"),
        Column::wide("CREATED", "created_at"),
        Column::wide("UPDATED", "updated_at"),
        Column::wide("DESCRIPTION", "description"),
        Column::one("REMINDERS", "reminders"),
    ],
    verbs: &[
        verb(
            "ls",
            "List the projects that you are a member of, and internal ones",
            "/api/v1/projects",
            Does::List,
            &[
                filter("name", "NAME", "Only those with exactly this name"),
                option(
                    "search",
                    "WORDS",
                    Goes::Query("q", Id::AsIs),
                    "Only those with these words",
                ),
                filter("role", "ROLE", "Only those in which you have this role").words(ROLES),
                filter("status", "STATUS", "Only those that are active or expired"),
                filter("visibility", "WHO", "Only those that are private or internal")
                    .words(VISIBILITIES),
                SORT,
            ],
        ),
        verb(
            "get",
            "Show one",
            "/api/v1/projects/{project}",
            Does::Get(&[]),
            &[of("project", "PROJECT", A_PROJECT, PROJECT_HELP)],
        ),
        verb(
            "create",
            "Make one, and print its id",
            "/api/v1/projects",
            Does::Own(Own::CreateProject),
            &[
                given("name", "NAME", "What it is called"),
                body("description", "TEXT", "What it is for"),
                body("visibility", "WHO", "Who may read it [default: private]")
                    .words(VISIBILITIES),
                option(
                    "expires",
                    "TIME",
                    Goes::Body("expires_at", Kind::Text),
                    "When it ends, such as 2027-01-31T12:00:00Z",
                ),
                option(
                    "member",
                    "USER[=ROLE]",
                    Goes::Own,
                    "Somebody who becomes a member, as viewer unless told. Can be given more than once",
                )
                .many(),
            ],
        ),
        verb(
            "edit",
            "Change one in your editor, or by --set",
            "/api/v1/projects/{project}",
            Does::Edit(&[
                "name",
                "description",
                "visibility",
                "expires_at",
                "reminders",
            ]),
            &[of("project", "PROJECT", A_PROJECT, PROJECT_HELP)],
        ),
        verb(
            "rm",
            "Delete them with all that is in them",
            "/api/v1/projects/{project}",
            Does::Remove,
            &[of("project", "PROJECT", A_PROJECT, PROJECT_HELP).many()],
        ),
    ],
};

const SET_MEMBER: &str = "/api/v1/projects/{project}/members/{user}";

pub(super) const MEMBER: Noun = Noun {
    name: "member",
    about: "Members of a project",
    after: "",
    key: "username|id",
    wants_session: false,
    columns: &[
        Column::table("USERNAME", "username"),
        Column::table("NAME", "name"),
        Column::table("ROLE", "role"),
        Column::table("SINCE", "since"),
        Column::wide("ID", "id"),
    ],
    verbs: &[
        verb(
            "ls",
            "List them",
            "/api/v1/projects/{project}/members",
            Does::List,
            &[
                of("project", "PROJECT", A_PROJECT, PROJECT_HELP),
                filter("role", "ROLE", "Only those with this role").words(ROLES),
            ],
        ),
        verb(
            "get",
            "Show one",
            SET_MEMBER,
            Does::Get(&[]),
            &[
                of("project", "PROJECT", A_PROJECT, PROJECT_HELP),
                of("user", "USER", Id::AsIs, USER_HELP),
            ],
        ),
        verb(
            "add",
            "Make somebody a member",
            SET_MEMBER,
            Does::Send(Method::Put, Condition::Fresh),
            &[
                of("project", "PROJECT", A_PROJECT, PROJECT_HELP),
                of("user", "USER", Id::AsIs, USER_HELP),
                body("role", "ROLE", "What they may do")
                    .words(ROLES)
                    .default("viewer"),
            ],
        ),
        verb(
            "set",
            "Give a member another role",
            SET_MEMBER,
            Does::Send(Method::Put, Condition::There),
            &[
                of("project", "PROJECT", A_PROJECT, PROJECT_HELP),
                of("user", "USER", Id::AsIs, USER_HELP),
                given("role", "ROLE", "What they may do from now on").words(ROLES),
            ],
        ),
        verb(
            "rm",
            "Let them be members no more",
            SET_MEMBER,
            Does::Remove,
            &[
                of("project", "PROJECT", A_PROJECT, PROJECT_HELP),
                of("user", "USER", Id::AsIs, USER_HELP).many(),
            ],
        ),
    ],
};
