"""Every fault code: a value that earns it ends as NULL and an entry with the text as it came, never as a silent NULL."""

from __future__ import annotations

from typing import Any

import pytest

from hrorch_pipelines.systems.mapping import FaultCode

from .conftest import Mapper

EARNED: dict[FaultCode, tuple[str, str, dict[str, Any]]] = {
    FaultCode.BAD_EXPRESSION: ("seven", "integer", {"sql": "CAST(value AS INTEGER)"}),
    FaultCode.MISSING_PIECE: ("Lee", "name", {"split": {"by": ",", "take": 1}}),
    FaultCode.NOT_A_BOOLEAN: ("maybe", "boolean", {}),
    FaultCode.NOT_A_DATE: (" 30/02/2020", "date", {"format": "%d/%m/%Y"}),
    FaultCode.NOT_A_NUMBER: ("1,234.56", "money", {"decimal": ","}),
    FaultCode.NOT_A_PHONE: ("call me", "phone", {}),
    FaultCode.NOT_A_TIMESTAMP: ("noon", "timestamp", {}),
    FaultCode.NOT_AN_INTEGER: ("1.5", "integer", {}),
    FaultCode.OUT_OF_RANGE: ("0001-01-01", "date", {}),
    FaultCode.TOO_LARGE: ("1" * 15, "decimal", {}),
    FaultCode.UNKNOWN_UNIT: ("5", "pay", {"unit_from": "id"}),
    FaultCode.UNKNOWN_VALUE: ("z", "code", {"map": {"a": "b"}}),
    FaultCode.WRONG_CURRENCY: ("£5", "pay", {"unit": "year"}),
}
ELSEWHERE = {FaultCode.MISSING, FaultCode.NOT_A_LIST, FaultCode.UNREADABLE}
"""Of records and secrets: tested in test_records and test_secrets."""


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("code", EARNED)
def test_a_value_that_cannot_be_converted_is_null_and_told(mapper: Mapper, code: FaultCode, nested: bool) -> None:
    text, kind, declared = EARNED[code]
    rows = [{"id": "x", "v": text, "w": "kept"}]
    done = mapper(rows, {"a": {"from": "v", **declared}, "b": "w"}, {"a": kind, "b": "text"}, nested=nested)
    row = done.rows[0]
    assert (row["a"], row["b"]) == (None, "kept")
    assert row["faults"] == [{"attribute": "a", "code": code, "found": text}]
    assert done.counts.faults == {"a": {code: 1}}


def test_no_code_is_without_its_test() -> None:
    assert set(EARNED) | ELSEWHERE == set(FaultCode)
