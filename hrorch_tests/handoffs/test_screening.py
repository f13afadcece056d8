"""Statutory steps are done in order, never before their wait is over; a wait is nobody's delay; nobody is turned down here."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from hrorch_pipelines.cli import app
from hrorch_pipelines.clock import SetClock, SystemClock
from hrorch_pipelines.exceptions import moves
from hrorch_pipelines.exceptions.cases import Finding, case_id, report, settle
from hrorch_pipelines.exceptions.durations import spells
from hrorch_pipelines.exceptions.errors import UnknownCaseError, UnknownReviewerError
from hrorch_pipelines.handoffs.screening import begin, clear, did, in_wait, standing, standings
from hrorch_pipelines.handoffs.screening_errors import (
    BeforeItsTurnError,
    NoScreeningError,
    NotYetError,
    OutOfOrderError,
    ScreeningOverError,
    TooEarlyError,
)
from hrorch_pipelines.handoffs.statutory import rule_for, wait_after
from hrorch_pipelines.stack.handing import Screening
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Organization, Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases, screenings
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.ledger_fixtures import *  # noqa: F403
from hrorch_tests.monitoring.conftest import EXAMPLE

FCRA = {
    "jurisdiction": "*",
    "since": "1997-09-30",
    "source": "15 USC 1681b(b)(3)",
    "steps": [
        {"step": "pre-adverse-notice", "action": "Send the report and the summary of rights", "wait": "5d"},
        {"step": "final-notice", "action": "Decide; send the notice of adverse action if it is adverse"},
    ],
}
LOCAL = {
    "jurisdiction": "Chicago",
    "since": "2026-01-01",
    "source": "a local rule",
    "steps": [
        {"step": "assess", "action": "Write down why the result matters for the job"},
        {"step": "notice", "action": "Send it", "wait": "7d", "working": False},
        {"step": "decide", "action": "Decide", "wait": "1d"},
    ],
}
DAY = timedelta(days=1)
BY = "talent-ops"
FOUND = Finding("handoff", "adverse-result", "The check's result is adverse.", "Follow the steps.", person_id="p1")


@pytest.fixture
def stack() -> Stack:
    return with_rules(FCRA, LOCAL)


def with_rules(*rules: dict[str, Any]) -> Stack:
    screening = Screening.model_validate({"jurisdiction": "location", "rules": rules})
    return load_stack(EXAMPLE, env={}).model_copy(update={"screening": screening})


def open_case(ledger: Ledger, stack: Stack, where: str | None = None) -> str:
    now = ledger.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        report(con, seals, stack, [FOUND], now)
        begin(con, seals, stack, moves.find(con, case_id(FOUND)), where, now)
    return case_id(FOUND)


def row(ledger: Ledger) -> Any:
    with ledger.read() as con:
        return con.execute(sa.select(cases)).one()


def told(ledger: Ledger) -> list[str]:
    with ledger.read() as con:
        return list(con.execute(sa.select(audit_log.c.action).order_by(audit_log.c.sequence)).scalars())


def test_the_newest_rule_that_has_begun_counts_and_everywhere_is_the_last_resort(stack: Stack) -> None:
    newer = {**FCRA, "since": "2026-06-01", "source": "newer"}
    house = with_rules(newer, FCRA, LOCAL)
    source = {
        (where, day): rule.source if (rule := rule_for(house, where, date.fromisoformat(day))) else None
        for where in ("Chicago", "chicago ", "Duluth", None)
        for day in ("1990-01-01", "2025-12-31", "2026-01-01", "2026-06-01")
    }
    assert [source["Chicago", day] for day in ("1990-01-01", "2025-12-31", "2026-01-01", "2026-06-01")] == [
        None,
        "15 USC 1681b(b)(3)",
        "a local rule",
        "a local rule",
    ]
    assert source["chicago ", "2026-01-01"] == "a local rule"
    assert source["Duluth", "2026-06-01"] == source[None, "2026-06-01"] == "newer"


@settings(max_examples=60, deadline=None)
@given(
    done=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    days=st.integers(1, 12),
    zone=st.sampled_from(["America/Chicago", "Asia/Tokyo", "UTC"]),
    holidays=st.sampled_from([None, "US"]),
)
def test_a_working_wait_leaves_so_many_whole_working_days_between(
    done: date, days: int, zone: str, holidays: str | None
) -> None:
    import holidays as library

    office = Organization.model_validate({"name": "o", "time_zone": zone, "holidays": holidays})
    wait = wait_after(done, timedelta(days=days), working=True, organization=office)
    assert wait is not None
    free = library.country_holidays("US") if holidays else {}
    between = [done + n * DAY for n in range(1, (wait.not_before - done).days)]
    worked = [day for day in between if day.weekday() < 5 and day not in free]
    assert len(worked) == days
    assert worked[-1] == between[-1]  # … and not a day more
    assert wait.begins.astimezone(ZoneInfo(zone)).date() == done + DAY
    assert wait.ends.astimezone(ZoneInfo(zone)).date() == wait.not_before


@settings(max_examples=40, deadline=None)
@given(done=st.dates(date(2025, 1, 1), date(2027, 12, 31)), hours=st.integers(1, 24 * 9))
def test_a_wait_of_calendar_days_counts_every_day_also_when_clocks_change(done: date, hours: int) -> None:
    office = Organization.model_validate({"name": "o", "time_zone": "America/Chicago"})
    wait = wait_after(done, timedelta(hours=hours), working=False, organization=office)
    assert wait is not None
    assert (wait.not_before - done).days == 1 + -(-hours // 24)
    assert wait_after(done, None, working=True, organization=office) is None


def test_the_steps_go_in_order_and_not_before_their_wait_is_over(
    ledger: Ledger, ledger_clock: SetClock, stack: Stack
) -> None:
    one = open_case(ledger, stack)
    with pytest.raises(OutOfOrderError, match="pre-adverse-notice"):
        did(ledger, stack, one, "final-notice", BY)
    after = did(ledger, stack, one[:8], "pre-adverse-notice", BY)  # Monday, 2 March
    assert (after.next, after.not_before, after.over) == ("final-notice", date(2026, 3, 10), False)
    assert after.waits(date(2026, 3, 9))
    assert not after.waits(date(2026, 3, 10))
    ledger_clock.at += 7 * DAY
    with pytest.raises(TooEarlyError, match="2026-03-10") as refused:
        did(ledger, stack, one, "final-notice", BY)
    assert refused.value.not_before == date(2026, 3, 10)
    with pytest.raises(OutOfOrderError):
        did(ledger, stack, one, "pre-adverse-notice", BY)
    ledger_clock.at += DAY
    with pytest.raises(TooEarlyError):  # told late, done too early
        did(ledger, stack, one, "final-notice", BY, date(2026, 3, 9))
    done = did(ledger, stack, one, "final-notice", "hris-analyst")
    assert (done.next, done.not_before) == (None, None)
    assert [(step.done_on, step.done_by) for step in done.steps] == [
        (date(2026, 3, 2), BY),
        (date(2026, 3, 10), "hris-analyst"),
    ]
    # Nobody is turned down by the program: the case waits for somebody's decision.
    assert row(ledger).state == "in_progress"
    with pytest.raises(OutOfOrderError, match="Every statutory step"):
        did(ledger, stack, one, "final-notice", BY)
    assert told(ledger) == ["case_opened", "screening_begun", "case_state", "screening_step", "screening_step"]


def test_what_cannot_be_is_refused_and_nothing_is_written(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    one = open_case(ledger, stack, "Chicago")
    before = told(ledger)
    for step, by, on, error in (
        ("assess", "nobody", None, UnknownReviewerError),
        ("assess", BY, date(2026, 3, 3), NotYetError),
        ("asess", BY, None, OutOfOrderError),
        ("notice", BY, None, OutOfOrderError),
    ):
        with pytest.raises(error):
            did(ledger, stack, one, step, by, on)
    with pytest.raises(UnknownCaseError):
        did(ledger, stack, "f" * 32, "assess", BY)
    assert told(ledger) == before
    did(ledger, stack, one, "assess", BY)
    with pytest.raises(BeforeItsTurnError):
        did(ledger, stack, one, "notice", BY, date(2026, 3, 1))
    did(ledger, stack, one, "notice", BY)
    ledger_clock.at += 8 * DAY  # a wait by the calendar: seven whole days
    last = did(ledger, stack, one, "decide", BY)
    assert (last.next, last.not_before) == (None, date(2026, 3, 12))  # a wait before the decision itself


def test_a_rule_under_way_stays_as_it_was(ledger: Ledger, stack: Stack) -> None:
    one = open_case(ledger, stack)
    changed = with_rules({**FCRA, "since": "2026-01-01", "steps": LOCAL["steps"]})
    open_case(ledger, changed)
    with ledger.read() as con:
        assert [step.step for step in standing(con, changed, one).steps] == ["pre-adverse-notice", "final-notice"]
        assert standing(con, changed, one).source == "15 USC 1681b(b)(3)"


def test_without_a_rule_the_case_stands_by_itself(ledger: Ledger) -> None:
    house = with_rules(LOCAL)
    one = open_case(ledger, house, "Duluth")
    with pytest.raises(NoScreeningError), ledger.read() as con:
        standing(con, house, one)
    with pytest.raises(NoScreeningError):
        did(ledger, house, one, "assess", BY)


def test_a_clear_result_ends_it_and_a_second_adverse_one_begins_anew(
    ledger: Ledger, ledger_clock: SetClock, stack: Stack
) -> None:
    one = open_case(ledger, stack)
    did(ledger, stack, one, "pre-adverse-notice", BY)
    ledger_clock.at += DAY
    with ledger.write() as con:
        assert clear(con, Seals(con, ledger.home.key(), ledger.clock.now()), stack, [one], ledger.clock.now()) == 1
    assert row(ledger).state == "confirmed"
    with pytest.raises(ScreeningOverError):
        did(ledger, stack, one, "final-notice", BY)
    with ledger.read() as con:
        assert standings(con, stack) == []
        assert [found.over for found in standings(con, stack, over=True)] == [True]
        assert in_wait(con, ledger.clock.now()) == frozenset()
    ledger_clock.at += DAY
    open_case(ledger, stack)
    with ledger.read() as con:
        again = standing(con, stack, one)
        assert con.execute(sa.select(sa.func.count()).select_from(screenings)).scalar_one() == 4
    assert (again.next, again.over) == ("pre-adverse-notice", False)


def test_a_second_adverse_result_begins_anew_whoever_settled_the_case(
    ledger: Ledger, ledger_clock: SetClock, stack: Stack
) -> None:
    one = open_case(ledger, stack)
    did(ledger, stack, one, "pre-adverse-notice", BY)
    open_case(ledger, stack)  # seen again: the same
    with ledger.read() as con:
        assert standing(con, stack, one).next == "final-notice"
    with ledger.write() as con:
        settle(con, Seals(con, ledger.home.key(), ledger.clock.now()), stack, [one], ledger.clock.now(), "gone")
    ledger_clock.at += DAY
    open_case(ledger, stack)
    with ledger.read() as con:
        assert standing(con, stack, one).next == "pre-adverse-notice"


def test_a_wait_is_nobodys_delay_and_its_end_is_due(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    one = open_case(ledger, stack)
    ledger_clock.at += 4 * timedelta(hours=1)  # Monday, 10:00 in Chicago: an hour of work has passed
    did(ledger, stack, one, "pre-adverse-notice", BY)
    with ledger.read() as con:
        assert in_wait(con, ledger.clock.now() + DAY) == {one}
        assert in_wait(con, datetime(2026, 3, 10, 5, tzinfo=UTC)) == frozenset()  # midnight in Chicago, daylight saving
    due = datetime(2026, 3, 10, 22, tzinfo=UTC)  # a working day from the day on which the next step may be taken
    assert row(ledger).due_at == due
    ledger_clock.at = datetime(2026, 3, 9, 20, tzinfo=UTC)
    with ledger.read() as con:
        (spell,) = spells(con, stack, ledger.clock.now())
    assert (spell.elapsed, spell.working) == (4.0, 1.0)
    ledger_clock.at = datetime(2026, 3, 10, 16, tzinfo=UTC)  # 11:00 in Chicago
    with ledger.read() as con:
        (spell,) = spells(con, stack, ledger.clock.now())
    assert (spell.elapsed, spell.working) == (4.0 + 11.0, 1.0 + 2.0)


def test_the_log_names_steps_and_days_and_no_value(ledger: Ledger, stack: Stack) -> None:
    one = open_case(ledger, stack, "Chicago")
    did(ledger, stack, one, "assess", BY)
    with ledger.read() as con:
        query = sa.select(audit_log.c.envelope).where(audit_log.c.action.like("screening%"))
        said = [json.loads(text) for text in con.execute(query.order_by(audit_log.c.sequence)).scalars()]
        kept = [value for found in con.execute(sa.select(screenings)).all() for value in found]
    assert said[1]["detail"] == {"step": "assess", "done_on": "2026-03-02", "source": "a local rule"}
    assert (said[1]["actor"], said[0]["actor"]) == (BY, "hrorch")
    assert "Chicago" not in json.dumps(said)
    assert "Chicago" not in kept


def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HRORCH_LEDGER_URL", raising=False)
    (tmp_path / "catalogues").symlink_to(EXAMPLE.parent / "catalogues")
    (tmp_path / "letters").symlink_to(EXAMPLE.parent / "letters")
    text = re.sub(r"(?m)^screening:.*\n(?:[ #].*\n)*", "", EXAMPLE.read_text(encoding="utf-8"))
    (tmp_path / "stack.yaml").write_text(
        f"{text}\nscreening: {json.dumps({'jurisdiction': 'location', 'rules': [FCRA]})}\n", encoding="utf-8"
    )
    stack, home = load_stack(tmp_path / "stack.yaml", env={}), Home(tmp_path / "home")
    home.root.mkdir()

    def run(*words: str) -> Result:
        given = [*words, "--stack", str(tmp_path / "stack.yaml"), "--home", str(home.root)]
        return CliRunner().invoke(app, ["screening", *given], env={"COLUMNS": "200"})

    assert run("list").exit_code == 0
    ledger = open_ledger(home, SystemClock())
    one = open_case(ledger, stack)
    ledger.close()
    listed = run("list", "--format", "json")
    assert listed.exit_code == 1
    assert [found["next"] for found in json.loads(listed.stdout)["rows"]] == ["pre-adverse-notice"]
    done = run("did", one[:8], "pre-adverse-notice", "--by", BY)
    assert (done.exit_code, "final-notice not before" in done.output) == (0, True), done.output
    assert run("list").exit_code == 0  # it waits: nobody has to act
    assert "Priya Raman" in run("show", one).output
    refused = run("did", one, "final-notice", "--by", BY)
    assert isinstance(refused.exception, TooEarlyError)
