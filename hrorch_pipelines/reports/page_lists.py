"""The lists of the HTML page, row by row, masked: discrepancies, held records, questions of identity."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hrorch_pipelines.reports.discrepancies import discrepancies
from hrorch_pipelines.reports.plain import short_ids
from hrorch_pipelines.reports.quarantine import quarantine
from hrorch_pipelines.reports.reviews import reviews
from hrorch_pipelines.reports.scene import Scene
from hrorch_pipelines.reports.table import Table
from hrorch_pipelines.reports.words import QUESTIONS, attribute_label, cause_label, percent, system_label

ROWS = 500
"""Rows of a list on the page; the command line has the rest."""

LONGEST = 200
"""Characters of one value on the page."""


def lists(scene: Scene) -> dict[str, Any]:
    """The rows themselves, masked, as many as a page can hold; the rest is counted."""
    wrong = discrepancies(scene.con, scene.stack, limit=ROWS)
    held = quarantine(scene.con, scene.stack, limit=ROWS)
    asked = reviews(scene.con, scene.stack, limit=ROWS)
    return {
        "discrepancies": [_discrepancy(scene, row) for row in dicts(wrong)],
        "discrepancies_told": wrong.notes[0].removesuffix("; costliest first.") + "." if wrong.rows else "",
        "discrepancies_more": more(wrong),
        "quarantine": [_case(scene, row) for row in dicts(held)],
        "quarantine_more": more(held),
        "reviews": [_question(scene, row) for row in dicts(asked)],
        "reviews_more": more(asked),
    }


def dicts(table: Table) -> list[dict[str, Any]]:
    """The rows by the names of their columns."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def more(table: Table) -> str:
    """How many rows the page leaves out, or nothing."""
    return next((note for note in table.notes if "not shown here" in note), "")


def _discrepancy(scene: Scene, row: dict[str, Any]) -> dict[str, str]:
    stack = scene.stack
    return {
        "person": short_ids(str(row["person_id"])),
        "attribute": attribute_label(stack, row["attribute"]),
        "authority": system_label(stack, row["authority_system"]),
        "authority_says": brief(short_ids(str(row["authority_value"]))),
        "holder": system_label(stack, row["copy_system"]),
        "copy_says": brief(short_ids(str(row["copy_value"]))),
        "record": str(row["copy_source_id"] or ""),
        "cause": cause_label(row["cause"]),
        "detail": str(row["cause_detail"] or ""),
        "money": row["money_at_risk"] if isinstance(row["money_at_risk"], str) else _exact(row["money_at_risk"]),
        "since": scene.day(row["first_seen_at"]),
    }


def brief(text: str) -> str:
    """What a page can show of a text: a cell of ten megabytes has to swell no page; the JSON and CSV reports have it whole."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _exact(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _case(scene: Scene, row: dict[str, Any]) -> dict[str, Any]:
    asides = [text for text in (row["severity"], row["kind"]) if text in {"warning", "gate_error"}]
    return {
        "where": f"{system_label(scene.stack, row['system'])} {row['record'] or ''}",
        "record": str(row["source_id"] or ""),
        "rule": row["rule_id"],
        "expected": row["expected"],
        "aside": ", ".join(asides).replace("gate_error", "the rule itself crashed"),
        "found": brief(row["found_masked"] or ""),
        "cause": row["cause"] or "",
        "action": row["action"] or "",
        "reviewer": row["reviewer"],
        "due": scene.day(row["due_at"]),
        "overdue": row["due_at"] is not None and row["due_at"] < scene.now,
    }


def _question(scene: Scene, row: dict[str, Any]) -> dict[str, str]:
    return {
        "left": system_label(scene.stack, row["left_system"]),
        "left_id": str(row["left_id"] or ""),
        "right": system_label(scene.stack, row["right_system"]),
        "right_id": str(row["right_id"] or ""),
        "question": QUESTIONS.get(row["kind"], str(row["kind"])),
        "why": str(row["why"] or ""),
        "probability": percent(row["probability"], 0),
        "reviewer": row["reviewer"],
        "since": scene.day(row["opened_at"]),
    }
