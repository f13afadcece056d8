"""What `hrorch demo` prints: the days, planted and found, what was put right, cases, rates, the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from rich.table import Table

from hrorch_pipelines.cli.app import console
from hrorch_pipelines.reports.table import Table as Report
from hrorch_pipelines.storage.ledger_tables import cases, corrections

if TYPE_CHECKING:
    from hrorch_pipelines.cli.demo import Judged, Told
    from hrorch_pipelines.sandbox.score import KindScore
    from hrorch_pipelines.workplace import Workplace

_STATES = ("confirmed", "sent", "ready", "awaiting_approval", "frozen", "conflicted", "diverged", "failed", "withdrawn")


def tell(story: Sequence[Told], scores: Sequence[KindScore], judged: Judged, workplace: Workplace) -> None:
    """Everything, in the order in which it happened."""
    _tell_story(story)
    _tell_scores(scores)
    _tell_corrections(story, judged, workplace)
    _tell_cases(workplace)
    _tell_figures(workplace)
    _tell_log(workplace)


def discrepancy_rate(workplace: Workplace) -> str:
    """M2 of the last cycle, as a percentage."""
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        rows = con.execute(
            """SELECT numerator, denominator FROM reconcile.rates WHERE metric = 'M2 discrepancy rate' AND scope = 'all'
               QUALIFY row_number() OVER (ORDER BY as_of DESC, cycle_id DESC) = 1"""
        ).fetchall()
    return f"{rows[0][0] / rows[0][1]:.2%}" if rows and rows[0][1] else "-"


def by_state(workplace: Workplace) -> Mapping[str, int]:
    """How many corrections stand in each state."""
    ledger = workplace.ledger()
    with ledger.read() as con:
        rows = con.execute(sa.select(corrections.c.state, sa.func.count()).group_by(corrections.c.state)).all()
    ledger.close()
    return {row[0]: row[1] for row in rows}


def _tell_story(story: Sequence[Told]) -> None:
    table = Table("day", "what happened", "what HRORCH did", "disagree", title="The days", title_justify="left")
    for told in story:
        did = [
            f"refused {outcome.job.removeprefix('extract_')} and kept its last good snapshot, stale: {_short(outcome.reason)}"
            for outcome in told.outcomes
            if not outcome.ok
        ]
        if told.day.looks:
            did = did or ["read everything, compared everything"]
        did.append(", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(told.states.items())))
        table.add_row(told.date, told.day.title, "\n".join(did), told.rate if told.day.looks else "")
    console.print(table)


def _short(reason: str) -> str:
    """What went wrong, without the remedy in brackets: the owner is told all of it, here it is a story."""
    return reason.splitlines()[0].split(" (")[0].rpartition(": ")[2]


def _tell_scores(scores: Sequence[KindScore]) -> None:
    table = Table(title="Planted and found", title_justify="left")
    table.add_column("kind of fault", no_wrap=True)
    for heading in ("planted", "found", "false", "cause", "recall", "prec."):
        table.add_column(heading, justify="right")
    for score in scores:
        table.add_row(
            score.kind.replace("_", " "),
            *(str(n) for n in (score.planted, score.found, score.false)),
            f"{score.cause_right}/{score.cause_of}" if score.cause_of else "",
            *("" if rate is None else f"{rate:.2f}" for rate in (score.recall, score.precision)),
            style="" if not (score.missed or score.false) else "bold red",
        )
    console.print(table)
    console.print(
        "found: of those planted. false: found where nothing was planted. cause: named rightly, of those where the data tell it.",
        style="dim",
    )
    undecided = [f"{score.kind} ({score.undecided})" for score in scores if score.undecided]
    if undecided:
        console.print(f"Planted, but not to be told from the data alone: {', '.join(undecided)}.")


def _tell_corrections(story: Sequence[Told], judged: Judged, workplace: Workplace) -> None:
    ledger = workplace.ledger()
    with ledger.read() as con:
        rows = con.execute(
            sa.select(
                corrections.c.target, corrections.c.state, sa.func.count(), sa.func.count(corrections.c.sent_at)
            ).group_by(corrections.c.target, corrections.c.state)
        ).all()
    ledger.close()
    states = [state for state in _STATES if any(row[1] == state for row in rows)]
    table = Table(title="Corrections", title_justify="left")
    table.add_column("target", no_wrap=True)
    for heading in ("proposed", "sent", *(state.replace("_", " ") for state in states)):
        table.add_column(heading, justify="right")
    for target in sorted({row[0] for row in rows}):
        own = {state: (count, sent) for name, state, count, sent in rows if name == target}
        proposed, sent = (sum(pair[place] for pair in own.values()) for place in (0, 1))
        counts = (str(own[state][0]) if state in own else "" for state in states)
        table.add_row(target, str(proposed), str(sent), *counts)
    console.print(table)
    looked = [told.rate for told in story if told.day.looks]
    wrong = len(judged.twin.spoilt) + len(judged.unplanted)
    console.print(
        f"Discrepancy rate before: {looked[0]}, after: {looked[-1]}. [bold]False corrections: {wrong}[/bold] "
        f"(each confirmed one is in the label file; beside a twin company without faults, "
        f"{len(judged.twin.repaired)} values were put right and {len(judged.twin.spoilt)} spoilt).",
        highlight=False,
    )
    for place in (*judged.twin.spoilt, *judged.unplanted):
        console.print(f"  false: {' '.join(place)}", style="bold red", markup=False)


def _tell_cases(workplace: Workplace) -> None:
    ledger = workplace.ledger()
    with ledger.read() as con:
        rows = con.execute(
            sa.select(cases.c.reviewer, cases.c.state, sa.func.count()).group_by(cases.c.reviewer, cases.c.state)
        ).all()
    ledger.close()
    states = sorted({state for _, state, _ in rows})
    table = Table(title="Cases by reviewer", title_justify="left")
    table.add_column("reviewer", no_wrap=True)
    for state in states:
        table.add_column(state.replace("_", " "), justify="right")
    for reviewer in sorted({row[0] for row in rows}):
        own = {state: count for name, state, count in rows if name == reviewer}
        table.add_row(reviewer, *(str(own.get(state, "")) for state in states))
    console.print(table)


def _tell_figures(workplace: Workplace) -> None:
    from hrorch_pipelines.reports.bridge import bridge
    from hrorch_pipelines.reports.metrics import metrics
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        rates = metrics(con, workplace.stack, history=True)
        render(Report(rates.title, rates.columns, rates.rows, None, rates.notes), "table")
        render(bridge(con, workplace.stack), "table")


def _tell_log(workplace: Workplace) -> None:
    from hrorch_pipelines.audit.verify import verify

    ledger = workplace.ledger()
    with ledger.read() as con:
        verdict = verify(con)
    ledger.close()
    console.print(
        f"Audit log: {verdict.entries} entries, {'the chain holds' if verdict.ok else 'THE CHAIN IS BROKEN'}.",
        highlight=False,
    )
