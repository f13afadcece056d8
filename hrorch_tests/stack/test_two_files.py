"""The newcomer's first stack: two exports, forty lines, nothing to mend."""

from __future__ import annotations

import csv
from pathlib import Path

from hrorch_pipelines.stack.load import load_with_notes

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "two-files"


def test_the_first_stack_is_valid_and_short() -> None:
    loaded = load_with_notes(FOLDER / "stack.yaml", {})
    assert len((FOLDER / "stack.yaml").read_text(encoding="utf-8").splitlines()) <= 40
    assert {note.what for note in loaded.notes} == {"has no deputy: nobody is asked while they are away"}
    assert [system.connector for system in loaded.stack.systems.values()] == ["files", "files"]


def test_the_two_files_differ_in_three_cells_and_one_person() -> None:
    """Read here by hand, column by column, so that the README can promise the number."""
    with (FOLDER / "people.csv").open(encoding="utf-8", newline="") as file:
        people = {row["Employee ID"]: row for row in csv.DictReader(file)}
    with (FOLDER / "payroll.csv").open(encoding="utf-8", newline="") as file:
        payroll = {row["EmpNo"]: row for row in csv.DictReader(file, delimiter=";")}
    differing = []
    for number, person in people.items():
        other = payroll.get(number)
        if other is None:
            continue
        month, day, year = other["Hired"].split("/")
        born = other["DOB"].split("/")
        pairs = {
            "last_name": (person["Last Name"], other["Name"].split(", ")[0]),
            "first_name": (person["First Name"], other["Name"].split(", ")[1]),
            "work_email": (person["Work Email"], other["E-mail"]),
            "birth_date": (person["Birth Date"], f"{born[2]}-{born[0]}-{born[1]}"),
            "start_date": (person["Start Date"], f"{year}-{month}-{day}"),
            "department": (person["Department"], other["Cost Centre"]),
            "pay": (person["Annual Salary"], other["Yearly Pay"].replace(",", "")),
        }
        differing += [(number, name) for name, (left, right) in pairs.items() if left != right]
    assert sorted(differing) == [("00421", "start_date"), ("00425", "pay"), ("00430", "last_name")]
    assert set(people) - set(payroll) == {"00436"}
    assert not set(payroll) - set(people)
