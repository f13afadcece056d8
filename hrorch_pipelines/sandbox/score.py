"""Planted against found: what the product reports, held against the labels, kind by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from hrorch_pipelines.sandbox.cohort_records import collection_of
from hrorch_pipelines.sandbox.labels import Label

Finding = Mapping[str, Any]
"""A plain row. `kind`: discrepancy, missing_record, ghost, quarantine, review or link. `system` and `source_id` as in
`Label` (missing_record: the system that lacks it and the HRIS id); `attribute`, `cause` for discrepancies; `rule` for
quarantine (and `record`, its type); `other_system`, `other_id` for review; `person_id` for link: one row per record that
identity has placed."""


@dataclass(frozen=True)
class KindScore:
    """How one kind of fault fared. `false` are findings of this kind where nothing was planted.

    For controls (planted to be left alone) `found` counts those left alone. `undecided` were planted but cannot be told
    from the data alone; they count in neither `planted` nor `missed`. `cause_right` counts found discrepancies whose
    cause, where it can be told (`cause_of`), was named.
    """

    kind: str
    planted: int
    found: int
    missed: int
    false: int
    cause_of: int
    cause_right: int
    undecided: int
    missed_labels: tuple[str, ...] = ()

    @property
    def recall(self) -> float | None:
        """found / planted; None when nothing decidable was planted."""
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """found / (found + false); None when nothing was found."""
        return self.found / (self.found + self.false) if self.found + self.false else None


Apart = AbstractSet[tuple[str, str, str]]
"""(system, collection, id): documents that are judged elsewhere (`cohort.records_apart`)."""


def score(labels: Iterable[Label], findings: Iterable[Finding], apart: Apart = frozenset()) -> list[KindScore]:
    """Score findings against labels, one row per kind, by name; labels closed by `advance` are left out.

    A finding is false when no label speaks of its cell, and no record-level label touches its record. Findings about
    documents in `apart` do not count.
    """
    findings = (row for row in findings if not _is_apart(row, apart))
    valid = [label for label in labels if label.until is None]
    index = _Findings(findings)
    tallies: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    missed: dict[str, list[str]] = defaultdict(list)
    for label in valid:
        tally = tallies[label.kind]
        if not label.decidable:
            tally["undecided"] += 1
            continue
        tally["planted"] += 1
        hit, cause = index.answers(label)
        tally["found" if hit else "missed"] += 1
        if not hit:
            missed[label.kind].append(label.label_id)
        if hit and label.expect == "discrepancy" and label.cause_decidable:
            tally["cause_of"] += 1
            tally["cause_right"] += cause == label.cause
    for kind in index.unexplained(valid):
        tallies[kind]["false"] += 1
    fields = ("planted", "found", "missed", "false", "cause_of", "cause_right", "undecided")
    return [
        KindScore(kind, **{name: tallies[kind][name] for name in fields}, missed_labels=tuple(missed[kind]))
        for kind in sorted(tallies)
    ]


def unplanted(
    labels: Iterable[Label], corrected: Iterable[tuple[str, str, str]], apart: Apart = frozenset()
) -> list[tuple[str, str, str]]:
    """Corrected values (system, base record id, attribute) of which no label says that they were wrong.

    Labels closed by `advance` count: what was planted was wrong, whatever has happened since. Those of records in `apart`
    are left out.
    """
    cells, ghosts = set(), set()
    for label in labels:
        if label.expect == "discrepancy":
            cells.add((label.system, label.source_id, label.attribute))
        elif label.expect == "ghost":
            ghosts.add((label.system, label.source_id))
    return [
        place
        for place in corrected
        if place not in cells and place[:2] not in ghosts and (place[0], collection_of(place[0]), place[1]) not in apart
    ]


def _is_apart(row: Finding, apart: Apart) -> bool:
    """Whether a finding is about a document that is judged elsewhere, on either side."""
    record = row.get("record") if row["kind"] == "quarantine" else None
    system = "hris" if row["kind"] == "missing_record" else row["system"]
    sides = [(system, collection_of(system, record), str(row["source_id"]))]
    if row.get("other_id") is not None:
        sides.append((row["other_system"], collection_of(row["other_system"]), str(row["other_id"])))
    return any(side in apart for side in sides)


class _Findings:
    """Findings by where they point."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.by_record: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        self.person: dict[tuple[str, str], Any] = {}
        self.all: list[Finding] = []
        for finding in findings:
            key = finding["system"], str(finding["source_id"])
            if finding["kind"] == "link":
                self.person[key] = finding["person_id"]
                continue
            self.all.append(finding)
            self.by_record[key].append(finding)
            if finding["kind"] == "review" and finding.get("other_id") is not None:
                self.by_record[finding["other_system"], str(finding["other_id"])].append(finding)

    def answers(self, label: Label) -> tuple[bool, Any]:
        """Whether the findings say what the label expects, and the cause they name."""
        key, there = (label.system, label.source_id), self.by_record.get((label.system, label.source_id), [])
        if label.expect in {"link", "apart"}:
            one, other = self.person.get(key), self.person.get((str(label.other_system), str(label.other_id)))
            together = one is not None and one == other
            return together == (label.expect == "link"), None
        if label.expect == "none":
            return not any(label.attribute is None or row.get("attribute") == label.attribute for row in there), None
        for row in there:
            right_kind = row["kind"] == label.expect
            right_cell = label.expect != "discrepancy" or row.get("attribute") == label.attribute
            right_rule = label.expect != "quarantine" or row.get("rule") == label.rule
            if right_kind and right_cell and right_rule:
                return True, row.get("cause")
        return False, None

    def unexplained(self, labels: list[Label]) -> Iterable[str]:
        """The kind of each finding no label accounts for."""
        cells = {(label.system, label.source_id, label.attribute) for label in labels}
        dragged = {
            (kind, *key)
            for label in labels
            if label.expect not in {"discrepancy", "none"}
            for key in ((label.system, label.source_id), *label.touches)
            for kind in label.drags
        }
        for row in self.all:
            key = row["system"], str(row["source_id"])
            if (row["kind"], *key) in dragged or (*key, row.get("attribute")) in cells:
                continue
            if (row["kind"], row.get("other_system"), str(row.get("other_id"))) in dragged:
                continue
            yield str(row.get("cause") or row.get("rule") or row["kind"])
