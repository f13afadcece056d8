"""How a system is reached: address, credentials and their placeholders. Nothing is tried here, and no value is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.systems import RestRead, System

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NEEDS = {
    "bearer": ("token",),
    "basic": ("username", "password"),
    "header": ("header", "token"),
    "oauth_client_credentials": ("token_url", "client_id", "client_secret"),
}
_AUTH_OF = {"scim": {"none", "bearer", "basic", "header"}}


def check_connections(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Addresses of the wrong kind, incomplete auth, `{name}` without a credential of that name."""
    for name, system in stack.systems.items():
        yield from _address(("systems", name), system)
        yield from _auth(("systems", name, "connection", "auth"), system)
        if declared.whole("systems"):
            yield from _placeholders(name, system)


def _address(path: Path, system: System) -> Iterator[Finding]:
    url, where = system.base_url, (*path, "base_url")
    if system.connector in {"rest", "scim"} and not re.match(r"https?://[^/\s]+", url):
        yield Finding(where, "is not a web address", "begin with https:// (or http://) and the host")
    elif system.connector == "sql" and not re.match(r"[A-Za-z][A-Za-z0-9_+]*://", url):
        yield Finding(
            where,
            "is not a database URL",
            "write it as SQLAlchemy does: postgresql+psycopg://host/name, sqlite:///file.db",
        )
    elif system.connector == "files" and url.startswith(("http://", "https://")) and not url.partition("://")[2]:
        yield Finding(where, "has no host", "write the folder's whole address")


def _auth(path: Path, system: System) -> Iterator[Finding]:
    auth = system.connection.auth
    if system.connector in {"files", "sql"} and auth.type != "none":
        yield Finding(
            path,
            f"`auth` means nothing to `{system.connector}`",
            "put user and password into `credentials` and use them in `base_url` or `options`",
        )
        return
    if auth.type not in _AUTH_OF.get(system.connector, {*_NEEDS, "none"}):
        yield Finding(
            (*path, "type"),
            f"`{auth.type}` cannot be used with `{system.connector}`",
            f"use one of {', '.join(sorted(_AUTH_OF[system.connector]))}",
        )
    for key in _NEEDS.get(auth.type, ()):
        if getattr(auth, key) is None:
            yield Finding(
                path,
                f"auth of type `{auth.type}` needs `{key}`",
                f'add `{key}`, for example "{{{key}}}", and `{key}` to `credentials`',
            )


def _placeholders(name: str, system: System) -> Iterator[Finding]:
    """One finding for each credential that is asked for and not given, at the system's credentials: that is where to mend it."""
    asked: dict[str, str] = {}
    for where, value, own in _filled(system):
        for text in _texts(value):
            for found in _PLACEHOLDER.findall(text):
                if found not in own:
                    asked.setdefault(found, where)
    known = list(system.credentials)
    if system.webhook is not None and system.webhook.secret in known:
        asked.setdefault(system.webhook.secret, "webhook.secret")
    for placeholder, where in asked.items():
        if placeholder not in system.credentials:
            path: Path = ("systems", name, "credentials") if known else ("systems", name)
            yield Finding(
                path,
                f"`{where}` asks for a credential `{placeholder}` that is not there",
                f"{did_you_mean(placeholder, known)}add `{placeholder}: ${{NAME}}` to `credentials`"
                + (f", which has {listed(known)}" if known else ""),
            )
    unused = [key for key in known if key not in asked and system.connector in {"rest", "scim"}]
    if unused:
        yield Finding(("systems", name, "credentials"), f"{listed(unused)} used nowhere in this system", note=True)


def _filled(system: System) -> Iterator[tuple[str, Any, set[str]]]:
    """What is filled from the credentials: place, value, placeholders that mean something else there."""
    nothing: set[str] = set()
    connection = system.connection
    if system.connector in {"rest", "scim"}:
        yield "connection.auth", connection.auth.model_dump(), nothing
        yield "connection.headers", connection.headers, nothing
    else:
        yield "base_url", system.base_url, nothing
        yield "connection.options", connection.options, nothing
    for record, declared in system.records.items():
        read = declared.read
        if isinstance(read, RestRead):
            yield f"records.{record}.read.path", read.path, {"id"} if read.each else nothing
            yield f"records.{record}.read.params", read.params, nothing
            yield f"records.{record}.read.headers", read.headers, nothing
            if read.window and read.window.deleted and read.window.deleted.startswith("/"):
                yield f"records.{record}.read.window.deleted", read.window.deleted, {"since", "until"}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
