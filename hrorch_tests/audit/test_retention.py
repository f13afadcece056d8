"""Retention destroys what was kept long enough, of those who surely left, and nothing else; nobody acts on what is gone."""

from __future__ import annotations

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit import retention
from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.retention import Applied, Due
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, audit_values
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.audit.people import Company, blank, places_that_hold, sqlite_ledger
from hrorch_tests.reports.house import FIELDS, attributes, people

YEAR = timedelta(days=365)
BIRTH, OTHER_BIRTH = "1931-08-07", "1931-08-09"
"""Birth dates of worker 130 (E030), before and after somebody corrected the HRIS; nobody else has them."""


def changes(**kept: str) -> dict[str, Any]:
    """The stack file with an end date (those who left did so on 31 January 2024) and these retentions."""
    declared = copy.deepcopy(attributes())
    declared["end_date"] = {"data_type": "employment", "type": "date", "sensitivity": "normal"}
    for name, duration in kept.items():
        declared[name]["retention"] = duration
    fields = {**FIELDS, "end_date": {"sql": "CASE WHEN field('status') = 'terminated' THEN '2024-01-31' END"}}
    return {
        "attributes": declared,
        "systems__hris__records__worker__fields": fields,
        "systems__payroll__records__worker__fields": fields,
    }


def exports(birth: str = BIRTH) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """130 left both systems; 131 left the HRIS and is live in payroll; 132 works."""
    hris, payroll = people(), people()
    for rows in (hris, payroll):
        rows[30] |= {"status": "terminated", "born": birth}
    hris[31]["status"] = "terminated"
    return hris, payroll


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("past")
    company = Company.begin(folder, sqlite_ledger(folder), **changes(date_of_birth="1y", legal_last_name="7y"))
    company.say(*exports(OTHER_BIRTH))
    company.say(*exports(), days=1)
    return company


@pytest.fixture
def company(past: Company, tmp_path: Path, ledger: Ledger) -> Company:
    made = Company.copy(past, tmp_path, ledger)
    made.restack(**changes(date_of_birth="1y", legal_last_name="7y"))
    return made


def due(company: Company) -> list[Due]:
    with company.places().warehouse.write() as con:
        return retention.due(con, company.stack, company.clock.now())


def apply(company: Company) -> Applied:
    places = company.places()
    return retention.apply(places.stack, places.home, places.clock, places.warehouse, places.ledger, blank)


def test_only_those_who_surely_left_long_enough_ago_are_due(company: Company) -> None:
    """131 is terminated in the HRIS and live in payroll: that is a doubt, and nothing is destroyed on doubt."""
    assert due(company) == [Due("date_of_birth", YEAR, 1)]
    company.clock.at -= 3 * YEAR
    assert due(company) == []


def test_what_is_due_is_gone_from_every_file_and_the_rest_is_there(company: Company) -> None:
    home, births = company.ledger.home.root, [BIRTH, OTHER_BIRTH]
    ((person,),) = company.ask("SELECT person_id FROM identity.links WHERE system = 'hris' AND source_id = '130'")
    with company.ledger.write() as con:
        seals = Seals(con, company.ledger.home.key(), company.clock.now())
        told = [
            Entry(Action.OBSERVED, person_id=str(person), attribute=name, before="a", after="b")
            for name in ("date_of_birth", "legal_last_name")
        ]
        append(con, seals, told, company.clock.now(), "stack")
    names = len(places_that_hold(home, ["Last30x"]))
    assert places_that_hold(home, births)
    done = apply(company)
    assert done.attributes == {"date_of_birth": 1}
    assert done.counts["snapshots.rows"] == 4
    assert places_that_hold(home, births) == []
    assert len([place for place in places_that_hold(home, ["Last30x"]) if "bytes" not in place]) > 0
    assert names > 0
    with company.ledger.read() as con:
        kept = con.execute(sa.select(audit_values.c.sequence)).scalars().all()
        entry = con.execute(sa.select(audit_log.c.envelope).order_by(audit_log.c.sequence.desc()).limit(1)).scalar_one()
    assert kept == [2]
    assert '"retention_applied"' in entry
    assert '"persons: date_of_birth":1' in entry
    assert BIRTH not in entry


