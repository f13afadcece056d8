"""Dagster's door to this room: one accepted table per record type, with its gate as blocking checks."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.gates.cases import records_waiting
from hrorch_pipelines.gates.results import GateResult, Kind, RuleFailures
from hrorch_pipelines.gates.validate import validate
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import attribute_columns
from hrorch_pipelines.workplace import Workplace

GROUP = "validate"


def accepted_assets(stack: Stack) -> dg.AssetsDefinition:
    """`accepted/<system>/<record>`: the last good version of every record. Two checks each: `records`, `snapshot`."""
    types = [(name, record) for name, system in stack.systems.items() for record in system.records]

    @dg.multi_asset(
        name="gates",
        specs=[
            dg.AssetSpec(
                ["accepted", name, record],
                deps=[["history", name]],
                group_name=GROUP,
                kinds={"pandera", "duckdb"},
                owners=[stack.people[stack.systems[name].owner].email],
                description=f"The last good version of every {record} of {name}; what failed waits in quarantine.",
                metadata={"dagster/column_schema": _columns(stack, name, record)},
            )
            for name, record in types
        ],
        check_specs=[
            dg.AssetCheckSpec(check, asset=["accepted", name, record], blocking=True, description=words)
            for name, record in types
            for check, words in (
                ("records", "pandera: every new or changed record against the rules of the stack file."),
                ("snapshot", "Great Expectations: volume, completeness, drift, uniqueness, references."),
            )
        ],
        pool="warehouse",
    )
    def gates(
        workplace: dg.ResourceParam[Workplace],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with workplace.warehouse.write() as con:
            results = {
                result.system: result for result in validate(con, workplace.stack, workplace.home, spine.current(con))
            }
            waiting = records_waiting(con)
        for name, record in types:
            result = results.get(name)
            yield from _checks(result, name, record, waiting.get((name, record), 0))
            yield dg.MaterializeResult(asset_key=["accepted", name, record], metadata=_metadata(result, record))

    return gates


def _checks(result: GateResult | None, name: str, record: str, waiting: int) -> Iterator[dg.AssetCheckResult]:
    """A quarantined record warns; a rule that crashed, or a snapshot that failed its suite, stops what is downstream."""
    unjudged = (
        [failure for failure in result.rule_failures if failure.record == record and _stops(failure)] if result else []
    )
    yield dg.AssetCheckResult(
        asset_key=["accepted", name, record],
        check_name="records",
        passed=not unjudged and not waiting,
        severity=dg.AssetCheckSeverity.ERROR if unjudged else dg.AssetCheckSeverity.WARN,
        metadata={
            "records waiting": waiting,
            "gate errors": [
                f"{error.rule_id}: {error.code}"
                for error in (result.gate_errors if result else ())
                if error.record == record
            ],
        },
    )
    failed = [e for e in result.expectations if e.record == record and not e.passed] if result else []
    yield dg.AssetCheckResult(
        asset_key=["accepted", name, record],
        check_name="snapshot",
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR
        if any(e.severity == "error" for e in failed)
        else dg.AssetCheckSeverity.WARN,
        metadata={"failed": [f"{e.expectation} {e.attribute or ''}".strip() for e in failed]},
    )


def _stops(failure: RuleFailures) -> bool:
    """A rule that could not be evaluated says nothing about the data, so nothing downstream may rely on it."""
    return failure.kind is Kind.GATE_ERROR and failure.severity == "error"


def _metadata(result: GateResult | None, record: str) -> dict[str, dg.MetadataValue]:
    counts = result.records.get(record) if result else None
    if counts is None:
        return {"note": dg.MetadataValue.text("nothing new since the last cycle")}
    return {
        "dagster/row_count": dg.MetadataValue.int(counts.input),
        "passed": dg.MetadataValue.int(counts.passed),
        "quarantined": dg.MetadataValue.int(counts.quarantined),
        "unchanged": dg.MetadataValue.int(counts.unchanged),
    }


def _columns(stack: Stack, system: str, record: str) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                kind,
                description=stack.attributes[name].purpose,
                tags={"sensitivity": stack.attributes[name].sensitivity.value},
            )
            for name, kind in attribute_columns(stack, system, record).items()
        ]
    )
