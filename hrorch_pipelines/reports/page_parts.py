"""The parts of the HTML page, as plain words and numbers for the template. Figures come from the reports, nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from hrorch_pipelines.reconcile.bridge import UNEXPLAINED
from hrorch_pipelines.reconcile.rates import DEFINITION
from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.reports import breakdowns, charts
from hrorch_pipelines.reports.bridge import bridge
from hrorch_pipelines.reports.headline import Told, discrepancy_told, figures, re_entry_told
from hrorch_pipelines.reports.masked import pay_is_masked
from hrorch_pipelines.reports.scene import Scene, span
from hrorch_pipelines.reports.todo import Duty, duties
from hrorch_pipelines.reports.words import (
    STATES,
    attribute_label,
    cause_fix,
    cause_label,
    owner_name,
    percent,
    some,
    system_label,
)

_MONEY = {
    State.GHOST: "paid although they left",
    State.MISSING_RECORD: "not paid although they work here",
    State.DISAGREE: "with another pay than decided",
}


def summary(scene: Scene, more: Sequence[Told] = ()) -> dict[str, Any]:
    """The tiles on top, `more` among them after M2 and M1, and everybody's tasks."""
    found = figures(scene.con, scene.cycle_id)
    work = duties(scene.con, scene.stack, scene.now)
    tiles = [
        {"tone": "", **_tile(discrepancy_told(found))},
        {"tone": "", **_tile(re_entry_told(found))},
        *({"tone": "", **_tile(told)} for told in more),
        {"tone": "bad", **_tile(_money_told(scene))},
        {"tone": "warn", **_tile(_work_told(work))},
    ]
    told = [
        {
            "name": duty.name,
            "deputy": duty.deputy,
            "told": some(duty.count, "case"),
            "overdue": f"{duty.overdue:,}" if duty.overdue else "",
            "tasks": [
                {
                    "kind": task.kind,
                    "where": task.where,
                    "what": task.what,
                    "action": task.action,
                    "count": f"{task.count:,}",
                    "due": scene.day(task.due),
                    "overdue": task.overdue,
                    "money": task.money,
                }
                for task in duty.tasks
            ],
        }
        for duty in work
    ]
    return {"tiles": tiles, "duties": told}


def over_time(scene: Scene) -> dict[str, Any]:
    """The course of the rates, from the second comparison on."""
    days = breakdowns.days(scene.con, scene.now)
    if len(days) < 2:
        return {"rates": None, "days": [], "days_told": ""}
    rows = [
        {
            "as_of": day.as_of.isoformat(),
            "m2": percent(day.m2, 2),
            "sure": f"{percent(day.m2_low, 2).removesuffix(' %')}–{percent(day.m2_high, 2)}"
            if day.m2_low is not None
            else "",
            "m1_low": percent(day.m1_low),
            "m1_high": percent(day.m1_high),
            "note": day.note,
        }
        for day in reversed(days[-14:])
    ]
    told = f"The last {some(len(rows), 'comparison')}, newest first."
    return {"rates": charts.rates_chart(days, scene.stack.organization.time_zone), "days": rows, "days_told": told}


def by_cause(scene: Scene) -> dict[str, Any]:
    """What the causes explain, and the fix each names."""
    found = breakdowns.causes(scene.con)
    rows = [
        {
            "label": cause_label(cause.cause),
            "cells": f"{cause.cells:,}",
            "money": scene.sum(cause.money, cause.persons) if cause.money else "",
            "fix": cause_fix(cause.cause),
        }
        for cause in found
    ]
    return {"causes": rows, "causes_chart": charts.causes_chart(found) if found else None}


def by_place(scene: Scene) -> dict[str, Any]:
    """The heat map with its figures, and what could not be compared."""
    found = breakdowns.places(scene.con)
    ordered = sorted(found, key=lambda place: (-place.wrong / place.comparable, place.system, place.attribute))
    rows = [
        {
            "attribute": attribute_label(scene.stack, place.attribute),
            "system": system_label(scene.stack, place.system),
            "wrong": f"{place.wrong:,}",
            "comparable": f"{place.comparable:,}",
            "share": percent(place.wrong / place.comparable, 2),
        }
        for place in ordered
    ]
    counted = {State.AGREE, State.DISAGREE, State.MISSING_RECORD, State.GHOST}
    left = [
        f"{n:,} {STATES.get(state, state)}" for state, n in breakdowns.states(scene.con).items() if state not in counted
    ]
    return {
        "places": rows,
        "heat": charts.heat_chart(found, scene.stack) if found else None,
        "not_compared": f"Pairs of values that were not compared: {', '.join(left)}." if left else "",
    }


