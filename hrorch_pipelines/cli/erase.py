"""`hrorch erase`, `hrorch subject …`, `hrorch retention …`: destroy what is held about a person, or hand it out to them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, notes, require_reviewer

if TYPE_CHECKING:
    from hrorch_pipelines.audit.erase import Outlook, Places
    from hrorch_pipelines.audit.persons import Record
    from hrorch_pipelines.audit.subject import Section
    from hrorch_pipelines.reports.table import Table as ReportTable
    from hrorch_pipelines.stack.models import Stack
    from hrorch_pipelines.storage.home import Home
    from hrorch_pipelines.workplace import Workplace

subject_app = typer.Typer(no_args_is_help=True, help="What is held about one person: hand it out, let them in again.")
retention_app = typer.Typer(no_args_is_help=True, help="Values that were kept long enough: look at them, destroy them.")
app.add_typer(subject_app, name="subject")
app.add_typer(retention_app, name="retention")

ByOption = Annotated[str, typer.Option(help="Who does it: a name of `people` in the stack file.")]
PersonArgument = Annotated[str, typer.Argument(help="A person id, or `system:source_id`.")]


@app.command()
def erase(
    person: PersonArgument,
    by: ByOption,
    reason: Annotated[
        str, typer.Option(help="Why, such as a ticket number. No names: the audit log never forgets it.")
    ],
    despite_retention: Annotated[
        bool, typer.Option("--despite-retention", help="Also what the stack file's retention would still keep.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Destroy a person's values and key in every store; the audit log keeps a tombstone and still verifies.

    Refused under a legal hold. What systems hold is theirs: erase it there too; until then their records are left out here.
    """
    from hrorch_pipelines.audit.erase import erase as destroy
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    places = _places(workplace)
    if not yes:
        _say(_look(places, person))
        typer.confirm("Erase? This cannot be undone.", abort=True)
    done = destroy(places, person, by=by, reason=reason, despite_retention=despite_retention)
    table = Table("place", "rows", title=f"Erased {done.subject.name}")
    for place, rows in sorted(done.counts.items()):
        table.add_row(place, f"{rows:,}")
    console.print(table)
    if done.still_in:
        notes.print(
            f"Still in {', '.join(done.still_in)}: erase the person there too. Until then their records there are left out "
            "of every snapshot (`hrorch subject readmit` lets one in again).",
            markup=False,
            highlight=False,
        )
    if not done.scrubbed:
        notes.print("Somebody was reading the ledger: its old pages go when they end. Run `hrorch erase` again then.")


