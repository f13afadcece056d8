"""pandera schemas made from the rules: the judge of single records. What the columns are is in `facts`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from hrorch_pipelines.gates.facts import Subject, subjects
from hrorch_pipelines.gates.rules import RowRule
from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.storage.cycles import Cycle

if TYPE_CHECKING:
    import pandas as pd


def record_schema(scope: RecordType, rules: Sequence[RowRule], cycle: Cycle) -> Any:
    """A `pandera.pandas.DataFrameSchema` over the facts; each check's `error` is the number of its rule.

    NULL passes every rule but `required`, which looks at the cell's state. Columns come as Arrow types, so that decimals
    are exact and dates reach from year 1 to 9999.
    """
    import pandera.pandas as pandera

    columns: dict[str, tuple[Subject, list[Any]]] = {}
    across = []
    for rule in rules:
        looked_at = subjects(scope, rule)
        for subject in looked_at:
            columns.setdefault(subject.name, (subject, []))
        if rule.other:
            across.append(_order(rule, looked_at))
        else:
            columns[looked_at[0].name][1].append(_check(rule, looked_at[0], cycle))
    return pandera.DataFrameSchema(
        {
            name: pandera.Column(arrow_type(subject.kind), checks, nullable=True)
            for name, (subject, checks) in columns.items()
        },
        checks=across,
        name=scope.name,
    )


def arrow_type(kind: str) -> Any:
    """The pandas type of a SQL type."""
    import pandas as pd
    import pyarrow as pa

    types = {
        "VARCHAR": pa.string(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
        "BIGINT": pa.int64(),
        "DECIMAL(18,4)": pa.decimal128(18, 4),
        "BOOLEAN": pa.bool_(),
    }
    return pd.ArrowDtype(types[kind])


def _check(rule: RowRule, subject: Subject, cycle: Cycle) -> Any:
    import pandera.pandas as pandera

    check, error = pandera.Check, str(rule.number)
    match rule.kind:
        case "required":
            return check.ne("empty", error=error)
        case "pattern":
            return check(_finds(rule.pattern or ""), error=error, name=f"finds {rule.pattern}")
        case "one_of":
            return check.isin(list(rule.allowed), error=error)
        case "range" if rule.high is None:
            return check.ge(rule.low, error=error)
        case "range" if rule.low is None:
            return check.le(rule.high, error=error)
        case "range":
            return check(_between(rule.low, rule.high), error=error, name=f"between {rule.low} and {rule.high}")
        case "max_length":
            return check.str_length(max_value=rule.high, error=error)
        case "unique":
            return check.le(1, error=error)
        case "not_future" if subject.kind == "DATE":
            return check.le(cycle.as_of, error=error)
        case "not_future":
            return check.le(cycle.now.astimezone(UTC).replace(tzinfo=None), error=error)
        case "sql":
            return check.eq(True, error=error)
    raise AssertionError(f"no check for rule {rule.kind}")


def _between(low: Any, high: Any) -> Callable[[pd.Series[Any]], pd.Series[Any]]:
    """pandera's own `in_range` refuses a `high` below `low` at load; here such a rule simply fails every record."""
    return lambda values: (values >= low) & (values <= high)


def _finds(pattern: str) -> Callable[[pd.Series[Any]], pd.Series[Any]]:
    """The pattern is found somewhere in the text; `^` and `$` anchor it.

    RE2 (as in DuckDB), not Python's `re`: linear in the text, so no pattern can stall a gate, and the same dialect as in
    a rule's SQL.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    def found(values: pd.Series[Any]) -> pd.Series[Any]:
        matched = pc.match_substring_regex(pa.array(values), pattern)
        passed: pd.Series[Any] = pd.Series(pd.array(matched, dtype=pd.ArrowDtype(pa.bool_())), index=values.index)
        return passed

    return found


def _order(rule: RowRule, looked_at: Sequence[Subject]) -> Any:
    import pandera.pandas as pandera

    first, second = looked_at[0].name, looked_at[1].name

    def in_order(frame: pd.DataFrame) -> Any:
        compared = frame[first] >= frame[second] if rule.kind == "not_before" else frame[first] <= frame[second]
        return compared.fillna(True)

    # `ignore_na` would let a record pass as soon as any column of the frame is empty.
    return pandera.Check(in_order, error=str(rule.number), ignore_na=False, name=f"{first} {rule.kind} {second}")
