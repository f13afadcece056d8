"""The person's state: what is decided, what each system holds, what the ledger knows; and that doubt is never taken for absence."""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hrorch_pipelines.handoffs.columns import columns
from hrorch_pipelines.handoffs.conditions import parsed
from hrorch_pipelines.handoffs.doubt import doubt_sql
from hrorch_pipelines.handoffs.errors import StateOutOfDateError
from hrorch_pipelines.handoffs.state import Done, Known, Made, relation, true_from
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.authority.house import NOW, House, declare

KEY = b"k" * 32
PEOPLE = """CREATE TABLE identity.persons (person_id VARCHAR, created_at TIMESTAMPTZ, merged_into VARCHAR);
CREATE TABLE identity.reviews (
    review_id VARCHAR, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR, right_id VARCHAR, closed_at TIMESTAMPTZ)"""


def handing(handoffs: dict[str, Any] | None = None, **changes: Any) -> Stack:
    """The small company with handoffs; those that say nothing else ask somebody."""
    usual = {"then": {"ask": "x", "action": "y"}, "within": "1h", "owner": "dana"}
    declared = handoffs or {"pre-hire": {"when": "pay > 0"}}
    return declare(handoffs={name: {**usual, **one} for name, one in declared.items()}, **changes)


def company(stack: Stack) -> House:
    """Ann (hris 1, payroll 9) under Bob (hris 2, payroll 8, directory b); Cy, a candidate (ats c)."""
    house = House(stack)
    house.con.execute(PEOPLE)
    house.put("hris", "worker", [
        {"id": "1", "legal_name": "Ann", "employment_status": "active", "start_date": date(2026, 6, 17), "manager": "2"},
        {"id": "2", "legal_name": "Bob", "employment_status": "active", "start_date": date(2026, 6, 1)},
    ])  # fmt: skip
    house.put("payroll", "worker", [{"id": "9", "legal_name": "Ann", "manager": "8"}, {"id": "8", "legal_name": "Bob"}])
    house.put("directory", "account", [{"id": "b", "legal_name": "Bob", "email": "bob@small.example"}])
    house.put("ats", "candidate", [{"id": "c", "legal_name": "Cy", "pay": 3}])
    house.link([("hris", "1", "ann"), ("hris", "2", "bob"), ("payroll", "9", "ann"), ("payroll", "8", "bob"),
                ("directory", "b", "bob"), ("ats", "c", "cy")])  # fmt: skip
    return house


def state(
    house: House, known: Known | None = None, *, now: datetime = NOW, whole: bool = True
) -> dict[str, dict[str, Any]]:
    """Person → their row."""
    relation(house.con, house.stack, now, known or Known(KEY), whole=whole)
    found = house.con.execute("SELECT * FROM handoff_state")
    names = [column[0] for column in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["person_id"]: row for row in rows}


def test_every_declared_column_is_there_and_of_its_type() -> None:
    house = company(handing())
    house.run(house.open())
    state(house)
    rows = house.all("SELECT column_name, column_type FROM (DESCRIBE handoff_state)")
    assert dict(rows) == {
        **{
            name: kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE") for name, kind in columns(house.stack).items()
        },
        "doubtful": "VARCHAR[]",
    }


def test_only_what_a_handoff_looks_at_is_made_unless_the_whole_is_asked_for() -> None:
    house = company(handing())
    house.run(house.open())
    narrow = set(state(house, whole=False)["ann"])
    assert {"person_id", "pay", "spell", "done_pre_hire", "in_hris", "hris_id", "hris_stale"} <= narrow
    assert "hris_legal_name" not in narrow


def test_a_row_says_what_is_decided_what_systems_hold_and_who_is_referred_to() -> None:
    house = company(handing())
    house.run(house.open())
    ann = state(house)["ann"]
    assert (ann["stage"], ann["legal_name"], ann["manager"]) == ("worker", "Ann", "bob")
    assert (ann["in_payroll"], ann["payroll_id"], ann["payroll_manager"]) == (True, "9", "bob")
    assert (ann["in_directory"], ann["directory_id"]) == (False, None)
    assert (ann["manager_email"], ann["manager_name"]) == ("bob@small.example", "Bob")
    assert (ann["spell"], ann["identity_resolved"], ann["doubtful"]) == ("ann", True, [])


