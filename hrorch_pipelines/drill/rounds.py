"""What production runs, in the same steps and without Dagster around them: reading, a cycle, a push."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.warehouse import publish
from hrorch_pipelines.workplace import Workplace

READ_EVERY = timedelta(minutes=30)
"""As the presets' schedules do."""


def read(workplace: Workplace, systems: Iterable[str] | None = None) -> None:
    """Take a snapshot of each system, or of these. One that fails is kept as refused, as ever."""
    for name in workplace.stack.systems if systems is None else systems:
        observe(workplace.stack, name, workplace.home, workplace.clock)


def compared(workplace: Workplace, ledger: Ledger) -> None:
    """A whole cycle: gates, identity, authority, discrepancies, cases, the plan; published."""
    from hrorch_pipelines.authority.cells import assemble
    from hrorch_pipelines.authority.golden import decide
    from hrorch_pipelines.corrections.guard import guard
    from hrorch_pipelines.corrections.plan import plan
    from hrorch_pipelines.exceptions.collect import collect
    from hrorch_pipelines.gates.validate import validate
    from hrorch_pipelines.identity.match import match
    from hrorch_pipelines.reconcile.causes import explain_causes
    from hrorch_pipelines.reconcile.compare import compare
    from hrorch_pipelines.reconcile.money import price

    stack, home = workplace.stack, workplace.home
    with workplace.warehouse.write() as con:
        cycle = spine.start(con, stack, home, workplace.clock)
        validate(con, stack, home, cycle, data_docs=False)
        match(con, stack, cycle)
        assemble(con, stack, cycle)
        decide(con, stack, cycle)
        compare(con, stack, cycle)
        explain_causes(con, stack, cycle)
        price(con, stack)
        plan(ledger, con, stack, cycle)
        guard(ledger, con, stack, cycle)
        collect(ledger, con, stack, home, cycle)
        cycles.finish(con, cycle)
    publish(home)


def judged(workplace: Workplace) -> None:
    """The first half of a cycle: what was read meets its gate. Not published."""
    from hrorch_pipelines.gates.validate import validate

    with workplace.warehouse.write() as con:
        cycle = spine.start(con, workplace.stack, workplace.home, workplace.clock)
        validate(con, workplace.stack, workplace.home, cycle, data_docs=False)
        cycles.finish(con, cycle)


def planned(workplace: Workplace, ledger: Ledger) -> None:
    """The last half: the plan is made anew and held to its budgets."""
    from hrorch_pipelines.corrections.guard import guard
    from hrorch_pipelines.corrections.plan import plan

    with workplace.warehouse.write() as con:
        cycle = spine.current(con)
        plan(ledger, con, workplace.stack, cycle)
        guard(ledger, con, workplace.stack, cycle)
