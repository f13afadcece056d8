"""Great Expectations judges a snapshot's profile (decision 0020) and writes its Data Docs. Figures only, no records."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrorch_pipelines.gates.expectations import SnapshotRule
from hrorch_pipelines.gates.profile import Figure
from hrorch_pipelines.gates.results import Kind, Verdict
from hrorch_pipelines.gates.scope import RecordType


@dataclass(frozen=True)
class Profiled:
    """A record type with its figures and the expectations on them."""

    scope: RecordType
    figures: Sequence[Figure]
    rules: Sequence[SnapshotRule]


def run_suites(system: str, profiled: Sequence[Profiled], data_docs: Path | None) -> list[Verdict]:
    """Judge every record type of one system with one suite each, named `system.record`.

    The system's Data Docs in the folder `data_docs` are replaced: they show the newest verdict; all earlier ones stay in
    `gates.expectations`.
    """
    with _quiet():
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                analytics_enabled=False,
                progress_bars=ProgressBarsConfig(globally=False),
                store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                data_docs_sites={system: _site(data_docs)} if data_docs else {},
            ),
        )
        source = context.data_sources.add_pandas("profile")
        verdicts = [verdict for item in profiled for verdict in _judge(gx, context, source, item)]
        if data_docs:
            shutil.rmtree(data_docs, ignore_errors=True)
            context.build_data_docs()
    return verdicts


def _judge(gx: Any, context: Any, source: Any, item: Profiled) -> Iterator[Verdict]:
    import pandas as pd

    name = item.scope.name
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("snapshot")
    expectations = [_expectation(gx, rule) for rule in item.rules]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    values: Mapping[str, float | None] = {figure.measure: figure.value for figure in item.figures}
    frame = pd.DataFrame({measure: [value] for measure, value in values.items()}, dtype="float64")
    outcome = definition.run(batch_parameters={"dataframe": frame}, result_format="BASIC")
    found = {result.expectation_config.meta["expectation"]: result for result in outcome.results}
    for rule in item.rules:
        yield _verdict(item.scope, rule, found[rule.expectation], values.get(rule.measure))


def _expectation(gx: Any, rule: SnapshotRule) -> Any:
    return gx.expectations.ExpectColumnValuesToBeBetween(
        column=rule.measure,
        min_value=rule.low,
        max_value=rule.high,
        severity="critical" if rule.severity == "error" else "warning",
        meta={"expectation": rule.expectation},
        notes=f"{rule.expectation}: {rule.measure} {rule.limit_text}. {rule.action}.",
    )


def _verdict(scope: RecordType, rule: SnapshotRule, result: Any, observed: float | None) -> Verdict:
    crashed = _raised(result.exception_info)
    kind = (
        Kind.GATE_ERROR
        if crashed
        else Kind.NOT_JUDGED
        if observed is None
        else None
        if result.success
        else Kind.BAD_DATA
    )
    return Verdict(
        record=scope.record,
        expectation=rule.expectation,
        attribute=rule.attribute,
        observed=observed,
        limit_text=rule.limit_text,
        passed=bool(result.success) and not crashed,
        severity=rule.severity,
        kind=kind,
    )


def _raised(info: Any) -> bool:
    """Whether the expectation itself failed. One exception is told flat, several by the metric they arose in."""
    if not info:
        return False
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(bool(_get(one, "raised_exception")) or bool(_get(one, "exception_message")) for one in info.values())


def _get(info: Any, name: str) -> Any:
    return info.get(name) if isinstance(info, dict) else getattr(info, name, None)


def _site(folder: Path) -> dict[str, Any]:
    page = {"module_name": "hrorch_pipelines.gates.pages", "class_name": "PageView"}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_section_builders": {"expectations": {"view": page}, "validations": {"view": page}, "profiling": "None"},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": {**page, "class_name": "IndexView"}},
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Great Expectations logs what its results say anyway."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
