"""Properties that hold for every world: against a slower oracle, for any arrival order, and after any history."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_tests.drawing import drawn
from hrorch_tests.identity.world import World, make_stack

SYSTEMS = ("ats", "hris", "payroll", "directory")
BARE_KEYS: list[dict[str, Any]] = [
    {"attributes": [name]} for name in ("employee_number", "work_email", "personal_email")
]
FEW = settings(max_examples=drawn(8), deadline=None, suppress_health_check=list(HealthCheck))


def _union_find(records: dict[tuple[str, str], dict[str, Any]]) -> set[frozenset[tuple[str, str]]]:
    """The oracle: records that share any key value are one person, transitively."""
    parent = {record: record for record in records}

    def root(record: tuple[str, str]) -> tuple[str, str]:
        while parent[record] != record:
            record = parent[record]
        return record

    for left, a in records.items():
        for right, b in records.items():
            if any(
                a.get(key) is not None and a.get(key) == b.get(key) for (key,) in (k["attributes"] for k in BARE_KEYS)
            ):
                parent[root(left)] = root(right)
    groups: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for record in records:
        groups.setdefault(root(record), set()).add(record)
    return {frozenset(group) for group in groups.values()}


@st.composite
def consistent_worlds(draw: st.DrawFn) -> dict[tuple[str, str], dict[str, Any]]:
    """Persons with at most one record per system and keys of their own; each record holds any subset of them."""
    records: dict[tuple[str, str], dict[str, Any]] = {}
    for person in range(draw(st.integers(1, 6))):
        for system in draw(st.sets(st.sampled_from(SYSTEMS), min_size=1)):
            keys = draw(st.sets(st.sampled_from(["employee_number", "work_email", "personal_email"])))
            records[system, f"{system[0]}{person}"] = {key: f"{key[:1]}{person}@x" for key in keys}
    return records


@st.composite
def messy_worlds(draw: st.DrawFn) -> dict[tuple[str, str], dict[str, Any]]:
    """Records that share anything with anybody."""
    records: dict[tuple[str, str], dict[str, Any]] = {}
    for number in range(draw(st.integers(2, 12))):
        records[draw(st.sampled_from(SYSTEMS)), f"r{number}"] = {
            "employee_number": draw(st.sampled_from([None, "1001", "2002", "3003"])),
            "work_email": draw(st.sampled_from([None, "a@x", "b@x", "c@x"])),
            "personal_email": draw(st.sampled_from([None, "h@x", "i@x"])),
            "legal_first_name": draw(st.sampled_from([None, "Anna", "Robert", "Bob", "Ingrid"])),
            "legal_last_name": draw(st.sampled_from([None, "Black", "Svensson"])),
            "date_of_birth": draw(st.sampled_from([None, date(1980, 4, 17), date(1999, 12, 3)])),
        }
    return records


def _played(records: dict[tuple[str, str], dict[str, Any]], batches: int, seed: int, **matching: Any) -> World:
    world = World(make_stack(SYSTEMS, **matching))
    order = sorted(records)
    random.Random(seed).shuffle(order)
    for start in range(batches):
        for record in order[start::batches]:
            world.put(*record, **records[record])
        world.run()
    world.all_linked_once()
    return world


@FEW
@given(consistent_worlds(), st.integers(1, 5), st.integers(0, 99))
def test_any_arrival_order_gives_the_partition_of_the_oracle(records: Any, batches: int, seed: int) -> None:
    world = _played(records, batches, seed, keys=BARE_KEYS, probabilistic=None)
    assert world.partition() == _union_find(records)
    assert world.reviews() == []


@FEW
@given(messy_worlds(), st.integers(1, 4), st.integers(0, 99))
def test_whatever_happened_a_person_has_one_record_per_system_and_doubt_is_asked(
    records: Any, batches: int, seed: int
) -> None:
    """Where evidence conflicts, what came first stands and the rest is asked about: order may matter, these may not."""
    world = _played(records, batches, seed, probabilistic=None)
    for person in world.partition():
        systems = [system for system, _ in person]
        assert len(systems) == len(set(systems)), "no spells in this world, so one record per system"
    oracle = _union_find(records)
    assert all(any(person <= wide for wide in oracle) for person in world.partition()), "never joined without evidence"
    asked = {frozenset([(r["left_system"], r["left_id"]), (r["right_system"], r["right_id"])]) for r in world.reviews()}
    assert all(not world.together(*pair) for pair in asked), "nobody is asked about what is settled"
    assert len(asked) == len(world.reviews()), "once per pair"


@FEW
@given(messy_worlds(), st.integers(1, 4), st.integers(0, 99))
def test_full_after_incremental_changes_nothing(records: Any, batches: int, seed: int) -> None:
    world = _played(records, batches, seed, probabilistic=None)
    links = world.con.execute("SELECT * FROM identity.links ORDER BY ALL").fetchall()
    asked = world.asked()
    world.run(full=True)
    assert world.con.execute("SELECT * FROM identity.links ORDER BY ALL").fetchall() == links
    assert {question[1:] for question in world.asked()} == {question[1:] for question in asked}


@settings(FEW, max_examples=drawn(3))
@given(st.data())
def test_likelihoods_do_not_depend_on_arrival_order_when_nobody_has_rivals(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(
            st.sampled_from(["Anna", "Robert", "Ingrid", "Paulo", "Yusuf", "Mei"]), min_size=2, max_size=5, unique=True
        )
    )
    records: dict[tuple[str, str], dict[str, Any]] = {}
    for number, name in enumerate(names):
        who = {
            "legal_first_name": name,
            "legal_last_name": f"{name[::-1]}son",
            "date_of_birth": date(1960 + 7 * number, number + 1, 20 - number),
            "postcode": f"{number}0{number}11",
        }
        for system in data.draw(st.sets(st.sampled_from(SYSTEMS), min_size=1, max_size=3)):
            records[system, f"{system[0]}{number}"] = who
    expected = {frozenset(r for r in records if r[1][1:] == str(n)) for n in range(len(names))}
    world = _played(records, data.draw(st.integers(1, 4)), data.draw(st.integers(0, 99)), keys=[])
    assert world.partition() == expected


@settings(FEW, max_examples=drawn(4))
@given(messy_worlds(), st.data())
def test_updates_and_removals_lose_no_record_and_no_person_id(records: Any, data: st.DataObject) -> None:
    world = _played(records, 2, 1, probabilistic=None)
    known = {row[0] for row in world.con.execute("SELECT person_id FROM identity.persons").fetchall()}
    for record in data.draw(st.lists(st.sampled_from(sorted(records)), max_size=4)):
        if data.draw(st.booleans()):
            world.remove(*record)
        else:
            world.put(*record, **records[data.draw(st.sampled_from(sorted(records)))])
        world.run()
        world.all_linked_once()
    later = {row[0] for row in world.con.execute("SELECT person_id FROM identity.persons").fetchall()}
    assert known <= later
    links = world.partition()
    world.run(full=True)
    assert world.partition() == links
