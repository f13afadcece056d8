"""Runs the Dagster jobs from the command line, in this process, and says in plain words how each ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hrorch_pipelines.workplace import Workplace

INSTANCE_SETTINGS = """\
# Written by hrorch. One writer at a time in the warehouse; nothing is sent to anybody.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: run
"""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class JobOutcome:
    """How one job ended. `reason` is empty when it succeeded."""

    job: str
    ok: bool
    reason: str
    run_id: str


def dagster_home(workplace: Workplace) -> Path:
    """Dagster's own folder inside the run-time folder, with its settings; `DAGSTER_HOME` wins when set."""
    folder = Path(os.environ.get("DAGSTER_HOME", workplace.home.root / "dagster")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        settings.write_text(INSTANCE_SETTINGS, encoding="utf-8")
    return folder


def run_once(
    workplace: Workplace, on_step: Callable[[str], None] = lambda _: None, *, push: bool = True
) -> list[JobOutcome]:
    """Extract from every system, then one cycle, then what is due to be sent. A system that fails is reported, the others go on.

    A cycle that a gate refuses is run once more: it then passes over the refused snapshot for the last good one.
    """
    from hrorch_pipelines.definitions import build_definitions
    from hrorch_pipelines.inbox.sensors import mark_answered

    outcomes = []
    with _instance(workplace) as instance:
        definitions = build_definitions(workplace)
        for name in workplace.stack.systems:
            on_step(f"extract {name}")
            outcomes.append(_run(definitions, instance, f"extract_{name.replace('-', '_')}"))
            mark_answered(workplace, name)
        on_step("cycle")
        cycle = _run(definitions, instance, "cycle")
        outcomes.append(cycle)
        if not cycle.ok and "snapshot" in cycle.reason:
            on_step("cycle, without the refused snapshot")
            outcomes.append(_run(definitions, instance, "cycle"))
        if push and outcomes[-1].ok:
            outcomes += _push(workplace, definitions, instance, on_step)
            outcomes += _hand(workplace, definitions, instance, on_step)
    return outcomes


def push_once(workplace: Workplace, on_step: Callable[[str], None] = lambda _: None) -> list[JobOutcome]:
    """Send what is due to every target, as the sensors do: corrections, then handoffs. Nothing in mode `propose`."""
    from hrorch_pipelines.definitions import build_definitions

    with _instance(workplace) as instance:
        definitions = build_definitions(workplace)
        outcomes = _push(workplace, definitions, instance, on_step)
        return outcomes + _hand(workplace, definitions, instance, on_step)


def _push(
    workplace: Workplace, definitions: object, instance: object, on_step: Callable[[str], None]
) -> list[JobOutcome]:
    """One push job per target that has something due; a target in trouble is reported and the others go on."""
    import dagster as dg

    from hrorch_pipelines.corrections.assets import job_name
    from hrorch_pipelines.corrections.recheck import writable
    from hrorch_pipelines.corrections.sensors import due_run

    outcomes: list[JobOutcome] = []
    if workplace.stack.corrections.mode != "apply":
        return outcomes
    for system in workplace.stack.systems:
        if writable(workplace.stack, system) and isinstance(due_run(workplace, system), dg.RunRequest):
            on_step(f"send to {system}")
            outcomes.append(_run(definitions, instance, job_name(system)))
    return outcomes


def _hand(
    workplace: Workplace, definitions: object, instance: object, on_step: Callable[[str], None]
) -> list[JobOutcome]:
    """Handoffs as the sensors move them: what is due per target, then a pass, until nothing new is due.

    One round brings a chain on by one system, so there are at most as many as there are handoffs, and one.
    """
    import dagster as dg

    from hrorch_pipelines.handoffs.assets import BETWEEN, active, job_name
    from hrorch_pipelines.handoffs.sensors import due_pass, due_run
    from hrorch_pipelines.handoffs.targets import targets

    outcomes: list[JobOutcome] = []
    if not active(workplace.stack):
        return outcomes
    applies = workplace.stack.corrections.mode == "apply"
    for _ in range(len(workplace.stack.handoffs) + 1):
        before = len(outcomes)
        for target in targets(workplace.stack) if applies else ():
            if isinstance(due_run(workplace, target), dg.RunRequest):
                on_step(f"hand over to {target}")
                outcomes.append(_run(definitions, instance, job_name(target)))
        # What was confirmed lets others go on; a clock that stands still would not tell that it was since the last pass.
        if len(outcomes) > before or isinstance(due_pass(workplace)[0], dg.RunRequest):
            on_step("handoffs")
            outcomes.append(_run(definitions, instance, BETWEEN))
        if len(outcomes) == before:
            break
    return outcomes


def _run(definitions: object, instance: object, job: str) -> JobOutcome:
    import dagster as dg

    assert isinstance(definitions, dg.Definitions)  # noqa: S101
    assert isinstance(instance, dg.DagsterInstance)  # noqa: S101
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, run_config=_QUIET
    )
    reasons = [
        event.step_failure_data.user_failure_data.description
        if event.step_failure_data.user_failure_data
        else _innermost(event.step_failure_data.error)
        for event in result.all_events
        if event.is_step_failure
    ]
    return JobOutcome(job, result.success, "; ".join(str(reason) for reason in reasons), result.run_id)


def _innermost(error: object) -> str:
    """The first cause's own words, without the stack trace."""
    while getattr(error, "cause", None):
        error = error.cause  # type: ignore[attr-defined]
    return str(getattr(error, "message", error)).strip()


@contextmanager
def _instance(workplace: Workplace) -> Iterator[object]:
    import dagster as dg

    folder = dagster_home(workplace)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance
