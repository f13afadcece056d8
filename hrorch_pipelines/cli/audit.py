"""`hrorch audit …`: look things up in the log, prove it, hand it to an auditor, sign its end."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, notes, require_reviewer
from hrorch_pipelines.cli.reveal import RevealedByOption, RevealOption, require_name

if TYPE_CHECKING:
    import duckdb

    from hrorch_pipelines.audit.heads import Head
    from hrorch_pipelines.audit.verdict import Fault
    from hrorch_pipelines.storage.ledger import Ledger
    from hrorch_pipelines.workplace import Workplace

audit_app = typer.Typer(
    no_args_is_help=True, help="The log of who changed what, when and why, and the proof that it is whole."
)
app.add_typer(audit_app, name="audit")

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


class ExportForm(StrEnum):
    """How the log is handed out."""

    JSONL = "jsonl"
    CSV = "csv"


@audit_app.command("show")
def show(
    person: Annotated[str | None, typer.Option(help="A person id (or its beginning), or `system:source_id`.")] = None,
    attribute: Annotated[str | None, typer.Option(help="Only this attribute.")] = None,
    system: Annotated[str | None, typer.Option(help="Only this system.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person or service did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as `confirmed`.")] = None,
    case: Annotated[str | None, typer.Option(help="Only about this case.")] = None,
    correction: Annotated[str | None, typer.Option(help="Only about this correction.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=FORMATS, help="From this moment on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Before this moment (UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 200,
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="table, csv, json, xlsx or html.", metavar="FORMAT")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of the screen.")
    ] = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Who did what, when and why; for a person or an attribute also what systems told of changes."""
    from hrorch_pipelines.audit.show import show as read
    from hrorch_pipelines.audit.told import Wanted
    from hrorch_pipelines.reports.audit import listed
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    wanted = Wanted(person, attribute, system, actor, action, case, correction, _utc(since), _utc(until), limit)
    con, ledger = _published(workplace), workplace.ledger()
    try:
        listing = read(ledger, workplace.stack, wanted, con=con, reveal_to=by if reveal else None)
    finally:
        ledger.close()
        if con is not None:
            con.close()
    render(listed(listing), format_, output)


@audit_app.command("verify")
def verify(
    head: Annotated[Path | None, typer.Option(help="An exported head; default: the one signed last.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="The public key as the auditor kept it; default: this home's own.")
    ] = None,
    since: Annotated[int | None, typer.Option(min=1, help="Only entries from this number on.")] = None,
    values: Annotated[bool, typer.Option("--values", help="Also open every sealed value and compare it.")] = False,
    format_: Annotated[str, typer.Option("--format", "-f", help="table or json.", metavar="FORMAT")] = "table",
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Prove that no entry was changed, dropped, inserted, moved or cut off. Exit code 1 when one was."""
    from hrorch_pipelines.audit.verify import verify as prove
    from hrorch_pipelines.storage.sealed import Seals
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    known = _known_head(workplace, head, public_key)
    ledger = workplace.ledger()
    try:
        with ledger.read() as con:
            seals = Seals(con, workplace.home.key(), workplace.clock.now()) if values else None
            verdict = prove(con, head=known, since=since, seals=seals)
        faults = [*verdict.faults, *_observed(workplace, ledger)]
    finally:
        ledger.close()
    checked = f"the head of entry {known.sequence}" if known else None
    if format_ == "json":
        console.print_json(
            data={
                "entries": verdict.entries,
                "values": verdict.values,
                "head": known.sequence if known else None,
                "ok": not faults,
                "more": verdict.more,
                "faults": [
                    {"kind": fault.kind.value, "sequence": fault.sequence, "until": fault.until, "what": fault.what}
                    for fault in faults
                ],
            }
        )
    else:
        for fault in faults:
            console.print(str(fault), markup=False, highlight=False)
        if verdict.more:
            console.print(f"… and {verdict.more:,} more")
        opened = f", {verdict.values:,} sealed values" if verdict.values is not None else ""
        against = f", against {checked}" if checked else "; no exported head to check against"
        ended = "all sound" if not faults else f"{len(faults) + verdict.more:,} fault(s)"
        console.print(f"{verdict.entries:,} entries{opened}{against}: {ended}.", highlight=False)
    if faults:
        raise typer.Exit(FINDINGS)


@audit_app.command("export")
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    by: Annotated[str, typer.Option(help="Who takes it: a name of `people` in the stack file. It is logged.")],
    form: Annotated[ExportForm, typer.Option("--format", "-f", help="jsonl or csv.")] = ExportForm.JSONL,
    since: Annotated[datetime | None, typer.Option(formats=FORMATS, help="From this moment on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Before this moment (UTC).")] = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Write entries with their hashes, without values, for an auditor to prove by themselves (docs/audit.md)."""
    from hrorch_pipelines.audit.deeds import log_deed
    from hrorch_pipelines.audit.entries import Action
    from hrorch_pipelines.audit.export import export as write
    from hrorch_pipelines.audit.show import first_from
    from hrorch_pipelines.reports.safe import neutral
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    ledger = workplace.ledger()
    try:
        detail = {"report": "audit", "form": form.value}
        log_deed(ledger, workplace.stack, Action.EXPORTED, by, workplace.clock.now(), detail=detail)
        with ledger.read() as con:
            first = first_from(con, _aware(since)) if since else 1
            last = first_from(con, _aware(until)) - 1 if until else None
            done = write(con, output, form.value, neutral=neutral, first=first, last=last)
    finally:
        ledger.close()
    console.print(f"{done.entries:,} entries, {done.first} to {done.last}: {output}", highlight=False)
    console.print(f"The first is linked to {done.previous_hash}", highlight=False)


@audit_app.command("head")
def head(
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; default: HRORCH_HEADS, else `heads` in the home.")
    ] = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Sign where the log ends now, and write that outside the ledger. Refused when the log does not verify."""
    from hrorch_pipelines.audit import heads
    from hrorch_pipelines.audit.errors import AuditBrokenError
    from hrorch_pipelines.audit.verify import verify as prove
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    ledger = workplace.ledger()
    try:
        with ledger.read() as con:
            verdict = prove(con, head=_known_head(workplace, None, None))
        if not verdict.ok:
            raise AuditBrokenError(len(verdict.faults) + verdict.more, str(verdict.faults[0]))
        file = heads.export(ledger, folder)
    finally:
        ledger.close()
    console.print(f"Signed after {verdict.entries:,} entries: {file}", highlight=False)
    notes.print(f"Keep {heads.PUBLIC_KEY} beside it where nobody here can change it.", highlight=False)


def _known_head(workplace: Workplace, file: Path | None, public_key: Path | None) -> Head | None:
    from hrorch_pipelines.audit import heads

    found = file or heads.newest(heads.default_folder(workplace.home))
    if found is None:
        return None
    return heads.load(found, public_key or heads.own_public_key(workplace.home))


def _observed(workplace: Workplace, ledger: Ledger) -> list[Fault]:
    """Change rows against the log's digests, in the published copy, when there is one."""
    from hrorch_pipelines.audit.observed import check

    con = _published(workplace)
    if con is None:
        return []
    with con, ledger.read() as book:
        return check(book, con, lagging=True)


def _published(workplace: Workplace) -> duckdb.DuckDBPyConnection | None:
    from hrorch_pipelines.storage.warehouse import open_published

    return open_published(workplace.home) if workplace.home.published.exists() else None


def _utc(moment: datetime | None) -> datetime | None:
    return _aware(moment) if moment is not None else None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
