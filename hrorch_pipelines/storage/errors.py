"""Errors of the warehouse. The engine's own messages quote values, so they are never passed on as they are."""

from __future__ import annotations

from pathlib import Path

from hrorch_pipelines.errors import HrorchError

_REMEDIES = {
    "out_of_memory": "give the process more memory, or close other programs; what was begun has been rolled back",
    "io": "check that the disk has room and that the run-time folder can be written",
    "constraint": "this is a fault of the program: report it with the code and the table named above",
    "interrupt": "the statement was stopped; run it again",
}


class WarehouseError(HrorchError):
    """The engine refused a statement. `code` is the kind of failure, `table` what was worked on, when known.

    `detail` is only ever a name the engine could not resolve (a column, a table, a function), never a value.
    """

    def __init__(self, code: str, table: str | None, detail: str | None = None) -> None:
        self.code = code
        self.table = table
        self.detail = detail
        place = f" at {table}" if table else ""
        named = f" ({detail})" if detail else ""
        super().__init__(
            f"The warehouse failed{place}: {code}{named}. The engine's own message is withheld: it may quote values.",
            remedy=_REMEDIES.get(
                code, "run the stage again; if it fails again, report the code and the table named above"
            ),
        )


class WarehouseBusy(HrorchError):  # noqa: N818
    """Another process kept the warehouse longer than we were ready to wait. `holder` is its process id, when known."""

    def __init__(self, path: Path, waited: float, holder: int | None) -> None:
        self.path = path
        self.waited = waited
        self.holder = holder
        who = f"process {holder}" if holder is not None else "another user"
        super().__init__(
            f"{path.name} was still in use by {who} after {waited:.0f} s.",
            remedy="wait until that run ends, or stop it; open the published copy, not this file, in a database tool",
        )


class NothingPublished(HrorchError):  # noqa: N818
    """Reports read the published copy, and there is none yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__("No result has been published yet.", remedy="run `hrorch run`, or the job `cycle` in Dagster")
