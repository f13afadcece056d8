"""`hrorch report …` and `hrorch explain`: read the published copy and print it in the form asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, report_app
from hrorch_pipelines.cli.options import (
    AsOfOption,
    AttributesOption,
    FormatOption,
    OutOption,
    PersonArgument,
    PersonOption,
    SystemsOption,
)
from hrorch_pipelines.cli.reveal import RevealedByOption, RevealOption, log_reveal, require_name
from hrorch_pipelines.reports.table import Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace, open_workplace


@report_app.command("discrepancies")
def discrepancies(
    system: SystemsOption = None,
    attribute: AttributesOption = None,
    cause: Annotated[list[str] | None, typer.Option(help="Only this cause; may be repeated.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="disagree, ghost, missing_record, in_flight, scheduled.")
    ] = None,
    person: PersonOption = None,
    as_of: AsOfOption = None,
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Values that disagree with their authority: cause, money at risk, since when. Exit code 1 if there are any."""
    from hrorch_pipelines.reports.discrepancies import discrepancies as read
    from hrorch_pipelines.reports.read import find_person

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    with _published(workplace, as_of) as con:
        found = find_person(con, workplace.stack, person) if person else None
        table = read(
            con,
            workplace.stack,
            systems=tuple(system or ()),
            attributes=tuple(attribute or ()),
            states=tuple(state or ()),
            causes=tuple(cause or ()),
            person=found,
            reveal=reveal,
        )
    if reveal:
        words = {"systems": system, "attributes": attribute, "states": state, "causes": cause}
        told = {name: ", ".join(given or ()) for name, given in words.items()}
        log_reveal(workplace, "discrepancies", by, len(table.rows), person=found, **told)
    _write(table, format_, output)
    if table.rows:
        raise typer.Exit(FINDINGS)


@report_app.command("metrics")
def metrics(
    history: Annotated[bool, typer.Option(help="Every cycle, not only the last.")] = False,
    as_of: AsOfOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Manual re-entry (M1) and discrepancy (M2): numerator, denominator, 95 % interval, definition."""
    from hrorch_pipelines.reports.metrics import metrics as read

    workplace = open_workplace(stack, home)
    with _published(workplace, as_of) as con:
        _write(read(con, workplace.stack, history=history), format_, output)


@report_app.command("bridge")
def bridge(
    as_of: AsOfOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """From one system's head count to another's, reason by reason, with what is unexplained."""
    from hrorch_pipelines.reports.bridge import bridge as read

    workplace = open_workplace(stack, home)
    with _published(workplace, as_of) as con:
        _write(read(con, workplace.stack), format_, output)


@report_app.command("quarantine")
def quarantine(
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Records held at a gate: the rule, what was expected, what to do, who does it by when. Exit code 1 if there are any."""
    from hrorch_pipelines.reports.quarantine import quarantine as read

    _print_waiting(read, open_workplace(stack, home), format_, output)


@report_app.command("reviews")
def reviews(
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Pairs of records that may be one person, waiting for a reviewer's answer. Exit code 1 if there are any."""
    from hrorch_pipelines.reports.reviews import reviews as read

    _print_waiting(read, open_workplace(stack, home), format_, output)


@report_app.command("page")
def page(
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file.")] = Path("hrorch-report.html"),
    as_of: AsOfOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Everything on one self-contained HTML page with charts; prints well."""
    from hrorch_pipelines.reports.page import write_page

    workplace = open_workplace(stack, home)
    with _published(workplace, as_of) as con:
        console.print(f"Written: {write_page(con, workplace.stack, output, workplace.ledger)}")


@app.command()
def explain(
    person: PersonArgument,
    attribute: Annotated[str | None, typer.Argument(help="One attribute; all when absent.")] = None,
    as_of: AsOfOption = None,
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Why a value is what it is: who says what, which gate it passed, which rule chose it, what disagrees, what is being done."""
    from hrorch_pipelines.reports.explain import explain as read
    from hrorch_pipelines.reports.explain_ledger import what_was_done
    from hrorch_pipelines.reports.read import find_person
    from hrorch_pipelines.reports.render import render_all

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    ledger = workplace.ledger()
    with _published(workplace, as_of) as con:
        found = find_person(con, workplace.stack, person)
        tables = read(con, workplace.stack, found, attribute, reveal=reveal)
        until = as_of.replace(tzinfo=UTC) + timedelta(days=1) if as_of else None
        tables += what_was_done(ledger, con, workplace.stack, found, attribute, reveal=reveal, until=until)
    ledger.close()
    if reveal:
        rows = sum(len(table.rows) for table in tables)
        log_reveal(workplace, "explain", by, rows, person=found, attribute=attribute)
    render_all(tables, format_, output)


def _print_waiting(
    read: Callable[[duckdb.DuckDBPyConnection, Stack], Table], workplace: Workplace, format_: str, output: Path | None
) -> None:
    """Print a report of what waits for somebody; exit with 1 when anything does."""
    with _published(workplace, None) as con:
        table = read(con, workplace.stack)
    _write(table, format_, output)
    if table.rows:
        raise typer.Exit(FINDINGS)


@contextmanager
def _published(workplace: Workplace, as_of: datetime | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published copy, or the same comparison made for another day."""
    from hrorch_pipelines.storage.warehouse import open_published

    if as_of is None:
        with open_published(workplace.home) as con:
            yield con
        return
    from hrorch_pipelines.replay import published_as_of

    with published_as_of(workplace, as_of.date()) as con:
        yield con


def _write(table: Table, format_: str, output: Path | None) -> None:
    from hrorch_pipelines.reports.render import render

    render(table, format_, output)
