"""How a record is changed in its system, per connector; what may be changed there. Presets fill most of this in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from hrorch_pipelines.stack.file_writing import FileWrite
from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.terms import AttributeName


class Writes(Part):
    """What may be written into a system. How it is written stands with each record type (`write`)."""

    attributes: list[AttributeName] = Field(description="Attributes that corrections may change here.")


class RestAdd(Part):
    """A new row of an effective-dated table."""

    method: Literal["POST", "PUT"] = Field("POST", description="Method.")
    path: str = Field(description="Path; `{parent}` is the person's record, `{row.NAME}` a field of the row in force.")
    keep: list[str] = Field(default_factory=list, description="Source fields taken over from the row in force.")


class RestWrite(Part):
    """How one record of a REST system is read again and changed. `{id}` is the record's id, `{parent}` its parent's."""

    read: str = Field(description="Path of a GET that answers the record (or the list that holds it).")
    params: dict[str, str] = Field(default_factory=dict, description="Query parameters of that GET.")
    data: str = Field("$", description="JSON path of the record, or of the list that holds it, in the answer.")
    method: Literal["PATCH", "PUT", "POST"] = Field("PATCH", description="Method of the change.")
    path: str = Field(description="Path of the change.")
    body: Literal["fields", "whole"] = Field(
        "fields",
        description="`fields`: only what changes is named. `whole`: what is not named is cleared, so all is sent.",
    )
    version: str | None = Field(
        None, description="Compare and set: `body:NAME` (Gusto's version), or `header:If-Match` from the answer's ETag."
    )
    add: RestAdd | None = Field(None, description="Effective-dated records: how a new row is added.")
    only: list[AttributeName] = Field(
        default_factory=list, description="Attributes this resource takes; others are read only. Default: all mapped."
    )
    absent: Literal["empty", "unknown"] = Field(
        "empty",
        description="A field that the answer of `read` does not name at all: empty, or withheld from us (then never written).",
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with these requests only.")


class RestLook(Part):
    """How one person's records of a kind are asked for, all in one answer."""

    path: str = Field(description="Path of a GET; `{parent}` is the person's own record.")
    params: dict[str, str] = Field(default_factory=dict, description="Query parameters of that GET.")
    data: str = Field("$", description="JSON path of the list, or of the document that holds it, in the answer.")


class RestCreate(Part):
    """How a record is made in a REST system. `{parent}` is the person's own record there."""

    method: Literal["POST", "PUT"] = Field("POST", description="Method.")
    path: str = Field(
        description="Path; `{parent}` for a record with a parent, `{^.PATH}` for a field of the document that holds it."
    )
    params: dict[str, str] = Field(default_factory=dict, description="Query parameters; `{name}` from `credentials`.")
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with these requests only.")
    constant: dict[str, Any] = Field(
        default_factory=dict,
        description="Source fields that are the same in every new record; `{name}` from `credentials`, `{parent}` the person's "
        "own record.",
    )
    fills: dict[str, str] = Field(
        default_factory=dict,
        description="Fields by which a row is known that the system makes by itself with nothing in it (Gusto: the pay of a "
        "new job is 0.00): it is filled in, as `write` says, instead of another one added.",
    )
    look: RestLook | None = Field(
        None,
        description="How it is seen whether it is there already; default: as `write` reads it again, else by reading all.",
    )
    id: str = Field(
        "$.id", description="Where the answer tells the new key: a JSON path, or `header:Location` (its last part)."
    )
    only: list[AttributeName] = Field(
        default_factory=list, description="Attributes a new record takes; default: all mapped."
    )
    idempotency_header: str | None = Field(
        None, description="A header in which the system takes a key of ours and never makes the same twice."
    )


class ScimCreate(Part):
    """SCIM POST (RFC 7644 §3.3), with our own key as `externalId`, by which a repeated one is found again."""

    constant: dict[str, Any] = Field(
        default_factory=dict, description="Fields that are the same in every new resource."
    )
    user_name: AttributeName | None = Field(None, description="The attribute that `userName` is made of.")
    only: list[AttributeName] = Field(
        default_factory=list, description="Attributes a new resource takes; default: all mapped."
    )


class ScimWrite(Part):
    """SCIM PATCH (RFC 7644 §3.5.2), with If-Match where the service gives ETags."""

    etags: bool = Field(True, description="Send If-Match when the resource has a version.")


class SqlWrite(Part):
    """UPDATE … WHERE key AND old value. Column names come from `fields`."""

    table: str = Field(description="The table to change; `schema.table` too.")
    key: str | None = Field(None, description="Key column; default: the one `key` reads.")
    omit: list[str] = Field(
        default_factory=list,
        description="Effective-dated tables: columns a new row leaves to the database (serial numbers, time stamps).",
    )


class _WriteOf(dict[str, Any]):
    """A `write` that knows its system's connector."""

    connector: str = ""


def _form_of(write: Any) -> str | None:
    """Which form of `write` is meant: its system's connector says it."""
    if isinstance(write, _WriteOf):
        return f"({write.connector})"
    return next((f"({name})" for name, form in WRITES.items() if isinstance(write, form)), None)


def told(write: dict[str, Any], connector: str) -> dict[str, Any]:
    """A `write` as written in the file, told its system's connector."""
    own = _WriteOf(write)
    own.connector = connector
    return own


class _CreateOf(dict[str, Any]):
    """A `create` that knows its system's connector."""

    connector: str = ""


def _create_form_of(create: Any) -> str | None:
    if isinstance(create, _CreateOf):
        return f"({create.connector})"
    return next((f"({name})" for name, form in CREATES.items() if isinstance(create, form)), None)


def told_create(create: dict[str, Any], connector: str) -> dict[str, Any]:
    """A `create` as written in the file, told its system's connector."""
    own = _CreateOf(create)
    own.connector = connector
    return own


CREATES: dict[str, type[Part]] = {"rest": RestCreate, "scim": ScimCreate}
"""Connector → its form of `create`; the others make nothing."""

RecordCreate = Annotated[
    Annotated[RestCreate, Tag("(rest)")] | Annotated[ScimCreate, Tag("(scim)")],
    Discriminator(_create_form_of),
]

WRITES: dict[str, type[Part]] = {"rest": RestWrite, "files": FileWrite, "sql": SqlWrite, "scim": ScimWrite}
"""Connector → its form of `write`."""

RecordWrite = Annotated[
    Annotated[RestWrite, Tag("(rest)")]
    | Annotated[FileWrite, Tag("(files)")]
    | Annotated[SqlWrite, Tag("(sql)")]
    | Annotated[ScimWrite, Tag("(scim)")],
    Discriminator(_form_of),
]
