"""Whatever is made, over real HTTP, reads back through the preset's own mapping as what was wanted; or nothing is sent."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.new_record import asked, blank, new_record
from hrorch_pipelines.systems.making.protocol import Making, NewRecord
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.proof import near
from hrorch_pipelines.systems.writing.protocol import Change, Write, WriteFault
from hrorch_pipelines.systems.writing.remap import Remap
from hrorch_tests.drawing import drawn
from hrorch_tests.systems.making.sandboxed import made, making
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY

QUICK = settings(
    max_examples=drawn(12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
names = st.text(st.characters(codec="utf-8", categories=("Lu", "Ll"), max_codepoint=0x24F), min_size=2, max_size=12)
days = st.dates(date(1950, 1, 1), date(2030, 1, 1)).map(date.isoformat)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "legal_first_name": names,
    "legal_last_name": names,
    "preferred_name": names,
    "date_of_birth": days,
    "start_date": days,
    "hire_date": days,
    "end_date": days,
    "postcode": st.from_regex(r"[0-9]{5}", fullmatch=True),
    "phone": st.from_regex(r"\+1[0-9]{10}", fullmatch=True),
    "department": st.sampled_from(["Radiology", "Emergency", "Surgery"]),
    "job_title": st.sampled_from(["Nurse", "Médecin", "Lead; A/B"]),
    "employment_status": st.sampled_from(["active", "terminated"]),
}
NEEDED = {
    ("hris", "worker"): ["legal_first_name", "legal_last_name"],
    ("payroll", "worker"): ["legal_first_name", "legal_last_name"],
    ("check", "candidate"): ["legal_first_name", "legal_last_name"],
    ("onboarding", "newhire"): ["legal_first_name", "legal_last_name", "start_date"],
    ("directory", "user"): ["legal_last_name"],
}
ADDRESS = {"directory": "work_email"}
_SOMEBODY = itertools.count(1)


@pytest.fixture(scope="module")
def makers(stack: Any) -> Iterator[dict[str, Any]]:
    all_of_them = {place: maker_for(stack, place, CLOCK, KEY) for place, _ in NEEDED}
    yield all_of_them
    for one in all_of_them.values():
        one.close()


def wishes(stack: Any, place: str, record: str) -> st.SearchStrategy[dict[str, str]]:
    declared = stack.systems[place].records[record]
    only = declared.create.only or list(declared.fields)
    needed = NEEDED[place, record]
    optional = {name: VALUES[name] for name in only if name in VALUES and name not in needed}
    return st.fixed_dictionaries({name: VALUES[name] for name in needed}, optional=optional)


@pytest.mark.parametrize(("place", "record"), NEEDED)
@given(data=st.data())
@QUICK
def test_what_was_made_reads_back_as_what_was_wanted(
    stack: Any, makers: Any, place: str, record: str, data: Any
) -> None:
    """Everybody is somebody new: a name and an address that nobody had before, also when an example is tried again."""
    somebody = next(_SOMEBODY)
    wanted = data.draw(wishes(stack, place, record))
    wanted |= {ADDRESS.get(place, "personal_email"): f"somebody{somebody}@mail.example"}
    wanted["legal_last_name"] += "".join(chr(ord("a") + int(digit)) for digit in str(somebody)) + "x"
    source_id = made(makers[place], making(place, record, **wanted))
    assert stored(stack, place, record, source_id, wanted) == wanted


def stored(stack: Any, place: str, record: str, source_id: str, wanted: dict[str, str]) -> dict[str, Any]:
    """As the correction's own target reads it again; as the maker does where nothing is ever corrected."""
    if stack.systems[place].records[record].write is None:
        one = maker_for(stack, place, CLOCK, KEY)
        seen = one.look(making(place, record, **wanted))
        one.close()
        assert seen.source_id == source_id
        return wanted
    target = target_for(stack, place, CLOCK, KEY)
    changes = tuple(Change(name, None, None) for name in wanted)
    held = target.read(Write(place, record, source_id, changes, "key"))
    target.close()
    assert held.found
    return {
        name: value if near(stack, name, value, held.values.get(name)) else held.values.get(name)
        for name, value in wanted.items()
    }


@given(
    amount=st.decimals(1, 400_000, places=4),
    unit=st.sampled_from([None, "hour", "week", "month", "year"]),
    status=st.sampled_from([None, "exempt", "nonexempt"]),
    place=st.sampled_from(["hris", "payroll"]),
    on=st.dates(date(2000, 1, 1), date(2035, 1, 1)),
)
@settings(max_examples=drawn(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pay_is_said_exactly_or_not_at_all(
    stack: Any, remaps: Any, amount: Any, unit: str | None, status: str | None, place: str, on: date
) -> None:
    values = {"pay_amount": str(amount), "pay_unit": unit, "flsa_status": status}
    one = Making(place, NewRecord("compensation", values, "1", on), "key")
    new, declared = asked(stack, one)
    row: Any = None
    with contextlib.suppress(WriteFault):
        row = new_record(stack, place, remaps[place], new, blank(stack, place, declared, new)).row
    if row is None:
        assert unit not in {None, "year"} or amount != round(amount, 2)
        return
    assert row.effective_from == on
    assert all(near(stack, name, value, row.values[name]) for name, value in values.items() if value is not None)


@pytest.fixture(scope="module")
def remaps(stack: Any) -> Iterator[dict[str, Remap]]:
    both = {place: Remap(stack, place, KEY) for place in ("hris", "payroll")}
    yield both
    for one in both.values():
        one.close()
