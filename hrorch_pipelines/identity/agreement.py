"""How two values of one attribute compare, as SQL, and what a pair of records then says. No tables are read here."""

from __future__ import annotations

from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.identity.terms import Agreement
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.sql import ident, literal

_NUMBERS = {AttributeType.INTEGER, AttributeType.DECIMAL, AttributeType.MONEY, AttributeType.PAY, AttributeType.BOOLEAN}
_EXACT_ONLY = _NUMBERS | {AttributeType.SECRET, AttributeType.TIMESTAMP, AttributeType.PERSON}


def level(plan: Plan, attribute: str) -> str:
    """SQL for the `Agreement` of one attribute between rows `l` and `r` of a people table (see `people`)."""
    left, right = f"l.{ident(attribute)}", f"r.{ident(attribute)}"
    kind = plan.kinds[attribute]
    steps = [f"WHEN {left} IS NULL OR {right} IS NULL THEN 'missing'", f"WHEN {left} = {right} THEN 'exact'"]
    if kind is AttributeType.NAME:
        steps += _name_steps(plan, attribute, left, right)
    elif kind is AttributeType.DATE:
        steps.append(f"WHEN {_date_slip(left, right)} THEN 'close'")
    elif kind not in _EXACT_ONLY:
        steps.append(f"WHEN {_text_slip(left, right)} THEN 'close'")
    return f"CASE {' '.join(steps)} ELSE 'differs' END"


def contradicts(plan: Plan, attribute: str | None) -> str:
    """SQL: the attribute is there on both sides and no slip, nickname or former name explains the difference."""
    return f"({level(plan, attribute)}) IN ('differs', 'similar')" if attribute else "FALSE"


def agrees(plan: Plan, attribute: str | None) -> str:
    """SQL: the attribute is there on both sides and says the same."""
    return f"({level(plan, attribute)}) NOT IN ('differs', 'similar', 'missing')" if attribute else "FALSE"


def evidence(plan: Plan, attributes: tuple[str, ...]) -> str:
    """SQL for the JSON text of agreement levels: attribute → level, never a value."""
    parts = ", ".join(f"{literal(name)}, {level(plan, name)}" for name in attributes)
    return f"json_object({parts})::VARCHAR"


def hard_contradictions(plan: Plan) -> str:
    """SQL: how many of birth date and national id deny that the two are one person (0 to 2)."""
    return f"({contradicts(plan, plan.birth_date)})::INTEGER + ({contradicts(plan, plan.national_id)})::INTEGER"


def strangers(plan: Plan) -> str:
    """SQL: of name, birth date and national id at least two can be compared and every one of them denies."""
    facts = [name for name in (plan.first, plan.last, plan.birth_date, plan.national_id) if name]
    if not facts:
        return "FALSE"
    some = " OR ".join(agrees(plan, name) for name in facts)
    count = " + ".join(f"({contradicts(plan, name)})::INTEGER" for name in facts)
    return f"(NOT ({some}) AND ({count}) >= 2)"


SUCCESSIVE = """(l.gone OR r.gone
    OR (l.spell_end IS NOT NULL AND r.spell_start IS NOT NULL AND l.spell_end <= r.spell_start)
    OR (r.spell_end IS NOT NULL AND l.spell_start IS NOT NULL AND r.spell_end <= l.spell_start)
    OR (l.ended AND NOT r.ended AND (l.spell_end IS NULL OR r.spell_start IS NULL))
    OR (r.ended AND NOT l.ended AND (r.spell_end IS NULL OR l.spell_start IS NULL)))"""
"""SQL: the two records are stretches of work one after the other (a rehire, a contractor who became an employee)."""


def _name_steps(plan: Plan, attribute: str, left: str, right: str) -> list[str]:
    steps = []
    if attribute in (plan.first, plan.preferred):
        steps.append("WHEN list_has_any(l.name_roots, r.name_roots) THEN 'nickname'")
    if plan.first and plan.last and attribute in (plan.first, plan.last):
        first, last = ident(plan.first), ident(plan.last)
        steps.append(f"WHEN l.{first} = r.{last} AND l.{last} = r.{first} THEN 'swapped'")
    shorter = f"least(length({left}), length({right}))"
    return [
        *steps,
        f"WHEN list_contains(l.former_names, {right}) OR list_contains(r.former_names, {left}) THEN 'former'",
        f"WHEN damerau_levenshtein({left}, {right}) <= CASE WHEN {shorter} >= 8 THEN 2 WHEN {shorter} >= 3 THEN 1 ELSE 0 END THEN 'close'",
        f"WHEN {shorter} >= 4 AND (starts_with({left}, {right}) OR starts_with({right}, {left})) THEN 'close'",
        f"WHEN jaro_winkler_similarity({left}, {right}) >= 0.88 THEN {literal(Agreement.SIMILAR)}",
    ]


def _date_slip(left: str, right: str) -> str:
    swapped = f"year({left}) = year({right}) AND month({left}) = day({right}) AND day({left}) = month({right})"
    return f"({swapped}) OR abs(date_diff('day', {left}, {right})) <= 1 OR damerau_levenshtein({left}::VARCHAR, {right}::VARCHAR) <= 1"


def _text_slip(left: str, right: str) -> str:
    return (
        f"ltrim({left}, '0') = ltrim({right}, '0') OR "
        f"(least(length({left}), length({right})) >= 4 AND damerau_levenshtein({left}, {right}) <= 1)"
    )