def test_whoever_has_a_record_has_a_row_whether_or_not_a_stage_holds() -> None:
    stack = handing(
        stages={"worker": {"present_in": ["hris"]}}, presence={}, authority={"employment": {"worker": "hris"}}
    )
    house = company(stack)
    house.run(house.open())
    rows = state(house)
    assert set(rows) == {"ann", "bob", "cy"}
    assert rows["cy"]["stage"] is None
    assert rows["cy"]["ats_legal_name"] == "Cy"


def test_not_being_in_a_system_never_read_is_unknown_and_in_doubt() -> None:
    house = company(handing({"new": {"when": "NOT in_directory"}, "other": {"when": "NOT in_payroll"}}))
    house.run(house.open(sources=["ats", "hris", "payroll"]))
    assert state(house)["ann"]["in_directory"] is None
    doubt = {name: house.one(f"SELECT {doubt_sql(house.stack, one.columns)} FROM handoff_state WHERE person_id = 'ann'")
             for name, one in parsed(house.stack).items()}  # fmt: skip
    assert doubt == {"new": True, "other": False}


@pytest.mark.parametrize("how", ["held", "hidden", "faults"])
def test_a_cell_that_is_held_or_withheld_is_null_and_in_doubt(how: str) -> None:
    cases: dict[str, dict[str, Any]] = {"held": {"held": True}, "hidden": {"hidden": ["legal_name"]},
            "faults": {"faults": [{"attribute": "legal_name", "code": "x", "found": "y"}]}}  # fmt: skip
    more = cases[how]
    house = company(handing({"h": {"when": "payroll_legal_name IS NULL"}, "i": {"when": "hris_legal_name IS NULL"}}))
    house.replace("payroll", "worker", [{"id": "9", "legal_name": "Ann", **more}, {"id": "8", "legal_name": "Bob"}])
    house.run(house.open())
    rows = state(house)
    assert rows["ann"]["payroll_legal_name"] is None
    assert "payroll_legal_name" in rows["ann"]["doubtful"]
    assert rows["bob"]["payroll_legal_name"] == "Bob"
    for name, doubted in (
        ("h", {"ann": True, "bob": False, "cy": False}),
        ("i", {"ann": False, "bob": False, "cy": False}),
    ):
        sql = doubt_sql(house.stack, parsed(house.stack)[name].columns)
        assert dict(house.all(f"SELECT person_id, {sql} FROM handoff_state")) == doubted


def test_a_decided_value_that_is_held_is_in_doubt() -> None:
    house = company(handing())
    house.replace("hris", "worker", [{"id": "1", "legal_name": "Ann", "employment_status": "active", "held": True}])
    house.run(house.open())
    assert {"legal_name", "hris_legal_name"} <= set(state(house)["ann"]["doubtful"])


def test_a_reference_to_nobody_known_is_in_doubt() -> None:
    house = company(handing())
    house.replace("hris", "worker", [{"id": "1", "legal_name": "Ann", "employment_status": "active", "manager": "77"}])
    house.run(house.open())
    assert {"manager", "hris_manager", "manager_email"} <= set(state(house)["ann"]["doubtful"])


def test_doubt_of_a_stale_system_holds_only_what_looks_at_it() -> None:
    stack = handing({
        "direct": {"when": "payroll_pay > 0"}, "decided": {"when": "job_title = 'x'"}, "paid": {"when": "pay > 0"},
        "free": {"when": "directory_email IS NULL"}, "asks": {"when": "hris_stale"},
    })  # fmt: skip
    house = company(stack)
    house.run(house.open())
    later = NOW + timedelta(hours=3)  # older than two hours by now, though no cycle has said so yet
    house.con.execute("UPDATE golden.sources SET observed_at = ? WHERE system <> 'hris'", [later])
    rows = state(house, now=later)
    assert (rows["ann"]["hris_stale"], rows["ann"]["payroll_stale"]) == (True, False)

    def doubted(handoff: str) -> dict[str, bool]:
        sql = doubt_sql(stack, parsed(stack)[handoff].columns)
        return dict(house.all(f"SELECT person_id, {sql} FROM handoff_state"))

    assert doubted("direct") == doubted("free") == doubted("asks") == dict.fromkeys(rows, False)
    assert doubted("decided") == {"ann": True, "bob": True, "cy": False}
    # The candidate's pay is the ATS's to decide.
    assert doubted("paid") == {"ann": True, "bob": True, "cy": False}


