"""Systems in the stack file: how to reach one, how far to trust it, which records it holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from hrorch_pipelines.stack.mapping import Effective, Field_, Part
from hrorch_pipelines.stack.terms import AttributeName, Duration, Name, Share, SystemKind


class Trust(Part):
    """When a snapshot is believed. What fails is kept for inspection and never reaches history."""

    max_age: Duration = Field("2h", validate_default=True, description="Older than this, its cells are `stale`.")
    max_row_drop: Share = Field("10%", validate_default=True, description="Fewer rows than the last good one by more: refused.")
    min_rows: int = Field(1, ge=0, description="Fewer rows than this: refused. Zero rows never mean 'all deleted'.")
    key_overlap: Share = Field("90%", validate_default=True, description="Share of the last good one's keys that must be there.")


class Auth(Part):
    """How requests prove who we are. `{name}` is filled from the system's `credentials`."""

    type: Literal["none", "bearer", "basic", "header", "oauth_client_credentials"] = "none"
    token: str | None = None
    username: str | None = None
    password: str | None = None
    header: str | None = Field(None, description="Header name, for `header`.")
    token_url: str | None = Field(None, description="Path or URL, for OAuth client credentials.")
    client_id: str | None = None
    client_secret: str | None = None


class Rate(Part):
    """The most requests the system allows: `requests` per `per`."""

    requests: int = Field(gt=0)
    per: Duration = Field("1s", validate_default=True)


class Connection(Part):
    """Connector settings shared by a system's records."""

    auth: Auth = Auth()
    headers: dict[str, str] = Field(default_factory=dict)
    rate: Rate | None = None
    timeout: Duration = Field("30s", validate_default=True)
    retries: int = Field(5, ge=0, description="Tries again on 429, 5xx and a broken connection, with backoff.")
    options: dict[str, Any] = Field(default_factory=dict, description="Passed to fsspec (files) or SQLAlchemy (sql).")


class Paginator(Part):
    """How the next page is found."""

    type: Literal["none", "link_header", "next_url", "cursor", "page_number", "offset"] = "none"
    next: str | None = Field(None, description="JSON path of the next URL or cursor.")
    param: str | None = Field(None, description="Query parameter that takes the cursor, page or offset.")
    size_param: str | None = None
    size: int | None = Field(None, gt=0)
    start: int = 1
    cursor_alone: bool = Field(False, description="The cursor must be the only query parameter (Greenhouse v3).")
    more: str | None = Field(None, description="JSON path of a flag that says whether another page follows.")
    in_: Literal["query", "body"] = Field(
        "query", alias="in", description="Where cursor, page, offset and size go: query parameters, or the body of a POST."
    )


class Window(Part):
    """Read only what changed since the last trusted snapshot, when the system can say it."""

    param: str = Field(description="Query parameter.")
    format: str = Field(description="Its value; `{since}` and `{until}` are ISO timestamps. Name both for a closed window.")
    deleted: str | None = Field(
        None,
        description="What was deleted since: a JSON path of ids in the same answer, or `/path?since={since}#json.path.of.ids` "
        "to ask for. Without it, absence is unknown.",
    )
    expired_status: list[int] = Field(default_factory=lambda: [410], description="Statuses that mean: read everything again.")
    full_every: Duration = Field(
        "1d", validate_default=True, description="Read everything at least this often: a window cannot show all it misses."
    )


class RestRead(Part):
    """One collection of a REST API."""

    path: str = Field(description="Path under base_url. `{id}` is filled for each parent when `each` is set.")
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    data: str = Field("$", description="JSON path of the list of records; `$` is the whole answer.")
    total: str | None = Field(None, description="JSON path, or `header:NAME`, of the number of records the API claims.")
    paginator: Paginator = Paginator()
    window: Window | None = None
    each: Name | None = Field(None, description="Ask once per record of this other record type.")
    headers: dict[str, str] = Field(default_factory=dict)


