"""What the service shows, made by generate.py from its OpenAPI document; do not edit."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from chartroom._base import Shown
from pydantic import AnyUrl, AwareDatetime, Field


class ApiToken(Shown):
    """
    An API token, without its secret
    """

    access: Annotated[
        Literal['read', 'write'] | str, Field(description='What an API token may do')
    ]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    id: Annotated[UUID, Field(description='The id of an API token.')]
    name: str


class AuditEvent(Shown):
    """
    Who did what, when and from where
    """

    action: Annotated[
        str, Field(description='`<thing>.<deed>`, such as `session.started`')
    ]
    actor: Annotated[
        UUID | None,
        Field(
            description='The id of who did it; null if nobody was signed in, or if it was done on the command line'
        ),
    ] = None
    address: str | None = None
    at: AwareDatetime
    detail: dict[str, Any]
    id: UUID
    request_id: str | None = None
    target: Annotated[
        UUID | None, Field(description='The id of what it was done to')
    ] = None


class Author(Shown):
    """
    Who wrote it
    """

    id: Annotated[UUID, Field(description='The id of a user or of a workload.')]
    name: str | None = None
    username: Annotated[
        str | None,
        Field(description='For a workload, `k8s:<namespace>/<service account>`'),
    ] = None


class Bin(Shown):
    """
    A part of a histogram
    """

    count: int
    from_: Annotated[
        str | float | bool | None,
        Field(
            alias='from',
            description='A value as records show it; of a text, at most 200 characters',
        ),
    ]
    to: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]


class ColumnRules(Shown):
    """
    What the values of a column have to be. No value at all breaks none of them
    """

    max: Annotated[
        str | float | bool | None, Field(description='The largest number, date or time')
    ] = None
    max_length: Annotated[
        int | None, Field(description='How many characters a text has at most')
    ] = None
    min: Annotated[
        str | float | bool | None, Field(description='The least number, date or time')
    ] = None
    min_length: Annotated[
        int | None, Field(description='How many characters a text has at least')
    ] = None
    one_of: Annotated[
        list[str | float | bool] | None,
        Field(description='All values that there can be'),
    ] = None
    unique: Annotated[
        bool | None, Field(description='Whether no two records have the same value')
    ] = None


class CreatedApiToken(ApiToken):
    """
    An API token as it is shown once, with its secret
    """

    secret: Annotated[
        str,
        Field(
            description='Send it as `Authorization: Bearer`, or as the password of HTTP Basic. It is not shown again'
        ),
    ]


class DatasetCard(Shown):
    """
    What a dataset says of itself
    """

    contact: Annotated[str | None, Field(description='Whom to ask')] = None
    licence: Annotated[
        str | None, Field(description='On which terms the data may be used')
    ] = None
    source: Annotated[str | None, Field(description='Where the data comes from')] = None
    tags: Annotated[
        list[str],
        Field(description='Words by which the dataset is found, in their order'),
    ]


class DatasetRules(Shown):
    """
    What the records of a dataset have to be together
    """

    null_share_max: Annotated[
        dict[str, float] | None,
        Field(
            description='By fields, the largest share of the records that may have no value there: 0.05 is one in 20'
        ),
    ] = None
    rows_max: Annotated[
        int | None, Field(description='How many records there are at most')
    ] = None
    rows_min: Annotated[
        int | None, Field(description='How many records there are at least')
    ] = None


class DatasetVersion(Shown):
    """
    A version of a dataset
    """

    added: Annotated[int, Field(description='How many records came with it')]
    changed: Annotated[int, Field(description='How many records it changed')]
    import_id: UUID | None = None
    kind: Annotated[
        Literal['append', 'replace', 'upsert', 'edit', 'schema'] | str,
        Field(
            description='What made a version: an import in one of its modes, an edit of records, or a change of what\nthe records have to be'
        ),
    ]
    made_at: AwareDatetime
    made_by: UUID | None = None
    message: str | None = None
    pinned: Annotated[bool, Field(description='Whether a pin keeps it for good')]
    purged_at: Annotated[
        AwareDatetime | None,
        Field(
            description='Since when its records cannot be read any more; null while it is kept'
        ),
    ] = None
    removed: Annotated[int, Field(description='How many records went with it')]
    rows: Annotated[int, Field(description='How many records there are in it')]
    version: int


class Distinct(Shown):
    """
    How many different values there are
    """

    count: int
    exact: Annotated[
        bool,
        Field(
            description='Whether it is the number. Otherwise there are at least so many, since not all records were\nlooked at'
        ),
    ]


class Event(Shown):
    """
    Something that happened, as CloudEvents 1.0 write it
    """

    actorid: Annotated[
        UUID | None, Field(description='Who did it, where it was somebody')
    ] = None
    data: Annotated[
        dict[str, Any],
        Field(
            description="What else there is to say; the document's `webhooks` list it for each type"
        ),
    ]
    datacontenttype: Annotated[str, Field(description='The type of `data`')]
    id: UUID
    projectid: Annotated[UUID, Field(description='The project that it happened in')]
    sequence: Annotated[
        str,
        Field(
            description='The place in the feed: later events have larger ones, and none is left out'
        ),
    ]
    source: Annotated[AnyUrl, Field(description='The service that it happened in')]
    specversion: Annotated[str, Field(description='The version of CloudEvents')]
    subject: Annotated[
        str, Field(description='What it is about: a path below `/api/v1`')
    ]
    time: AwareDatetime
    timestamp: Annotated[
        AwareDatetime,
        Field(
            description='The same as `time`, by the name that Standard Webhooks give it'
        ),
    ]
    type: Annotated[str, Field(description='`chartroom.<thing>.<deed>`')]


class FieldDifference(Shown):
    """
    In how many records a field has changed
    """

    changed: int
    field: str


class FieldError(Shown):
    """
    One thing wrong with a body.
    """

    code: Annotated[str, Field(description='What kind of mistake it is, for programs')]
    detail: Annotated[str, Field(description='What is wrong, for people')]
    pointer: Annotated[
        str,
        Field(
            description='JSON pointer (RFC 6901) to the value; empty for the body itself'
        ),
    ]


class Frequent(Shown):
    """
    A value that is frequent
    """

    count: int
    value: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]


class GroupValue(Shown):
    """
    A measure of one group
    """

    base: Annotated[float | None, Field(description='The value at `base`')] = None
    group: str
    percent_change: Annotated[
        float | None,
        Field(
            description='By how many percent the value is more than the one at `base`'
        ),
    ] = None
    reason: Annotated[
        str | None,
        Field(
            description='Why `value` or `percent_change` is null: `no-records`, `no-value`, `no-base`, `base-is-zero`'
        ),
    ] = None
    value: float | None = None


class ImportProblem(Shown):
    """
    Why an import was refused or has failed
    """

    code: Annotated[str, Field(description='The kind of problem, for programs')]
    detail: Annotated[str, Field(description='What is wrong and what to do')]


class Job(Shown):
    """
    Work that is done outside of requests
    """

    args: dict[str, Any]
    cancelled: Annotated[
        bool, Field(description='Whether its worker has been asked to stop')
    ]
    claims: Annotated[int, Field(description='How often a worker took it')]
    created_at: AwareDatetime
    died_at: AwareDatetime | None = None
    due_at: Annotated[AwareDatetime, Field(description='When it is or was to be begun')]
    failures: int
    id: int
    kind: Annotated[
        str,
        Field(
            description='What is done, with the version of its arguments, such as `sessions.purge.1`'
        ),
    ]
    lane: Annotated[
        str,
        Field(
            description='The queue it stands in: `urgent`, `normal`, `bulk` or `long`'
        ),
    ]
    last_error: Annotated[
        str | None,
        Field(
            description='Why it failed the last time; null for all but administrators'
        ),
    ] = None
    max_failures: Annotated[int, Field(description='With one failure more, it is dead')]
    owner: Annotated[
        UUID | None,
        Field(description='The id of who started it, or of what it is done for'),
    ] = None
    progress: Annotated[
        dict[str, Any] | None, Field(description='How far it is, in words of its kind')
    ] = None
    reason: Annotated[str | None, Field(description='Why it is dead')] = None
    state: Annotated[
        Literal['scheduled', 'ready', 'running', 'dead'] | str,
        Field(description='What stands between a job and its end'),
    ]


class LineageEdge(Shown):
    """
    That one version came from another
    """

    at: Annotated[
        AwareDatetime | None,
        Field(description='Null if you may not see what came of it'),
    ] = None
    by: UUID | None = None
    from_: Annotated[
        int, Field(alias='from', description='The node that was there before')
    ]
    kind: Annotated[
        Literal['trained_on', 'scored', 'made_from'] | str,
        Field(
            description='How one came from the other: the model was trained on the dataset, the model scored what\nbecame the dataset, the dataset was made from the other by being scored'
        ),
    ]
    to: Annotated[int, Field(description='The node that came from it')]


class LineageNode(Shown):
    """
    A version of a dataset or a model
    """

    id: Annotated[
        UUID | None,
        Field(
            description='Null, as all that follows, where you may not see it or it is gone'
        ),
    ] = None
    name: str | None = None
    node: Annotated[
        int,
        Field(
            description='By this number edges name it, in this answer alone; 1 is what was asked about'
        ),
    ]
    project_id: UUID | None = None
    type: Annotated[
        Literal['dataset', 'model'] | str, Field(description='What a node of the lineage is')
    ]
    version: int | None = None


class Me(Shown):
    """
    A user, as they see themselves
    """

    admin: bool
    created_at: AwareDatetime
    email: str
    email_problem: Annotated[
        str | None,
        Field(
            description='What the mail server said of the address, where it is `paused`'
        ),
    ] = None
    email_state: Annotated[
        Literal['ok', 'unverified', 'paused'] | str,
        Field(description='Whether mail reaches you'),
    ]
    email_verified_at: Annotated[
        AwareDatetime | None,
        Field(description='When you confirmed the address; null while you have not'),
    ] = None
    id: Annotated[UUID, Field(description='The id of a user or of a workload.')]
    name: str | None = None
    profile: dict[str, Any]
    updated_at: AwareDatetime
    username: str | None = None


class Member(Shown):
    """
    A member of a project
    """

    id: Annotated[UUID, Field(description='The id of a user or of a workload.')]
    name: str | None = None
    role: Annotated[
        Literal['viewer', 'editor', 'owner'] | str,
        Field(
            description='What a member may do: each role may do what the one before may, and more'
        ),
    ]
    since: AwareDatetime
    username: Annotated[
        str | None,
        Field(description='For a workload, `k8s:<namespace>/<service account>`'),
    ] = None


class Model(Shown):
    """
    A model, as its reader sees it
    """

    created_at: AwareDatetime
    description: str | None = None
    id: Annotated[UUID, Field(description='The id of a model.')]
    last_version: Annotated[
        int,
        Field(
            description='The number of the version that was uploaded last; 0 before the first'
        ),
    ]
    name: str
    project_id: Annotated[UUID, Field(description='The id of a project.')]
    role: Literal['viewer', 'editor', 'owner'] | str | None = None
    updated_at: AwareDatetime


class ModelAlias(Shown):
    """
    An alias and where it leads
    """

    move: Annotated[
        int,
        Field(
            description='The number of the move, by which later ones are told from earlier ones'
        ),
    ]
    moved_at: AwareDatetime
    moved_by: UUID | None = None
    name: str
    reason: Annotated[str | None, Field(description='Why it was moved there')] = None
    request_id: Annotated[
        str | None, Field(description='The request that moved it')
    ] = None
    shadow: Annotated[
        int | None,
        Field(
            description='The version that gets a copy of every request, whose answers nobody sees'
        ),
    ] = None
    weights: Annotated[
        dict[str, int],
        Field(
            description='Shares of the requests by version; one version has all of them'
        ),
    ]


class ModelTimes(Shown):
    """
    Times, as precisely as the buckets of a histogram know them
    """

    count: int
    p50: float | None = None
    p99: float | None = None


class Notification(Shown):
    """
    Something that you are told
    """

    actor: Annotated[
        UUID | None, Field(description='Who did it, where it was somebody')
    ] = None
    at: AwareDatetime
    data: Annotated[
        dict[str, Any],
        Field(description='What else there is to say, as the event has it'),
    ]
    id: int
    project_id: Annotated[
        UUID, Field(description='The project that it is about, which may be gone')
    ]
    read_at: Annotated[
        AwareDatetime | None,
        Field(description='When you first marked it as read; null while you have not'),
    ] = None
    subject: Annotated[
        str, Field(description='What it is about: a path below `/api/v1`')
    ]
    type: Annotated[
        str,
        Field(
            description='The type of the event, such as `chartroom.project.expiring`'
        ),
    ]


class Post(Shown):
    """
    A post, as its reader sees it
    """

    author: Author | None = None
    content: str
    created_at: AwareDatetime
    id: Annotated[UUID, Field(description='The id of a post.')]
    project_id: UUID | None = None
    published: Annotated[
        bool,
        Field(
            description='Whether the post is published. Only its author and the editors of its project see a\ndraft'
        ),
    ]
    role: Literal['viewer', 'editor', 'owner'] | str | None = None
    title: str
    updated_at: AwareDatetime
    voted: Annotated[bool, Field(description='Whether you voted for it')]
    votes: int


class PredictionLog(Shown):
    """
    Which answers of a model are kept, and what became of them
    """

    dataset: Annotated[UUID, Field(description='The dataset that they are records of')]
    left_out: Annotated[
        int, Field(description='Records since then that the dataset did not take')
    ]
    loaded: Annotated[int, Field(description='Records that were loaded since then')]
    loaded_at: AwareDatetime | None = None
    problem: Annotated[
        str | None,
        Field(
            description='Why the last records were not loaded, or not all of them; null where they were. Records that\ncould be loaded later wait, up to 100,000'
        ),
    ] = None
    set_at: AwareDatetime
    set_by: UUID | None = None
    share: Annotated[float, Field(description='Which share of the questions is kept')]


class Project(Shown):
    """
    A project, as its reader sees it
    """

    created_at: AwareDatetime
    description: str | None = None
    expires_at: Annotated[
        AwareDatetime | None,
        Field(
            description='When the project expires; null if it never does. An expired project can be read but not\nchanged, until an owner extends it'
        ),
    ] = None
    id: Annotated[UUID, Field(description='The id of a project.')]
    name: str
    reminders: Annotated[
        list[str],
        Field(
            description='How long before its end the project reminds its owners and editors, as ISO 8601 durations'
        ),
    ]
    role: Literal['viewer', 'editor', 'owner'] | str | None = None
    updated_at: AwareDatetime
    visibility: Annotated[
        Literal['private', 'internal'] | str,
        Field(
            description='Who may read a project besides its members: nobody, or everybody signed in'
        ),
    ]


class Quantiles(Shown):
    """
    Numbers as records show them
    """

    p25: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]
    p5: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]
    p50: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]
    p75: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]
    p95: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]


class RowError(Shown):
    """
    A value, or a row, that could not be taken
    """

    code: Annotated[str, Field(description='What kind of mistake it is, for programs')]
    column: Annotated[
        str | None,
        Field(
            description='The name of the column; none where it is about the whole row'
        ),
    ] = None
    line: Annotated[
        int | None,
        Field(description='The line on which it begins, in a file that has lines'),
    ] = None
    row: Annotated[
        int,
        Field(
            description='The number of the row in the file, counted from 1 with the header'
        ),
    ]
    value: Annotated[str | None, Field(description='The beginning of the value')] = None


class TensorType(Shown):
    """
    An input or an output of a model
    """

    datatype: Annotated[
        str,
        Field(
            description='`BOOL`, `UINT8` to `UINT64`, `INT8` to `INT64`, `FP16`, `FP32`, `FP64` or `BYTES`'
        ),
    ]
    name: str
    shape: Annotated[list[int], Field(description='The length of each axis; -1 is any')]


class User(Shown):
    """
    A user. Only administrators see the members after `name`
    """

    admin: bool | None = None
    created_at: AwareDatetime | None = None
    disabled: Annotated[
        bool | None,
        Field(
            description='Whether the account is disabled: nobody can sign in with it'
        ),
    ] = None
    email: str | None = None
    id: Annotated[UUID, Field(description='The id of a user or of a workload.')]
    name: str | None = None
    username: str | None = None


class Column(Shown):
    """
    A column of a dataset
    """

    description: str | None = None
    field: Annotated[str, Field(description='What URLs and records call it')]
    name: Annotated[str, Field(description='What files call it')]
    nullable: Annotated[
        bool, Field(description='Whether a record may have no value in it')
    ]
    rules: Annotated[
        ColumnRules | None,
        Field(
            description='What its values have to be; left out where they have to be nothing'
        ),
    ] = None
    type: Annotated[
        Literal['text', 'int', 'bigint', 'float64', 'decimal', 'bool', 'date', 'timestamp', 'int_range', 'json'] | str,
        Field(
            description='What the values of a column are. `int` is a number in JSON, which holds whole numbers up to\n9007199254740991 exactly; `bigint` and `decimal` are texts there'
        ),
    ]
    unit: str | None = None


class ColumnProfile(Shown):
    """
    What a column holds
    """

    deviation: Annotated[
        float | None,
        Field(description='The standard deviation of numbers, as of a sample'),
    ] = None
    distinct: Distinct | None = None
    field: str
    frequent: Annotated[
        list[Frequent], Field(description='The most frequent values, at most 20')
    ]
    histogram: Annotated[
        list[Bin],
        Field(
            description='How many values lie where, for numbers and times. Each part begins with `from` and ends\nbefore `to`'
        ),
    ]
    max: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]
    mean: Annotated[float | None, Field(description='Of numbers')] = None
    min: Annotated[
        str | float | bool | None,
        Field(
            description='A value as records show it; of a text, at most 200 characters'
        ),
    ]
    nulls: Annotated[int, Field(description='How many records have no value in it')]
    quantiles: Quantiles | None = None
    type: Annotated[
        Literal['text', 'int', 'bigint', 'float64', 'decimal', 'bool', 'date', 'timestamp', 'int_range', 'json'] | str,
        Field(
            description='What the values of a column are. `int` is a number in JSON, which holds whole numbers up to\n9007199254740991 exactly; `bigint` and `decimal` are texts there'
        ),
    ]


class Compared(Shown):
    """
    A measure of all groups
    """

    absolute_difference: float | None = None
    difference: Annotated[
        float | None,
        Field(
            description='The value of the first group less that of the second; null where there are not two groups\nwith a value'
        ),
    ] = None
    field: str
    head: Annotated[
        str | None,
        Field(
            description='The group with the largest value; null where two have it or none has a value'
        ),
    ] = None
    values: list[GroupValue]


class Comparison(Shown):
    """
    A comparison
    """

    by: Annotated[str, Field(description='By which field the groups are told apart')]
    measures: Annotated[
        list[Compared], Field(description='Each measure of every group')
    ]
    version: Annotated[
        int, Field(description='The version of the dataset that it is of')
    ]


class Dataset(Shown):
    """
    A dataset, as its reader sees it
    """

    card: DatasetCard
    columns: Annotated[
        list[Column],
        Field(description='None until they are declared or a file has brought them'),
    ]
    created_at: AwareDatetime
    description: str | None = None
    id: Annotated[UUID, Field(description='The id of a dataset.')]
    keep_days: Annotated[
        int | None,
        Field(
            description='For how many days a version is kept after another has taken its place; null for what the\nservice keeps. A version is kept for as long as one of both says so'
        ),
    ] = None
    keep_versions: Annotated[
        int | None,
        Field(
            description='How many of the newest versions are kept; null for what the service keeps'
        ),
    ] = None
    key: Annotated[
        list[str],
        Field(
            description='The fields by which a record is found; an import with `mode=upsert` replaces by them'
        ),
    ]
    name: str
    project_id: Annotated[UUID, Field(description='The id of a project.')]
    role: Literal['viewer', 'editor', 'owner'] | str | None = None
    rows: Annotated[int, Field(description='How many records there are')]
    rules: Annotated[
        DatasetRules,
        Field(
            description='What its records have to be together; what the values of a column have to be stands there'
        ),
    ]
    updated_at: AwareDatetime
    version: Annotated[
        int,
        Field(description='How many changes its records have had; 0 before the first'),
    ]


class DatasetProfile(Shown):
    """
    What the columns of a version hold
    """

    columns: list[ColumnProfile]
    rows: Annotated[int, Field(description='How many records there are')]
    sampled: Annotated[
        int | None,
        Field(
            description='Where there are more than 1,000,000 records, of about how many of them, chosen by chance,\n`distinct`, `frequent`, `quantiles` and `histogram` are. Their counts are then estimates for\nall records. Null where they are of all'
        ),
    ] = None
    version: Annotated[
        int, Field(description='The version of the dataset that it is of')
    ]


class DiffSummary(Shown):
    """
    How much is different
    """

    added: Annotated[int, Field(description='How many records were added')]
    changed: Annotated[int, Field(description='How many have changed')]
    fields: Annotated[
        list[FieldDifference],
        Field(
            description='In how many of those each field has changed, without fields that have not'
        ),
    ]
    from_: Annotated[
        int,
        Field(
            alias='from',
            description='The version that is compared with; 0 is before the first',
        ),
    ]
    removed: Annotated[int, Field(description='How many were removed')]
    to: Annotated[int, Field(description='The version that is compared')]


class Import(Shown):
    """
    An import, as its reader sees it
    """

    bytes: Annotated[
        int, Field(description='Bytes of the file that were read, after decompression')
    ]
    dataset_id: Annotated[UUID, Field(description='The id of a dataset.')]
    dry_run: bool
    ended_at: AwareDatetime | None = None
    errors: Annotated[list[RowError], Field(description='The first 1,000 mistakes')]
    id: Annotated[UUID, Field(description='The id of an import into a dataset.')]
    inferred: Annotated[
        list[Column] | None,
        Field(
            description='The columns that were made of the file, where the dataset had none'
        ),
    ] = None
    job: Annotated[
        int | None,
        Field(description='The job that brings its rows, where nobody sends a file'),
    ] = None
    message: str | None = None
    mode: Annotated[
        Literal['append', 'replace', 'upsert'] | str,
        Field(
            description='What becomes of the records that are there: they stay, they go, or those with the same key\ngo'
        ),
    ]
    options: Annotated[
        list[list[str]],
        Field(
            description='What the request said of the file, as a list of names and values'
        ),
    ]
    problem: ImportProblem | None = None
    rejected_rows: Annotated[
        int,
        Field(
            description='How many of them are in the file of rejected records, which is kept for 30 days and has at\nmost 16 MiB'
        ),
    ]
    rows_failed: Annotated[int, Field(description='Records that could not be taken')]
    rows_read: Annotated[
        int, Field(description='Rows of the file that are records, up to now')
    ]
    rows_written: Annotated[
        int, Field(description='Records that were loaded, or would be')
    ]
    started_at: AwareDatetime
    started_by: UUID | None = None
    state: Annotated[
        Literal['receiving', 'loading', 'ready', 'checked', 'refused', 'failed', 'cancelled'] | str,
        Field(
            description='How far an import is: it arrives, it is completed, it is loaded, it was checked without\nbeing loaded, its file does not fit, it could not be done, somebody stopped it'
        ),
    ]
    version: Annotated[
        int | None, Field(description='The version of the dataset that it made')
    ] = None


class Lineage(Shown):
    """
    What a version came from, and what came from it
    """

    edges: list[LineageEdge]
    nodes: list[LineageNode]
    truncated: Annotated[
        bool,
        Field(
            description='Whether there is more than is shown, which is at most 10 steps away, 1,000 nodes and 5,000\nedges'
        ),
    ]


class ModelSignature(Shown):
    """
    What a version of a model takes and gives
    """

    batches: Annotated[
        bool,
        Field(
            description='Whether requests of several callers may be answered by one run, because the rows of a batch\ndo not depend on each other'
        ),
    ]
    inputs: list[TensorType]
    memory: Annotated[
        int, Field(description='Bytes of memory that it took up when it was loaded')
    ]
    notes: Annotated[
        list[str],
        Field(description='What was changed in the file before it was loaded'),
    ]
    opset: Annotated[int, Field(description='Of the standard operators of ONNX')]
    outputs: list[TensorType]
    producer: Annotated[
        str,
        Field(
            description='What wrote the file, in its own words; empty where it does not say'
        ),
    ]
    runtime: Annotated[
        str, Field(description='The runtime that read it, and its version')
    ]


class ModelStats(Shown):
    """
    What one process has counted of a model since it started
    """

    batch_size: Annotated[
        float | None, Field(description='Questions that were asked at once, on average')
    ] = None
    inference_seconds: Annotated[
        ModelTimes,
        Field(description='How long that took for what it was asked at once'),
    ]
    queue_seconds: Annotated[
        ModelTimes,
        Field(description='How long questions waited for the process of the model'),
    ]
    requests: Annotated[
        dict[str, int],
        Field(
            description='Questions by what became of them: `answered`, `invalid`, `busy`, `late`, `failed`,\n`unavailable`'
        ),
    ]


class ModelVersion(Shown):
    """
    A version of a model
    """

    created_at: AwareDatetime
    created_by: UUID | None = None
    description: Annotated[str | None, Field(description='What it is, in Markdown')] = (
        None
    )
    golden_problem: Annotated[str | None, Field(description='Where they differ')] = None
    golden_state: Literal['passed', 'failed'] | str | None = None
    licence: Annotated[
        str | None, Field(description='On which terms it may be used')
    ] = None
    metrics: Annotated[
        dict[str, float], Field(description='What its author measured, by name')
    ]
    problem: Annotated[
        str | None,
        Field(
            description='Why it has failed, or why it is still being checked; where it is ready, what its last check\nfound'
        ),
    ] = None
    sha256: str
    signature: ModelSignature | None = None
    size: Annotated[int, Field(description='Bytes of the file')]
    state: Annotated[
        Literal['checking', 'ready', 'failed'] | str,
        Field(
            description='How far a version is: it is being checked, it can be asked, it cannot'
        ),
    ]
    tags: Annotated[list[str], Field(description='Words by which it is found')]
    version: int
