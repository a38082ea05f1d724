//! Posts and votes: what each verb is.

use super::own::Own;
use super::{Arg, Does, Goes, Id, Kind, Noun, body, filter, of, option, switch, verb};
use crate::client::names;
use crate::client::shown::Column;

const A_POST: Arg = of(
    "post",
    "POST",
    Id::Named(&names::POST),
    "Id or title of a post",
);
/// For lists.
pub(super) const IN_PROJECT: Arg = option(
    "project",
    "PROJECT",
    Goes::Query("project_id", Id::Named(&names::PROJECT)),
    "Only those in this project",
);
pub(super) const SORT: Arg = filter(
    "sort",
    "FIELD",
    "What to sort by; with - the largest, or the latest, comes first",
);

pub(super) const POST: Noun = Noun {
    name: "post",
    about: "Posts and votes",
    after: "",
    key: "id",
    wants_session: false,
    columns: &[
        Column::table("TITLE", "title"),
        Column::table("AUTHOR", "author.username|author.name|author.id"),
        Column::table("VOTES", "votes"),
        Column::table("PUBLISHED", "published"),
        Column::table("CREATED", "created_at"),
        Column::table("ID", "id"),
        Column::wide("PROJECT", "project_id"),
        Column::wide("UPDATED", "updated_at"),
        Column::one("CONTENT", "content"),
    ],
    verbs: &[
        verb(
            "ls",
            "List those that you may read",
            "/api/v1/posts",
            Does::List,
            &[
                IN_PROJECT,
                option(
                    "search",
                    "WORDS",
                    Goes::Query("q", Id::AsIs),
                    "Only those with these words",
                ),
                option(
                    "author",
                    "USER",
                    Goes::Query("author_id", Id::Named(&names::USER)),
                    "Only theirs",
                ),
                SORT,
            ],
        ),
        verb(
            "get",
            "Show one",
            "/api/v1/posts/{post}",
            Does::Get(&[]),
            &[A_POST],
        ),
        verb(
            "create",
            "Write one, and print its id",
            "/api/v1/posts",
            Does::Own(Own::CreatePost),
            &[
                body("title", "TEXT", "Its title").required(),
                body("content", "TEXT", "What it says, in Markdown"),
                option(
                    "file",
                    "FILE",
                    Goes::Body("content", Kind::File),
                    "A file with what it says, or - for standard input",
                ),
                option(
                    "project",
                    "PROJECT",
                    Goes::Body("project_id", Kind::Id(&names::PROJECT)),
                    "The project that it stands in [default: none]",
                ),
                switch(
                    "draft",
                    Goes::Body("published", Kind::Switch(false)),
                    "Publish it later",
                ),
            ],
        ),
        verb(
            "edit",
            "Change one in your editor, or by --set",
            "/api/v1/posts/{post}",
            Does::Edit(&["title", "content", "published"]),
            &[A_POST],
        ),
        verb(
            "rm",
            "Delete them",
            "/api/v1/posts/{post}",
            Does::Remove,
            &[A_POST.many()],
        ),
        verb(
            "vote",
            "Vote for one",
            "/api/v1/posts/{post}/vote",
            Does::Own(Own::Vote),
            &[A_POST, switch("back", Goes::Own, "Take the vote back")],
        ),
        verb(
            "votes",
            "List who voted for one",
            "/api/v1/posts/{post}/votes",
            Does::List,
            &[A_POST],
        )
        .columns(
            &[
                Column::table("USERNAME", "username"),
                Column::table("NAME", "name"),
                Column::table("AT", "voted_at"),
                Column::wide("ID", "id"),
            ],
            "username|id",
        ),
    ],
};
