"""Judges the picked records, chunk by chunk, and notes every failure in one temporary table. Writes nothing lasting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb

from hrorch_pipelines.gates.candidates import pick
from hrorch_pipelines.gates.errors import CountsDisagree
from hrorch_pipelines.gates.facts import check_binding, gather, subjects
from hrorch_pipelines.gates.results import Counts, GateError, Kind, RuleFailures
from hrorch_pipelines.gates.rules import RowRule, row_rules
from hrorch_pipelines.gates.schemas import record_schema
from hrorch_pipelines.gates.scope import RecordType, Snapshot, arrow_table, one
from hrorch_pipelines.gates.structure import find_structural
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK = 100_000
"""Records in memory at a time."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one record type. Its records lie in `facts`, what failed in
    `failures(gate_row, rule, kind, note, found)`: `note` is a count or code of ours, `found` a raw text.
    """

    scope: RecordType
    rules: tuple[RowRule, ...]
    errors: tuple[GateError, ...]
    counts: Counts
    failures: tuple[RuleFailures, ...]
    everything: bool

    @property
    def unjudged(self) -> bool:
        """A rule that decides could not be evaluated for the record type as a whole: none of its records may pass."""
        return any(rule.fault and rule.severity == "error" for rule in self.rules)


def judge(
    con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle, *, everything: bool
) -> Judgement:
    """Judge one record type of a snapshot. Raises CountsDisagree when a record got lost on the way."""
    rules = check_binding(con, scope, row_rules(scope))
    picked = snapshot.holds("h") if everything else pick(con, scope, snapshot, cycle, rules)
    rules = _gather(con, scope, snapshot, cycle, rules, picked)
    failures = scope.temporary("failures")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {failures} (gate_row BIGINT, rule INTEGER, kind VARCHAR, note VARCHAR, found VARCHAR)"
    )
    crashed = _run_pandera(con, scope, cycle, rules)
    rules = [replace(rule, fault="crashed") if rule.number in crashed else rule for rule in rules]
    con.execute(f"DELETE FROM {failures} WHERE list_contains($crashed, rule)", {"crashed": sorted(crashed)})
    _note_row_crashes(con, scope, rules)
    rules = find_structural(con, scope, rules)
    errors = tuple(GateError(scope.record, rule.rule_id, rule.fault) for rule in rules if rule.fault)
    judgement = Judgement(scope, tuple(rules), errors, Counts(0, 0, 0, 0), (), everything)
    return replace(judgement, counts=_count(con, snapshot, judgement), failures=_summary(con, judgement))


def deciding(judgement: Judgement) -> list[int]:
    """Numbers of the rules whose failure keeps a record out."""
    return [rule.number for rule in judgement.rules if rule.severity == "error"]


def _gather(
    con: duckdb.DuckDBPyConnection,
    scope: RecordType,
    snapshot: Snapshot,
    cycle: Cycle,
    rules: list[RowRule],
    picked: str,
) -> list[RowRule]:
    """Gather the facts. When the engine gives up on them, find the rule that makes it, and leave that one out."""
    try:
        gather(con, scope, snapshot, cycle, rules, picked)
    except duckdb.Error:
        culprits = [
            rule
            for rule in rules
            if (rule.when or rule.sql) and not _gathers(con, scope, snapshot, cycle, rule, picked)
        ]
        if not culprits:
            raise
        rules = [replace(rule, fault="crashed") if rule in culprits else rule for rule in rules]
        gather(con, scope, snapshot, cycle, rules, picked)
    return rules


def _gathers(
    con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle, rule: RowRule, picked: str
) -> bool:
    try:
        gather(con, scope, snapshot, cycle, [rule], picked)
    except duckdb.Error:
        return False
    return True


def _run_pandera(con: duckdb.DuckDBPyConnection, scope: RecordType, cycle: Cycle, rules: Sequence[RowRule]) -> set[int]:
    """Insert what fails into `failures`; return the numbers of rules that crashed."""
    judged = [rule for rule in rules if not rule.structural and not rule.fault]
    (picked,) = one(con, f"SELECT count(*) FROM {scope.temporary('facts')}")
    if not judged or not picked:
        return set()
    import pyarrow as pa
    from pandera.errors import SchemaErrors

    schema = record_schema(scope, judged, cycle)
    columns = sorted({subject.name for rule in judged for subject in subjects(scope, rule)})
    crashed: set[int] = set()
    for frame in _chunks(con, scope, columns):
        errors: list[Any] = []
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as found:
            errors = list(found.schema_errors)
        # Outside the handler: pandera's error holds failing values, so it must not become the context of another one.
        if errors:
            crashed |= _note(con, scope, judged, errors, pa)
    return crashed


def _chunks(con: duckdb.DuckDBPyConnection, scope: RecordType, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    facts = scope.temporary("facts")
    (total,) = one(con, f"SELECT count(*) FROM {facts}")
    listed = ", ".join(ident(name) for name in ["gate_row", *columns])
    for start in range(0, total, CHUNK):
        query = f"SELECT {listed} FROM {facts} WHERE gate_row >= $start AND gate_row < $end"
        table = arrow_table(con, query, {"start": start, "end": start + CHUNK})
        yield table.to_pandas(types_mapper=pd.ArrowDtype).set_index("gate_row")


def _note(
    con: duckdb.DuckDBPyConnection, scope: RecordType, judged: Sequence[RowRule], errors: Sequence[Any], pa: Any
) -> set[int]:
    """Turn pandera's errors into rows of `failures`. One without row indices means that the rule itself did not work."""
    from pandera.errors import SchemaErrorReason

    rows: list[pa.Table] = []
    crashed: set[int] = set()
    for error in errors:
        number = getattr(error.check, "error", None)
        if number is None:
            # A column that is not of its declared type: nothing of this chunk has been judged.
            return {rule.number for rule in judged}
        if error.reason_code is SchemaErrorReason.DATAFRAME_CHECK and not isinstance(error.failure_cases, str):
            indices = error.failure_cases["index"].dropna().unique()
            if len(indices):
                rows.append(pa.table({"gate_row": pa.array(indices, pa.int64()), "rule": [int(number)] * len(indices)}))
                continue
        crashed.add(int(number))
    if rows:
        con.register("gate_failures_found", pa.concat_tables(rows))
        con.execute(
            f"INSERT INTO {scope.temporary('failures')} "
            f"SELECT gate_row, rule, '{Kind.BAD_DATA}', NULL, NULL FROM gate_failures_found"
        )
        con.unregister("gate_failures_found")
    return crashed


