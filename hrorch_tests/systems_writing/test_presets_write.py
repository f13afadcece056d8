"""Each preset's writing half: every attribute it may write lands, as the target re-read and as the next snapshot sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.sandbox.serve import run_sandbox
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.connect import connector_for
from hrorch_pipelines.systems.json_paths import decode
from hrorch_pipelines.systems.mapping import map_records
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.proof import same
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_pipelines.systems.writing.remap import Remap
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY, from_now, read, stack_for, write

WISHES = {
    "work_email": "new.person@x.example",
    "personal_email": "own.person@x.example",
    "phone": "+13125558888",
    "date_of_birth": "1981-06-18",
    "start_date": "2026-03-02",
    "hire_date": "2026-01-15",
    "end_date": "2026-12-31",
    "department": "Radiology",
    "pay_unit": "month",
    "pay_currency": "eur",
    "pay_amount": "62400.0000",
    "employment_status": "terminated",
    "employment_type": "part_time",
    "flsa_status": "nonexempt",
    "fte": "0.8000",
    "employee_number": "009999",
    "postcode": "02135",
}
UNWRITABLE = {("payroll", "compensation", "pay_unit"), ("hris", "compensation", "pay_unit")}
"""A unit alone would change the pay."""

NOT_SEEN_LATER = {"employment_type", "end_date"}
"""BambooHR's one list says status and type: once the status is `terminated`, the type is withheld, and the status row's day
is the last one."""

MAYBE_NONE = {("check", "invitation"), ("payroll", "termination")}
"""Record types of which a company may have none."""

PRESETS = ["ats", "hris", "payroll", "onboarding", "directory"]
COLLECTIONS = {
    "ats": "candidates", "hris": "employees", "payroll": "employees", "onboarding": "newhires", "directory": "users",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A generated company, as the vendors' documents really look."""
    with run_sandbox(tmp_path_factory.mktemp("world"), base_port=None, people=40, seed=5, faults=False) as running:
        yield running


@pytest.fixture(scope="module")
def company(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_for(world, tmp_path_factory.mktemp("company"))


def somebody(world: Any, system: str) -> tuple[str, str]:
    """Two who are there, active and wholly visible to us; the second to be referred to."""
    store = world.records[system].store
    found = [
        one.id
        for one in store.each(COLLECTIONS[system])
        if "_restrictedFields" not in one.body
        and not one.body.get("terminated")
        and one.body.get("active", True)
        and one.body.get("status") != "Inactive"
        and (system != "hris" or status_of(store, one.id, world) == "Full-Time")
    ]
    return found[0], found[1]


def status_of(store: Any, key: str, world: Any) -> str | None:
    today = world.clock.now().date().isoformat()
    rows = [row.body for row in store.page("employmentStatus", parent=key) if row.body["date"] <= today]
    return max(rows, key=lambda row: row["date"])["employmentStatus"] if rows else None


def writable(stack: Any, system: str) -> list[tuple[str, str]]:
    return [
        (name, attribute)
        for name, record in stack.systems[system].records.items()
        if record.write is not None
        for attribute in record.fields
        if not getattr(record.write, "only", None) or attribute in record.write.only
    ]


def snapshot(stack: Any, system: str, record: str, into: Path) -> tuple[list[Any], list[dict[str, Any]]]:
    """The raw records and the rows of a snapshot, by the connector and the mapping of a normal read."""
    raw = connector_for(stack, system, CLOCK).read(record, into=into, until=CLOCK.now())
    assert raw.report.complete
    out = into / f"{record}.parquet"
    with duckdb.connect() as con:
        map_records(con, stack, system, record, raw, out, KEY)
        con.execute("SET TimeZone = 'UTC'")
        fields = stack.systems[system].records[record].fields
        texts = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in fields)
        answer = con.execute(
            f"SELECT row_id, source_id, parent_id, CAST(effective_from AS VARCHAR), sequence, hidden, faults, {texts} "
            "FROM read_parquet($1) ORDER BY row_id",
            [str(out)],
        )
        names = ["row_id", "source_id", "parent_id", "effective_from", "sequence", "hidden", "faults", *fields]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    return [decode(line) for line in raw.path.read_text(encoding="utf-8").splitlines()], rows


