"""Faults of reading a system, each with its remedy. What a reader hands over when all went well is in `raw`."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.systems.raw import Problem, SystemUnavailable

REMEDIES: dict[str, str] = {
    "bad_line": "correct or ask again for the file; nothing of it was used",
    "binary_file": "export the data as CSV, XLSX, JSON, Parquet or LDIF, or name the right `format` in the stack file",
    "changing_file": "let the other side write under a temporary name (`.part`) and rename when it is done",
    "count_mismatch": "read again; if it stays, ask the system's support why its count and its list differ",
    "cursor_loop": "check `paginator` in the stack file against the system's documentation",
    "cut_file": "ask for the file again: it ends in the middle",
    "cut_json": "read again; if it stays, lower the page size or raise `timeout`",
    "database_error": "check the connection URL, the table or query, and the rights of its user",
    "empty_file": "ask for the file again: it has no content",
    "foreign_next_url": "check `base_url`: credentials are never sent to another host",
    "host_key": "add the server's key to known_hosts, or name a file in `connection.options.known_hosts`",
    "html_answer": "check `base_url` and credentials: a login or error page came back instead of data",
    "http_status": "check `base_url`, `path` and the rights of the credentials",
    "missing_column": "set the new name in `fields`, or ask for the column to be put back",
    "missing_data": "check `data` in the stack file: the answer has no list there",
    "no_file": "check `base_url` and `path`; the folder holds no file that matches",
    "not_reachable": "check that the system runs and that this machine may reach it",
    "not_records": "check `data` in the stack file: what lies there is not a list of records",
    "page_drift": "read again at a quiet time: records moved between pages twice in a row",
    "rate_limited": "lower `connection.rate`, or read less often",
    "redirect": "set `base_url` to where it redirects, if that is right; a redirect is never followed",
    "short_body": "read again; the connection broke in the middle of an answer",
    "short_page": "remove `size` from the paginator if the system may send short pages",
    "timed_out": "raise `connection.timeout`, or lower the page size",
    "unauthorized": "check the system's `credentials`",
    "wrong_encoding": "set `encoding` in the stack file to what the file is written in",
    "wrong_format": "set `format` in the stack file to what the file is",
}


class ReadFault(HrorchError):  # noqa: N818  (a fault, as in the rest of the house)
    """A read had to stop. `code` and `detail` as in Problem; `status` is the HTTP status, if there was one."""

    def __init__(self, code: str, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail, remedy=remedy_for(code))
        self.code = code
        self.detail = detail
        self.status = status

    def problem(self) -> Problem:
        """As a fatal entry of the read report."""
        return Problem(self.code, self.detail)


def remedy_for(code: str) -> str:
    """What a person does about a code."""
    return REMEDIES.get(code, "look at the system's own log, then read again")


def unavailable(system: str, fault: ReadFault) -> SystemUnavailable:
    """A fault before anything usable came back."""
    return SystemUnavailable(system, fault.code, fault.detail, remedy=fault.remedy)
