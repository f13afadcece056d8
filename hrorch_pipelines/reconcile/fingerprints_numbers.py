"""Fingerprints of numbers: digits exchanged or mistyped, a factor between pay periods, working time, exchange rates."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.fingerprints import Fingerprint
from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.stack.models import Stack

NEAR_RATE = 0.0005
"""Relative band around an exchange rate: catalogues round theirs."""

_EXACT = "greatest(2e-5, 0.0051 * coalesce(per_year, 1) / cn)"
"""Relative band in which a ratio is exactly a factor: the copy's own amount is rounded to the cent, and nothing else is."""

FREQUENCIES = (12.0, 24.0, 26.0, 52.0, 260.0, 2080.0)
THOUSANDS = 1000.0


def _factors() -> tuple[float, ...]:
    """Every ratio between two pay periods, and 1000 (an amount in thousands)."""
    periods = (1.0, *FREQUENCIES)
    ratios = {round(left / right, 9) for left in periods for right in periods if left > right}
    return tuple(sorted(ratios | {THOUSANDS}))


# What a person types is a number in the copy's own unit, to the cent; trailing ".00" is not typed.
_TYPED = "regexp_replace(printf('%.2f', {column} / coalesce(per_year, 1)), '[.]00$', '')"
_IS_TYPED = (
    "(kind <> 'pay' OR abs(round({column} / coalesce(per_year, 1), 2) * coalesce(per_year, 1) - {column})"
    " < 0.011 * coalesce(per_year, 1))"
)
_A_DIGITS = f"""(CASE WHEN kind IN ('pay', 'money') THEN regexp_replace({_TYPED.format(column="an")}, '[^0-9]', '', 'g')
                      ELSE regexp_replace(a, '[^0-9]', '', 'g') END)"""
_C_DIGITS = f"""(CASE WHEN kind IN ('pay', 'money') THEN regexp_replace({_TYPED.format(column="cn")}, '[^0-9]', '', 'g')
                      ELSE regexp_replace(c, '[^0-9]', '', 'g') END)"""
# Letters must agree: in `A-1203` against `B-1203` no digit was mistyped.
_DIGIT_KIND = """(kind IN ('pay', 'money', 'decimal', 'integer', 'date')
    OR (kind IN ('identifier', 'phone', 'text')
        AND regexp_replace(a, '[0-9]', '', 'g') = regexp_replace(c, '[0-9]', '', 'g')))"""
_BOTH_TYPED = f"({_IS_TYPED.format(column='an')} AND {_IS_TYPED.format(column='cn')})"
_RATIO = "(CASE WHEN an > 0 AND cn > 0 THEN greatest(an, cn) / least(an, cn) END)"
_FACTOR_LIST = ", ".join(str(factor) for factor in _factors())

NUMBERS: tuple[Fingerprint, ...] = (
    Fingerprint(
        Cause.TRANSPOSED_DIGITS,
        f"""{_DIGIT_KIND} AND coalesce({_BOTH_TYPED}, TRUE) AND length({_A_DIGITS}) = length({_C_DIGITS})
            AND damerau_levenshtein({_A_DIGITS}, {_C_DIGITS}) = 1 AND levenshtein({_A_DIGITS}, {_C_DIGITS}) = 2""",
        "'two neighbouring digits are exchanged'",
    ),
    Fingerprint(
        Cause.ONE_DIGIT,
        f"{_DIGIT_KIND} AND coalesce({_BOTH_TYPED}, TRUE) AND levenshtein({_A_DIGITS}, {_C_DIGITS}) = 1",
        f"""CASE WHEN length({_A_DIGITS}) > length({_C_DIGITS}) THEN 'one digit is missing'
                 WHEN length({_A_DIGITS}) < length({_C_DIGITS}) THEN 'one digit too many' ELSE 'one digit is different' END""",
    ),
    Fingerprint(
        Cause.FTE_SHARE,
        f"""kind IN ('pay', 'money') AND fte > 0 AND fte <> 1
            AND (abs(cn / (an * fte) - 1) < {_EXACT} OR abs(an / (cn * fte) - 1) < {_EXACT})""",
        "'the amounts differ by the working time (FTE)'",
    ),
    Fingerprint(
        Cause.PAY_FREQUENCY_FACTOR,
        f"kind IN ('pay', 'money') AND list_bool_or(list_transform([{_FACTOR_LIST}], lambda f: abs({_RATIO} / f - 1) < {_EXACT}))",
        "'the amounts differ by exactly a pay-period factor'",
    ),
    Fingerprint(
        Cause.EXCHANGE_RATE,
        f"kind IN ('pay', 'money') AND EXISTS (SELECT 1 FROM cause_exchange WHERE abs({_RATIO} / rate - 1) < {NEAR_RATE})",
        "'the amounts differ by an exchange rate of the catalogue'",
    ),
)


def load_rates(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Fill `cause_exchange(rate)` with every rate > 1 between two currencies of `catalogues/exchange_rates.csv`.

    The file has the columns `currency,per_usd`. Without it no exchange-rate cause is ever given.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE cause_exchange (rate DOUBLE)")
    path = stack.folder / "catalogues" / "exchange_rates.csv"
    if path.is_file():
        con.execute(
            """INSERT INTO cause_exchange
               WITH rates AS (SELECT currency, TRY_CAST(per_usd AS DOUBLE) AS per_usd FROM read_csv(?, all_varchar = true, header = true)
                              UNION SELECT 'USD', 1.0)
               SELECT DISTINCT x.per_usd / y.per_usd FROM rates x, rates y WHERE x.per_usd > y.per_usd * 1.005""",
            [str(path)],
        )