class FileRead(Part):
    """One file, or all that match a pattern."""

    path: str = Field(description="Path or glob under base_url (a folder, sftp://…, or any fsspec URL).")
    format: Literal["csv", "xlsx", "json", "jsonl", "fixed", "parquet", "ldif"] | None = Field(
        None, description="By the file's ending when absent."
    )
    encoding: str | None = Field(None, description="Detected when absent.")
    delimiter: str | None = Field(None, description="Detected when absent.")
    quote: str = '"'
    header_row: int = Field(1, ge=0, description="Line of the column names; 0 when the file has none (`columns` needed).")
    columns: list[str] = Field(default_factory=list, description="Column names for a file without a header.")
    widths: list[int] = Field(default_factory=list, description="Fixed width: characters per column.")
    sheet: str | int = Field(0, description="XLSX: name or number from 0.")
    data: str = Field("$", description="JSON: path of the list of records.")
    footer_rows: int = Field(0, ge=0, description="Lines at the end that are not records (a trailer).")
    newest_only: bool = Field(True, description="Of several matching files read only the newest by name; else all.")


class SqlRead(Part):
    """One table, or one SELECT."""

    table: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _one(self) -> SqlRead:
        if (self.table is None) == (self.query is None):
            raise ValueError("say either `table` or `query`")
        return self


class ScimRead(Part):
    """One SCIM resource type."""

    resource: Literal["User", "Group"] = "User"
    count: int = Field(100, gt=0)
    filter: str | None = None


Read = RestRead | FileRead | SqlRead | ScimRead
_READS: dict[str, type[Part]] = {"rest": RestRead, "files": FileRead, "sql": SqlRead, "scim": ScimRead}


class Record(Part):
    """One kind of record a system holds."""

    read: Read
    key: Field_ = Field(description="The system's own immutable id.")
    parent: Name | None = Field(None, description="The record type (same system) this one belongs to.")
    parent_key: Field_ | None = Field(None, description="Path of the parent's key.")
    effective: Effective | None = Field(None, description="Set when the rows are effective-dated.")
    explode: str | None = Field(None, description="JSON path of a list inside each source record: one record per element.")
    where: str | None = Field(None, description="SQL condition on source fields (`field('path')`); others are counted and left out.")
    fields: dict[AttributeName, Field_] = Field(default_factory=dict)
    changed_by: Field_ | None = None
    changed_at: Field_ | None = None
    version: Field_ | None = None
    deleted: Field_ | None = Field(None, description="Path that is true for a record the system marks as deleted.")
    restricted: str | None = Field(None, description="JSON path of a list of field names the system withheld.")


class System(Part):
    """One product in the HR stack."""

    preset: str | None = Field(None, description="A ready description to start from; what is written here wins.")
    kind: SystemKind = SystemKind.OTHER
    label: str | None = None
    connector: Literal["rest", "files", "sql", "scim"]
    base_url: str = Field(description="URL, folder, or SQLAlchemy URL.")
    credentials: dict[str, SecretStr] = Field(default_factory=dict, description="Written as ${NAME}; never in the file.")
    connection: Connection = Connection()
    owner: Name
    schedule: str = Field("*/30 * * * *", description="Cron, in the system's time zone.")
    time_zone: str | None = None
    trust: Trust = Trust()
    records: Annotated[dict[Name, Record], Field(min_length=1)]
    service_accounts: list[str] = Field(default_factory=list, description="Names in change records that are integrations.")

    @model_validator(mode="before")
    @classmethod
    def _read_follows_connector(cls, data: Any) -> Any:
        """Check each `read` against its connector's own form, so that errors speak of that form only."""
        if not isinstance(data, dict) or not isinstance(data.get("records"), dict):
            return data
        form = _READS.get(data.get("connector", ""))
        if form is None:
            return data
        records = {
            name: {**record, "read": form.model_validate(record["read"])}
            if isinstance(record, dict) and isinstance(record.get("read"), dict)
            else record
            for name, record in data["records"].items()
        }
        return {**data, "records": records}

    @property
    def base_record(self) -> str:
        """The record type that stands for a person: the first without a parent."""
        return next(name for name, record in self.records.items() if record.parent is None)

    def mapped(self) -> dict[str, str]:
        """Attribute → the record type of this system that supplies it."""
        return {attribute: name for name, record in self.records.items() for attribute in record.fields}
