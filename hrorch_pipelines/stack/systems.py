"""Systems in the stack file: how to reach one, how far to trust it, which records it holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SecretStr, Tag, model_validator

from hrorch_pipelines.stack.mapping import Effective, Field_, FieldMap, Part
from hrorch_pipelines.stack.terms import AttributeName, Duration, Name, Share, SystemKind
from hrorch_pipelines.stack.webhooks import Webhook
from hrorch_pipelines.stack.writing import RecordCreate, RecordWrite, Writes, told, told_create


class Trust(Part):
    """When a snapshot is believed. What fails is kept for inspection and never reaches history."""

    max_age: Duration = Field("2h", validate_default=True, description="Older than this, its cells are `stale`.")
    max_row_drop: Share = Field(
        "10%", validate_default=True, description="Fewer rows than the last good one by more: refused."
    )
    min_rows: int = Field(1, ge=0, description="Fewer rows than this: refused. Zero rows never mean 'all deleted'.")
    key_overlap: Share = Field(
        "90%", validate_default=True, description="Share of the last good one's keys that must be there."
    )


class Auth(Part):
    """How requests prove who we are. `{name}` is filled from the system's `credentials`."""

    type: Literal["none", "bearer", "basic", "header", "oauth_client_credentials"] = Field(
        "none", description="The method."
    )
    token: str | None = Field(None, description="For `bearer` and `header`.")
    username: str | None = Field(None, description="For `basic`.")
    password: str | None = Field(None, description="For `basic`.")
    header: str | None = Field(None, description="Header name, for `header`.")
    token_url: str | None = Field(None, description="Path or URL, for OAuth client credentials.")
    client_id: str | None = Field(None, description="For OAuth.")
    client_secret: str | None = Field(None, description="For OAuth.")


class Rate(Part):
    """The most requests the system allows: `requests` per `per`."""

    requests: int = Field(gt=0, description="How many.")
    per: Duration = Field("1s", validate_default=True, description="In what time.")


class Connection(Part):
    """Connector settings shared by a system's records."""

    auth: Auth = Field(Auth(), description="How we are let in.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Sent with every request; `{name}` from `credentials`."
    )
    rate: Rate | None = Field(None, description="The most requests the system allows.")
    timeout: Duration = Field("30s", validate_default=True, description="How long an answer may take.")
    retries: int = Field(5, ge=0, description="Tries again on 429, 5xx and a broken connection, with backoff.")
    options: dict[str, Any] = Field(default_factory=dict, description="Passed to fsspec (files) or SQLAlchemy (sql).")


class Paginator(Part):
    """How the next page is found."""

    type: Literal["none", "link_header", "next_url", "cursor", "page_number", "offset"] = Field(
        "none", description="The method."
    )
    next: str | None = Field(None, description="JSON path of the next URL or cursor.")
    param: str | None = Field(None, description="Query parameter that takes the cursor, page or offset.")
    size_param: str | None = Field(None, description="Query parameter that takes the page size.")
    size: int | None = Field(None, gt=0, description="Records per page; every page but the last must be full.")
    start: int = Field(1, ge=0, description="Number of the first page, or first offset (then 0 unless said).")
    cursor_alone: bool = Field(False, description="The cursor must be the only query parameter (Greenhouse v3).")
    more: str | None = Field(None, description="JSON path of a flag that says whether another page follows.")
    in_: Literal["query", "body"] = Field(
        "query",
        alias="in",
        description="Where cursor, page, offset and size go: query parameters, or the body of a POST.",
    )


class Window(Part):
    """Read only what changed since the last trusted snapshot, when the system can say it."""

    param: str = Field(description="Query parameter of the window.")
    format: str = Field(
        description="Its value; `{since}` and `{until}` are ISO timestamps. Name both for a closed window."
    )
    deleted: str | None = Field(
        None,
        description="What was deleted since: a JSON path of ids in the same answer, or `/path?since={since}#json.path.of.ids` "
        "to ask for. Without it, absence is unknown.",
    )
    expired_status: list[int] = Field(
        default_factory=lambda: [410], description="Statuses that mean: read everything again."
    )
    full_every: Duration = Field(
        "1d",
        validate_default=True,
        description="Read everything at least this often: a window cannot show all it misses.",
    )


