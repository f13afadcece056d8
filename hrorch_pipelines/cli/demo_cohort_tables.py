"""What `hrorch demo` prints of the cohort: the weeks, each handoff, the verdict by the documents, who typed what."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table

from hrorch_pipelines.cli.app import console

if TYPE_CHECKING:
    from hrorch_pipelines.cli.demo_cohort import CohortTold
    from hrorch_pipelines.workplace import Workplace


def tell_cohort(told: CohortTold, workplace: Workplace) -> None:
    """Everything about the cohort."""
    _tell_weeks(told)
    _tell_handoffs(workplace)
    _tell_verdicts(told)
    _tell_reentry(told, workplace)


def _tell_weeks(told: CohortTold) -> None:
    title = f"The cohort: {told.applicants} apply, {told.leavers} leave; from application to first pay"
    table = Table("day", "what went wrong", "steps afterwards", title=title, title_justify="left")
    for look in told.looks:
        failed = [f"{one.job}: {one.reason.splitlines()[0]}" for one in look.outcomes if not one.ok]
        wrong = "; ".join([*([look.trouble.says] if look.trouble else []), *(failed if not look.trouble else [])])
        states = ", ".join(f"{count} {state}" for state, count in sorted(look.steps.items()))
        table.add_row(f"{look.day}", wrong, states)
    console.print(table)


def _tell_handoffs(workplace: Workplace) -> None:
    from hrorch_pipelines.reports.handoffs import status, steps
    from hrorch_pipelines.reports.render import render

    ledger = workplace.ledger()
    table = status(ledger, workplace.stack)
    waiting = steps(ledger, workplace.stack, states=["parked"])
    ledger.close()
    render(table, "table")
    place = {name: waiting.place(name) for name in ("handoff", "missing", "whose")}
    parked = Counter(tuple(row[place[name]] for name in place) for row in waiting.rows)
    for (handoff, missing, whose), count in sorted(parked.items()):
        console.print(f"{handoff}: {count} wait for {missing}; it is the turn of {whose}.", highlight=False)


def _tell_verdicts(told: CohortTold) -> None:
    """By handoff: how many members are as they must be, in the systems' own documents."""
    counted = Counter((one.handoff, one.state) for one in told.verdicts)
    handoffs = list(dict.fromkeys(one.handoff for one in told.verdicts))
    states = [
        state
        for state in ("once", "already", "taken back", "absent", "told", "right")
        if any((handoff, state) in counted for handoff in handoffs)
    ]
    table = Table(title="The cohort, judged by the systems' documents", title_justify="left")
    table.add_column("what must be so", no_wrap=True)
    for heading in (*states, "wrong"):
        table.add_column(heading, justify="right")
    for handoff in handoffs:
        wrong = sum(one.handoff == handoff for one in told.wrong)
        figures = (str(counted[handoff, state] or "") for state in states)
        table.add_row(handoff, *figures, str(wrong or ""), style="bold red" if wrong else "")
    console.print(table)
    for one in told.wrong:
        who = f"member {one.member} ({one.kind.replace('_', ' ')})" if one.member else ""
        console.print(f"  {one.handoff}: {one.state} {who} {one.detail}".rstrip(), style="bold red", markup=False)
    fine = len(told.verdicts) - len(told.wrong)
    console.print(f"{fine} of {len(told.verdicts)} are as they must be.", highlight=False)


def _tell_reentry(told: CohortTold, workplace: Workplace) -> None:
    """M1 at the handoffs, and what was found out about the records that people typed."""
    from hrorch_pipelines.reports.reentry import reentry
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.storage.warehouse import open_published

    ledger = workplace.ledger()
    with open_published(workplace.home) as con:
        render(reentry(ledger, con, workplace.stack), "table")
    ledger.close()
    counted = Counter(one.found for one in told.typed)
    ways = ", ".join(f"{counted[way]} {words}" for way, words in _FOUND.items() if counted[way])
    missed = counted["missed"]
    console.print(
        f"Records that people of the cohort typed by hand: {len(told.typed)}, found to be typed: "
        f"{len(told.typed) - missed} ({ways}).",
        style="bold red" if missed else "",
        highlight=False,
    )


_FOUND = {
    "named": "the system says who",
    "traced": "an error that only hands make",
    "not_ours": "there before the program, in a system that tells nobody",
    "missed": "not found",
}
