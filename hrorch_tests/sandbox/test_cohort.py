"""A cohort lives by its own story: dated, unmistakable, the same each time; nothing downstream appears by itself."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta

import pytest

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.cohort import CohortBegun, begin, cohort_in, opened, records_apart
from hrorch_pipelines.sandbox.cohort_choice import WorldTooSmall
from hrorch_pipelines.sandbox.cohort_judge import typed
from hrorch_pipelines.sandbox.cohort_members import APPLICANTS, LEAVERS, TYPED, Kind, is_payday, payday_after
from hrorch_pipelines.sandbox.cohort_truth import read_expectations
from hrorch_pipelines.sandbox.company import CLERKS
from hrorch_pipelines.sandbox.judge import Twins
from hrorch_pipelines.sandbox.labels import read_labels
from hrorch_pipelines.sandbox.people import person
from hrorch_pipelines.sandbox.score import score, unplanted
from hrorch_pipelines.sandbox.world import generate, label_file
from hrorch_pipelines.sandbox.world_clock import WorldClock

COLLECTIONS = (
    "candidates", "applications", "offers", "employees", "jobInfo", "compensation", "employmentStatus", "invitations", "reports",
    "newhires", "tasks", "users", "payments",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A world of 300 with faults; copy it, do not write to it."""
    folder = tmp_path_factory.mktemp("made") / "world"
    generate(folder, 300, 7)
    return folder


@pytest.fixture
def world(made, tmp_path):
    return shutil.copytree(made, tmp_path / "world")


