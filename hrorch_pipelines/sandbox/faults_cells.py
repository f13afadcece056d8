"""Plants wrong values: every cause, in several systems and attributes, each told apart from every other cause."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.sandbox.company import CLERKS
from hrorch_pipelines.sandbox.documents_payroll import PER_YEAR
from hrorch_pipelines.sandbox.explanations import Surroundings, explanations
from hrorch_pipelines.sandbox.faults_values import Slip, wrong_values
from hrorch_pipelines.sandbox.fields import PLACES, put_value
from hrorch_pipelines.sandbox.life import Role
from hrorch_pipelines.sandbox.plan import Edit, Plan
from hrorch_pipelines.sandbox.store import Row
from hrorch_pipelines.sandbox.truth import DISTINCTIVE, Truth

RECIPES: dict[Cause, tuple[tuple[str, str], ...]] = {
    Cause.FTE_SHARE: (("payroll", "pay_amount"),),
    Cause.LEADING_ZEROS_LOST: (
        ("onboarding", "employee_number"), ("directory", "employee_number"), ("payroll", "postcode"), ("check", "postcode"),
    ),
    Cause.ENTRY_DATE_AS_EFFECTIVE: (("onboarding", "start_date"), ("payroll", "end_date"), ("ats", "start_date")),
    Cause.APPLIED_EARLY: (("payroll", "pay_amount"), ("payroll", "pay_amount"), ("directory", "job_title")),
    Cause.MOJIBAKE: (("payroll", "legal_last_name"), ("directory", "legal_first_name"), ("check", "legal_last_name")),
    Cause.NICKNAME_OR_FORMER_NAME: (
        ("payroll", "legal_first_name"), ("directory", "legal_first_name"), ("check", "legal_first_name"),
    ),
    Cause.STALE_VALUE: (("payroll", "pay_amount"), ("directory", "job_title"), ("payroll", "job_title"), ("payroll", "department")),
    Cause.DAY_MONTH_SWAPPED: (("onboarding", "start_date"), ("payroll", "date_of_birth"), ("check", "date_of_birth")),
    Cause.OFF_BY_ONE_DAY: (("ats", "start_date"), ("payroll", "end_date"), ("payroll", "start_date"), ("check", "date_of_birth")),
    Cause.TRUNCATED: (("payroll", "job_title"), ("directory", "job_title"), ("payroll", "legal_last_name")),
    Cause.PAY_FREQUENCY_FACTOR: (("payroll", "pay_amount"),),
    Cause.EXCHANGE_RATE: (("payroll", "pay_amount"), ("ats", "pay_amount")),
    Cause.ROW_SLIP: (("payroll", "date_of_birth"), ("directory", "phone"), ("payroll", "phone")),
    Cause.TRANSPOSED_DIGITS: (
        ("payroll", "pay_amount"), ("directory", "phone"), ("payroll", "date_of_birth"), ("check", "phone"),
    ),
    Cause.ONE_DIGIT: (("payroll", "pay_amount"), ("directory", "phone"), ("ats", "pay_amount"), ("payroll", "postcode")),
    Cause.FORMAT_ONLY: (
        ("payroll", "legal_last_name"), ("directory", "job_title"), ("check", "legal_first_name"), ("onboarding", "legal_last_name"),
    ),
    Cause.MISSING_VALUE: (("directory", "phone"), ("payroll", "personal_email"), ("check", "phone")),
    Cause.EXTRA_VALUE: (("payroll", "preferred_name"), ("directory", "preferred_name")),
    Cause.OTHER: (("directory", "manager"), ("payroll", "job_title"), ("directory", "department")),
}  # fmt: skip
"""Cause → where it is planted; the rare ones choose first."""

_TYPED = {
    Cause.TRANSPOSED_DIGITS,
    Cause.ONE_DIGIT,
    Cause.DAY_MONTH_SWAPPED,
    Cause.ROW_SLIP,
    Cause.NICKNAME_OR_FORMER_NAME,
}
_HIRING = {"ats", "check", "onboarding"}


def plant_cells(plan: Plan) -> None:
    """Plant wrong values of every cause."""
    for cause, options in RECIPES.items():
        for number in range(plan.quota(len(options))):
            for shift in range(len(options)):  # where nobody suits, the next option is tried
                if _plant(plan, cause, *options[(number + shift) % len(options)]):
                    break


def _plant(plan: Plan, cause: Cause, system: str, attribute: str) -> bool:
    for one in plan.free(_suits(cause, system, attribute)):
        if attribute == "pay_amount" and cause is Cause.FTE_SHARE and one.spell.fte == "1.00":
            continue
        before = plan.rows(one)
        if not any(row[0] == PLACES[system, attribute].collection for row in before[system]):
            continue
        found = _unambiguous(plan, cause, one, before, system, attribute)
        if found is None:
            continue
        plan.edit(one, system, _writer(system, attribute, found[0], clerk=cause in _TYPED))
        sampled = not plan.whole and attribute in DISTINCTIVE and cause is Cause.ROW_SLIP and attribute != "phone"
        place = PLACES[system, attribute]
        plan.label(
            cause.value, "discrepancy", [one], system, one.ids()[system], attribute,
            record=place.record, cause=cause.value, cause_decidable=not sampled,
            reason="in so great a company others may share the value" if sampled else "",
        )  # fmt: skip
        return True
    return False


def _suits(cause: Cause, system: str, attribute: str) -> Callable[[Truth], bool]:
    if cause is Cause.APPLIED_EARLY:
        return lambda one: (
            one.present and one.life.person.role is Role.STEADY and bool(one.upcoming.get(attribute, frozenset()))
        )
    if attribute == "end_date":
        return lambda one: one.departed
    return (lambda one: one.newly_hired) if system in _HIRING else (lambda one: one.calm)


def _unambiguous(
    plan: Plan, cause: Cause, one: Truth, rows: dict[str, list[Row]], system: str, attribute: str
) -> tuple[str | None] | None:
    """The first wrong value whose most specific explanation is the cause, in a tuple (None is a value: empty)."""
    around = surroundings(plan, one, rows, system, attribute)
    neighbours: tuple[str, ...] = ()
    if cause is Cause.ROW_SLIP:
        others = [other.values[attribute] for other in plan.truths.values() if other is not one]
        neighbours = tuple(value for value in others if value and plan.held[attribute].get(value) == 1)[:40]
    slip = Slip(cause, attribute, one, one.values[attribute], around, neighbours, plan.world.people, plan.rng)
    crowded = attribute in {"start_date", "end_date", "date_of_birth"} and plan.world.people > 2_000
    for wrong in wrong_values(slip):
        found = explanations(attribute, one.values[attribute], wrong, around)
        alone = cause is Cause.ROW_SLIP and found == [Cause.ROW_SLIP]
        if alone or (found[:1] == [cause] and (crowded or Cause.ROW_SLIP not in found)):
            return (wrong,)
    return None


def surroundings(plan: Plan, one: Truth, rows: dict[str, list[Row]], system: str, attribute: str) -> Surroundings:
    """What is known around a cell: what the value was and will be, days of entry, what others have."""
    entered = {
        row[4][:10]
        for row in (*rows["hris"], *rows[system])
        if row[0] in {"employees", PLACES[system, attribute].collection}
    }
    own = one.values[attribute]
    unit = 1
    if attribute == "pay_amount":
        hourly = one.spell.unit == "Hour"
        unit = PER_YEAR[one.spell.unit] if system == "payroll" else 2080 if hourly else 1
    return Surroundings(
        earlier=one.earlier.get(attribute, frozenset()),
        upcoming=one.upcoming.get(attribute, frozenset()),
        entered=entered - {own} if own else entered,
        others={value for value, count in plan.held.get(attribute, {}).items() if count - (value == own) > 0},
        fte=float(one.spell.fte),
        unit=unit,
    )


def _writer(system: str, attribute: str, wrong: str | None, *, clerk: bool) -> Edit:
    place = PLACES[system, attribute]

    def write(rows: list[Row]) -> list[Row]:
        at = max(index for index, row in enumerate(rows) if row[0] == place.collection)
        collection, key, parent, version, updated_at, by, body = rows[at]
        body = deepcopy(body)
        put_value(body, system, attribute, wrong)
        by = CLERKS[int(version[:4], 16) % len(CLERKS)] if clerk else by
        if "updatedBy" in body:
            body["updatedBy"] = by
        return [*rows[:at], (collection, key, parent, version, updated_at, by, body), *rows[at + 1 :]]

    return write
