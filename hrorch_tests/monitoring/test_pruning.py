"""What recovered long ago is forgotten; what is open, recent or still to be sent never is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.monitoring.pruning import KEPT, daily, prune
from hrorch_pipelines.monitoring.run import evaluate
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import alerts, notices
from hrorch_tests.ledger_fixtures import LEDGER_NOW

DAY = timedelta(days=1)


def alert(con: sa.Connection, one: str, recovered: datetime | None) -> None:
    began = (recovered or LEDGER_NOW) - DAY
    con.execute(
        alerts.insert().values(
            alert_id=one, key=one, watch="breaker", state="recovered" if recovered else "open", severity="error", owner="o",
            what="w", action="a", not_before=began, since=began, detected_at=began, last_at=began, recovered_at=recovered,
        )
    )  # fmt: skip


def notice(con: sa.Connection, one: str, about: str | None, made: datetime, **more: Any) -> None:
    con.execute(
        notices.insert().values(
            notice_id=one, alert_id=about, change="raised", recipient="o", channel="alerts/0", severity="error", title="t",
            body="b", made_at=made, due_at=made, **more,
        )
    )  # fmt: skip


def left(ledger: Ledger) -> tuple[set[str], set[str]]:
    with ledger.read() as con:
        return (
            set(con.execute(sa.select(alerts.c.alert_id)).scalars()),
            set(con.execute(sa.select(notices.c.notice_id)).scalars()),
        )


def test_only_what_is_over_for_long_is_forgotten(ledger: Ledger) -> None:
    now = ledger.clock.now()
    old, young = now - KEPT - DAY, now - KEPT + DAY
    with ledger.write() as con:
        alert(con, "old", old)
        alert(con, "young", young)
        alert(con, "unsent", old)
        alert(con, "open", None)
        notice(con, "of-old", "old", old, sent_at=old)
        notice(con, "of-young", "young", young, sent_at=young)
        notice(con, "of-unsent", "unsent", old)
        notice(con, "digest", None, old, gave_up_at=old)
        notice(con, "new-digest", None, young, sent_at=young)
        notice(con, "waits", None, old)
        assert prune(con, now) == 1
    assert left(ledger) == ({"young", "unsent", "open"}, {"of-young", "of-unsent", "new-digest", "waits"})


def test_the_monitor_does_it_once_a_day(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack]
) -> None:
    stack, now = stack_with(watch={"disk_free": 0}), ledger.clock.now()
    evaluate(ledger, stack)
    with ledger.write() as con:
        alert(con, "old", now - KEPT - DAY)
        assert daily(con, now + timedelta(hours=23)) == 0
    ledger_clock.at += DAY
    evaluate(ledger, stack)
    assert left(ledger)[0] == set()