def by_money(scene: Scene) -> dict[str, Any]:
    """Money at risk by system and kind."""
    rows = [
        {
            "system": system_label(scene.stack, line.system),
            "what": _MONEY.get(State(line.state), line.state),
            "persons": f"{line.persons:,}",
            "amount": scene.sum(line.amount, line.persons),
        }
        for line in breakdowns.money(scene.con)
    ]
    return {"money": rows, "money_told": _money_told(scene).sentence, "pay_masked": pay_is_masked(scene.stack)}


def bridges(scene: Scene) -> dict[str, Any]:
    """One waterfall per bridge of the cycle."""
    made = []
    for (start, end), rows in groupby(bridge(scene.con, scene.stack).rows, key=lambda row: row[:2]):
        steps = [(str(reason), int(count), int(running)) for _, _, reason, count, running in rows]
        residue = next((count for reason, count, _ in steps if reason == UNEXPLAINED), 0)
        explained = "every head explained" if not residue else f"{some(abs(residue), 'head')} unexplained"
        made.append(
            {
                "start": system_label(scene.stack, start),
                "end": system_label(scene.stack, end),
                "told": f"{steps[0][2]:,} to {steps[-1][2]:,} heads, {explained}",
                "chart": charts.bridge_chart(steps),
            }
        )
    return {"bridges": made}


def fresh(scene: Scene) -> list[dict[str, Any]]:
    """What was read of every system for this cycle."""
    rows = []
    for source in breakdowns.freshness(scene.con, scene.stack, scene.cycle_id):
        declared = scene.stack.systems[source.system]
        rows.append(
            {
                "system": system_label(scene.stack, source.system),
                "owner": owner_name(scene.stack, declared.owner),
                "observed": scene.moment(source.observed_at) or "never",
                "age": span(scene.now - source.observed_at) if source.observed_at else "",
                "limit": span(declared.trust.max_age),
                "rows": f"{source.rows:,}" if source.rows is not None else "",
                "fresh": not source.stale,
                "state": "stale" if source.observed_at else "never read",
            }
        )
    return rows


def rules(scene: Scene) -> dict[str, Any]:
    """What shaped the figures: tolerances, grace, periods, versions."""
    stack = scene.stack
    used = [
        f"{attribute_label(stack, name)} {attribute.tolerance}"
        for name, attribute in stack.attributes.items()
        if attribute.tolerance
    ]
    return {
        "tolerances": ", ".join(used),
        "grace": span(stack.comparison.grace),
        "periods": stack.comparison.pay_periods_per_year,
        "definition": DEFINITION,
        "cycle": scene.cycle_id,
        "stack_hash": stack.content_hash[:12],
    }


def _tile(told: Told) -> dict[str, str]:
    return {"title": told.title, "number": told.number, "sentence": told.sentence, "remark": told.remark}


def _money_told(scene: Scene) -> Told:
    title = "Money at risk per pay period"
    lines = breakdowns.money(scene.con)
    persons = breakdowns.persons_at_risk(scene.con)
    if not lines:
        return Told(title, f"{scene.stack.organization.currency} 0", "No discrepancy concerns pay.")
    total = scene.sum(sum((line.amount for line in lines), Decimal(0)), persons)
    number = f"{scene.stack.organization.currency} {total}"
    first = f"About {number} per pay period is at risk over {some(persons, 'person')}."
    kinds: dict[str, int] = {}
    for line in lines:
        kinds[line.state] = kinds.get(line.state, 0) + line.persons
    more = ", ".join(f"{n:,} {_MONEY.get(State(state), state)}" for state, n in kinds.items())
    return Told(title, number, first, f"{more[0].upper()}{more[1:]}.")


def _work_told(work: list[Duty]) -> Told:
    title = "Open work"
    count, overdue = sum(duty.count for duty in work), sum(duty.overdue for duty in work)
    if not count:
        return Told(title, "0", "Nothing is waiting for anybody.")
    late = f"{overdue:,} of them overdue" if overdue else "none of them overdue"
    who = ", ".join(f"{duty.name} {duty.count:,}" for duty in work)
    return Told(
        title, f"{count:,}", f"{some(count, 'case')} wait for {some(len(work), 'colleague')}, {late}.", f"{who}."
    )
