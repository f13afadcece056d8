"""The user's SQL conditions: refused with their place when they do not bind or could not be repeated."""

from __future__ import annotations

import pytest

from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.conditions import check_conditions, parse
from hrorch_pipelines.authority.errors import AuthorityFault
from hrorch_tests.authority.house import House, declare


def test_a_stack_whose_conditions_bind_has_no_faults() -> None:
    assert check_conditions(declare()) == []


@pytest.mark.parametrize(
    ("path", "sql", "says"),
    [
        ("stages__worker__when", "hris.nickname = 'x'", "nickname"),
        ("stages__worker__when", "legal_name = 'x'", "mbiguous"),
        ("presence__payroll__must", "employment_status =", "is not SQL"),
        ("presence__payroll__must", "job_title", "its answer is VARCHAR"),
        ("presence__payroll__live", "job_title = 'x'", "job_title"),
        ("presence__payroll__must", "count(*) > 1", "aggregate"),
        ("presence__payroll__must", "end_date < current_date", "as_of"),
        ("presence__payroll__must", "random() < 0.5", "random"),
        ("presence__payroll__must", "start_date < now()", "now"),
        ("presence__payroll__must", "level IN (SELECT 1)", "subquery"),
        ("presence__payroll__must", "true), (true", "not one condition"),
        ("presence__payroll__must", "true) FROM (SELECT 1", "not one condition"),
    ],
)
def test_a_condition_that_cannot_be_used_is_named_with_its_place(path: str, sql: str, says: str) -> None:
    faults = check_conditions(declare(**{path: sql}))
    assert len(faults) == 1
    assert faults[0].startswith(path.replace("__", ".") + ":")
    assert says in faults[0]


def test_all_faults_are_reported_at_once() -> None:
    faults = check_conditions(
        declare(stages__worker__when="x = 1", presence__payroll__must="y = 1", presence__directory__live="z = 1")
    )
    assert len(faults) == 3


def test_a_stage_refuses_to_run_on_a_condition_that_does_not_bind() -> None:
    house = House(declare(presence__payroll__live="no_such = 1"))
    with pytest.raises(AuthorityFault, match=r"presence\.payroll\.live") as refused:
        assemble(house.con, house.stack, house.open())
    assert refused.value.key == "presence.payroll.live"


def test_a_trailing_comment_cannot_swallow_what_follows() -> None:
    assert check_conditions(declare(presence__payroll__must="level = 1 -- seniors")) == []


def test_a_condition_tells_whether_it_reads_the_calendar() -> None:
    assert parse("k", "end_date < as_of").depends_on_day
    assert not parse("k", "end_date IS NULL").depends_on_day
