//! Datasets: what each verb is.

use super::own::Own;
use super::posts::{IN_PROJECT, SORT};
use super::{
    Arg, Condition, Does, Goes, Id, Kind, Method, Noun, body, filter, given, of, option, verb,
};
use crate::client::names;
use crate::client::shown::Column;

const A_DATASET: Arg = of(
    "dataset",
    "DATASET",
    Id::Dataset,
    "PROJECT/NAME, or a name that you can read once, or an id",
);
const OF_VERSION: Arg = filter("version", "N", "Of this version [default: the last one]");
const WHERE: Arg = option(
    "where",
    "FIELD=VALUE",
    Goes::Own,
    "A condition on a field, such as year__gte=2009. Can be given more than once",
)
.many();

pub(super) const DATASET: Noun = Noun {
    name: "dataset",
    about: "Datasets: typed tables whose every change is a version",
    after: "",
    key: "id",
    wants_session: false,
    columns: &[
        Column::table("NAME", "name"),
        Column::table("ROWS", "rows"),
        Column::table("VERSION", "version"),
        Column::table("ROLE", "role"),
        Column::table("UPDATED", "updated_at"),
        Column::table("ID", "id"),
        Column::wide("PROJECT", "project_id"),
        Column::wide("KEY", "key"),
        Column::wide("DESCRIPTION", "description"),
        Column::one("COLUMNS", "columns"),
        Column::one("RULES", "rules"),
        Column::one("TAGS", "card.tags"),
        Column::one("SOURCE", "card.source"),
        Column::one("LICENCE", "card.licence"),
        Column::one("CREATED", "created_at"),
    ],
    verbs: &[
        verb(
            "ls",
            "List those that you may read",
            "/api/v1/datasets",
            Does::List,
            &[
                IN_PROJECT,
                filter("name", "NAME", "Only those with exactly this name"),
                filter("tag", "TAG", "Only those with this tag"),
                SORT,
            ],
        ),
        verb(
            "get",
            "Show one",
            "/api/v1/datasets/{dataset}",
            Does::Get(&[]),
            &[A_DATASET],
        ),
        verb(
            "create",
            "Make one, and print its id; `dataset import --create` makes one of a file",
            "/api/v1/datasets",
            Does::Send(Method::Post, Condition::None),
            &[
                given("name", "NAME", "What it is called"),
                option(
                    "project",
                    "PROJECT",
                    Goes::Body("project_id", Kind::Id(&names::PROJECT)),
                    "The project that it stands in",
                )
                .required(),
                body("description", "TEXT", "What it is"),
                option(
                    "columns",
                    "JSON",
                    Goes::Body("columns", Kind::Json),
                    "Its columns, such as '[{\"name\": \"year\", \"type\": \"int\"}]' [default: those of its first file]",
                ),
                option(
                    "key",
                    "JSON",
                    Goes::Body("key", Kind::Json),
                    "The fields that tell records apart, such as '[\"year\"]'",
                ),
            ],
        ),
        verb(
            "edit",
            "Change one in your editor, or by --set",
            "/api/v1/datasets/{dataset}",
            Does::Edit(&[
                "name",
                "description",
                "keep_versions",
                "keep_days",
                "card",
                "rules",
            ]),
            &[A_DATASET],
        ),
        verb(
            "rm",
            "Delete them with all versions",
            "/api/v1/datasets/{dataset}",
            Does::Remove,
            &[A_DATASET.many()],
        ),
        verb(
            "rows",
            "Show records",
            "/api/v1/datasets/{dataset}/records",
            Does::Own(Own::Rows),
            &[
                A_DATASET,
                WHERE,
                filter(
                    "select",
                    "FIELDS",
                    "The fields to show, with commas between them",
                ),
                filter(
                    "sort",
                    "FIELD",
                    "A field to sort by, with - for the largest first",
                ),
                OF_VERSION,
            ],
        ),
        verb(
            "head",
            "Show the first records",
            "/api/v1/datasets/{dataset}/records",
            Does::Own(Own::Head),
            &[
                A_DATASET,
                option(
                    "lines",
                    "N",
                    Goes::Query("limit", Id::AsIs),
                    "How many, at most 200",
                )
                .default("10"),
            ],
        ),
        verb(
            "export",
            "Write all records into a file, or to standard output",
            "/api/v1/datasets/{dataset}/records",
            Does::Own(Own::Export),
            &[
                A_DATASET,
                of(
                    "file",
                    "FILE",
                    Id::AsIs,
                    "The file, whose ending says what it is; - is standard output",
                )
                .to(Goes::Own)
                .default("-"),
                filter(
                    "format",
                    "FORMAT",
                    "What is written [default: by the ending, else csv]",
                )
                .words(&["csv", "ndjson", "parquet", "arrow", "arrow-stream"]),
                WHERE,
                filter(
                    "select",
                    "FIELDS",
                    "The fields to write, with commas between them",
                ),
                OF_VERSION,
            ],
        ),
        verb(
            "versions",
            "List its changes, newest first",
            "/api/v1/datasets/{dataset}/versions",
            Does::List,
            &[A_DATASET],
        )
        .columns(
            &[
                Column::table("VERSION", "version"),
                Column::table("KIND", "kind"),
                Column::table("ROWS", "rows"),
                Column::table("ADDED", "added"),
                Column::table("REMOVED", "removed"),
                Column::table("CHANGED", "changed"),
                Column::table("MADE", "made_at"),
                Column::table("MESSAGE", "message"),
                Column::wide("BY", "made_by"),
                Column::wide("IMPORT", "import_id"),
            ],
            "version",
        ),
        verb(
            "profile",
            "Show what its columns hold",
            "/api/v1/datasets/{dataset}/profile",
            Does::Own(Own::Profile),
            &[
                A_DATASET,
                filter("column", "FIELD", "Only this field"),
                OF_VERSION,
            ],
        )
        .columns(
            &[
                Column::table("FIELD", "field"),
                Column::table("TYPE", "type"),
                Column::table("NULLS", "nulls"),
                Column::table("DISTINCT", "distinct.count"),
                Column::table("MIN", "min"),
                Column::table("MEAN", "mean"),
                Column::table("MAX", "max"),
                Column::wide("P50", "quantiles.p50"),
                Column::wide("DEVIATION", "deviation"),
                Column::wide("FREQUENT", "frequent"),
            ],
            "field",
        ),
        verb(
            "compare",
            "Set groups beside each other, at one time and against another",
            "/api/v1/datasets/{dataset}/compare",
            Does::Own(Own::Compare),
            &[
                A_DATASET,
                filter("by", "FIELD", "The field that tells the groups apart").required(),
                filter(
                    "groups",
                    "VALUES",
                    "Its values that are compared, with commas",
                )
                .required(),
                filter("measures", "FIELDS", "What is compared, with commas").required(),
                filter("period", "FIELD", "The field with the time"),
                filter("at", "VALUE", "The time at which they are compared"),
                filter("base", "VALUE", "An earlier time, for how each has changed"),
                filter("agg", "HOW", "How to make one value of several records")
                    .words(&["sum", "avg", "min", "max", "median", "count", "distinct"]),
                WHERE,
                OF_VERSION,
            ],
        )
        .columns(
            &[
                Column::table("MEASURE", "field"),
                Column::table("GROUP", "group"),
                Column::table("VALUE", "value"),
                Column::table("BASE", "base"),
                Column::table("CHANGE %", "percent_change"),
                Column::table("REASON", "reason"),
            ],
            "group",
        ),
        verb(
            "diff",
            "List the records in which two versions differ",
            "/api/v1/datasets/{dataset}/diff",
            Does::List,
            &[
                A_DATASET,
                filter("from", "N", "The earlier version [default: the one before]"),
                filter("to", "N", "The later version [default: the last one]"),
            ],
        )
        .columns(
            &[
                Column::table("CHANGE", "change"),
                Column::table("RID", "rid"),
                Column::table("FIELDS", "fields"),
                Column::table("BEFORE", "before"),
                Column::table("AFTER", "after"),
            ],
            "rid",
        ),
    ],
};
