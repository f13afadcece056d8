"""New events ask for one extraction at a time; they are done when a trusted snapshot began after they arrived, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit.erase_ledger import erase_person
from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.definitions import build_definitions
from hrorch_pipelines.inbox import events
from hrorch_pipelines.inbox.assets import inbox_assets
from hrorch_pipelines.inbox.sensors import WINDOW_MINUTES, due_run, inbox_sensors
from hrorch_pipelines.inbox.terms import Event, Refusal, State
from hrorch_pipelines.snapshots.manifest import Manifest, snapshot_id, write_manifest
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import inbox
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.inbox.sending import EXAMPLE, load_stack

MINUTE = timedelta(minutes=1)
Arrive = Callable[..., None]


@pytest.fixture
def ledger_of(place: Workplace) -> Iterator[Ledger]:
    ledger = place.ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def arrive(ledger_of: Ledger, ledger_clock: SetClock) -> Arrive:
    """Events of a system, received now."""

    def put(system: str, *ids: str, state: State = State.NEW) -> None:
        with ledger_of.write() as con:
            events.put(con, [Event(f"{system}:{i}", system, "k", ledger_clock.now(), i, state, "0" * 64) for i in ids])

    return put


def snapshot(place: Workplace, system: str, started: datetime, *, trusted: bool = True) -> str:
    ended = started + timedelta(seconds=30)
    name = snapshot_id(system, ended)
    folder = (place.home.snapshots if trusted else place.home.untrusted) / system / name
    folder.mkdir(parents=True)
    owner = place.stack.systems[system].owner
    write_manifest(
        folder,
        Manifest(
            snapshot_id=name,
            system=system,
            owner=owner,
            started_at=started,
            observed_at=ended,
            trusted=trusted,
            previous=None,
            accepted=None,
            stack_hash="",
        ),
    )
    return name


def states(ledger: Ledger) -> dict[str, str]:
    with ledger.read() as con:
        return {row.message_id: row.state for row in con.execute(sa.select(inbox)).all()}


def told(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.SkipReason)
    return str(answer.skip_message)


def key(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key
    return answer.run_key


def test_many_events_are_one_run_and_the_same_tick_asks_for_the_same(
    place: Workplace, arrive: Arrive, ledger_clock: SetClock
) -> None:
    assert told(due_run(place, "hris", under_way=False)) == "No new event of hris."
    arrive("hris", *map(str, range(200)))
    first = key(due_run(place, "hris", under_way=False))
    arrive("hris", "more")
    assert key(due_run(place, "hris", under_way=False)) == first
    assert told(due_run(place, "ats", under_way=False)) == "No new event of ats."
    assert told(due_run(place, "hris", under_way=True)) == (
        "An extraction of hris is under way; 201 new events wait for the next."
    )
    ledger_clock.at += WINDOW_MINUTES * MINUTE
    assert key(due_run(place, "hris", under_way=False)) != first, "a run that failed is asked for again"


def test_events_are_done_when_a_snapshot_began_after_them(
    place: Workplace, arrive: Arrive, ledger_of: Ledger, ledger_clock: SetClock
) -> None:
    arrive("hris", "before")
    arrive("ats", "elsewhere")
    ledger_clock.at += MINUTE
    started = ledger_clock.now()
    ledger_clock.at += timedelta(seconds=10)
    arrive("hris", "while it is read")  # perhaps too late to be in it
    ledger_clock.at += 5 * MINUTE
    name = snapshot(place, "hris", started)
    asked = due_run(place, "hris", under_way=False)
    assert name in key(asked)
    assert states(ledger_of) == {"hris:before": "done", "hris:while it is read": "new", "ats:elsewhere": "new"}
    snapshot(place, "hris", ledger_clock.now())
    ledger_clock.at += MINUTE
    assert told(due_run(place, "hris", under_way=False)) == "1 of hris answered by a snapshot. No new event of hris."
    assert set(states(ledger_of).values()) == {"done", "new"}


def test_a_refused_snapshot_answers_nothing(
    place: Workplace, arrive: Arrive, ledger_of: Ledger, ledger_clock: SetClock
) -> None:
    arrive("hris", "1")
    first = key(due_run(place, "hris", under_way=False))
    ledger_clock.at += MINUTE
    snapshot(place, "hris", ledger_clock.now(), trusted=False)
    assert key(due_run(place, "hris", under_way=False)) == first
    assert states(ledger_of) == {"hris:1": "new"}


def test_a_stream_of_events_does_not_make_a_stream_of_readings(
    place: Workplace, arrive: Arrive, ledger_clock: SetClock
) -> None:
    snapshot(place, "hris", ledger_clock.now())
    ledger_clock.at += timedelta(seconds=45)
    arrive("hris", "1")
    assert "read a moment ago" in told(due_run(place, "hris", under_way=False))
    ledger_clock.at += timedelta(seconds=20)
    key(due_run(place, "hris", under_way=False))


def test_known_events_stay_as_they_are_and_old_ones_are_forgotten(
    place: Workplace, arrive: Arrive, ledger_of: Ledger, ledger_clock: SetClock
) -> None:
    arrive("hris", "1")
    arrive("hris", "ping", state=State.IGNORED)
    with ledger_of.write() as con:
        assert events.settle(con, "hris", ledger_clock.now(), ledger_clock.now()) == 1
        hour = ledger_clock.now()
        for _ in range(2):
            events.count_refused(con, {("hris", Refusal.STALE, hour): 2, ("ats", Refusal.STALE, hour): 1})
    arrive("hris", "1")
    assert states(ledger_of) == {"hris:1": "done", "hris:ping": "ignored"}
    with ledger_of.read() as con:
        assert events.refusals(con, hour) == {"hris": {"stale": 4}, "ats": {"stale": 2}}
        assert events.standing(con) == {"hris": {"done": 1, "ignored": 1}}
    ledger_clock.at += timedelta(days=31)
    arrive("hris", "new")
    with ledger_of.write() as con:
        assert events.prune_daily(con, ledger_clock.now()) == 2
        assert events.prune_daily(con, ledger_clock.now()) == 0
    ledger_clock.at += timedelta(days=90)
    with ledger_of.write() as con:
        assert events.prune_daily(con, ledger_clock.now()) == 0
    assert states(ledger_of) == {"hris:new": "new"}, "what nobody looked at is not forgotten"
    with ledger_of.read() as con:
        assert events.refusals(con, hour) == {}


@pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
def test_dagster_starts_the_extraction_of_the_system_that_spoke(
    place: Workplace, arrive: Arrive, ledger_clock: SetClock
) -> None:
    arrive("check", "1")
    definitions = build_definitions(place)
    sensor = definitions.resolve_sensor_def("extract_check_on_events")
    assert sensor.job_name == "extract_check"
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, resources={"workplace": place})
        asked = sensor.evaluate_tick(context)
        assert [run.run_key for run in asked.run_requests or []] == [
            f"inbox-check-first-{ledger_clock.now():%Y%m%dT%H%M}"
        ]
        job = definitions.resolve_job_def("extract_check")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        asked = sensor.evaluate_tick(dg.build_sensor_context(instance, resources={"workplace": place}))
        assert "under way" in str(asked.skip_message)


@pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
def test_dagster_shows_counts_and_what_waits_too_long(
    place: Workplace, arrive: Arrive, ledger_of: Ledger, ledger_clock: SetClock
) -> None:
    arrive("hris", "Canary7", "2")
    arrive("ats", "ping", state=State.IGNORED)
    with ledger_of.write() as con:
        events.count_refused(con, {("ats", Refusal.STALE, ledger_clock.now()): 3})
    ledger_clock.at += timedelta(minutes=61)
    done = dg.materialize(inbox_assets(), resources={"workplace": place})
    (shown,) = done.asset_materializations_for_node("inbox__events")
    assert {name: value.value for name, value in shown.metadata.items()} == {
        "new": 2,
        "refused in the last day": 3,
        "new from hris": 2,
        "ignored from ats": 1,
        "refused from ats": {"stale": 3},
    }
    (check,) = done.get_asset_check_evaluations()
    assert (check.passed, check.metadata["waiting too long"].value) == (False, ["hris"])
    assert "Canary7" not in repr(shown) + repr(check)


def test_only_systems_that_may_send_have_a_sensor() -> None:
    names = {sensor.name for sensor in inbox_sensors(load_stack(EXAMPLE, env={}))}
    assert names == {"extract_check_on_events"}, "Checkr signs with its API key; the others need a secret of their own"


def test_an_erased_persons_keys_leave_the_inbox(arrive: Arrive, ledger_of: Ledger, ledger_clock: SetClock) -> None:
    arrive("hris", "7", "8")
    arrive("ats", "7")
    with ledger_of.write() as con:
        counts, _ = erase_person(con, Subject(("p-1",), (("hris", "7"),)), ledger_clock.now())
    assert counts["ledger.inbox"] == 1
    with ledger_of.read() as con:
        kept = {row.message_id: row.subject for row in con.execute(sa.select(inbox)).all()}
    assert kept == {"hris:7": None, "hris:8": "8", "ats:7": "7"}
