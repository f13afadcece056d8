"""`hrorch monitor …`: what is wrong now, who was told, how quickly it was noticed; and the service that watches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, notes, require_reviewer
from hrorch_pipelines.cli.options import FormatOption, OutOption

if TYPE_CHECKING:
    from hrorch_pipelines.reports.table import Column, Table
    from hrorch_pipelines.storage.ledger import Ledger
    from hrorch_pipelines.workplace import Workplace

monitor_app = typer.Typer(no_args_is_help=True, help="What is wrong now, who was told, and how quickly it was noticed.")
app.add_typer(monitor_app, name="monitor")


@monitor_app.command("status")
def status(
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """What is wrong at this moment: since when, whose it is, what to do. Tells nobody. Exit code 1 if anything is."""
    from hrorch_pipelines.monitoring.run import look_now
    from hrorch_pipelines.reports.render import render_all

    with _open(stack, home) as (workplace, ledger):
        seen = look_now(ledger, workplace.stack)
        tables = _status(workplace, ledger, seen)
    render_all(tables, format_, output)
    if tables[0].rows:
        raise typer.Exit(FINDINGS)


@monitor_app.command("send")
def send(stack: StackOption = None, home: HomeOption = None) -> None:
    """Look once, raise and settle alerts, and send every message that is due. Exit code 1 if one could not be delivered."""
    from hrorch_pipelines.monitoring.run import watch

    with _open(stack, home) as (workplace, ledger):
        passed = watch(ledger, workplace.stack)
    console.print(passed.sentence())
    if passed.delivered.failed:
        notes.print(f"{passed.delivered.failed} could not be delivered; they are tried again.")
        raise typer.Exit(FINDINGS)


@monitor_app.command("times")
def times(
    days: Annotated[int | None, typer.Option(min=1, help="Only failures that occurred in the last so many days.")] = 30,
    drill: Annotated[
        bool, typer.Option("--drill", help="Those of the last `hrorch drill` instead: rehearsed, in simulated time.")
    ] = False,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Mean time to detect workflow failures (M3), of all and of each kind, with bounds. What was rehearsed never counts."""
    from hrorch_pipelines.monitoring.detection import detection, failures
    from hrorch_pipelines.monitoring.scene import scene
    from hrorch_pipelines.reports.render import render

    if drill:
        render(_rehearsed(), format_, output)
        return
    with _open(stack, home) as (workplace, ledger), scene(workplace.stack, ledger, workplace.clock.now()) as here:
        found = detection(failures(here.ledger, here.published), here.now, timedelta(days=days) if days else None)
    render(_times(found, days), format_, output)


@monitor_app.command("noticed")
def noticed(
    what: Annotated[str, typer.Option(help="What failed, in one sentence. Name no personal value.")],
    by: Annotated[str, typer.Option(help="Who found it: a name of `people` in the stack file.")],
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"], help="When it went wrong, in UTC, if known.", metavar="MOMENT"
        ),
    ] = None,
    system: Annotated[str | None, typer.Option(help="In which system.")] = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Report a failure that no watch had found: its owner is told, and it counts as found by people (M3)."""
    import hashlib

    from hrorch_pipelines.monitoring.alerts import noticed as write
    from hrorch_pipelines.monitoring.scene import owner_of
    from hrorch_pipelines.monitoring.terms import Trouble, Watch

    with _open(stack, home) as (workplace, ledger):
        require_reviewer(workplace.stack, by)
        if system is not None and system not in workplace.stack.systems:
            raise typer.BadParameter("the stack file has no such system", param_hint="--system")
        key = f"person:{hashlib.sha256(what.encode()).hexdigest()[:16]}"
        begun = since.replace(tzinfo=UTC) if since else None
        action = "Find out why no watch saw it; say when it is over: `hrorch monitor over`."
        owner = owner_of(workplace.stack, system)
        trouble = Trouble(key, Watch.PERSON, "error", owner, what, action, since=begun, system=system)
        alert_id = write(ledger, workplace.stack, trouble, by)
    console.print(f"Alert {alert_id[:8]}: {owner} is told with the next messages sent.")


@monitor_app.command("over")
def over(
    alert: Annotated[str, typer.Argument(help="The alert's id, or its beginning.")],
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Say that a failure somebody had reported is over. The others recover by themselves."""
    from hrorch_pipelines.monitoring.alerts import over as end

    with _open(stack, home) as (workplace, ledger):
        ended = end(ledger, workplace.stack, alert)
    if not ended:
        raise typer.BadParameter("there is no such open alert that somebody reported", param_hint="ALERT")
    console.print("Over.")


