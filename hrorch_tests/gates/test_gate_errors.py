"""A rule that cannot be evaluated is a gate error, told apart from bad data; nothing it could not judge is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hrorch_tests.gates.observing import World, worker

Make = Callable[..., World]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"rule": "sql", "sql": "no_such_column > 1", "id": "broken"}, "does_not_bind"),
        ({"rule": "sql", "sql": "level >", "id": "broken"}, "does_not_bind"),
        ({"rule": "sql", "sql": "count(*) > 1", "id": "broken"}, "does_not_bind"),
        ({"rule": "required", "attribute": "email", "when": "nonsense(level)", "id": "broken"}, "does_not_bind"),
        ({"rule": "pattern", "attribute": "last_name", "pattern": "([", "id": "broken"}, "crashed"),
        ({"rule": "range", "attribute": "birth_date", "min": "1.1.1926", "id": "broken"}, "limit_unreadable"),
        ({"rule": "range", "attribute": "bonus", "min": "NaN", "id": "broken"}, "limit_unreadable"),
        ({"rule": "not_before", "attribute": "level", "other": "start_date", "id": "broken"}, "not_comparable"),
        ({"rule": "one_of", "attribute": "level", "values": ["two"], "id": "broken"}, "limit_unreadable"),
        ({"rule": "one_of", "attribute": "email", "values_from": "none.csv", "id": "broken"}, "catalogue_missing"),
        ({"rule": "one_of", "attribute": "email", "values_from": "empty.csv", "id": "broken"}, "catalogue_empty"),
        (
            {"rule": "one_of", "attribute": "email", "values_from": "c.csv#b", "id": "broken"},
            "catalogue_column_missing",
        ),
        ({"rule": "required", "attribute": "pay_amount", "id": "broken"}, "attribute_not_mapped"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_lets_nothing_pass_and_is_one_case(
    world: Make, rule: dict[str, Any], code: str
) -> None:
    here = world()
    (here.folder / "empty.csv").write_text("a\n", encoding="utf-8")
    (here.folder / "c.csv").write_text("a\n1\n", encoding="utf-8")
    here.observe(worker=[worker("1"), worker("2")])
    here.gate()
    here.rules({"hris.worker": [rule]})
    here.observe(worker=[worker("1"), worker("2", department="IT"), worker("3")])
    result = here.gate()
    assert [(error.rule_id, error.code) for error in result.gate_errors] == [("broken", code)]
    assert (result.records["worker"].input, result.records["worker"].quarantined) == (3, 3)
    assert {key: held for key, (_, held) in here.accepted().items()} == {"1": True, "2": True}
    assert here.all("SELECT record_key, rule_id, kind, reviewer FROM gates.quarantine WHERE closed_at IS NULL") == [
        (None, "broken", "gate_error", "analyst")
    ]
    here.rules({})
    here.gate()
    assert {key: held for key, (_, held) in here.accepted().items()} == {"1": False, "2": False, "3": False}
    assert here.open_cases() == set()


def test_a_rule_that_crashes_on_one_record_judges_the_others(world: Make) -> None:
    crash = {"rule": "sql", "sql": "last_name::INT > 3 AND last_name::INT < 10", "id": "number"}
    here = world({"hris.worker": [crash, {**crash, "sql": "last_name::INT <> 5", "id": "not-five"}]})
    rows = [worker("1", last_name="7"), worker("2", last_name="canary"), worker("3", last_name="5")]
    here.observe(worker=[*rows, worker("4", last_name=None)])
    result = here.gate()
    assert result.gate_errors == ()
    kinds = here.all("SELECT record_key, rule_id, kind FROM gates.quarantine ORDER BY ALL")
    assert kinds == [
        ("2", "not-five", "gate_error"), ("2", "number", "gate_error"), ("3", "not-five", "bad_data"),
    ]  # fmt: skip
    assert set(here.accepted()) == {"1", "4"}
    assert "canary" not in str(here.all("SELECT * FROM gates.quarantine"))


def test_a_condition_that_crashes_on_a_record_leaves_it_unjudged(world: Make) -> None:
    here = world({"hris.worker": [{"rule": "required", "attribute": "email", "when": "last_name::INT > 3"}]})
    here.observe(worker=[worker("1", last_name="2"), worker("2", last_name="9"), worker("3", last_name="x")])
    here.gate()
    kinds = here.all("SELECT record_key, kind FROM gates.quarantine ORDER BY ALL")
    assert kinds == [("2", "bad_data"), ("3", "gate_error")]


def test_a_warning_that_cannot_be_evaluated_holds_nothing_back(world: Make) -> None:
    here = world({"hris.worker": [{"rule": "sql", "sql": "nope", "severity": "warning"}]})
    here.observe(worker=[worker("1")])
    result = here.gate()
    assert [error.code for error in result.gate_errors] == ["does_not_bind"]
    assert set(here.accepted()) == {"1"}


def test_the_engine_is_left_with_the_settings_it_had(world: Make) -> None:
    here = world({"hris.worker": [{"rule": "sql", "sql": "level > 1"}]})
    here.con.execute("SET disabled_optimizers = 'statistics_propagation'")
    here.observe(worker=[worker("1")])
    here.gate()
    assert here.all("SELECT current_setting('disabled_optimizers')") == [("statistics_propagation",)]
    assert here.all("SELECT count(*) FROM duckdb_tables() WHERE temporary") == [(0,)]