def _note_row_crashes(con: duckdb.DuckDBPyConnection, scope: RecordType, rules: Sequence[RowRule]) -> None:
    """A rule that failed to evaluate on single records has judged the others; those wait, marked as gate errors."""
    for rule in rules:
        if (rule.when or rule.sql) and not rule.fault:
            con.execute(
                f"INSERT INTO {scope.temporary('failures')} SELECT gate_row, $rule, '{Kind.GATE_ERROR}', NULL, NULL "
                f"FROM {scope.temporary('facts')} WHERE {ident(f'#{rule.number} crash')}",
                {"rule": rule.number},
            )


def _count(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, judgement: Judgement) -> Counts:
    """Count each fate on its own, so that a lost record shows."""
    scope = judgement.scope
    facts, failures = scope.temporary("facts"), scope.temporary("failures")
    (rows,) = one(con, f"SELECT count(*) FROM {scope.history} AS h WHERE {snapshot.holds('h')}")
    (unchanged,) = one(
        con,
        f"SELECT count(*) FROM {scope.history} AS h WHERE {snapshot.holds('h')} "
        f"AND h.rowid NOT IN (SELECT history_row FROM {facts})",
    )
    failing = f"(SELECT gate_row FROM {failures} WHERE list_contains($deciding, rule))"
    fates = {"deciding": deciding(judgement)}
    (passed,) = one(con, f"SELECT count(*) FROM {facts} WHERE gate_row NOT IN {failing}", fates)
    (quarantined,) = one(con, f"SELECT count(*) FROM {facts} WHERE gate_row IN {failing}", fates)
    if judgement.unjudged:
        passed, quarantined = 0, passed + quarantined
    counts = Counts(rows, passed, quarantined, unchanged)
    if rows != passed + quarantined + unchanged:
        raise CountsDisagree(
            scope.system,
            scope.record,
            f"{rows} in, {passed} passed, {quarantined} quarantined, {unchanged} unchanged",
        )
    return counts


def _summary(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> tuple[RuleFailures, ...]:
    scope = judgement.scope
    rules = {rule.number: rule for rule in judgement.rules}
    rows = con.execute(
        f"SELECT rule, kind, count(DISTINCT gate_row) FROM {scope.temporary('failures')} GROUP BY ALL ORDER BY rule, kind"
    ).fetchall()
    return tuple(
        RuleFailures(scope.record, rules[number].rule_id, rules[number].severity, Kind(kind), records)
        for number, kind, records in rows
    )
