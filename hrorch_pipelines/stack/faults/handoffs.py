"""Handoffs speak of what the file declares: records that can be made or changed, outlets, days, columns that mean one thing.

What they wait on is in `handoffs_waiting`, their templates in `handoffs_letters`; their SQL is bound by `check`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.handing import Change, Create, Invite, Mail, Then
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.state_columns import StateColumn, state_columns
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.stack.writing import RestWrite


def check_handoffs(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Names that do not exist, records nobody could make, columns that would mean two things, days there are not."""
    for path, then in thens(stack):
        if isinstance(then, Create | Change):
            yield from _record(path, then, stack, declared)
        elif isinstance(then, Mail | Invite):
            yield from _outlet(path, then, stack, declared)
    for name, handoff in stack.handoffs.items():
        yield from _day(("handoffs", name, "since"), handoff.since)
    yield from _columns(stack)
    for outlet in stack.outlets:
        if outlet in declared.systems:
            yield Finding(("outlets", outlet), "is a system's name too", "give the outlet another name")
    zones = stack.lifecycle.time_zones
    if zones is not None and zones.attribute not in declared.attributes:
        yield _unknown(("lifecycle", "time_zones", "attribute"), "attribute", zones.attribute, declared.attributes)
    yield from _screening(stack, declared)


def thens(stack: Stack) -> Iterator[tuple[Path, Then]]:
    """Everything that handoffs do or take back, with its place."""
    for name, handoff in stack.handoffs.items():
        yield ("handoffs", name, "then"), handoff.then
        if handoff.compensate is not None and handoff.compensate.then is not None:
            yield ("handoffs", name, "compensate", "then"), handoff.compensate.then


def _record(path: Path, then: Create | Change, stack: Stack, declared: Declared) -> Iterator[Finding]:
    verb, target = ("create", then.create) if isinstance(then, Create) else ("change", then.change)
    system, dot, name = target.partition(".")
    if not dot or not name:
        yield Finding((*path, verb), "does not say which record of which system", "write `system.record`")
        return
    if system not in declared.systems:
        yield _unknown((*path, verb), "system", system, declared.systems)
        return
    known = declared.records.get(system, frozenset())
    if system not in stack.systems:
        return
    record = stack.systems[system].records.get(name)
    if record is None:
        if name not in known and known <= set(stack.systems[system].records):
            yield _unknown((*path, verb), f"record type of `{system}` called", name, known or frozenset())
        return
    way = record.create if isinstance(then, Create) else record.write
    if way is None:
        done, key = ("made", "create") if isinstance(then, Create) else ("changed", "write")
        yield Finding(
            (*path, verb),
            f"nothing says how a {name} is {done}",
            f"add `{key}` to `systems.{system}.records.{name}`, or let the handoff `ask` a person",
        )
    if then.from_ is not None and record.effective is None:
        yield Finding((*path, "from"), f"the rows of `{target}` have no first day", "remove it")
    for attribute in then.with_:
        yield from _attribute((*path, "with", attribute), attribute, (target, record), then, stack, declared)


def _attribute(
    path: Path, name: str, of: tuple[str, Record], then: Create | Change, stack: Stack, declared: Declared
) -> Iterator[Finding]:
    target, record = of
    if name not in declared.attributes:
        yield _unknown(path, "attribute", name, declared.attributes)
        return
    if name in stack.attributes and stack.attributes[name].type is AttributeType.SECRET:
        yield Finding(path, f"of `{name}` only a keyed hash is known, which cannot be written", "remove it here")
        return
    if name not in record.fields:
        known = sorted(record.fields)
        yield Finding(
            path,
            f"`{target}` does not map `{name}`, so nobody knows where it goes",
            f"{did_you_mean(name, known)}map it there, or take one of {listed(known)}",
        )
        return
    if isinstance(then, Create):
        only = list(record.create.only) if record.create is not None else []
    else:
        only = list(record.write.only) if isinstance(record.write, RestWrite) else []
    if only and name not in only:
        new = "a new record takes" if isinstance(then, Create) else "the `write` of this record takes"
        yield Finding(
            path, f"`{target}` does not take `{name}`: {new} {listed(only)}", "remove it, or add it to `only`"
        )


def _outlet(path: Path, then: Mail | Invite, stack: Stack, declared: Declared) -> Iterator[Finding]:
    verb, name, connector = ("mail", then.mail, "smtp") if isinstance(then, Mail) else ("invite", then.invite, "caldav")
    outlet = stack.outlets.get(name)
    if outlet is None:
        if declared.whole("outlets"):
            yield _unknown((*path, verb), "outlet", name, stack.outlets)
        return
    if outlet.connector != connector:
        fitting = [other for other, item in stack.outlets.items() if item.connector == connector]
        what = "a mail server" if connector == "smtp" else "a calendar"
        yield Finding(
            (*path, verb),
            f"`{name}` is a {outlet.connector} outlet, not {what}",
            f"name one of {listed(fitting)}" if fitting else f"declare an outlet with `connector: {connector}`",
        )


def _columns(stack: Stack) -> Iterator[Finding]:
    """Two things of one name in the person's state: nobody could tell which a condition means. Only where there are any."""
    first: dict[str, StateColumn] = {}
    for column in state_columns(stack) if stack.handoffs else ():
        other = first.setdefault(column.name, column)
        if other is column:
            continue
        at_fault = next((one for one in (column, other) if one.kind == "decided"), column)
        yield Finding(
            _place_of(at_fault),
            f"`{column.name}` is a column of the person's state made of {other.made_of}, and of {column.made_of} too",
            "give one of them another name, so that handoffs can tell them apart",
        )


def _place_of(column: StateColumn) -> Path:
    if column.kind == "done" and column.handoff:
        return ("handoffs", column.handoff)
    if column.kind in {"decided", "referred"} and column.attribute:
        return ("attributes", column.attribute)
    return ("systems", column.system) if column.system else ("attributes",)


def _screening(stack: Stack, declared: Declared) -> Iterator[Finding]:
    by = stack.screening.jurisdiction
    if by is not None and by not in declared.attributes:
        yield _unknown(("screening", "jurisdiction"), "attribute", by, declared.attributes)
    seen: set[tuple[str, str]] = set()
    for number, rule in enumerate(stack.screening.rules):
        path: Path = ("screening", "rules", number)
        yield from _day((*path, "since"), rule.since)
        if (rule.jurisdiction, rule.since) in seen:
            yield Finding(
                (*path, "since"),
                f"there is a rule for `{rule.jurisdiction}` from {rule.since} already",
                "let the newer one begin on the day it came into force, or remove one",
            )
        seen.add((rule.jurisdiction, rule.since))
        if by is None and rule.jurisdiction != "*":
            yield Finding(
                (*path, "jurisdiction"),
                "nothing says which attribute a person's jurisdiction is",
                "add `screening: {jurisdiction: ATTRIBUTE}`, or write `*`",
            )
        names = [step.step for step in rule.steps]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield Finding((*path, "steps", place, "step"), f"`{name}` is there already", "give it another name")


def _day(path: Path, text: str | None) -> Iterator[Finding]:
    if text is None:
        return
    try:
        date.fromisoformat(text)
    except ValueError:
        yield Finding(path, f"there is no day {text}", "write a day of the calendar, such as 2026-03-01")


def _unknown(path: Path, what: str, name: str, known: Collection[str]) -> Finding:
    ordered = sorted(known)
    return Finding(
        path,
        f"there is no {what} `{name}`",
        f"{did_you_mean(name, ordered)}declare it{f', or name one of {listed(ordered)}' if ordered else ''}",
    )
