"""What each preset can make is made over real HTTP, seen again by the next push, and never made twice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hrorch_tests.systems.making.sandboxed import look, made, maker, making

DAY = date(2026, 7, 1)
ANA = {
    "legal_first_name": "Ana", "legal_last_name": "Ruiz", "personal_email": "ana.ruiz@mail.example",
    "date_of_birth": "1990-03-17", "start_date": "2026-07-01",
}  # fmt: skip


def only(values: dict[str, str], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names}


PEOPLE = {
    ("hris", "worker"): ANA,
    ("payroll", "worker"): only(ANA, "legal_first_name", "legal_last_name", "personal_email", "date_of_birth"),
    ("check", "candidate"): only(ANA, "legal_first_name", "legal_last_name", "personal_email", "date_of_birth"),
    ("onboarding", "newhire"): {
        **only(ANA, "legal_first_name", "legal_last_name", "personal_email", "start_date"),
        "department": "Radiology",
    },
    ("directory", "user"): {
        **only(ANA, "legal_first_name", "legal_last_name"),
        "work_email": "ana.ruiz@lakeside.example", "department": "Radiology", "employment_status": "active",
    },
}  # fmt: skip


@pytest.mark.parametrize(("place", "record"), PEOPLE)
def test_a_person_is_made_once_and_found_by_whoever_looks_next(stack: Any, place: str, record: str) -> None:
    values = PEOPLE[place, record]
    with maker(stack, place) as one:
        source_id = made(one, making(place, record, **values))
        again = one.look(making(place, record, **values))
    assert (again.state, again.source_id) == ("there", source_id)
    later = look(stack, making(place, record, **values))
    assert (later.state, later.source_id) == ("there", source_id)


def test_what_the_target_fills_in_by_itself_is_told_by_whoever_made_the_record(stack: Any) -> None:
    """Payroll takes a name and a birth date; that somebody new is active is its own doing, and no hand's."""
    values = {"legal_first_name": "Ia", "legal_last_name": "Berg", "personal_email": "ia@mail.example"}
    wanted = making("payroll", "worker", **values)
    with maker(stack, "payroll") as one:
        made(one, wanted)
        again = one.look(wanted)
    assert again.filled["employment_status"] == "active"
    assert not again.filled.keys() & values.keys()
    assert not look(stack, making("payroll", "worker", **values)).filled, "whoever finds a record did not make it"


def test_a_hire_is_enrolled_in_payroll_with_the_pay_in_payrolls_terms(stack: Any, sandbox: Any) -> None:
    with maker(stack, "payroll") as one:
        worker = made(
            one,
            making(
                "payroll", "worker", legal_first_name="Bo", legal_last_name="Lind", personal_email="bo@mail.example"
            ),
        )
        job = made(one, making("payroll", "job", worker, job_title="Nurse", start_date="2026-07-01"))
        pay = made(one, making("payroll", "compensation", worker, DAY, pay_amount="62400.0000", flsa_status="exempt"))
    (held,) = sandbox.records["payroll"].store.get("employees", worker).body["jobs"]
    assert held["uuid"] == job
    (row,) = held["compensations"]
    assert row["uuid"] == pay
    assert (row["rate"], row["payment_unit"], row["flsa_status"], row["effective_date"]) == (
        "62400.00",
        "Year",
        "Exempt",
        "2026-07-01",
    )


def test_pay_by_the_hour_is_said_by_the_hour(stack: Any, sandbox: Any) -> None:
    with maker(stack, "payroll") as one:
        worker = made(
            one,
            making("payroll", "worker", legal_first_name="Cy", legal_last_name="Lo", personal_email="cy@mail.example"),
        )
        made(one, making("payroll", "job", worker, job_title="Aide", start_date="2026-07-01"))
        made(one, making("payroll", "compensation", worker, DAY, pay_amount="41600", pay_unit="hour"))
    row = sandbox.records["payroll"].store.get("employees", worker).body["jobs"][0]["compensations"][0]
    assert (row["rate"], row["payment_unit"]) == ("20.00", "Hour")
