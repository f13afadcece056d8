"""What handoffs said of a person: gone with an erasure and with retention, told in full on subject access."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit.erase_ledger import erase_person, scrub, with_made
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.audit.refusals import WriteUnderWayError
from hrorch_pipelines.audit.retention_ledger import forget_values
from hrorch_pipelines.audit.subject_ledger import of_the_ledger
from hrorch_pipelines.storage.ledger_tables import actions, audit_values, letters, steps
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.handoffs.acting import Bench, stack_for
from hrorch_tests.handoffs.memory_place import Place

SOMEBODY = Subject(("p1",), (("hris", "hris-1"),))


@pytest.fixture
def bench(ledger, ledger_clock, tmp_path: Path) -> Bench:
    made = Bench(ledger, stack_for(tmp_path), ledger_clock)
    for person in ("p1", "p2"):
        made.ready("hris-prehire", person)
        made.ready("offer-letter", person)
        made.ready("payroll-enrol", person, parent_id="77")
    made.push("hris", Place())
    made.push("letters", Place())
    return made


def erase(bench: Bench) -> dict[str, int]:
    now = bench.clock.now()
    with bench.ledger.write() as con:
        counts, entries = erase_person(con, SOMEBODY, now)
        append(con, Seals(con, bench.ledger.home.key(), now), entries, now, "stack")
    return counts


def sealed(bench: Bench, person: str) -> list[object]:
    """Everything sealed or keyed that is left of a person."""
    with bench.ledger.read() as con:
        queries = (
            sa.select(actions.c.content_sealed, actions.c.content_mark, actions.c.source_id, actions.c.parent_id,
                      actions.c.receipt).where(actions.c.person_id == person),
            sa.select(letters.c.content_sealed).where(letters.c.person_id == person),
            sa.select(steps.c.content_mark).where(steps.c.person_id == person),
            sa.select(audit_values.c.after_sealed).where(audit_values.c.person_id == person),
        )  # fmt: skip
        return [value for query in queries for row in con.execute(query) for value in row if value is not None]


def test_an_erased_persons_handoffs_are_emptied_and_stopped_and_nobody_elses(bench: Bench) -> None:
    others = sealed(bench, "p2")
    assert sealed(bench, "p1")
    counts = erase(bench)
    assert (counts["ledger.actions"], counts["ledger.steps"], counts["ledger.letters"]) == (3, 3, 1)
    assert scrub(bench.ledger)
    assert sealed(bench, "p1") == []
    assert sealed(bench, "p2") == others
    states = {(row.person_id, row.handoff): row.state for row in bench.rows()}
    assert states["p1", "payroll-enrol"] == "withdrawn"
    assert states["p1", "hris-prehire"] == "confirmed"
    assert states["p2", "payroll-enrol"] == "ready"
    with bench.ledger.read() as con:
        rows = con.execute(sa.select(steps.c.state, steps.c.once_per).where(steps.c.person_id == "p1")).all()
    assert sorted(row.state for row in rows) == ["done", "done", "dropped"]
    assert {row.once_per for row in rows} == {"erased"}
    bench.ways_are_allowed()
    place = Place()
    assert bench.push("payroll", place).confirmed == 1
    assert list(place.made) == ["p2@lakeside.example"]


def test_nobody_is_erased_while_something_of_theirs_is_on_its_way(bench: Bench) -> None:
    now = bench.clock.now()
    bench.ready("hris-prehire", "p1", state="sending", sent_at=now, lease="a", lease_until=now + timedelta(seconds=9))
    with pytest.raises(WriteUnderWayError):
        erase(bench)


def test_what_was_sent_is_forgotten_with_the_first_value_whose_time_has_passed(bench: Bench) -> None:
    with bench.ledger.write() as con:
        counts = forget_values(con, [("p1", "work_email")], bench.clock.now())
    assert counts == {"ledger.audit_values": 2, "ledger.letters": 1, "ledger.actions": 2}
    kept = {row.handoff: row.content_sealed is not None for row in bench.rows() if row.person_id == "p1"}
    assert kept == {"hris-prehire": False, "offer-letter": False, "payroll-enrol": True}, (
        "what is open goes when it has ended"
    )
    assert all(row.content_sealed for row in bench.rows() if row.person_id == "p2")
    with bench.ledger.write() as con:
        assert forget_values(con, [("p1", "work_email")], bench.clock.now()) == {}


def test_subject_access_tells_what_had_to_happen_was_made_and_was_written(bench: Bench) -> None:
    with bench.ledger.read() as con:
        seals = Seals(con, bench.ledger.home.key(), bench.clock.now())
        told = {section.title: section for section in of_the_ledger(con, seals, SOMEBODY)}
    had, made, written = told["What had to happen"], told["What was made and sent"], told["Letters"]
    assert {row[1] for row in had.rows} == {"hris-prehire", "offer-letter", "payroll-enrol"}
    assert "p1@lakeside.example" in made.rows[0][made.columns.index("content")]
    assert "Äpfelbaum" in written.rows[0][written.columns.index("content")]
    assert len(written.rows) == 1


def test_a_record_that_was_made_and_that_no_snapshot_shows_yet_is_theirs_too(bench: Bench) -> None:
    with bench.ledger.read() as con:
        known = with_made(con, bench.stack, Subject(("p2",), (("ats", "7"),)))
    assert known.records == (("ats", "7"), ("hris", "hris-2"))
