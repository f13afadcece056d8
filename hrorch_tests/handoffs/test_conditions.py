"""The SQL of handoffs: parsed once, told by place, bound to an empty state; and TRY holds what is in it."""

from __future__ import annotations

from copy import deepcopy

import duckdb
import pytest

from hrorch_pipelines.handoffs.columns import columns, empty_relation
from hrorch_pipelines.handoffs.conditions import (
    check_handoffs,
    condition_sql,
    looked_at,
    parsed,
    require_handoffs,
)
from hrorch_pipelines.handoffs.errors import HandoffFault
from hrorch_pipelines.handoffs.expressions import untangled
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.authority.house import declare

HANDOFFS = {
    "pre-hire": {
        "when": "stage = 'candidate' AND pay > 0",
        "requires": ["identity_resolved", {"that": "manager_email IS NOT NULL", "missing": "a manager"}],
        "then": {"create": "payroll.worker", "with": {"legal_name": "hris_legal_name", "start_date": "today"}, "from": "start_date"},
        "done": "in_payroll",
        "by": "start_date - 1",
        "within": "1h",
        "owner": "dana",
        "compensate": {"when": "employment_status = 'gone'", "then": {"ask": "x", "action": "y"}},
    },
    "told": {
        "when": "done_pre_hire",
        "once_per": "hris_id || start_date",
        "then": {"invite": "days", "starts": "start_date", "summary": "x", "attendees": ["manager_email"], "fields": {"job": "job_title"}},
        "within": "1h",
        "owner": "dana",
        "compensate": {"when": "NOT in_hris"},
    },
}  # fmt: skip


def stack(**changes: object) -> Stack:
    return declare(handoffs=deepcopy(HANDOFFS), **changes)


def test_a_handoff_is_parsed_with_what_each_piece_looks_at() -> None:
    assert check_handoffs(stack()) == []
    pre, told = parsed(stack()).values()
    assert (pre.name, pre.when.columns) == ("pre-hire", {"stage", "pay"})
    assert [requirement.columns for requirement in pre.requires] == [{"identity_resolved"}, {"manager_email"}]
    assert set(pre.content) == {"with.legal_name", "with.start_date", "from"}
    assert pre.columns == {
        "stage",
        "pay",
        "identity_resolved",
        "manager_email",
        "hris_legal_name",
        "today",
        "start_date",
    }
    assert pre.once_per.columns == {"spell"}
    assert pre.undo_columns == {"employment_status"}
    assert set(told.content) == {"starts", "attendees.0", "fields.job"}
    assert (told.once_per.columns, told.undo_content) == ({"hris_id", "start_date"}, {})
    assert {"stage", "done_pre_hire", "job_title", "in_hris", "in_payroll"} <= looked_at(stack())


def test_what_is_unknown_does_not_have_to_happen() -> None:
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {condition_sql(stack(), 'pre-hire')} FROM ({empty_relation(stack())})").fetchall()
    assert found == [(False,)]


def test_a_hyphen_reads_as_an_underscore_and_an_authority_needs_no_column() -> None:
    names = columns(stack())
    assert {"done_pre_hire", "in_directory", "directory_stale", "hris_job_title", "manager_name"} <= names.keys()
    assert "ats_job_title" not in names  # the ATS does not map it
    assert (names["today"], names["now"], names["hris_pay"]) == ("DATE", "TIMESTAMPTZ", "DECIMAL(18,4)")


def test_the_first_fault_stops_a_pass_and_all_are_told_by_the_check() -> None:
    wrong = stack(handoffs__told__when="wages > 0", lifecycle={"spell": "random()"})
    assert [path for path, _ in check_handoffs(wrong)] == [("lifecycle", "spell"), ("handoffs", "told", "when")]
    with pytest.raises(HandoffFault, match=r"lifecycle\.spell") as refused:
        require_handoffs(wrong)
    assert "docs/handoffs.md" in refused.value.remedy
    require_handoffs(stack())


def test_a_stack_without_handoffs_has_nothing_to_bind() -> None:
    assert check_handoffs(declare(lifecycle={"spell": "no_such"})) == []


def test_a_trailing_comment_cannot_swallow_what_follows() -> None:
    assert check_handoffs(stack(handoffs__told__when="level = 1 -- juniors")) == []


def test_two_conditions_that_share_a_part_fail_each_by_itself() -> None:
    query = "SELECT TRY(x::INTEGER > 0), TRY(x::INTEGER > 1) FROM (VALUES ('one')) t (x)"
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT 'one' AS x UNION ALL SELECT '4'")
        with untangled(con):
            assert con.execute("SELECT TRY(x::INTEGER > 0), TRY(x::INTEGER > 5) FROM t ORDER BY x").fetchall() == [
                (True, False),
                (None, None),
            ]
            assert con.execute(query).fetchall() == [(None, None)]
        # When DuckDB holds it by itself, `untangled` can go.
        with pytest.raises(duckdb.ConversionException):
            con.execute("SELECT TRY(x::INTEGER > 0), TRY(x::INTEGER > 5) FROM t").fetchall()
