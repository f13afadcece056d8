"""What an acknowledgement file says about our lines: read by the same strict readers as exports, believed only as a whole.

Which file answers which change file is for `files`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hrorch_pipelines.stack.file_writing import FileWrite
from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.errors import ReadFault, remedy_for
from hrorch_pipelines.systems.writing.protocol import Answer, WriteFault

_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,16}")
"""What may be kept of a vendor's code. Anything longer or with blanks may be a sentence with a value in it."""

State = Literal["accepted", "refused", "pending"]


@dataclass(frozen=True)
class Told:
    """One answer file: reference → what its lines say. `fault`: why nothing of it is believed."""

    rows: dict[str, list[tuple[State | None, str | None]]] = field(default_factory=dict)
    fault: WriteFault | None = None


def told_by(write: FileWrite, source: Path, scratch: Path, is_ours: Callable[[str], bool]) -> Told | None:
    """Read one answer file. None while it is empty: its writer has only begun."""
    try:
        rows = _rows(write, source, scratch)
    except ReadFault as wrong:
        return None if wrong.code == "empty_file" else Told(fault=_unsure(wrong.code, "the answer cannot be read"))
    if rows is None:
        return Told(fault=_unsure("missing_column", "the answer lacks the column of its references or statuses"))
    if not all(is_ours(reference) for reference, _, _ in rows):
        return Told(fault=_unsure("foreign_answer", "the answer names lines that were never in this change file"))
    found: dict[str, list[tuple[State | None, str | None]]] = defaultdict(list)
    for reference, status, code in rows:
        found[reference.lower()].append((_state(write, status), code if _CODE.fullmatch(code) else None))
    return Told(dict(found))


def verdict(tolds: Iterable[Told], reference: str, name: str) -> Answer | WriteFault:
    """What all answers to one change file say about one of its lines, or about the several lines of one write."""
    lines: list[tuple[State | None, str | None]] = []
    for told in tolds:
        if told.fault is not None:
            return told.fault
        lines += told.rows.get(reference.lower(), [])
    states = {state for state, _ in lines}
    if None in states:
        return _unsure("unknown_status", "the answer holds a status that nobody declared")
    decided = states - {"pending"}
    if len(decided) > 1:
        return _unsure("partly_taken", "some lines of this write were taken and some were not")
    if not decided:
        return Answer("pending", reference=name)
    if decided == {"accepted"}:
        return Answer("accepted", reference=name)
    return Answer("refused", next((code for _, code in lines if code), None), name)


def _rows(write: FileWrite, source: Path, scratch: Path) -> list[tuple[str, str, str]] | None:
    """(reference, status, code) per line; None when a column is missing. Raises ReadFault."""
    import pyarrow.parquet as pq

    from hrorch_pipelines.systems.files import parser_of

    answer = write.answer
    read = FileRead(
        path=source.name,
        format=answer.format,
        encoding=answer.encoding,
        delimiter=answer.delimiter,
        columns=answer.columns,
        widths=answer.widths,
        **({} if answer.columns else {"header_row": 1}),
    )
    out = scratch / f"{source.name}.parquet"
    parsed = parser_of(read, source)(source, read, out)
    problem = next((one for one in parsed.problems if one.fatal), None)
    if problem is not None:
        raise ReadFault(problem.code, problem.detail)
    wanted = [answer.reference, answer.status, *([answer.code] if answer.code else [])]
    if not set(wanted) <= set(parsed.columns):
        return None
    table = pq.read_table(out, columns=wanted).to_pylist()
    return [
        (
            (row[answer.reference] or "").strip(),
            (row[answer.status] or "").strip(),
            (row[answer.code] or "").strip() if answer.code else "",
        )
        for row in table
    ]


def _state(write: FileWrite, status: str) -> State | None:
    words: dict[State, list[str]] = {
        "accepted": write.accepted,
        "refused": write.answer.refused,
        "pending": write.answer.pending,
    }
    return next((state for state, known in words.items() if status.lower() in {word.lower() for word in known}), None)


def _unsure(code: str, what: str) -> WriteFault:
    remedies = {
        "foreign_answer": "ask the vendor whose answer this is; nothing of it was believed",
        "partly_taken": "look at the record in the vendor's system",
        "unknown_status": "add the status to `accepted`, `answer.refused` or `answer.pending` in the stack file",
        "missing_column": "set `answer.reference`, `answer.status` and `answer.code` to the columns' names",
    }
    return WriteFault(code, what, outcome="unknown", remedy=remedies.get(code) or remedy_for(code))