@subject_app.command("readmit")
def readmit(
    record: Annotated[str, typer.Argument(help="A record of an erased person, as `system:source_id`.")],
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why, such as a rehire. No names.")],
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Let a record of an erased person into snapshots again. They come back under a new person id. Exit code 1 if it was in."""
    from hrorch_pipelines.audit.erase import readmit as let_in
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    system, separator, source_id = record.partition(":")
    if not separator or not source_id:
        raise typer.BadParameter("give it as `system:source_id`, as in payroll:1234")
    if not let_in(_places(workplace), (system, source_id), by=by, reason=reason):
        console.print("This record was not kept out.")
        raise typer.Exit(FINDINGS)
    console.print("The next whole snapshot of the system holds it again.")


@subject_app.command("export")
def export(
    person: PersonArgument,
    by: ByOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file; readable by its owner only.")],
    format_: Annotated[str, typer.Option("--format", "-f", help="json, xlsx or html.", metavar="FORMAT")] = "json",
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Everything held about a person, in clear, with sources, times, purposes and retention (GDPR Art. 15). It is logged."""
    from hrorch_pipelines.audit.persons import find
    from hrorch_pipelines.audit.subject import assemble, log_export
    from hrorch_pipelines.reports.render import render_all
    from hrorch_pipelines.storage.warehouse import open_published
    from hrorch_pipelines.workplace import open_workplace

    if format_ not in {"json", "xlsx", "html"}:
        raise typer.BadParameter("give json, xlsx or html")
    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    now, ledger = workplace.clock.now(), workplace.ledger()
    with open_published(workplace.home) as con:
        subject = find(con, workplace.stack, person)
        sections = assemble(ledger, con, workplace.stack, subject, now)
    log_export(ledger, workplace.stack, subject, sections, by, now)
    ledger.close()
    os.umask(0o077)  # a workbook per section: every file made from here on is its owner's alone
    output.unlink(missing_ok=True)
    render_all([_table(section) for section in sections], format_, output)
    console.print(f"Written: {output}")


@retention_app.command("show")
def retention_show(stack: StackOption = None, home: HomeOption = None) -> None:
    """Attributes whose values were kept long enough, and of how many persons. Exit code 1 if there are any."""
    from hrorch_pipelines.audit.retention import due
    from hrorch_pipelines.storage.warehouse import open_published
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with open_published(workplace.home) as con:
        found = due(con, workplace.stack, workplace.clock.now())
    table = Table("attribute", "kept for", "persons", title="Kept long enough")
    for item in found:
        table.add_row(item.attribute, f"{item.retention.days} days", f"{item.persons:,}")
    console.print(table)
    if found:
        raise typer.Exit(FINDINGS)


@retention_app.command("apply")
def retention_apply(stack: StackOption = None, home: HomeOption = None) -> None:
    """Destroy what `show` lists, in every store; the weekly Dagster job `retention` does the same."""
    from hrorch_pipelines.audit.retention import apply
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    ledger = workplace.ledger()
    done = apply(workplace.stack, workplace.home, workplace.clock, workplace.warehouse, ledger, blank)
    ledger.close()
    table = Table("place", "rows", title="Destroyed")
    for place, rows in sorted(done.counts.items()):
        table.add_row(place, f"{rows:,}")
    console.print(table)


def forget(
    home: Home, stack: Stack, records: Collection[Record], texts: Collection[str], now: datetime
) -> tuple[int, int]:
    """Take records out of stored snapshots, as `audit.erase.Places` asks for it."""
    from hrorch_pipelines.snapshots.forget import forget_records

    count = forget_records(home, stack, records, texts, now)
    return count.files, count.rows


def blank(home: Home, stack: Stack, attributes: Mapping[Record, Collection[str]], now: datetime) -> tuple[int, int]:
    """Blank attributes in stored snapshots, as `audit.retention.apply` asks for it."""
    from hrorch_pipelines.snapshots.forget import blank_values

    count = blank_values(home, stack, attributes, now)
    return count.files, count.blanked


def _places(workplace: Workplace) -> Places:
    from hrorch_pipelines.audit.erase import Places

    return Places(workplace.stack, workplace.home, workplace.clock, workplace.warehouse, workplace.ledger(), forget)


def _look(places: Places, person: str) -> Outlook | None:
    from hrorch_pipelines.audit.erase import look
    from hrorch_pipelines.audit.refusals import UnknownSubjectError

    try:
        return look(places, person)
    except UnknownSubjectError:
        return None  # perhaps one whose erasure was interrupted: `erase` knows


def _say(outlook: Outlook | None) -> None:
    if outlook is None:
        return
    subject = outlook.subject
    console.print(
        f"{subject.name}: {len(subject.records)} records in {', '.join(sorted({s for s, _ in subject.records}))}"
    )
    if outlook.still_in:
        console.print(f"Their systems still hold them: {', '.join(outlook.still_in)}")
    if outlook.retention_running:
        console.print(f"Retention has not passed for: {', '.join(outlook.retention_running)}")


def _table(section: Section) -> ReportTable:
    """A section as reports are rendered. Moments are shown as such; everything else is text."""
    from hrorch_pipelines.reports.table import Column
    from hrorch_pipelines.reports.table import Table as Report

    kinds = [
        "moment" if any(isinstance(row[place], datetime) for row in section.rows) else "text"
        for place in range(len(section.columns))
    ]
    columns = tuple(
        Column(name, name.replace("_", " ").capitalize(), kind)  # type: ignore[arg-type]  # one of two words of Kind
        for name, kind in zip(section.columns, kinds, strict=True)
    )
    return Report(section.title, columns, section.rows)
