//! Models: what each verb is.

use super::own::Own;
use super::posts::{IN_PROJECT, SORT};
use super::{
    Arg, Condition, Does, Goes, Id, Kind, Method, Noun, body, filter, given, of, option, switch,
    verb,
};
use crate::client::names;
use crate::client::shown::Column;

const A_MODEL: Arg = of("model", "MODEL", Id::AsIs, "Name of a model");
const AN_ALIAS: Arg = of("alias", "ALIAS", Id::AsIs, "Name of the alias").default("production");
const A_REASON: Arg = body("reason", "TEXT", "Why, which the history shows");

const VERSIONS: &[Column] = &[
    Column::table("VERSION", "version"),
    Column::table("STATE", "state"),
    Column::table("GOLDEN", "golden_state"),
    Column::table("SIZE", "size"),
    Column::table("CREATED", "created_at"),
    Column::table("PROBLEM", "problem"),
    Column::wide("BY", "created_by"),
    Column::wide("SHA256", "sha256"),
    Column::wide("DESCRIPTION", "description"),
    Column::one("TAGS", "tags"),
    Column::one("METRICS", "metrics"),
    Column::one("INPUTS", "signature.inputs"),
    Column::one("OUTPUTS", "signature.outputs"),
];
const MOVES: &[Column] = &[
    Column::table("ALIAS", "name"),
    Column::table("VERSIONS", "weights"),
    Column::table("SHADOW", "shadow"),
    Column::table("MOVED", "moved_at"),
    Column::table("REASON", "reason"),
    Column::wide("MOVE", "move"),
    Column::wide("BY", "moved_by"),
    Column::wide("REQUEST", "request_id"),
];

const LOG: &[Column] = &[
    Column::table("SHARE", "share"),
    Column::table("DATASET", "dataset"),
    Column::table("LOADED", "loaded"),
    Column::table("LEFT OUT", "left_out"),
    Column::table("PROBLEM", "problem"),
    Column::one("LOADED AT", "loaded_at"),
    Column::one("SET BY", "set_by"),
    Column::one("SET AT", "set_at"),
];

