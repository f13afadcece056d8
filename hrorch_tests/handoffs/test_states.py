"""States over two times: what is believed now, what was believed before, and that touching a few is as good as looking at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hrorch_pipelines.audit.retention_rows import blank_rows, stored
from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.handoffs.states import StatesResult, bring_up
from hrorch_pipelines.identity import schema as identity_schema
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_tests.authority.house import NOW, House, declare
from hrorch_tests.drawing import drawn

CHICAGO_MIDNIGHT = timedelta(hours=5)


def hiring() -> Stack:
    """ats with dated offers, hris with dated states, payroll, check; kinds as in the example."""

    def record(fields: list[str], **more: Any) -> dict[str, Any]:
        return {"read": {"path": "x.csv"}, "key": "id", "fields": {name: name for name in fields}, **more}

    def system(kind: str, **records: Any) -> dict[str, Any]:
        return {"connector": "files", "base_url": ".", "owner": "dana", "records": records, "kind": kind}

    def child(of: str) -> dict[str, Any]:
        return {"parent": of, "parent_key": "worker", "effective": {"from": "from", "to": "to"}}

    return declare(
        systems={
            "ats": system("ats", candidate=record(["legal_name"]), offer=record(["offer_status"], **child("candidate"))),
            "hris": system("hris", worker=record(["start_date", "end_date"]), status=record(["employment_status"], **child("worker"))),
            "payroll": system("payroll", worker=record(["legal_name"])),
            "check": system("check", candidate=record(["check_status", "check_result"])),
        },
        attributes={
            "legal_name": {"data_type": "personal", "type": "name"},
            "start_date": {"data_type": "employment", "type": "date"},
            "end_date": {"data_type": "employment", "type": "date"},
            "employment_status": {"data_type": "employment", "type": "code"},
            "offer_status": {"data_type": "hiring", "type": "code"},
            "check_status": {"data_type": "screening", "type": "code"},
            "check_result": {"data_type": "screening", "type": "code"},
        },
        stages={"any": {"present_in": ["ats", "hris", "payroll", "check"]}},
        authority={"personal": {"any": "ats"}, "employment": {"any": "hris"}, "hiring": {"any": "ats"}, "screening": {"any": "check"}},
        presence={},
    )  # fmt: skip


def house_of(*links: tuple[str, str, str]) -> House:
    house = House(hiring())
    house.link(links)
    return house


def cycle(house: House, now: datetime, *touched: str, full: bool = False, **more: Any) -> StatesResult:
    """One cycle up to the states, twice: the second time nothing may change."""
    opened = house.open(now, full=full, **more)
    house.touch(opened, *touched)
    assemble(house.con, house.stack, opened)
    decide(house.con, house.stack, opened)
    result = bring_up(house.con, house.stack, opened)
    again = bring_up(house.con, house.stack, opened)
    assert (again.learnt, again.given_up) == (0, 0)
    cycles.finish(house.con, opened)
    return result


def believed(house: House, axis: str, at: datetime | None = None) -> list[tuple[Any, ...]]:
    """(state, true from) on an axis as believed now, or at a moment."""
    return house.all(
        """SELECT state, true_from FROM handoffs.states WHERE axis = $1 AND CASE WHEN $2::TIMESTAMPTZ IS NULL
               THEN known_until IS NULL ELSE known_at <= $2 AND coalesce(known_until > $2, true) END
           ORDER BY person_id, true_from NULLS FIRST, known_at""",
        axis, at,
    )  # fmt: skip


def midnight(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC) + CHICAGO_MIDNIGHT


def test_what_is_said_now_and_for_later_stands_with_its_day() -> None:
    house = house_of(("hris", "1", "ann"))
    house.put("hris", "worker", [{"id": "1"}])
    house.put("hris", "status", [{"id": "s1", "worker": "1", "from": date(2026, 6, 1), "employment_status": "prehire"},
                                 {"id": "s2", "worker": "1", "from": date(2026, 7, 1), "employment_status": "active"}])  # fmt: skip
    cycle(house, NOW)
    assert believed(house, "worker") == [("prehire", midnight(2026, 6, 1)), ("active", midnight(2026, 7, 1))]
    # The day comes: it is the same row, known since before.
    cycle(house, NOW + timedelta(days=20), "ann")
    assert believed(house, "worker") == [("prehire", midnight(2026, 6, 1)), ("active", midnight(2026, 7, 1))]
    assert house.one("SELECT known_at FROM handoffs.states WHERE state = 'active'") == NOW


def test_a_first_day_that_moves_is_no_longer_believed_and_can_still_be_told() -> None:
    house = house_of(("hris", "1", "ann"))
    house.put("hris", "worker", [{"id": "1"}])
    first = {"id": "s1", "worker": "1", "from": date(2026, 6, 1), "employment_status": "prehire"}
    house.put(
        "hris", "status", [first, {"id": "s2", "worker": "1", "from": date(2026, 7, 1), "employment_status": "active"}]
    )
    cycle(house, NOW)
    moved = NOW + timedelta(days=1)
    house.replace(
        "hris", "status", [first, {"id": "s2", "worker": "1", "from": date(2026, 7, 15), "employment_status": "active"}]
    )
    cycle(house, moved, "ann")
    assert believed(house, "worker") == [("prehire", midnight(2026, 6, 1)), ("active", midnight(2026, 7, 15))]
    assert believed(house, "worker", NOW)[1] == ("active", midnight(2026, 7, 1))


def test_an_end_that_is_entered_is_a_state_to_come_and_ends_with_it() -> None:
    house = house_of(("hris", "1", "ann"))
    house.put("hris", "status", [{"id": "s1", "worker": "1", "from": date(2026, 1, 1), "employment_status": "active"}])
    house.put("hris", "worker", [{"id": "1", "end_date": date(2026, 6, 30)}])
    cycle(house, NOW)
    assert believed(house, "worker")[1] == ("terminated", midnight(2026, 7, 1))
    house.replace("hris", "worker", [{"id": "1"}])
    cycle(house, NOW + timedelta(days=1), "ann")
    assert [state for state, _ in believed(house, "worker")] == ["active"]


def test_an_offer_changed_where_it_stands_is_appended_and_what_it_was_stays() -> None:
    house = house_of(("ats", "c", "cy"))
    house.put("ats", "candidate", [{"id": "c", "legal_name": "Cy"}])
    offer = {"id": "o", "worker": "c", "from": date(2026, 6, 10)}
    house.put("ats", "offer", [{**offer, "offer_status": "extended"}])
    cycle(house, NOW)
    signed = NOW + timedelta(hours=3)
    house.replace("ats", "offer", [{**offer, "offer_status": "countersigned"}])
    house.changed("ats", "offer", "c", "offer_status", signed, record_key="o@2026-06-10")
    cycle(house, signed + timedelta(hours=1), "cy")
    assert believed(house, "offer") == [("extended", midnight(2026, 6, 10)), ("countersigned", signed)]


def test_nobody_can_say_since_when_what_the_first_snapshot_held() -> None:
    house = house_of(("check", "k", "cy"))
    house.put("check", "candidate", [{"id": "k", "check_status": "pending"}])
    cycle(house, NOW)
    assert believed(house, "check") == [("pending", None)]
    # Not seen changing: then it is so at the latest from when the system was read.
    house.replace("check", "candidate", [{"id": "k", "check_status": "complete", "check_result": "clear"}])
    later = NOW + timedelta(hours=2)
    cycle(house, later, "cy")
    assert believed(house, "check") == [("pending", None), ("clear", later - timedelta(minutes=5))]


def test_what_is_held_says_nothing_and_what_is_not_read_has_nobody_gone() -> None:
    house = house_of(("check", "k", "cy"), ("payroll", "9", "cy"))
    house.put("check", "candidate", [{"id": "k", "check_status": "pending"}])
    house.put("payroll", "worker", [{"id": "9", "legal_name": "Cy"}])
    cycle(house, NOW)
    house.replace("check", "candidate", [{"id": "k", "check_status": "complete", "held": True}])
    cycle(house, NOW + timedelta(hours=1), "cy", sources=["ats", "hris", "check"])
    assert believed(house, "check") == [("pending", None)]
    assert believed(house, "payroll") == [("present", None)]
    house.replace("payroll", "worker", [])
    cycle(house, NOW + timedelta(hours=2), "cy")
    assert [state for state, _ in believed(house, "payroll")] == ["present", "gone"]


def test_states_follow_their_record_when_two_persons_turn_out_to_be_one() -> None:
    house = house_of(("ats", "c", "cy"), ("check", "k", "kay"))
    house.put("ats", "candidate", [{"id": "c", "legal_name": "Cy"}])
    house.put("check", "candidate", [{"id": "k", "check_status": "pending"}])
    cycle(house, NOW)
    house.link([("ats", "c", "cy"), ("check", "k", "cy")])
    cycle(house, NOW + timedelta(hours=1), "cy", "kay")
    assert house.all("SELECT person_id, axis FROM handoffs.states WHERE known_until IS NULL ORDER BY axis") == [
        ("cy", "application"), ("cy", "check"),
    ]  # fmt: skip
    assert house.one("SELECT person_id FROM handoffs.states WHERE known_until IS NOT NULL") == "kay"


def test_a_state_goes_with_the_value_whose_retention_has_passed_and_is_not_learnt_again() -> None:
    house = house_of(("check", "k", "cy"), ("ats", "c", "cy"))
    house.con.execute(identity_schema._TABLES)
    house.stack = house.stack.model_copy(
        update={
            "attributes": {
                name: one.model_copy(update={"retention": timedelta(days=1)})
                for name, one in house.stack.attributes.items()
            }
        }
    )
    house.put("check", "candidate", [{"id": "k", "check_status": "complete", "check_result": "clear"}])
    house.put("ats", "candidate", [{"id": "c", "legal_name": "Cy"}])
    cycle(house, NOW)
    house.con.execute(
        "CREATE TEMP TABLE expired (person_id VARCHAR, system VARCHAR, source_id VARCHAR, attribute VARCHAR)"
    )
    house.con.execute("INSERT INTO expired VALUES ('cy', 'check', 'k', 'check_result')")
    stored(house.con, house.stack)
    assert blank_rows(house.con, house.stack, NOW)["handoffs.states"] == 1
    cycle(house, NOW + timedelta(hours=1), full=True)
    assert house.all("SELECT axis, state FROM handoffs.states") == [("application", "present")]


_PEOPLE = ("ann", "bob", "cy")
_EVENTS = st.one_of(
    st.tuples(st.just("offer"), st.sampled_from(_PEOPLE), st.sampled_from(["extended", "countersigned", "rescinded"])),
    st.tuples(st.just("check"), st.sampled_from(_PEOPLE), st.sampled_from(["pending", "clear", "held", "none"])),
    st.tuples(st.just("status"), st.sampled_from(_PEOPLE), st.sampled_from(["prehire", "active", "terminated"]), st.integers(-20, 20)),
    st.tuples(st.just("payroll"), st.sampled_from(_PEOPLE), st.booleans()),
    st.tuples(st.just("end"), st.sampled_from(_PEOPLE), st.one_of(st.none(), st.integers(-5, 15))),
    st.tuples(st.just("swap"), st.sampled_from(_PEOPLE), st.sampled_from(_PEOPLE)),
)  # fmt: skip


class _World:
    """What the systems hold, and who has which record."""

    def __init__(self) -> None:
        self.offers: dict[str, str] = {}
        self.checks: dict[str, str] = {}
        self.statuses: dict[str, list[tuple[date, str]]] = {}
        self.ends: dict[str, date | None] = {}
        self.paid: set[str] = set()
        self.whose = {person: person for person in _PEOPLE}

    def happen(self, event: tuple[Any, ...], today: date) -> set[str]:
        what, person, *more = event
        touched = {self.whose[person]}
        if what == "offer":
            self.offers[person] = more[0]
        elif what == "check":
            self.checks[person] = more[0]
        elif what == "status":
            day = today + timedelta(days=more[1])
            rows = [row for row in self.statuses.get(person, []) if row[0] != day]
            self.statuses[person] = [*rows, (day, more[0])]
        elif what == "payroll":
            (self.paid.add if more[0] else self.paid.discard)(person)
        elif what == "end":
            self.ends[person] = None if more[0] is None else today + timedelta(days=more[0])
        else:
            other = more[0]
            self.whose[person], self.whose[other] = self.whose[other], self.whose[person]
            touched |= {self.whose[person], self.whose[other]}
        return touched

    def put_into(self, house: House) -> None:
        house.replace("ats", "candidate", [{"id": person, "legal_name": person} for person in _PEOPLE])
        house.replace(
            "ats",
            "offer",
            [
                {"id": "o" + p, "worker": p, "from": date(2026, 6, 1), "offer_status": state}
                for p, state in self.offers.items()
            ],
        )
        house.replace(
            "check",
            "candidate",
            [
                {"id": p, "check_status": None if state == "none" else state, "held": state == "held"}
                for p, state in self.checks.items()
            ],
        )
        house.replace("hris", "worker", [{"id": p, "end_date": self.ends.get(p)} for p in self.statuses])
        house.replace(
            "hris",
            "status",
            [
                {"id": f"s{p}{day}", "worker": p, "from": day, "employment_status": state}
                for p, rows in self.statuses.items()
                for day, state in rows
            ],
        )
        house.replace("payroll", "worker", [{"id": p, "legal_name": p} for p in sorted(self.paid)])
        there = {"ats": _PEOPLE, "check": self.checks, "hris": self.statuses, "payroll": self.paid}
        house.link([(system, p, self.whose[p]) for system, persons in there.items() for p in persons])  # fmt: skip


@settings(max_examples=drawn(4), deadline=None)
@given(st.lists(st.tuples(st.lists(_EVENTS, min_size=1, max_size=3), st.integers(1, 9)), min_size=1, max_size=5))
def test_touching_a_few_ends_as_looking_at_everybody_each_time(days: list[tuple[list[tuple[Any, ...]], int]]) -> None:
    few, every = House(hiring()), House(hiring())
    world, now = _World(), NOW
    for number, (events, later) in enumerate(days):
        touched: set[str] = set().union(*(world.happen(event, now.date()) for event in events))
        for house in (few, every):
            world.put_into(house)
        cycle(few, now, *touched, full=number == 0)
        cycle(every, now, *touched, full=True)
        told = "SELECT * FROM handoffs.states ORDER BY ALL"
        assert few.all(told) == every.all(told)
        now_believed = """SELECT count(*) FROM (SELECT person_id, axis, system, true_from, state, source_id FROM handoffs.states
                          WHERE known_until IS NULL GROUP BY ALL HAVING count(*) > 1)"""
        assert few.one(now_believed) == 0
        now += timedelta(days=later)
