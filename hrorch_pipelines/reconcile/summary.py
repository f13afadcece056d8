"""The comparison in a few numbers, for metadata and headlines: counts and rates, never a value."""

from __future__ import annotations

import duckdb


def by_state(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Discrepancy rows per state; the keys read `state: disagree`."""
    return _counts(con, "SELECT 'state: ' || state, count(*) FROM reconcile.discrepancies GROUP BY ALL ORDER BY 2 DESC")


def by_cause(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Disagreeing cells per cause; the keys read `cause: row_slip`."""
    return _counts(
        con,
        "SELECT 'cause: ' || cause, count(*) FROM reconcile.discrepancies WHERE cause IS NOT NULL GROUP BY ALL ORDER BY 2 DESC",
    )


def by_attribution(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Landings per attribution."""
    return _counts(con, "SELECT attribution, count(*) FROM reconcile.landings GROUP BY ALL ORDER BY 2 DESC")


def headline(con: duckdb.DuckDBPyConnection, cycle_id: str) -> dict[str, float]:
    """The overall rates of a cycle: `M2 discrepancy`, its bounds, its denominator."""
    rows = con.execute(
        "SELECT metric, value, low, high, denominator FROM reconcile.rates WHERE cycle_id = ? AND scope = 'all'",
        [cycle_id],
    ).fetchall()
    found: dict[str, float] = {}
    for metric, value, low, high, denominator in rows:
        figures = {metric: value, f"{metric} low": low, f"{metric} high": high, f"{metric} of": denominator}
        found |= {key: float(figure) for key, figure in figures.items() if figure is not None}
    return found


def residues(con: duckdb.DuckDBPyConnection, cycle_id: str) -> dict[str, int]:
    """What each headcount bridge could not explain; the keys read `unexplained hris>payroll`."""
    return _counts(
        con,
        """SELECT 'unexplained ' || from_system || '>' || to_system, sum("count") FROM reconcile.bridge
           WHERE cycle_id = $cycle AND reason = 'unexplained' GROUP BY ALL""",
        {"cycle": cycle_id},
    )


def _counts(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, str] | None = None) -> dict[str, int]:
    return {str(key): int(n) for key, n in con.execute(query, parameters or {}).fetchall()}