class RestRead(Part):
    """One collection of a REST API."""

    path: str = Field(description="Path under base_url. `{id}` is filled for each parent when `each` is set.")
    method: Literal["GET", "POST"] = Field("GET", description="POST only where the API searches by POST.")
    params: dict[str, str] = Field(default_factory=dict, description="Query parameters; `{name}` from `credentials`.")
    body: dict[str, Any] | None = Field(None, description="JSON body of a POST.")
    data: str = Field("$", description="JSON path of the list of records; `$` is the whole answer.")
    total: str | None = Field(None, description="JSON path, or `header:NAME`, of the number of records the API claims.")
    paginator: Paginator = Field(Paginator(), description="How the next page is found.")
    window: Window | None = Field(None, description="How to ask only for what changed.")
    each: Name | None = Field(None, description="Ask once per record of this other record type.")
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with these requests only.")


class FileRead(Part):
    """One file, or all that match a pattern."""

    path: str = Field(description="Path or glob under base_url (a folder, sftp://…, or any fsspec URL).")
    format: Literal["csv", "xlsx", "json", "jsonl", "fixed", "parquet", "ldif"] | None = Field(
        None, description="By the file's ending when absent."
    )
    encoding: str | None = Field(None, description="Detected when absent.")
    delimiter: str | None = Field(None, description="Detected when absent.")
    quote: str = Field('"', description="CSV: what stands around a text that holds the delimiter.")
    header_row: int = Field(
        1, ge=0, description="Line of the column names; 0 when the file has none (`columns` needed)."
    )
    columns: list[str] = Field(default_factory=list, description="Column names for a file without a header.")
    widths: list[int] = Field(default_factory=list, description="Fixed width: characters per column.")
    sheet: str | int = Field(0, description="XLSX: name or number from 0.")
    data: str = Field("$", description="JSON: path of the list of records.")
    footer_rows: int = Field(0, ge=0, description="Lines at the end that are not records (a trailer).")
    newest_only: bool = Field(True, description="Of several matching files read only the newest by name; else all.")


class SqlRead(Part):
    """One table, or one SELECT."""

    table: str | None = Field(None, description="A table or view, `schema.table` too.")
    query: str | None = Field(None, description="A SELECT instead of a table.")

    @model_validator(mode="after")
    def _one(self) -> SqlRead:
        if (self.table is None) == (self.query is None):
            raise ValueError("say either `table` or `query`")
        return self


class ScimRead(Part):
    """One SCIM resource type."""

    resource: Literal["User", "Group"] = Field("User", description="The resource type.")
    count: int = Field(100, gt=0, description="Resources per page.")
    filter: str | None = Field(None, description="SCIM filter (RFC 7644 §3.4.2.2).")


class _ReadOf(dict[str, Any]):
    """A `read` that knows its system's connector."""

    connector: str = ""


def _form_of(read: Any) -> str | None:
    """Which form of `read` is meant: its system's connector says it, so that errors speak of that form only."""
    if isinstance(read, _ReadOf):
        return f"({read.connector})"
    return next((f"({name})" for name, form in READS.items() if isinstance(read, form)), None)


READS: dict[str, type[Part]] = {"rest": RestRead, "files": FileRead, "sql": SqlRead, "scim": ScimRead}
"""Connector → its form of `read`."""

Read = Annotated[
    Annotated[RestRead, Tag("(rest)")]
    | Annotated[FileRead, Tag("(files)")]
    | Annotated[SqlRead, Tag("(sql)")]
    | Annotated[ScimRead, Tag("(scim)")],
    Discriminator(_form_of),
]