@monitor_app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8790,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Look and send every minute as well.")] = True,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Serve `/metrics` (Prometheus), `/healthz` and `/readyz`, and watch even when Dagster's daemon is gone."""
    import uvicorn

    from hrorch_pipelines.monitoring.run import EVERY
    from hrorch_pipelines.monitoring.serve import create_app
    from hrorch_pipelines.workplace import open_workplace

    service = create_app(open_workplace(stack, home), every=EVERY if watch else None)
    uvicorn.run(service, host=host, port=port, log_level="warning", access_log=False)


def _status(workplace: Workplace, ledger: Ledger, seen: Any) -> list[Table]:
    from hrorch_pipelines.monitoring import alerts, notices, texts
    from hrorch_pipelines.monitoring.terms import RANK, Watch
    from hrorch_pipelines.reports.table import Column, Table
    from hrorch_pipelines.reports.words import owner_name

    with ledger.read() as con:
        known = {row.key: row for row in alerts.open_alerts(con)}
        waiting = notices.waiting(con)
    now = [
        (one.severity, one.what, _since(one.since, known.get(one.key)), one.owner,
         texts.affects(json.dumps({"affects": dict(one.affects)})), one.action, _told(known.get(one.key)))
        for one in seen.troubles
    ]  # fmt: skip
    now += [
        (row.severity, row.what, row.since, row.owner, texts.affects(row.detail), row.action, _told(row))
        for row in known.values()
        if row.watch in {Watch.PERSON, *seen.blind}
    ]
    rows = tuple(
        (severity, what, since, owner_name(workplace.stack, owner), *rest)
        for severity, what, since, owner, *rest in sorted(now, key=lambda row: -RANK[row[0]])
    )
    columns = (
        Column("severity", "Severity"), Column("what", "What"), Column("since", "Since", "moment"), Column("owner", "Owner"),
        Column("affects", "Affects", rank=2), Column("action", "What to do", inside="what"), Column("told", "Told", rank=3),
    )  # fmt: skip
    late = [row for row in waiting if row.fault]
    told = (f"{len(waiting)} messages wait to be sent; {len(late)} of them failed before.",) if waiting else ()
    return [Table("What is wrong now", columns, rows, notes=told)]


def _since(since: datetime | None, alert: Any) -> datetime | None:
    return since or (alert.since if alert else None)


def _told(alert: Any) -> str:
    if alert is None:
        return "not yet"
    if alert.escalated_at is not None:
        return "owner and deputy"
    return f"{alert.notified_at:%Y-%m-%d %H:%M} UTC" if alert.notified_at else "waiting"


def _rehearsed() -> Table:
    """The last drill's times. Raises NothingRehearsedError."""
    from dataclasses import replace

    from hrorch_pipelines.cli.drill import DRILL_FOLDER
    from hrorch_pipelines.drill import kept

    last = kept.last(DRILL_FOLDER)
    if last is None:
        raise kept.NothingRehearsedError
    table = _times(kept.times(last.outcomes), None)
    said = (
        f"Rehearsed on {last.at:%Y-%m-%d %H:%M} UTC by `hrorch drill`, in simulated time; in no figure of production."
    )
    return replace(table, title="Drill: time to detect failures, in minutes", notes=(said, *table.notes))


def _times(found: Any, days: int | None) -> Table:
    from hrorch_pipelines.monitoring.detection import DEFINITION
    from hrorch_pipelines.reports.table import Column, Table

    columns = (
        Column("kind", "Kind of failure"), Column("failures", "Failures", "integer"), Column("detected", "Detected", "integer"),
        Column("undetected", "Not yet", "integer", rank=3), Column("undated", "No date", "integer", rank=4),
        Column("mean_upper", "Mean, upper"), Column("median_upper", "Median, upper"), Column("p90_upper", "90 %, upper", rank=2),
        Column("mean_midpoint", "Mean, midpoint", rank=5), Column("median_midpoint", "Median, midpoint", rank=1),
        Column("p90_midpoint", "90 %, midpoint", rank=6), Column("kaplan_meier", "Kaplan–Meier median", rank=7),
        Column("share_by_people", "Found by people", "share", rank=2), Column("note", "Note", rank=8),
    )  # fmt: skip
    rows = tuple(tuple(_cell(getattr(one, column.name), column) for column in columns) for one in found)
    return Table(
        "Time to detect failures, in minutes",
        columns,
        rows,
        notes=(
            f"Definition {DEFINITION}: detected − occurred, of failures that occurred "
            + (f"in the last {days} days. " if days else "at any time. ")
            + "What only a look or a snapshot shows lies between two moments: upper bound and midpoint.",
            "Not yet detected ones are right-censored; what nobody can date is counted, not measured.",
        ),
    )


def _cell(value: Any, column: Column) -> Any:
    return f"{value:.1f}" if isinstance(value, float) and column.kind == "text" else value


@contextmanager
def _open(stack: Any, home: Any) -> Iterator[tuple[Workplace, Ledger]]:
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger:
        yield workplace, ledger