pub(super) const MODEL: Noun = Noun {
    name: "model",
    about: "ONNX models: versions that never change, and the aliases they are asked by",
    after: "",
    key: "name",
    wants_session: false,
    columns: &[
        Column::table("NAME", "name"),
        Column::table("LAST", "last_version"),
        Column::table("ROLE", "role"),
        Column::table("UPDATED", "updated_at"),
        Column::wide("PROJECT", "project_id"),
        Column::wide("DESCRIPTION", "description"),
        Column::wide("ID", "id"),
        Column::one("CREATED", "created_at"),
    ],
    verbs: &[
        verb(
            "ls",
            "List those that you may read",
            "/api/v1/models",
            Does::List,
            &[
                IN_PROJECT,
                SORT,
            ],
        ),
        verb("get", "Show one", "/api/v1/models/{model}", Does::Get(&[]), &[A_MODEL]),
        verb(
            "create",
            "Make one without a version, and print its name",
            "/api/v1/models",
            Does::Send(Method::Post, Condition::None),
            &[
                given("name", "NAME", "What it is called, on all of the service"),
                option(
                    "project",
                    "PROJECT",
                    Goes::Body("project_id", Kind::Id(&names::PROJECT)),
                    "The project that it stands in",
                )
                .required(),
                body("description", "TEXT", "What it does"),
            ],
        ),
        verb(
            "edit",
            "Change one in your editor, or by --set",
            "/api/v1/models/{model}",
            Does::Edit(&["description"]),
            &[A_MODEL],
        ),
        verb(
            "rm",
            "Delete them with all versions",
            "/api/v1/models/{model}",
            Does::Remove,
            &[A_MODEL.many()],
        ),
        verb(
            "push",
            "Upload an ONNX file as a version, wait until it is checked, and print its number",
            "/api/v1/models/{model}/versions",
            Does::Own(Own::Push),
            &[
                of("file", "FILE", Id::AsIs, "The file").to(Goes::Own),
                option("model", "MODEL", Goes::Path(Id::AsIs), "Name of the model").required(),
                switch("no-wait", Goes::Own, "Do not wait for the check"),
            ],
        )
        .columns(VERSIONS, "version"),
        verb(
            "versions",
            "List its versions",
            "/api/v1/models/{model}/versions",
            Does::List,
            &[
                A_MODEL,
                filter("state", "STATE", "Only those in this state")
                    .words(&["checking", "ready", "failed"]),
            ],
        )
        .columns(VERSIONS, "version"),
        verb(
            "aliases",
            "List where its aliases lead",
            "/api/v1/models/{model}/aliases",
            Does::List,
            &[A_MODEL],
        )
        .columns(MOVES, "name"),
        verb(
            "alias",
            "Lead an alias to a version",
            "/api/v1/models/{model}/aliases/{alias}",
            Does::Own(Own::Alias),
            &[
                A_MODEL,
                of("alias", "ALIAS", Id::AsIs, "Name of the alias, such as production"),
                of("version", "VERSION", Id::AsIs, "Its number; several by weight as 3=90,4=10")
                    .to(Goes::Own),
                option(
                    "shadow",
                    "N",
                    Goes::Body("shadow", Kind::Json),
                    "A version that gets a copy of every question",
                ),
                A_REASON,
            ],
        )
        .columns(MOVES, "name"),
        verb(
            "history",
            "List all moves of an alias, newest first",
            "/api/v1/models/{model}/aliases/{alias}/moves",
            Does::List,
            &[A_MODEL, AN_ALIAS],
        )
        .columns(MOVES, "move"),
        verb(
            "back",
            "Lead an alias where it led before",
            "/api/v1/models/{model}/aliases/{alias}/back",
            Does::Send(Method::Post, Condition::None),
            &[A_MODEL, AN_ALIAS, A_REASON],
        )
        .columns(MOVES, "name"),
        verb(
            "predict",
            "Ask a model",
            "/v2/models/{model}",
            Does::Own(Own::Predict),
            &[
                A_MODEL,
                option(
                    "row",
                    "JSON",
                    Goes::Own,
                    "What it is asked: its inputs by their names, such as '{\"X\": [1.5, 0.5]}'; with one input its value \
                     alone. Can be given more than once",
                )
                .many(),
                option(
                    "file",
                    "FILE",
                    Goes::Own,
                    "A file with rows, one JSON document a line or in a list, or with a request of the Open Inference \
                     Protocol; - is standard input",
                ),
                option(
                    "version",
                    "VERSION",
                    Goes::Own,
                    "A version or an alias [default: production]",
                ),
            ],
        )
        .columns(&[], "model_version"),
        verb(
            "log",
            "Show which share of its answers is kept, and where",
            "/api/v1/models/{model}/log",
            Does::Get(&[]),
            &[A_MODEL],
        )
        .columns(LOG, "dataset"),
        verb(
            "keep",
            "Keep a share of its answers as records of a dataset",
            "/api/v1/models/{model}/log",
            Does::Send(Method::Put, Condition::None),
            &[
                A_MODEL,
                option(
                    "in",
                    "DATASET",
                    Goes::Body("dataset", Kind::Id(&names::DATASET)),
                    "The dataset; one without columns gets those of the log",
                )
                .required(),
                option(
                    "share",
                    "SHARE",
                    Goes::Body("share", Kind::Json),
                    "Which share of the questions, such as 0.05; 1 keeps all",
                )
                .required(),
            ],
        )
        .columns(LOG, "dataset"),
        verb(
            "keep-none",
            "Keep no answers of them any more",
            "/api/v1/models/{model}/log",
            Does::Remove,
            &[A_MODEL.many()],
        ),
    ],
};