def test_open_questions_about_any_record_leave_the_identity_unresolved() -> None:
    house = company(handing())
    house.run(house.open())
    house.con.execute(
        "INSERT INTO identity.reviews VALUES ('r1', 'payroll', '9', 'ats', 'c', NULL), ('r2', 'hris', '2', 'hris', '2', now())"
    )
    rows = state(house)
    assert {name: row["identity_resolved"] for name, row in rows.items()} == {"ann": False, "bob": True, "cy": False}


def test_a_day_turns_at_the_persons_own_midnight() -> None:
    stack = handing(
        lifecycle={
            "time_zones": {"attribute": "job_title", "values": {"east": "Asia/Tokyo", "west": "Pacific/Honolulu"}}
        }
    )
    house = company(stack)
    house.put("hris", "job", [{"id": "j1", "worker": "1", "from": date(2026, 1, 1), "job_title": "east"},
                              {"id": "j2", "worker": "2", "from": date(2026, 1, 1), "job_title": "west"}])  # fmt: skip
    house.run(house.open())
    at = datetime(2026, 6, 15, 6, tzinfo=UTC)  # 15:00 in Tokyo, 20:00 of the day before in Honolulu, 01:00 in Chicago
    days = {name: row["today"] for name, row in state(house, now=at).items()}
    assert days == {"ann": date(2026, 6, 15), "bob": date(2026, 6, 14), "cy": date(2026, 6, 15)}


def test_a_record_we_made_counts_until_a_snapshot_read_later_lacks_it() -> None:
    house = company(handing())
    house.run(house.open())
    read = NOW - timedelta(minutes=5)

    def there(at: datetime | None) -> tuple[bool, str | None]:
        row = state(house, Known(KEY, made=[Made("ann", "directory", "d9", at)]))["ann"]
        return row["in_directory"], row["directory_id"]

    assert there(read + timedelta(minutes=1)) == (True, "d9")
    assert there(None) == (True, "d9")
    assert there(read - timedelta(minutes=1)) == (False, None)
    # A gate may hold it: it is there all the same.
    house.put("directory", "account", [{"id": "d9", "legal_name": "Ann"}], accepted=False)
    assert there(read - timedelta(minutes=1)) == (True, "d9")


def test_done_is_told_by_its_mark_for_what_it_is_once_per_now() -> None:
    stack = handing({
        "pre-hire": {"when": "true"}, "move": {"when": "NOT done_pre_hire", "once_per": "hris_start_date"},
    })  # fmt: skip
    house = company(stack)
    house.run(house.open())
    done = [Done("pre-hire", "ann", mark("pre-hire", "")), Done("move", "ann", mark("move", "2026-06-17")),
            Done("move", "bob", mark("move", "2026-05-01"))]  # fmt: skip
    rows = state(house, Known(KEY, done=done))
    assert [(row["done_pre_hire"], row["done_move"]) for _, row in sorted(rows.items())] == [
        (True, True), (False, False), (False, False),
    ]  # fmt: skip


def test_what_was_done_and_made_for_somebody_merged_since_is_found_under_who_they_are_now() -> None:
    house = company(handing())
    house.run(house.open())
    house.con.execute(
        "INSERT INTO identity.persons VALUES ('old', now(), 'older'), ('older', now(), 'ann'), ('ann', now(), NULL)"
    )
    known = Known(KEY, [Made("old", "directory", "d9", NOW)], [Done("pre-hire", "old", mark("pre-hire", ""))])
    row = state(house, known)["ann"]
    assert (row["done_pre_hire"], row["directory_id"]) == (True, "d9")