@pytest.mark.parametrize("system", PRESETS)
def test_every_attribute_that_may_be_written_lands(company: Any, world: Any, tmp_path: Path, system: str) -> None:
    owner, other = somebody(world, system)
    targets = {system: target_for(company, system, world.clock, KEY)}
    wishes: dict[tuple[str, str], str] = {}
    for record, attribute in sorted(writable(company, system), key=lambda pair: pair[1] == "employment_status"):
        if company.attributes[attribute].type is AttributeType.SECRET:
            continue
        wish = other if attribute == "manager" else WISHES.get(attribute, f"New {attribute}")
        one, held = from_now(targets, system, record, owner, **{attribute: wish})
        if (system, record, attribute) in UNWRITABLE:
            with pytest.raises(WriteFault) as caught:
                targets[system].send(one, held)
            assert caught.value.code == "side_effect"
            continue
        targets[system].send(one, held)
        assert same(company, attribute, read(targets, one).values[attribute], wish), (record, attribute)
        wishes[record, attribute] = wish
    targets[system].close()
    assert wishes
    for record in {record for record, _ in wishes}:
        row = in_force(company, world, system, record, owner, tmp_path)
        wanted = {one: wish for (name, one), wish in wishes.items() if name == record and one not in NOT_SEEN_LATER}
        assert [one for one, wish in wanted.items() if not same(company, one, row[one], wish)] == []
        assert row["faults"] == []


def in_force(stack: Any, world: Any, system: str, record: str, owner: str, folder: Path) -> dict[str, Any]:
    """The row of a new snapshot that counts today."""
    into = folder / record
    into.mkdir()
    _, rows = snapshot(stack, system, record, into)
    today = local_date(world.clock.now(), stack.organization.time_zone).isoformat()
    own = [row for row in rows if (row["parent_id"] or row["source_id"]) == owner]
    return max(
        (row for row in own if (row["effective_from"] or "") <= today),
        key=lambda row: (row["effective_from"] or "", row["sequence"] or 0),
    )


@pytest.mark.parametrize("system", [*PRESETS, "check"])
def test_a_record_read_again_says_what_its_snapshot_says(company: Any, tmp_path: Path, system: str) -> None:
    remap = Remap(company, system, KEY)
    for record, declared in company.systems[system].records.items():
        into = tmp_path / record
        into.mkdir()
        documents, rows = snapshot(company, system, record, into)
        again = remap.rows(record, documents)
        assert len(again) == len(rows)
        assert rows or (system, record) in MAYBE_NONE
        for one, row in zip(again, rows, strict=True):
            assert (one.row, one.source_id, one.parent_id) == (row["row_id"], row["source_id"], row["parent_id"])
            faulty = {fault["attribute"] for fault in row["faults"]}
            assert (one.hidden, one.faulty) == (set(row["hidden"]), faulty)
            assert one.values == {name: row[name] for name in declared.fields if name not in {*row["hidden"], *faulty}}
    remap.close()


def test_checkr_and_offers_are_read_only(stack: Any, targets: Any) -> None:
    """Checkr changes no candidate after creation; the terms of an offer make a new draft of it."""
    for one in (
        write("check", "candidate", "c001", phone=(None, "+13125550000")),
        write("ats", "offer", "1001", job_title=("Nurse", "Boss")),
    ):
        with pytest.raises(WriteFault) as caught:
            targets[one.system].read(one)
        assert caught.value.code == "no_write"


def test_leave_takes_the_type_away_and_no_type_is_invented_on_return(targets: Any) -> None:
    """BambooHR's one list says status and type: nobody said a type for who comes back."""
    one, held = from_now(targets, "hris", "status", "19", employment_status="leave")
    targets["hris"].send(one, held)
    one, held = from_now(targets, "hris", "status", "19", employment_status="active")
    targets["hris"].send(one, held)
    both = write("hris", "status", "19", employment_status=("", ""), employment_type=("", ""))
    assert read(targets, both).values == {"employment_status": "active"}


def test_a_held_record_is_never_shown_by_its_repr(targets: Any) -> None:
    one, held = from_now(targets, "onboarding", "newhire", "n019", legal_last_name="Roe")
    text = repr(held) + repr(one) + repr(held.raw) + json.dumps(str(held))
    assert "Given0019" not in text
    assert "Family0019" not in text
