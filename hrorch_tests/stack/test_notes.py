"""Notes inform and stop nothing; the valid file needs none but what it says itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.stack.faults.fields import RESERVED
from hrorch_pipelines.stack.load import load_stack, load_with_notes
from hrorch_pipelines.storage.columns import SOURCE_COLUMNS, STATE_COLUMNS
from hrorch_tests.stack.conftest import ENV, SECRET, VALID, spoilt


def notes_of(folder: Path, text: str) -> list[tuple[int, str]]:
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return [(note.line, note.what) for note in load_with_notes(folder / "stack.yaml", ENV).notes]


def test_the_valid_file_has_nothing_to_note(folder: Path) -> None:
    assert notes_of(folder, VALID) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (", deputy: lead}", "}", "has no deputy"),
        ("  grade: {data_type", "  hobby: {data_type: personal}\n  grade: {data_type", "no system maps it"),
        ('format: "{since}|{until}"', 'format: "{since}"', "the window is open"),
        ('{api_key: "${HRIS_KEY}"}', '{api_key: "${HRIS_KEY}", spare: x}', "`spare` used nowhere"),
        ("{must: \"stage = 'worker' AND status = 'active'\", live", "{live", "neither `must` nor `must_not`"),
        ("{attributes: [employee_number], ", "{attributes: [birth_date], ", "so this key joins no two systems"),
        (
            "employment: {worker: hris, other: hris}",
            "employment: {worker: payroll, other: hris}",
            "`payroll` does not map `status`",
        ),
    ],
)
def test_what_is_worth_knowing_is_noted_on_its_line(folder: Path, old: str, new: str, what: str) -> None:
    text, line = spoilt(old, new)
    found = notes_of(folder, text)
    assert [number for number, _ in found] == [line], found
    assert what in found[0][1]


def test_a_system_whose_people_get_no_stage_is_noted_at_the_system(folder: Path) -> None:
    text = spoilt("other: {present_in: [payroll, hris]}", "other: {present_in: [hris]}")[0]
    ((line, what),) = notes_of(folder, text)
    assert text.splitlines()[line - 1] == "  payroll:"
    assert "is in no stage's `present_in`" in what


def test_attributes_cannot_take_the_name_of_a_column_of_ours() -> None:
    assert {*SOURCE_COLUMNS, *STATE_COLUMNS, "raw"} <= RESERVED


def test_credentials_are_not_in_what_is_shown_of_a_stack(folder: Path) -> None:
    (folder / "stack.yaml").write_text(VALID, encoding="utf-8")
    stack = load_stack(folder / "stack.yaml", ENV)
    assert stack.systems["hris"].credentials["api_key"].get_secret_value() == SECRET
    assert SECRET not in repr(stack) + stack.model_dump_json() + stack.content_hash