def test_a_spell_that_fails_for_one_person_is_unknown_for_them_and_holds_up_nobody() -> None:
    spell = "CASE WHEN hris_id::INTEGER > 1 THEN 'late ' || hris_id::INTEGER ELSE 'early' END"
    house = company(
        handing({"h": {"when": "true", "once_per": "spell || hris_id::INTEGER"}}, lifecycle={"spell": spell})
    )
    house.con.execute("UPDATE identity.links SET source_id = 'two' WHERE source_id = '2' AND system = 'hris'")
    house.replace("hris", "worker", [{"id": "1", "legal_name": "Ann"}, {"id": "two", "legal_name": "Bob"}])
    house.run(house.open())
    known = Known(KEY, done=[Done("h", "ann", mark("h", "early1")), Done("h", "bob", mark("h", "x"))])
    rows = state(house, known)
    assert {name: (row["spell"], row["done_h"]) for name, row in rows.items()} == {
        "ann": ("early", True), "bob": (None, False), "cy": ("early", False),
    }  # fmt: skip
    assert house.one("SELECT current_setting('disabled_optimizers')") == ""


def test_a_warehouse_of_another_stack_file_is_refused() -> None:
    house = company(handing())
    house.run(house.open())
    house.stack = handing(attributes__shoe_size={"data_type": "personal", "type": "integer"})
    with pytest.raises(StateOutOfDateError, match="shoe_size"):
        state(house)


def mark(handoff: str, text: str) -> str:
    """HMAC-SHA-256 as the standard library makes it."""
    return hmac.digest(KEY, f"{handoff}\x1f{text}".encode(), "sha256").hex()


def since(house: House, handoff: str) -> dict[str, datetime | None]:
    state(house)
    one = parsed(house.stack)[handoff]
    return dict(
        house.all(true_from(house.con, house.stack, one, f"SELECT person_id FROM handoff_state WHERE {one.condition}"))
    )


def test_true_since_the_last_change_of_what_is_looked_at() -> None:
    house = company(handing({"h": {"when": "employment_status = 'active' AND payroll_legal_name IS NOT NULL"}}))
    house.changed("hris", "worker", "1", "employment_status", NOW - timedelta(days=4))
    house.changed("payroll", "worker", "9", "legal_name", NOW - timedelta(days=2))
    house.changed("hris", "worker", "1", "manager", NOW - timedelta(hours=1))
    house.run(house.open())
    # Bob's stood in the first snapshot, and nothing tells when it came.
    assert since(house, "h") == {"ann": NOW - timedelta(days=2), "bob": None}


def test_a_dated_row_says_itself_when_its_value_came() -> None:
    house = company(handing({"h": {"when": "level = 3"}}))
    house.put("hris", "job", [
        {"id": "j1", "worker": "1", "from": date(2026, 1, 1), "to": date(2026, 3, 1), "level": 2},
        {"id": "j2", "worker": "1", "from": date(2026, 3, 1), "to": date(2026, 5, 1), "level": 3},
        {"id": "j3", "worker": "1", "from": date(2026, 5, 1), "level": 3, "job_title": "other"},
    ])  # fmt: skip
    house.run(house.open())
    assert since(house, "h") == {"ann": datetime(2026, 3, 1, 6, tzinfo=UTC)}  # midnight in Chicago


def test_a_condition_over_the_calendar_is_true_from_the_day_it_came_true() -> None:
    house = company(handing({"h": {"when": "start_date - today <= 5"}, "i": {"when": "start_date < today"}}))
    house.run(house.open())
    # 17 June is five days off on the 12th; 1 June was so on 27 May.
    assert since(house, "h") == {
        "ann": datetime(2026, 6, 12, 5, tzinfo=UTC),
        "bob": datetime(2026, 5, 27, 5, tzinfo=UTC),
    }
    assert since(house, "i") == {"bob": datetime(2026, 6, 2, 5, tzinfo=UTC)}


def test_a_day_that_was_set_late_counts_from_when_it_was_set() -> None:
    house = company(handing({"h": {"when": "start_date - today <= 5"}}))
    house.changed("hris", "worker", "1", "start_date", NOW - timedelta(hours=2))
    house.run(house.open())
    assert since(house, "h")["ann"] == NOW - timedelta(hours=2)


def test_when_a_record_came_is_when_its_creation_was_seen() -> None:
    house = company(handing({"h": {"when": "in_payroll"}}))
    house.changed("payroll", "worker", "9", "legal_name", NOW - timedelta(days=1), kind="created")
    house.run(house.open())
    assert since(house, "h") == {"ann": NOW - timedelta(days=1), "bob": None}
