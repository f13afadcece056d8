"""What a reviewer decides becomes a proposal, an answer or an override; and what cannot be is refused with the way that can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.manual import propose
from hrorch_pipelines.exceptions import errors, resolutions
from hrorch_pipelines.exceptions.cases import settle
from hrorch_pipelines.exceptions.overrides import covers, live_overrides, set_override
from hrorch_pipelines.exceptions.sides import Sides, canonical, sides_of, wanted_there
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, corrections
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.warehouse import Warehouse, open_published
from hrorch_tests.exceptions.company import MONDAY, Company


def writable(declared: dict[str, Any]) -> None:
    for system in declared["systems"].values():
        system["writes"] = {"attributes": ["job_title", "date_of_birth"]}
        system["records"]["worker"]["write"] = {"drop": "changes/{date}-{batch}.csv", "columns": ["{key}", "{after}"]}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """One day of a house with a case of each kind; tests act in it on cases of their own."""
    folder = tmp_path_factory.mktemp("lived")
    clock = SetClock(MONDAY)
    house = Company(folder, open_ledger(Home(folder / "home"), clock), clock, writable)
    house.payroll[11] |= {"last": "Somebody", "born": "1999-09-09", "first": "Else"}
    house.day()
    house.hris[5]["born"] = "1893-04-05"
    for n in (2, 3, 4, 6, 7):
        house.payroll[n]["title"] = f"Porter {n}"
    house.payroll[8]["pay"] = "1.00"
    house.payroll[9]["status"] = ""
    house.payroll = [row for row in house.payroll if row["number"] != "E012"]
    house.day(hours=48)
    return house


def titled(house: Company, n: int) -> sa.Row[Any]:
    """The open case of the n-th person's job title."""
    (person,) = house.ask(f"SELECT person_id FROM identity.links WHERE system = 'payroll' AND source_id = '{100 + n}'")[
        0
    ]
    return house.only(attribute="job_title", person_id=person)


def looked_at(house: Company, row: sa.Row[Any]) -> tuple[Sides, str | None]:
    with open_published(house.home) as con:
        sides = sides_of(con, house.stack, row)
        return sides, wanted_there(con, house.stack, sides)


def proposed(house: Company, correction_id: str) -> dict[str, Any]:
    with house.ledger.read() as con:
        row = con.execute(sa.select(corrections).where(corrections.c.correction_id == correction_id)).one()
        seals = Seals(con, house.home.key(), house.clock.now())
        opened = {name: seals.open(row.person_id, getattr(row, f"{name}_sealed")) for name in ("before", "after")}
        return {**row._mapping, **opened}


def test_accepting_proposes_the_authoritys_value_to_the_copy(lived: Company) -> None:
    row = titled(lived, 2)
    sides, wanted = looked_at(lived, row)
    made = lived.act(resolutions.accept_authority, row.case_id, sides=sides, wanted=wanted, by="lead", propose=propose)
    correction = proposed(lived, made)
    told = ("target", "record", "source_id", "attribute", "before", "after", "proposed_by", "case_id")
    assert tuple(correction[name] for name in told) == (
        "payroll", "worker", "102", "job_title", "Porter 2", "Nurse 2", "lead", row.case_id,
    )  # fmt: skip
    case = lived.only(case_id=row.case_id)
    assert (case.state, case.resolution) == ("awaiting_confirmation", "accept_authority")
    with pytest.raises(errors.MoveNotAllowedError):
        lived.act(resolutions.accept_authority, row.case_id, sides=sides, wanted=wanted, by="lead", propose=propose)


def test_entering_a_value_proposes_it_to_the_authority_and_one_write_does_not_close_the_case(lived: Company) -> None:
    row = titled(lived, 3)
    sides, _ = looked_at(lived, row)
    made = lived.act(resolutions.enter_value, row.case_id, sides=sides, value="Midwife", by="lead", propose=propose)
    correction = proposed(lived, made)
    told = tuple(correction[name] for name in ("target", "source_id", "before", "after"))
    assert told == ("hris", "103", "Nurse 3", "Midwife")
    assert lived.act(settle, [row.case_id], why="confirmed in hris") == 0, "the copy has not landed yet"
    assert lived.only(case_id=row.case_id).state == "awaiting_confirmation"


def test_a_record_at_the_gate_is_put_right_in_its_own_system_and_the_gate_has_the_last_word(lived: Company) -> None:
    row = lived.only(source="gate")
    sides, _ = looked_at(lived, row)
    assert sides.copy is None
    made = lived.act(
        resolutions.enter_value, row.case_id, sides=sides, value="1965-05-06", by="analyst", propose=propose
    )
    assert proposed(lived, made)["target"] == "hris"
    assert lived.act(settle, [row.case_id], why="confirmed in hris") == 0
    until = lived.clock.now() + timedelta(days=3)
    with pytest.raises(errors.NotResolvableError, match="field by field"):
        lived.act(resolutions.override, row.case_id, sides=sides, by="analyst", until=until, reason="r")


