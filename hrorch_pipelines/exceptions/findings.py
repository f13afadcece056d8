"""From rows of `case_found` to findings: words, masks, and who is asked. Refused snapshots and mass cases are made here too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hrorch_pipelines.exceptions import sentences
from hrorch_pipelines.exceptions.finding import Finding
from hrorch_pipelines.exceptions.known import MASS
from hrorch_pipelines.gates.words import shown
from hrorch_pipelines.reconcile.words import cause_label
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home

COLUMNS = (
    "source", "rule", "system", "record", "source_id", "person_id", "attribute", "severity", "expected", "actual", "cause",
    "action", "reviewer", "due_seconds", "occurred_at", "reference", "subject", "why_not", "authority", "entity", "kind", "rows",
)  # fmt: skip

_NOBODY = "Look at it"


def finding_of(stack: Stack, row: tuple[Any, ...]) -> Finding:
    """The finding of one row of `case_found`, in the order of COLUMNS."""
    told = dict(zip(COLUMNS, row, strict=True))
    if told["source"] == "gate":
        return _gate(stack, told)
    if told["source"] == "identity":
        return _identity(stack, told)
    return _discrepancy(stack, told)


def mass_finding(stack: Stack, row: tuple[Any, ...]) -> Finding:
    """One finding for many of one kind. Row: source, rule, system, attribute, count, commonest cause, reviewer."""
    source, rule, system, attribute, count, cause, reviewer, authority = row
    what, action = sentences.many(stack, system, attribute, rule, count)
    return Finding(
        source,
        rule,
        what,
        action,
        system=system,
        attribute=attribute,
        cause=_cause(source, cause),
        reviewer=reviewer,
        subject=MASS,
        detail={"count": count, "list": _list(source, rule, system, attribute), "authority": authority},
    )


def refused(stack: Stack, home: Home) -> Iterator[Finding]:
    """Snapshots that were not believed and have no good one after them: one finding per system, record type and reason."""
    for system in stack.systems:
        bad, good = catalogue.latest_untrusted(home, system), catalogue.latest(home, system)
        if bad is None or (good is not None and good.observed_at >= bad.observed_at):
            continue
        for fault in bad.faults:
            label = sentences.system_words(stack, system)
            yield Finding(
                "snapshot",
                fault.code,
                f"{label}: its latest snapshot is not believed. {fault.what}",
                fault.remedy,
                system=system,
                record=fault.record,
                cause="Everything downstream works with the snapshot before, or with none",
                occurred_at=bad.observed_at,
                reference=bad.snapshot_id,
                subject=fault.record or "system",
                detail={"snapshot": bad.snapshot_id, "acceptable": fault.acceptable},
            )


def trusted_since(stack: Stack, home: Home) -> dict[str, datetime]:
    """System → when its last good snapshot was observed."""
    latest = {system: catalogue.latest(home, system) for system in stack.systems}
    return {system: manifest.observed_at for system, manifest in latest.items() if manifest is not None}


def unique(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of one fingerprint once: a snapshot may name one reason for several columns."""
    return list({(one.source, one.rule, one.system, one.subject): one for one in findings}.values())


def _gate(stack: Stack, told: dict[str, Any]) -> Finding:
    names = (told["system"], told["record"])
    if told["kind"].startswith("whole "):
        crashed = told["kind"] == "whole gate_error"
        what = sentences.failed_as_a_whole(stack, *names, told["rule"], crashed=crashed)
    elif told["severity"] == "warning":
        what = sentences.warned(stack, *names, told["attribute"], told["rule"])
    else:
        what = sentences.held(stack, *names, told["attribute"], told["rule"])
    due = told["due_seconds"]
    return _finding(
        told,
        what,
        f"{told['action'] or _NOBODY}.".replace("..", "."),
        expected=told["expected"],
        actual=told["actual"],
        cause=told["cause"],
        due=timedelta(seconds=due) if due else None,
    )


def _identity(stack: Stack, told: dict[str, Any]) -> Finding:
    del stack
    action = f"{told['action'] or _NOBODY}.".replace("..", ".")
    return _finding(told, told["cause"] or "It is not sure whose record this is.", action)


def _discrepancy(stack: Stack, told: dict[str, Any]) -> Finding:
    place = sentences.Place(told["system"], told["authority"], told["attribute"], told["why_not"], told["cause"])
    if told["rule"] == "missing_record":
        what, action = sentences.missing(stack, place)
        sides = {"expected": "a record", "actual": "(no record)"}
    else:
        said = sentences.ghost(stack, place) if told["rule"] == "ghost" else sentences.disagreeing(stack, place)
        what, action = said
        sides = {name: shown(stack, told["attribute"], told[name]) for name in ("expected", "actual")}
    detail = {"authority": told["authority"], "why_not": told["why_not"], "cause": told["cause"]}
    return _finding(told, what, action, cause=cause_label(told["cause"]) or None, detail=detail, **sides)


def _finding(told: dict[str, Any], what: str, action: str, **more: Any) -> Finding:
    same = ("source", "rule", "system", "record", "source_id", "person_id", "attribute", "severity", "reference", "reviewer",
            "entity", "subject")  # fmt: skip
    moment = told["occurred_at"]
    occurred = moment.astimezone(UTC) if moment is not None else None
    return Finding(what=what, action=action, occurred_at=occurred, **{name: told[name] for name in same}, **more)


def _cause(source: str, cause: str | None) -> str | None:
    return cause_label(cause) or None if source == "discrepancy" else cause


def _list(source: str, rule: str, system: str | None, attribute: str | None) -> str:
    """The command that lists what a mass case stands for."""
    if source == "discrepancy":
        about = f" --attribute {attribute}" if attribute else ""
        return f"hrorch report discrepancies --system {system} --state {rule}{about}"
    return "hrorch report reviews" if source == "identity" else "hrorch report quarantine --format csv"
