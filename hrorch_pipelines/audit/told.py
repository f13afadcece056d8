"""What of the log is asked for and shown, and the changes that systems told, from the published copy. The log itself is in `show`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from hrorch_pipelines.audit.entries import About, Action
from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.masking import MASK, mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity

PLAIN = ("system", "record", "source_id", "rule", "snapshot_id", "run_id", "case_id", "correction_id")
"""Parts of an entry that are shown as they are."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for; all given must fit. `since` counts, `until` does not. `actor` is a name, of a person or a service."""

    person: str | None = None
    attribute: str | None = None
    system: str | None = None
    actor: str | None = None
    action: str | None = None
    case_id: str | None = None
    correction_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 200


@dataclass(frozen=True)
class Shown(About):
    """One entry, or one change that a system told (then `sequence` is None and `actor` whom the system names)."""

    at: datetime
    action: str
    actor: str
    sequence: int | None = None
    on_behalf_of: str | None = None
    detail: str | None = None


def changes(
    con: duckdb.DuckDBPyConnection, stack: Stack, wanted: Wanted, subject: Subject | None, *, reveal: bool
) -> list[Shown]:
    """The newest changes that systems told about a person or an attribute, the oldest first; as of when they were seen."""
    if wanted.case_id or wanted.correction_id or wanted.action not in {None, Action.OBSERVED.value}:
        return []
    records = subject.records if subject is not None else ()
    rows = con.execute(
        """
        WITH mine AS (SELECT unnest($systems::VARCHAR[]) AS system, unnest($ids::VARCHAR[]) AS source_id),
        fitting AS (
            SELECT c.*, coalesce(c.parent_id, c.source_id) AS base
            FROM history.changes c
            WHERE ($attribute IS NULL OR c.attribute = $attribute) AND ($system IS NULL OR c.system = $system)
              AND ($actor IS NULL OR c.changed_by = $actor)
              AND ($since IS NULL OR c.observed_at >= $since) AND ($until IS NULL OR c.observed_at < $until)
        )
        SELECT f.observed_at, f.system, f.record, f.source_id, f.attribute, f.before, f.after, f.kind, f.changed_by, f.changed_at,
               f.snapshot_id, l.person_id
        FROM fitting f LEFT JOIN identity.links l ON l.system = f.system AND l.source_id = f.base
        WHERE NOT $of_person OR EXISTS (FROM mine m WHERE m.system = f.system AND m.source_id = f.base)
        ORDER BY f.observed_at DESC, f.system, f.base, f.attribute LIMIT $limit""",
        {
            "systems": [system for system, _ in records],
            "ids": [source_id for _, source_id in records],
            "of_person": subject is not None,
            "attribute": wanted.attribute,
            "system": wanted.system,
            "actor": wanted.actor,
            "since": wanted.since,
            "until": wanted.until,
            "limit": wanted.limit,
        },
    ).fetchall()
    return [_shown(row, stack, reveal=reveal) for row in reversed(rows)]


def clear(stack: Stack, attribute: str | None, value: str | None, *, reveal: bool) -> str:
    """A value as its attribute's sensitivity allows; what is no attribute counts as personal, a secret is never shown."""
    declared = stack.attributes.get(attribute) if attribute else None
    sensitivity = declared.sensitivity if declared else Sensitivity.PERSONAL
    if sensitivity is Sensitivity.SECRET or (declared and declared.type is AttributeType.SECRET):
        return MASK * 4
    return value if reveal and value is not None else mask(value, sensitivity.value)


def _shown(row: tuple[object, ...], stack: Stack, *, reveal: bool) -> Shown:
    observed_at, system, record, source_id, attribute, before, after, kind, by, changed_at, snapshot_id, person = row
    assert isinstance(observed_at, datetime)  # noqa: S101
    texts = [
        None if part is None else str(part) for part in (system, record, source_id, attribute, snapshot_id, person)
    ]
    dated = f", changed {changed_at:%Y-%m-%d %H:%M} UTC" if isinstance(changed_at, datetime) else ""
    return Shown(
        at=observed_at,
        action=Action.OBSERVED.value,
        actor=str(by or system),
        person_id=texts[5],
        system=texts[0],
        record=texts[1],
        source_id=texts[2],
        attribute=texts[3],
        before=clear(stack, texts[3], None if before is None else str(before), reveal=reveal),
        after=clear(stack, texts[3], None if after is None else str(after), reveal=reveal),
        snapshot_id=texts[4],
        detail=f"{kind}{dated}",
    )