def test_a_destroyed_value_is_unknown_not_empty(company: Company) -> None:
    """The next full cycle holds nobody, finds nothing to compare and nothing to write, and nobody falls apart."""
    before = company.ask("SELECT person_id, system, source_id FROM identity.links ORDER BY ALL")
    apply(company)
    company.say(*exports(), days=1)
    assert company.ask("SELECT count(*) FROM gates.quarantine WHERE closed_at IS NULL") == [(0,)]
    assert company.ask("SELECT person_id, system, source_id FROM identity.links ORDER BY ALL") == before
    about = "person_id = (SELECT person_id FROM identity.links WHERE system = 'hris' AND source_id = '130')"
    assert company.ask(f"SELECT attribute FROM reconcile.discrepancies WHERE {about}") == []
    assert company.ask(f"SELECT date_of_birth, legal_last_name FROM golden.persons WHERE {about}") == [
        (None, "Last30x")
    ]
    assert company.ask(f"SELECT list_contains(hidden, 'date_of_birth') FROM cells.\"hris\" WHERE {about}") == [(True,)]


def test_doing_it_twice_is_doing_it_once_but_for_what_a_source_brought_again(company: Company) -> None:
    assert apply(company).counts
    entries = _entries(company)
    assert apply(company) == Applied({}, {})
    assert _entries(company) == entries, "nothing done, nothing logged"
    company.say(*exports(), days=1)
    again = apply(company)
    assert again.counts["snapshots.rows"] == 2, "the new snapshots held it again, in both systems"
    assert places_that_hold(company.ledger.home.root, [BIRTH, OTHER_BIRTH]) == []


def test_a_hold_beats_retention(company: Company) -> None:
    company.restack(**changes(date_of_birth="1y"), legal_hold=["payroll:130"])
    assert due(company) == []
    apply(company)
    assert places_that_hold(company.ledger.home.root, [BIRTH])


def test_nobody_falls_apart_when_the_keys_that_joined_them_go(tmp_path: Path) -> None:
    kept = dict.fromkeys(("employee_number", "legal_first_name", "legal_last_name", "date_of_birth"), "1y")
    company = Company.begin(tmp_path, sqlite_ledger(tmp_path), **changes(**kept, employment_status="7y", end_date="1y"))
    company.say(*exports())
    before = company.ask("SELECT person_id, system, source_id FROM identity.links ORDER BY ALL")
    assert {item.attribute for item in due(company)} == set(kept), (
        "what tells that they left is kept as long as the longest"
    )
    apply(company)
    company.say(*exports(), days=1)
    assert company.ask("SELECT person_id, system, source_id FROM identity.links ORDER BY ALL") == before
    assert company.ask("SELECT employment_status FROM golden.persons WHERE employee_number IS NULL") == [
        ("terminated",)
    ]


def test_a_candidate_who_never_worked_here_is_counted_from_their_last_change(tmp_path: Path) -> None:
    company = Company.begin(tmp_path, sqlite_ledger(tmp_path), **changes(date_of_birth="1y"))
    hris, payroll = people(), people()
    hris[30] |= {"status": "", "start": "", "born": BIRTH}
    company.say(hris, [row for row in payroll if row["id"] != "130"])
    assert due(company) == []
    company.clock.at += YEAR + timedelta(days=1)
    assert due(company) == [Due("date_of_birth", YEAR, 1)]


def test_who_left_every_system_is_counted_from_the_day_they_were_missed(tmp_path: Path) -> None:
    company = Company.begin(tmp_path, sqlite_ledger(tmp_path), **changes(date_of_birth="1y"))
    company.say(*exports())
    company.say(*([row for row in rows if row["id"] != "132"] for rows in exports()), days=1)
    company.clock.at += timedelta(days=300)
    assert [item.persons for item in due(company)] == [1], "130 only"
    company.clock.at += timedelta(days=66)
    assert [item.persons for item in due(company)] == [2]


def _entries(company: Company) -> int:
    with company.ledger.read() as con:
        return int(con.execute(sa.select(sa.func.count()).select_from(audit_log)).scalar_one())
