"""A simulation as tables: figures of both stack files, what differs by attribute, and rows on request, masked."""

from __future__ import annotations

from hrorch_pipelines.corrections.simulate import Figures, Simulation
from hrorch_pipelines.corrections.terms import WORDS, Refusal
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack


def simulation(found: Simulation, stack: Stack, *, detail: bool = False) -> list[Table]:
    """The tables of a simulation; `detail` adds rows. `stack` says how values may be shown: the stricter, the present one."""
    tables = [_figures(found), _differences(found)]
    if detail:
        tables.append(_rows(found, stack))
    return tables


def _figures(found: Simulation) -> Table:
    now, then = _lines(found.now), _lines(found.then)
    rows = tuple(
        (name, now.get(name, 0), then.get(name, 0), then.get(name, 0) - now.get(name, 0)) for name in {**now, **then}
    )
    columns = (
        Column("figure", "Figure"),
        Column("now", "Now", "integer"),
        Column("then", "Then", "integer"),
        Column("change", "Change", "integer"),
    )
    notes = [
        f"The stored snapshots, as of {found.as_of:%Y-%m-%d %H:%M} UTC, replayed under both files. Nothing was changed."
    ]
    if found.read_as_before:
        named = ", ".join(found.read_as_before)
        notes.append(
            f"The other file maps {named} otherwise. What is stored was mapped when it was read, so this difference is not in "
            "the figures: it shows with the next snapshot."
        )
    notes += [
        f"Over budget then: {waiting} changes of the kind {kind} for {target} where {limit} may pass."
        for kind, target, waiting, limit in found.then.over_budget
    ]
    return Table("Now and then", columns, rows, None, tuple(notes))


def _lines(figures: Figures) -> dict[str, int]:
    counted = {
        "persons": figures.persons,
        "quarantine cases": figures.quarantined,
        "discrepancies": figures.discrepancies,
        "corrections": figures.corrections,
    }
    refused = {f"no correction: {WORDS[Refusal(reason)]}": number for reason, number in figures.refused.items()}
    return {**counted, **refused}


def _differences(found: Simulation) -> Table:
    difference = found.difference
    rows: list[tuple[object, ...]] = []
    if difference.matches_gained or difference.matches_lost:
        rows.append(("matches (pairs of records)", "", "", difference.matches_gained, difference.matches_lost, None))
    rows += [("another system decides", "", attribute, None, None, n) for attribute, n, _ in difference.winners if n]
    rows += [("another value wins", "", attribute, None, None, n) for attribute, _, n in difference.winners if n]
    rows += [("discrepancies", *counted, None) for counted in difference.discrepancies]
    rows += [("corrections", *counted, None) for counted in difference.corrections]
    columns = (
        Column("what", "What", grouped=True),
        Column("system", "System"),
        Column("attribute", "Attribute", "name"),
        Column("added", "Added", "integer"),
        Column("dropped", "Dropped", "integer"),
        Column("changed", "Changed", "integer"),
    )
    notes = ("Nothing differs.",) if not rows else ()
    return Table("What would differ", columns, tuple(rows), None, notes)


def _rows(found: Simulation, stack: Stack) -> Table:
    columns = (
        Column("what", "What"),
        Column("sign", ""),
        Column("system", "System"),
        Column("source_id", "Record"),
        Column("attribute", "Attribute", "name"),
        Column("wanted", "Authority says"),
        Column("held", "Copy says"),
    )
    rows = tuple(
        (
            line.what,
            line.sign,
            line.system,
            line.source_id,
            line.attribute,
            shown(stack, line.attribute, line.wanted, reveal=False) if line.attribute else None,
            shown(stack, line.attribute, line.held, reveal=False) if line.attribute else None,
        )
        for line in found.difference.lines
    )
    return Table("Rows", columns, rows, None, ("+ only then, - only now. Values are masked.",))
