"""What a room found that a person has to look at, and the fingerprint that makes it one case however often it is found."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from hrorch_pipelines.stack.acting import CaseSource

SEPARATOR = "\x1f"
ID_LENGTH = 32


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `what`, `cause`, `action` and `detail` hold no values; `expected` and `actual` are masked.

    `due` (working time) and `reviewer` are what the finder would say; a route of the stack file goes before. `entity` is the
    person's legal entity. `reference` is what the case stands for: a gate's case, a review, a discrepancy, a correction.
    `subject` tells apart what person and record do not: one row of several, a pair of records.
    """

    source: CaseSource
    rule: str
    what: str
    action: str
    system: str | None = None
    record: str | None = None
    source_id: str | None = None
    person_id: str | None = None
    attribute: str | None = None
    severity: Literal["error", "warning"] = "error"
    expected: str | None = None
    actual: str | None = None
    cause: str | None = None
    occurred_at: datetime | None = None
    reference: str | None = None
    detail: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    due: timedelta | None = None
    reviewer: str | None = None
    entity: str | None = None
    subject: str | None = None


def case_id(finding: Finding) -> str:
    """The fingerprint: source, rule, system, subject and attribute. The same finding gives the same id in every run.

    The subject is what the finding names as such, else the person, else the record and its id. The system is part of it: one
    attribute of a person may be wrong in two copies, and each is put right by itself.
    """
    subject = finding.subject or finding.person_id or f"{finding.record or ''}:{finding.source_id or ''}"
    parts = (finding.source, finding.rule, finding.system or "", subject, finding.attribute or "")
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()[:ID_LENGTH]


def case_id_sql(source: str, rule: str, system: str, subject: str, attribute: str) -> str:
    """DuckDB SQL of `case_id`, over SQL expressions that are never NULL: ids of many findings are compared in bulk."""
    parts = f"{source}, chr(31), {rule}, chr(31), {system}, chr(31), {subject}, chr(31), {attribute}"
    return f"left(sha256(concat({parts})), {ID_LENGTH})"
