//! The nouns of the command line, `chartroom project ls` and the like. What they are is data
//! (`projects`, `people`, `posts`, `data`, `models`); how each verb goes is told here once.

mod command;
mod data;
mod edit;
mod models;
mod own;
mod people;
mod posts;
mod projects;
mod run;

use super::names::Lookup;
use super::shown::Column;

pub(super) use command::Asked;
pub(super) use own::copy;
pub(super) use run::file_bytes;

/// All of them, in the order of the help.
const NOUNS: [&Noun; 10] = [
    &projects::PROJECT,
    &projects::MEMBER,
    &posts::POST,
    &data::DATASET,
    &models::MODEL,
    &people::NOTIFICATION,
    &people::TOKEN,
    &people::USER,
    &people::JOB,
    &people::AUDIT,
];

/// A kind of thing that the API has.
#[derive(Debug)]
pub(super) struct Noun {
    name: &'static str,
    about: &'static str,
    /// What else is to be known, below the help.
    after: &'static str,
    columns: &'static [Column],
    /// The member that other commands take.
    key: &'static str,
    /// Whether some of it is not for API tokens, which is what `login` keeps.
    wants_session: bool,
    verbs: &'static [Verb],
}

/// What is done with it: one operation of the API, unless it is told in `own`.
#[derive(Debug)]
pub(super) struct Verb {
    name: &'static str,
    about: &'static str,
    /// Of the operation; what stands in braces is the argument of that name.
    path: &'static str,
    does: Does,
    args: &'static [Arg],
    /// Those of the noun, unless told.
    columns: Option<&'static [Column]>,
    /// The member that other commands take, where it is not the noun's.
    key: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Does {
    /// Shows a list page by page.
    List,
    /// Shows an answer; the rows of its table stand where these members lead to.
    Get(&'static [&'static str]),
    /// Sends a body by this method, and shows the answer.
    Send(Method, Condition),
    Remove,
    /// Changes these members, or those of `--set`.
    Edit(&'static [&'static str]),
    Own(own::Own),
}

#[derive(Clone, Copy, Debug)]
enum Method {
    Post,
    Put,
    Delete,
}

/// What has to be so, for which the API has headers.
#[derive(Clone, Copy, Debug)]
enum Condition {
    None,
    /// Nothing is there yet.
    Fresh,
    /// It is there already.
    There,
}

#[derive(Debug)]
struct Arg {
    name: &'static str,
    /// What stands for its value in the help; a switch has none.
    value: &'static str,
    help: &'static str,
    goes: Goes,
    form: Form,
    is_required: bool,
    is_many: bool,
    words: &'static [&'static str],
    default: Option<&'static str>,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug)]
enum Goes {
    /// Into the path, as it is or by what has this name.
    Path(Id),
    Query(&'static str, Id),
    Body(&'static str, Kind),
    /// The verb knows.
    Own,
}

/// How a value becomes an id.
#[derive(Clone, Copy, Debug)]
enum Id {
    AsIs,
    Named(&'static Lookup),
    /// A dataset may be told with its project.
    Dataset,
}

/// What a value is in a body.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Json,
    /// The text of a file, or of standard input.
    File,
    Id(&'static Lookup),
    /// What the switch says.
    Switch(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Positional,
    Option,
    Switch,
}

/// A thing that is named, in the path.
const fn of(name: &'static str, value: &'static str, id: Id, help: &'static str) -> Arg {
    Arg {
        name,
        value,
        help,
        goes: Goes::Path(id),
        form: Form::Positional,
        is_required: true,
        is_many: false,
        words: &[],
        default: None,
    }
}

/// A value that stands by itself and goes into the body.
const fn given(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg {
        goes: Goes::Body(name, Kind::Text),
        ..of(name, value, Id::AsIs, help)
    }
}

const fn option(name: &'static str, value: &'static str, goes: Goes, help: &'static str) -> Arg {
    Arg {
        name,
        value,
        help,
        goes,
        form: Form::Option,
        is_required: false,
        is_many: false,
        words: &[],
        default: None,
    }
}

/// A condition on a list, by the parameter of the same name.
const fn filter(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, Goes::Query(name, Id::AsIs), help)
}

/// A member of a body.
const fn body(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, Goes::Body(name, Kind::Text), help)
}

const fn switch(name: &'static str, goes: Goes, help: &'static str) -> Arg {
    Arg {
        form: Form::Switch,
        ..option(name, "", goes, help)
    }
}

impl Arg {
    const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    const fn many(self) -> Self {
        Self {
            is_many: true,
            ..self
        }
    }

    const fn words(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            is_required: false,
            ..self
        }
    }

    const fn to(self, goes: Goes) -> Self {
        Self { goes, ..self }
    }
}

/// A verb of the usual kind.
const fn verb(
    name: &'static str,
    about: &'static str,
    path: &'static str,
    does: Does,
    args: &'static [Arg],
) -> Verb {
    Verb {
        name,
        about,
        path,
        does,
        args,
        columns: None,
        key: None,
    }
}

impl Verb {
    const fn columns(self, columns: &'static [Column], key: &'static str) -> Self {
        Self {
            columns: Some(columns),
            key: Some(key),
            ..self
        }
    }
}