class Record(Part):
    """One kind of record a system holds."""

    read: Read = Field(description="Where the records come from; its keys are those of the connector.")
    key: Field_ = Field(description="The system's own immutable id.")
    parent: Name | None = Field(None, description="The base record type (same system) this one belongs to.")
    parent_key: Field_ | None = Field(None, description="Path of the parent's key.")
    effective: Effective | None = Field(None, description="Set when the rows are effective-dated.")
    explode: str | None = Field(
        None, description="JSON path of a list inside each source record: one record per element."
    )
    where: str | None = Field(
        None, description="SQL condition on source fields (`field('path')`); others are counted and left out."
    )
    fields: dict[AttributeName, Field_] = Field(default_factory=dict, description="Attribute → where it comes from.")
    changed_by: Field_ | None = Field(None, description="Who last changed the record, where the system tells.")
    changed_at: Field_ | None = Field(None, description="When it was last changed.")
    version: Field_ | None = Field(None, description="The system's own version or ETag of the record.")
    deleted: Field_ | None = Field(None, description="Path that is true for a record the system marks as deleted.")
    restricted: str | None = Field(None, description="JSON path of a list of field names the system withheld.")
    write: RecordWrite | None = Field(
        None, description="How a record is changed; its keys are those of the connector. Without it nothing is written."
    )
    create: RecordCreate | None = Field(
        None,
        description="How a record is made; its keys are those of the connector. Without it handoffs make none here.",
    )

    def maps(self) -> list[FieldMap]:
        """Everything that is read of a record, the key first: whose it is, when it counts, its attributes, who changed it."""
        timing = [self.effective.from_, self.effective.to, self.effective.sequence] if self.effective else []
        about = [self.changed_by, self.changed_at, self.version, self.deleted]
        return [one for one in (self.key, self.parent_key, *timing, *self.fields.values(), *about) if one is not None]


class System(Part):
    """One product in the HR stack."""

    preset: str | None = Field(None, description="A ready description to start from; what is written here wins.")
    kind: SystemKind = Field(SystemKind.OTHER, description="What it is for; used in reports, never to decide.")
    label: str | None = Field(None, description="Shown instead of the name.")
    connector: Literal["rest", "files", "sql", "scim"] = Field(description="How it is read.")
    base_url: str = Field(description="URL, folder, or SQLAlchemy URL.")
    credentials: dict[str, SecretStr] = Field(
        default_factory=dict, description="Written as ${NAME}; never in the file."
    )
    connection: Connection = Field(Connection(), description="Settings shared by all its records.")
    owner: Name = Field(description="Who is told when something is wrong with it; one of `people`.")
    schedule: str = Field("*/30 * * * *", description="Cron, in the system's time zone.")
    time_zone: str | None = Field(None, description="IANA name; default: the organization's.")
    trust: Trust = Field(Trust(), description="When a snapshot is believed.")
    records: Annotated[dict[Name, Record], Field(min_length=1)] = Field(
        description="The kinds of record it holds; the one without a parent stands for a person."
    )
    writes: Writes | None = Field(None, description="What corrections may change here; without it, nothing.")
    service_accounts: list[str] = Field(
        default_factory=list, description="Names in change records that are integrations."
    )
    webhook: Webhook | None = Field(None, description="How it tells us by itself that something changed.")

    @model_validator(mode="before")
    @classmethod
    def _read_follows_connector(cls, data: Any) -> Any:
        """Tell each `read` and `write` its system's connector."""
        if not isinstance(data, dict) or not isinstance(data.get("records"), dict):
            return data
        connector = data.get("connector")
        if not isinstance(connector, str) or connector not in READS:
            return data

        def with_connector(record: Any) -> Any:
            if not isinstance(record, dict):
                return record
            record = dict(record)
            if isinstance(record.get("read"), dict):
                read = _ReadOf(record["read"])
                read.connector = connector
                record["read"] = read
            if isinstance(record.get("write"), dict):
                record["write"] = told(record["write"], connector)
            if isinstance(record.get("create"), dict):
                record["create"] = told_create(record["create"], connector)
            return record

        return {**data, "records": {name: with_connector(record) for name, record in data["records"].items()}}

    @property
    def base_record(self) -> str:
        """The record type that stands for a person: the first without a parent."""
        return next(name for name, record in self.records.items() if record.parent is None)

    def mapped(self) -> dict[str, str]:
        """Attribute → the record type of this system that supplies it."""
        return {attribute: name for name, record in self.records.items() for attribute in record.fields}
