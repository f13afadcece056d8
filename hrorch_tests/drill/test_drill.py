"""Each kind of failure is found by the watch meant for it, told to a named owner, and dated; nothing of the user's is touched."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from hrorch_pipelines.cli import app
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.drill import kept
from hrorch_pipelines.drill.dry_kinds import dry_kinds
from hrorch_pipelines.drill.kinds import UnknownKindError, chosen, played
from hrorch_pipelines.drill.place import Place, alone, made
from hrorch_pipelines.drill.play import play
from hrorch_pipelines.drill.rehearse import rehearse_dry
from hrorch_pipelines.drill.terms import Kind, Outcome
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.monitoring.watches import WATCHES
from hrorch_pipelines.stack.handing import Handoff
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import alerts, corrections, person_keys
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace, open_workplace
from hrorch_tests.ledger_fixtures import *  # noqa: F403
from hrorch_tests.monitoring import planted
from hrorch_tests.monitoring.conftest import EXAMPLE

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ELSEWHERE = {"gate", "ghost", "overdue", "growth"}
"""The gate takes seven readings and as many gates: rehearsed by `hrorch drill`. What takes days is in `test_lasting`."""


on_one_database = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with made(tmp_path_factory.mktemp("drill"), people=40, stack_path=EXAMPLE) as one:
        yield one


@pytest.mark.parametrize("name", [name for name in played() if name not in ELSEWHERE])
def test_every_kind_is_detected_and_told_to_somebody_by_name(place: Place, name: str) -> None:
    kind = played()[name]
    here = place.scenario(name)
    try:
        outcome = play(kind, here)
    finally:
        here.end()
    assert outcome.detected_at is not None, kind.what
    assert outcome.watch in {watch.value for watch in kind.watches}
    assert outcome.owner in place.stack.people
    assert outcome.minutes is not None
    assert 0 < outcome.minutes <= 65  # two readings at most, half an hour apart
    assert outcome.injected_at <= outcome.occurred_at < outcome.detected_at
    if kind.silent:
        assert outcome.minutes <= 2  # a dead man's switch: told with the next look after its limit


def test_every_kind_of_watch_is_rehearsed_and_every_kind_rehearses_one() -> None:
    kinds = played().values()
    assert all(kind.watches for kind in kinds)
    # What a person finds is what no watch did.
    assert {watch for kind in kinds for watch in kind.watches} == set(Watch) - {Watch.PERSON}
    # Whatever has a name looks, or is the failure of one that does.
    assert {watch for _, looks in WATCHES for watch in looks} == set(Watch) - {Watch.PERSON, Watch.WATCH}


def test_what_nobody_finds_is_said(place: Place) -> None:
    kind = Kind("nothing", "nothing fails", frozenset({Watch.DISK}), lambda _: None, limit=timedelta(hours=1))
    here = place.scenario("nothing")
    try:
        outcome = play(kind, here)
    finally:
        here.end()
    assert (outcome.detected_at, outcome.minutes, outcome.owner) == (None, None, None)


def test_kinds_are_chosen_by_name() -> None:
    kinds = played()
    assert [kind.name for kind in chosen(kinds, ["letter", "down"])] == ["down", "letter"]
    assert len(chosen(kinds, [])) == len(kinds) > 20
    with pytest.raises(UnknownKindError, match="doun"):
        chosen(kinds, ["doun"])


def test_a_drill_reaches_nothing_of_the_users(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {
        "HRORCH_LEDGER_URL": f"sqlite:///{tmp_path / 'mine.sqlite'}",
        "HRORCH_HOME": str(tmp_path / "home"),
        "HRORCH_HEADS": str(tmp_path / "heads"),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    with alone():
        assert not set(mine) & set(os.environ)
        os.environ["HRORCH_HOME"] = "set within"
    assert {name: os.environ[name] for name in mine} == mine
    here = place.scenario("alone")
    here.end()
    assert list(tmp_path.iterdir()) == []
    assert not any(owner.alert_urls for owner in place.stack.people.values())
    assert not place.stack.alerts.urls


@pytest.fixture
def theirs(ledger_url: str, ledger_home: Home, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Somebody's own home, with some life in it; the ledger is where the environment says."""
    monkeypatch.setenv("HRORCH_LEDGER_URL", ledger_url)
    home, clock = ledger_home, SetClock(NOW)
    stack = open_workplace(EXAMPLE, home.root, clock).stack
    asked = {"when": "in_hris", "then": {"ask": "Do.", "action": "Do."}, "within": "1h", "owner": "hris-analyst"}
    stack = stack.model_copy(update={"handoffs": {"enrol": Handoff.model_validate(asked)}})
    ledger = open_ledger(home, clock)
    with ledger.write() as con:
        planted.breaker(con, "payroll", NOW)
        planted.correction(con, "ready", NOW, after_sealed=b"secret")
        con.execute(person_keys.insert().values(person_id="p", wrapped_key=b"key", made_at=NOW))
    ledger.close()
    for name in stack.systems:
        planted.snapshot(home, name, NOW)
    planted.published(home, cycles=[NOW])
    return Workplace(stack, home, clock, Warehouse(home, clock))


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@on_one_database
def test_a_dry_drill_finds_every_kind_and_leaves_everything_as_it_was(
    theirs: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRORCH_HEADS", str(theirs.home.root / "signed"))
    before = contents(theirs.home.root)
    outcomes = rehearse_dry(theirs)
    assert {one.kind for one in outcomes} == set(dry_kinds(theirs.stack)) >= {"handoff", "parked", "pass"}
    assert [one.kind for one in outcomes if one.detected_at is None] == []
    assert contents(theirs.home.root) == before
    with theirs.ledger().read() as con:
        assert con.execute(sa.select(sa.func.count()).select_from(alerts)).scalar_one() == 0
        assert con.execute(sa.select(sa.func.count()).select_from(corrections)).scalar_one() == 1


def test_a_dry_drill_copies_no_value_of_a_person(theirs: Workplace, tmp_path: Path) -> None:
    from hrorch_pipelines.drill.dry import copied

    with copied(theirs, tmp_path / "copy") as scenario:
        here = scenario("one")
        with here.ledger.read() as con:
            row = con.execute(sa.select(corrections)).one()
            assert (row.state, row.after_sealed) == ("ready", None)
            assert con.execute(sa.select(person_keys)).all() == []
        here.end()
    assert not (tmp_path / "copy" / "one").exists()


def test_outcomes_are_kept_apart_and_told_as_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = Outcome(
        "down", "a system is down", False, NOW, NOW, NOW + timedelta(minutes=4), "untrusted", "it", "error", "x"
    )
    missed = Outcome("disk", "the disk is full", False, NOW, NOW)
    assert kept.last(tmp_path) is None
    kept.keep(Path("data/home/drill"), kept.Drill(NOW, False, (told, missed)))
    again = kept.last(Path("data/home/drill"))
    assert again == kept.Drill(NOW, False, (told, missed))
    every = kept.times(again.outcomes)[0]
    assert (every.failures, every.detected, every.undetected, every.mean_upper) == (2, 1, 1, 4.0)
    shown = CliRunner().invoke(app, ["monitor", "times", "--drill", "--format", "json"])
    assert shown.exit_code == 0, shown.output
    assert {row["kind"]: row["detected"] for row in json.loads(shown.stdout)["rows"]} == {
        "all": 1,
        "down": 1,
        "disk": 0,
    }
    (tmp_path / "data/home/drill" / kept.FILE).write_text("{}", encoding="utf-8")
    assert CliRunner().invoke(app, ["monitor", "times", "--drill"]).exception is not None


@on_one_database
def test_the_command_says_what_was_missed(theirs: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = Outcome(
        "down", "a system is down", False, NOW, NOW, NOW + timedelta(minutes=4), "untrusted", "it", "error", "x"
    )
    missed = replace(found, kind="disk", detected_at=None, watch=None, owner=None)
    monkeypatch.setattr("hrorch_pipelines.drill.rehearse.rehearse", lambda *_, **__: [found, missed])
    keep = ["--keep", str(tmp_path / "kept")]
    shown = CliRunner().invoke(app, ["drill", *keep], env={"COLUMNS": "200"})
    assert shown.exit_code == 1
    assert "Not detected: disk" in shown.output
    monkeypatch.setattr("hrorch_pipelines.drill.rehearse.rehearse", lambda *_, **__: [found])
    assert CliRunner().invoke(app, ["drill", *keep, "--format", "json"]).exit_code == 0
    assert kept.last(tmp_path / "kept") is not None
    dry = CliRunner().invoke(
        app,
        [
            "drill",
            "--dry",
            "--kinds",
            "breaker,disk",
            "--stack",
            str(EXAMPLE),
            "--home",
            str(theirs.home.root),
            "--format",
            "json",
        ],
    )
    assert dry.exit_code == 0, dry.output
    assert [row["kind"] for row in json.loads(dry.stdout)["rows"]] == ["breaker", "disk"]