def test_an_override_seals_its_value_and_covers_that_value_alone(lived: Company) -> None:
    row = titled(lived, 4)
    sides, _ = looked_at(lived, row)
    until = lived.clock.now() + timedelta(days=3)
    made = lived.act(resolutions.override, row.case_id, sides=sides, by="lead", until=until, reason="agreed")
    with lived.ledger.read() as con:
        (one,) = [live for live in live_overrides(con, lived.clock.now()) if live.override_id == made]
        seals = Seals(con, lived.home.key(), lived.clock.now())
        assert covers(seals, one, "payroll", "Porter 4")
        assert not covers(seals, one, "payroll", "Porter 9")
        assert not covers(seals, one, "hris", "Porter 4")
        assert live_overrides(con, until) == []
    case = lived.only(case_id=row.case_id)
    assert (case.state, case.resolution, case.waived_until) == ("waived", "override", until)
    with_two = lived.act(
        set_override,
        person_id=one.person_id,
        attribute="job_title",
        system="payroll",
        value="x",
        reason="r",
        by="lead",
        expires_at=until,
    )
    with lived.ledger.read() as con:
        mine = [live.override_id for live in live_overrides(con, lived.clock.now()) if live.person_id == one.person_id]
    assert mine == [with_two], "the former one is replaced"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"until": None}, errors.ExpiryError),
        ({"reason": " "}, errors.ReasonNeededError),
        ({"by": "x"}, errors.UnknownReviewerError),
    ],
)
def test_an_override_needs_an_end_a_reason_and_a_name(
    lived: Company, changes: dict[str, Any], error: type[Exception]
) -> None:
    row = titled(lived, 6)
    sides, _ = looked_at(lived, row)
    given = {"by": "lead", "until": lived.clock.now() + timedelta(days=1), "reason": "r"} | changes
    with pytest.raises(error):
        lived.act(resolutions.override, row.case_id, sides=sides, **given)
    assert lived.only(case_id=row.case_id).state == "open"


def test_a_missing_record_has_no_value_to_accept(lived: Company) -> None:
    with pytest.raises(errors.NotResolvableError, match="not about one attribute"):
        looked_at(lived, lived.cases(rule="missing_record")[0])


def test_when_the_proposal_is_refused_the_case_stays_as_it_was(lived: Company) -> None:
    row = lived.only(attribute="pay_amount", rule="disagree")
    sides, wanted = looked_at(lived, row)
    with pytest.raises(Exception, match="writ") as refused:
        lived.act(resolutions.accept_authority, row.case_id, sides=sides, wanted=wanted, by="lead", propose=propose)
    assert "50800" not in str(refused.value)
    assert lived.only(case_id=row.case_id).state == "open"


def test_an_answer_about_identity_reaches_the_next_cycle_and_the_log(lived: Company) -> None:
    row = lived.only(source="identity")
    answer: Callable[..., Any] = resolutions.decide_identity
    with Warehouse(lived.home, lived.clock).write() as con:
        given = {"verdict": "different", "by": "analyst", "reason": "two people", "now": lived.clock.now()}
        answer(lived.ledger, con, lived.stack, row.case_id, **given)
        closed = con.execute("SELECT outcome FROM identity.reviews WHERE review_id = ?", [row.reference]).fetchall()
        with pytest.raises(errors.NotResolvableError):
            answer(lived.ledger, con, lived.stack, row.case_id, **given)
    assert closed == [("different",)]
    with lived.ledger.read() as con:
        actions = con.execute(
            sa.select(audit_log.c.action).where(audit_log.c.case_id == row.case_id).order_by(audit_log.c.sequence)
        ).scalars()
        assert list(actions) == ["case_opened", "case_state", "identity_decided"]
    assert lived.again().confirmed >= 1
    assert lived.only(case_id=row.case_id).state == "confirmed"


@pytest.mark.parametrize(
    ("attribute", "given", "expected"),
    [
        ("pay_amount", " 51200.5 ", "51200.5000"),
        ("date_of_birth", "1970-02-03", "1970-02-03"),
        ("job_title", " Nurse ", "Nurse"),
    ],
)
def test_what_is_entered_is_made_canonical(lived: Company, attribute: str, given: str, expected: str) -> None:
    assert canonical(lived.stack, attribute, given) == expected


@pytest.mark.parametrize(
    ("attribute", "given"), [("pay_amount", "12k34"), ("date_of_birth", "03/02/70x"), ("job_title", " ")]
)
def test_what_is_not_understood_is_refused_and_not_repeated(lived: Company, attribute: str, given: str) -> None:
    with pytest.raises(errors.ValueNotUnderstoodError) as refused:
        canonical(lived.stack, attribute, given)
    assert given.strip() == "" or given not in str(refused.value)


def test_folder_is_clean_of_values_that_were_entered(lived: Company, tmp_path: Path) -> None:
    ledger = b"".join(path.read_bytes() for path in lived.home.root.glob("ledger.sqlite*"))
    assert b"Midwife" not in ledger
