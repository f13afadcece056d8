"""The Splink model: what is compared, how it is trained, what is assumed when there is too little to train on.

Scoring pairs with it is in `scoring`. Stored settings hold levels and weights, never a value.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.stack.terms import AttributeType

SEED = 20240229
ENOUGH_RECORDS = 500
ENOUGH_PAIRS = 200
SCARCE_PRIOR = 1e-3
"""Probability that two random records match, declared for stacks too small to count it."""

LEVELS = ("missing", "exact", "nickname", "close", "similar", "differs")
_DECLARED: dict[str, dict[str, tuple[float, float]]] = {
    "name": {
        "exact": (0.86, 0.01),
        "nickname": (0.05, 0.004),
        "close": (0.06, 0.006),
        "similar": (0.02, 0.02),
        "differs": (0.01, 0.96),
    },
    "date": {"exact": (0.93, 0.0001), "close": (0.05, 0.001), "similar": (0.01, 0.01), "differs": (0.01, 0.9889)},
    "code": {"exact": (0.85, 0.005), "close": (0.05, 0.01), "differs": (0.10, 0.985)},
}
"""Level → (m, u): how often true pairs and random pairs fall into it. Ours, on the cautious side; replaced by training."""


def comparisons(plan: Plan) -> list[Any]:
    """One Splink comparison per declared attribute, with declared m and u. Columns: the attribute, and `<attribute>_roots` for names."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl

    made = []
    for attribute in plan.compared:
        family = _family(plan.kinds[attribute])
        levels: list[Any] = [cll.NullLevel(attribute)]
        for name, condition in _conditions(attribute, family).items():
            m, u = _DECLARED[family][name]
            level = condition if not isinstance(condition, str) else cll.CustomLevel(condition, label_for_charts=name)
            levels.append(level.configure(m_probability=m, u_probability=u, label_for_charts=name))
        made.append(cl.CustomComparison(output_column_name=attribute, comparison_levels=levels))
    return made


def level_names(plan: Plan, attribute: str) -> dict[int, str]:
    """Splink's level number (-1 is missing, 0 differs, the greatest is exact) → our word for it."""
    names = list(_DECLARED[_family(plan.kinds[attribute])])
    return {-1: "missing", **{len(names) - 1 - place: name for place, name in enumerate(names)}}


def settings(plan: Plan, prior: float) -> Any:
    """Settings for scoring given pairs: left and right rows carry a common `pair`."""
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="link_only",
        comparisons=comparisons(plan),
        blocking_rules_to_generate_predictions=[block_on("pair")],
        probability_two_random_records_match=prior,
        retain_matching_columns=True,  # the only way Splink hands out the levels; the values stay in its own database
        linker_uid="hrorch",
    )


def train(plan: Plan, records: Any, labelled: bool, prior: float) -> dict[str, Any]:
    """Learn m and u from an Arrow table (unique_id, source_dataset, cluster, compared columns); return Splink's settings.

    u comes from random pairs. m comes from records that keys already put together when `labelled`, else from expectation
    maximisation over the declared blocks. One thread and a fixed seed: the same records give the same model.
    """
    from splink import Linker, block_on
    from splink.internals.exceptions import EMTrainingException

    creator = settings(plan, prior)
    creator.link_type = "dedupe_only"
    creator.blocking_rules_to_generate_predictions = [block_on(*block) for block in plan.blocks]
    database, close = quiet_database(threads=1)
    try:
        linker = Linker(database.register(records), creator, log_level=logging.ERROR)
        linker.training.estimate_u_using_random_sampling(max_pairs=1_000_000, seed=SEED)
        if labelled:
            linker.training.estimate_m_from_label_column("cluster")
        else:
            for block in plan.blocks:
                try:
                    linker.training.estimate_parameters_using_expectation_maximisation(block_on(*block))
                except EMTrainingException:
                    continue  # no pairs share this block; the other blocks, or the declared values, stand in
        learned: dict[str, Any] = linker.misc.save_model_to_json()
    finally:
        close()
    return _sound(plan, learned)


def quiet_database(threads: int | None = None) -> tuple[Any, Callable[[], None]]:
    """Splink's DuckDB in memory, apart from the warehouse, with its logging off; and how to close it."""
    import duckdb
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    con = duckdb.connect(config={"threads": threads} if threads else {})
    return DuckDBAPI(connection=con), con.close


def _sound(plan: Plan, learned: dict[str, Any]) -> dict[str, Any]:
    """Fill levels that training never saw from the declared ones; refuse (ValueError) a model whose agreement means nothing."""
    for comparison in learned["comparisons"]:
        declared = _DECLARED[_family(plan.kinds[comparison["output_column_name"]])]
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            m, u = declared[level["label_for_charts"]]
            level["m_probability"] = level.get("m_probability") or m
            level["u_probability"] = level.get("u_probability") or u
        exact = next(level for level in comparison["comparison_levels"] if level.get("label_for_charts") == "exact")
        if exact["m_probability"] <= 2 * exact["u_probability"]:
            raise ValueError("training found no difference between true and random pairs")
    return learned


def _family(kind: AttributeType) -> str:
    return {AttributeType.NAME: "name", AttributeType.DATE: "date"}.get(kind, "code")


def _conditions(attribute: str, family: str) -> dict[str, Any]:
    import splink.comparison_level_library as cll

    exact = cll.ExactMatchLevel(attribute)
    if family == "name":
        roots = f"{attribute}_roots"
        return {
            "exact": exact,
            "nickname": f"list_has_any({roots}_l, {roots}_r)",
            "close": cll.DamerauLevenshteinLevel(attribute, 1),
            "similar": cll.JaroWinklerLevel(attribute, 0.85),
            "differs": cll.ElseLevel(),
        }
    if family == "date":
        left, right = f"{attribute}_l", f"{attribute}_r"
        swapped = f"({left}[1:4] = {right}[1:4] AND {left}[6:7] = {right}[9:10] AND {left}[9:10] = {right}[6:7])"
        return {
            "exact": exact,
            "close": f"damerau_levenshtein({left}, {right}) <= 1 OR {swapped}",
            "similar": cll.DamerauLevenshteinLevel(attribute, 2),
            "differs": cll.ElseLevel(),
        }
    return {"exact": exact, "close": cll.DamerauLevenshteinLevel(attribute, 1), "differs": cll.ElseLevel()}
