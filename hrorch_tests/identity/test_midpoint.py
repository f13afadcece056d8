"""The outcome on midPoint's tutorial data equals what its notes say (real CSV files, two `files` systems)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hrorch_tests.identity.world import NUMBER, World, make_stack

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "midpoint-tutorial"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the midPoint tutorial data is not beside the checkout (../shared/data/midpoint-tutorial)"
)


@pytest.fixture(scope="module")
def tutorial() -> World:
    stack = make_stack(
        ["hr", "ldap"],
        keys=[NUMBER, {"attributes": ["work_email"]}, {"attributes": ["legal_first_name", "legal_last_name"]}],
        probabilistic=None,
    )
    world = World(stack)
    with (DATA / "hr.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            world.put(
                "hr",
                row["ident"],
                employee_number=row["ident"],
                legal_first_name=row["firstname"],
                legal_last_name=row["lastname"],
                work_email=row["email"] or None,
                phone=row["phone"],
            )
    with (DATA / "ldap.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            world.put(
                "ldap",
                row["uid"],
                employee_number=row["employeeNumber"] or None,
                legal_first_name=row["givenName"] or None,
                legal_last_name=row["sn"],
                work_email=row["mail"] or None,
            )
    world.run()
    world.all_linked_once()
    return world


@pytest.mark.parametrize(
    ("uid", "ident", "basis"),
    [
        ("jsmith1", "1", "employee_number"),
        ("jsmith2", "2", "work_email"),
        ("agreen3", "3", "legal_first_name+legal_last_name"),
    ],
)
def test_certain_ones_are_linked_by_the_key_the_note_names(tutorial: World, uid: str, ident: str, basis: str) -> None:
    assert tutorial.together(("hr", ident), ("ldap", uid))
    found = tutorial.con.execute(
        "SELECT e.basis FROM identity.edges e WHERE e.zone = 'link' AND left_id = ? AND right_id = ?", [ident, uid]
    ).fetchall()
    assert (basis,) in found


def test_disputed_rblack_is_asked_about_with_both_candidates_and_linked_to_none(tutorial: World) -> None:
    asked = {(r["left_id"], r["right_id"]) for r in tutorial.reviews()}
    assert {("4", "rblack"), ("5", "rblack")} <= asked
    assert not tutorial.together(("hr", "4"), ("ldap", "rblack"))
    assert not tutorial.together(("hr", "5"), ("ldap", "rblack"))
    assert not tutorial.together(("hr", "4"), ("hr", "5")), "the note: different persons"


@pytest.mark.parametrize("uid", ["bob", "tesla", "hacker", "admin", "junior1"])
def test_orphans_and_the_nickname_stay_alone_unasked(tutorial: World, uid: str) -> None:
    person = tutorial.person("ldap", uid)
    assert tutorial.con.execute("SELECT count(*) FROM identity.links WHERE person_id = ?", [person]).fetchall() == [
        (1,)
    ]
    assert uid not in {r["left_id"] for r in tutorial.reviews()} | {r["right_id"] for r in tutorial.reviews()}


def test_person_without_account_stays_alone(tutorial: World) -> None:
    person = tutorial.person("hr", "6")
    assert tutorial.con.execute("SELECT count(*) FROM identity.links WHERE person_id = ?", [person]).fetchall() == [
        (1,)
    ]


def test_only_the_disputed_ones_are_asked_about(tutorial: World) -> None:
    assert {r["right_id"] for r in tutorial.reviews()} <= {"rblack", "5"}
