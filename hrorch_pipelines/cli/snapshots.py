"""`hrorch snapshots …`: what was observed, what was refused and why; accept a refused one that is right."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, console, require_reviewer, snapshots_app


@snapshots_app.command("list")
def list_snapshots(stack: StackOption = None, home: HomeOption = None) -> None:
    """The last trusted and the last refused snapshot of every system. Exit code 1 if a refusal is the newest word."""
    from hrorch_pipelines.snapshots import catalogue
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    table = Table("system", "last trusted", "rows", "refused since", "why", "owner", title="Snapshots")
    refused = False
    for name, system in workplace.stack.systems.items():
        good = catalogue.latest(workplace.home, name)
        bad = catalogue.latest_untrusted(workplace.home, name)
        open_refusal = bad is not None and (good is None or bad.observed_at > good.observed_at)
        refused = refused or open_refusal
        table.add_row(
            name,
            good.snapshot_id if good else "none yet",
            str(sum(record.rows for record in good.records.values())) if good else "",
            bad.snapshot_id if bad and open_refusal else "",
            "; ".join(fault.what for fault in bad.faults) if bad and open_refusal else "",
            workplace.stack.people[system.owner].name,
        )
    console.print(table)
    if refused:
        raise typer.Exit(FINDINGS)


@snapshots_app.command("accept")
def accept(
    snapshot: Annotated[str, typer.Argument(help="The id of the refused snapshot, from `hrorch snapshots list`.")],
    by: Annotated[str, typer.Option(help="Who accepts it: a name of `people` in the stack file.")],
    reason: Annotated[str, typer.Option(help="Why it is right; it is kept in the snapshot's manifest.")],
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Accept a snapshot that was refused although the change is real, such as a mass departure."""
    from hrorch_pipelines.audit.deeds import log_deed_in
    from hrorch_pipelines.audit.entries import Action, Actor, Entry
    from hrorch_pipelines.snapshots.accept import accept as keep
    from hrorch_pipelines.snapshots.manifest import system_of
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    system, now = system_of(snapshot), workplace.clock.now()
    entry = Entry(Action.SNAPSHOT_ACCEPTED, Actor("person", by), system=system, snapshot_id=snapshot)
    ledger = workplace.ledger()
    try:
        with ledger.write() as con:  # a refusal takes the entry back; the reason stays in the manifest
            log_deed_in(con, ledger, workplace.stack, entry, now)
            keep(workplace.home, system, snapshot, by, reason, clock=workplace.clock)
    finally:
        ledger.close()
    console.print("Accepted. The next cycle uses it.")