@pytest.fixture(scope="module")
def lived(made, tmp_path_factory):
    """The whole story, untouched by any program."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("lived") / "world")
    cohort = begin(folder)
    advance(folder, (cohort.ends - cohort.begun).days)
    return folder, cohort


def bodies(folder):
    with opened(folder) as stores:
        return {
            (system, name, one.id): one.body for system, store in stores.items() for name in COLLECTIONS for one in store.each(name)
        }  # fmt: skip


def test_there_is_one_of_each_kind_and_several_plain_ones(made, lived):
    _, cohort = lived
    kinds = Counter(one.kind for one in cohort.members)
    assert set(kinds) == set(Kind)
    assert kinds[Kind.PLAIN] == 5
    assert len(cohort.members) == 18 + len(LEAVERS)
    assert {one.kind for one in cohort.members[: len(APPLICANTS)]} == set(APPLICANTS)


def test_from_application_to_first_payday_it_takes_five_to_eight_weeks(lived):
    for one in lived[1].members:
        if one.applied and one.countersigned and one.start:
            assert 14 <= (one.start - one.countersigned).days <= 31
            assert one.start.weekday() < 5
            assert is_payday(payday_after(one.start))
            assert 35 <= (payday_after(one.start) - one.applied).days <= 60, one.kind


def test_names_and_addresses_are_nobody_elses_but_the_sons(lived):
    _, cohort = lived
    new = [one for one in cohort.members if not one.life.spells]
    assert len({one.number for one in cohort.members}) == len(cohort.members)
    for what in ("personal_email", "work_email", "phone", "ssn"):
        others = {getattr(person(cohort.world, n), what) for n in range(1, 400)}
        own = [getattr(one.person, what) for one in new]
        assert len(set(own)) == len(own)
        assert not others & set(own)
    names = {(who.first, who.last) for who in (person(cohort.world, n) for n in range(1, 400))}
    shared = [one.kind for one in new if (one.person.first, one.person.last) in names]
    assert shared == [Kind.FATHER_SON]
    (son,) = [one.person for one in new if one.kind is Kind.FATHER_SON]
    father = person(cohort.world, cohort.choice.existing["father_son"][0])
    assert (son.street, son.postcode) == (father.street, father.postcode)
    assert son.born.year - father.born.year >= 27


def test_nobody_who_takes_part_has_a_planted_fault(made, lived):
    taken = {number for label in read_labels(label_file(made)) for number in label.people}
    assert not taken & lived[1].numbers


def test_without_a_program_nothing_appears_downstream_but_what_people_type(lived):
    folder, cohort = lived
    with opened(folder) as stores:
        held = cohort.held(stores, WorldClock(folder).now().date())
    assert held.strangers == ()
    for one in cohort.members:
        own = held.by_member[one.number]
        if one.life.spells:
            continue
        typed_here = one.kind in TYPED
        assert len(own.of("hris")) == int(typed_here)
        assert len(own.of("payroll")) == int(typed_here and one.kind is not Kind.MANUAL_REKEY)
        assert not any(own.of(system) for system in ("check", "onboarding", "directory"))
        assert own.of("ats")
        assert len(own.of("ats", "offers")) == len(one.starts)


def test_the_rest_of_the_world_is_as_if_there_were_no_cohort(made, lived, tmp_path):
    folder, cohort = lived
    alone = shutil.copytree(made, tmp_path / "alone")
    advance(alone, (cohort.ends - cohort.begun).days)
    apart = records_apart(folder)
    with_cohort, without = bodies(folder), bodies(alone)
    # Who was chosen has records from before; the story lets them rest, with a cohort as without.
    assert {place: body for place, body in with_cohort.items() if place not in apart} == {
        place: body for place, body in without.items() if place not in apart
    }
    assert len(apart) > 100


def test_the_same_world_has_the_same_cohort_however_time_passes(made, lived, tmp_path):
    folder, cohort = lived
    other = shutil.copytree(made, tmp_path / "other")
    again = begin(other)
    assert [one.person for one in again.members] == [one.person for one in cohort.members]
    days = (cohort.ends - cohort.begun).days
    for step in (1, 2, 20, days - 23):
        advance(other, step)
    assert bodies(other) == bodies(folder)
    assert read_expectations(again.labels) == read_expectations(cohort.labels)


def test_a_start_moves_twice_by_new_versions_of_the_offer(lived):
    folder, cohort = lived
    (one,) = [member for member in cohort.members if member.kind is Kind.MOVED_START]
    with opened(folder) as stores:
        offers = cohort.held(stores, cohort.ends).by_member[one.number].of("ats", "offers")
    assert [offer.body["status"] for offer in offers] == ["deprecated", "deprecated", "accepted"]
    assert [offer.body["starts_on"] for offer in offers] == [start.isoformat() for start in one.starts]
    assert len(set(one.starts)) == 3
    assert one.steps[-1][0] < one.starts[0]


def test_an_offer_says_what_handoffs_need_and_authorisation_only_when_given(world):
    cohort = begin(world)
    (late,) = [one for one in cohort.members if one.kind is Kind.LATE_AUTHORIZATION]
    said = []
    for _ in range(35):
        advance(world, 1)
        with opened(world) as stores:
            for offer in cohort.held(stores, cohort.ends).by_member[late.number].of("ats", "offers"):
                fields = {name: field["value"] for name, field in offer.body["custom_fields"].items()}
                said.append((WorldClock(world).now().date(), offer.body["status"], fields["check_authorization"]))
                assert fields["hiring_manager_email"] == late.manager_email
                assert float(fields["salary"]["amount"]) * (2080 if late.hourly else 1) * 100 == late.cents
    assert late.countersigned < late.authorized
    assert all((given is not None) == (day >= late.authorized) for day, _, given in said)
    assert {status for _, status, _ in said} == {"created", "approved", "sent", "candidate_signed", "accepted"}


def test_leavers_end_in_the_hris_only_and_payroll_goes_on_paying(lived):
    folder, cohort = lived
    with opened(folder) as stores:
        held = cohort.held(stores, cohort.ends).by_member
    for one in cohort.members:
        if not one.leaving:
            continue
        own = held[one.number]
        (hris,), (payroll,), (account,) = own.of("hris"), own.of("payroll"), own.of("directory")
        assert (hris.body["status"], hris.body["terminationDate"]) == ("Inactive", one.end.isoformat())
        assert (payroll.body["terminated"], account.body["active"]) == (False, True)
        assert any(paid.body["payday"] > one.end.isoformat() for paid in own.of("payroll", "payments"))
        assert (one.entered < one.end) == (one.kind is Kind.LEAVER)


def test_what_people_typed_is_known_and_one_of_them_mistyped(lived):
    folder, cohort = lived
    told = typed(folder)
    assert {row.by for row in told} <= set(CLERKS)
    payroll = {row.kind for row in told if row.system == "payroll"}
    assert payroll == {Kind.MANUAL_REKEY_PAYROLL, Kind.MANUAL_REKEY_TYPO}
    assert {row.kind for row in told if row.system == "hris" and row.action == "created"} == {
        *TYPED, Kind.LEAVER, Kind.GHOST
    }  # fmt: skip
    with opened(folder) as stores:
        held = cohort.held(stores, cohort.ends).by_member
    right = {}
    for one in cohort.members:
        for record in held[one.number].of("payroll") if one.kind in TYPED else ():
            rate = record.body["jobs"][0]["compensations"][0]["rate"]
            right[one.kind] = float(rate) * (2080 if one.hourly else 1) * 100 == one.cents
    assert right == {Kind.MANUAL_REKEY_PAYROLL: True, Kind.MANUAL_REKEY_TYPO: False}


def test_the_judges_of_the_company_pass_a_cohort_over(world, tmp_path):
    twins = Twins(world, tmp_path / "twins")
    cohort = begin(world)
    advance(world, 45)
    twins.advance(45)
    judged = twins.judge()
    assert (judged.repaired, judged.spoilt) == ((), ())
    apart, (member, *_) = records_apart(world), [one for one in cohort.members if one.leaving]
    system, _, key = next(place for place in apart if place[:2] == ("payroll", "employees"))
    finding = {"kind": "ghost", "system": system, "source_id": key}
    missing = {"kind": "missing_record", "system": "payroll", "source_id": str(1000 + 2 * member.number)}
    assert [row.false for row in score([], [finding, missing])] == [1, 1]
    assert score([], [finding, missing], apart) == []
    assert unplanted([], [(system, key, "pay_amount")]) == [(system, key, "pay_amount")]
    assert unplanted([], [(system, key, "pay_amount")], apart) == []


def test_twins_made_after_a_cohort_began_pass_it_over_too(world, tmp_path):
    begin(world)
    twins = Twins(world, tmp_path / "twins")
    advance(world, 30)
    twins.advance(30)
    assert (twins.judge().repaired, twins.judge().spoilt) == ((), ())


def test_a_second_cohort_and_a_world_too_small_are_refused(world, tmp_path):
    begin(world)
    with pytest.raises(CohortBegun, match="has begun"):
        begin(world)
    generate(tmp_path / "small", 20, 7)
    with pytest.raises(WorldTooSmall, match="nobody in this world"):
        begin(tmp_path / "small")
    assert cohort_in(tmp_path / "small") is None


def test_a_small_cohort_takes_the_first_kinds_and_a_great_one_many_plain(made, tmp_path):
    for size in (1, 6, 40):
        folder = shutil.copytree(made, tmp_path / str(size))
        cohort = begin(folder, size=size)
        assert sum(not one.leaving for one in cohort.members) == size
        assert cohort.ends - cohort.begun < timedelta(days=80)
        assert len({one.person.personal_email for one in cohort.members}) == len(cohort.members)
