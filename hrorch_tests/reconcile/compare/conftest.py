"""A warehouse of a small company, and one with a healthy person in it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hrorch_tests.authority.house import House, declare


@pytest.fixture
def house() -> House:
    return House(declare())


class Person:
    """One worker, right in every system; say what differs."""

    def __init__(self, house: House) -> None:
        self.house = house

    def put(
        self,
        hris: dict[str, Any] | None = None,
        payroll: dict[str, Any] | None = None,
        directory: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        same = {"legal_name": "Ann Lee", "employment_status": "active", "start_date": date(2020, 1, 1)}
        self.house.replace("hris", "worker", [{"id": "h", **same, "email": "a@x.org", **(hris or {})}])
        self.house.replace(
            "hris",
            "job",
            more.get("job", [{"id": "j", "worker": "h", "job_title": "Nurse", "level": 3, "from": date(2020, 1, 1)}]),
        )
        self.house.replace("hris", "money", [{"id": "m", "worker": "h", "pay": 50000, "from": date(2020, 1, 1)}])
        if more.get("paid", True):
            self.house.replace("payroll", "worker", [{"id": "p", **same, "pay": 50000, **(payroll or {})}])
        self.house.replace(
            "directory",
            "account",
            [
                {
                    "id": "d",
                    "legal_name": "Ann Lee",
                    "email": "a@x.org",
                    "job_title": "Nurse",
                    "level": 3,
                    **(directory or {}),
                }
            ],
        )
        links = [("hris", "h", "A"), ("directory", "d", "A")]
        self.house.link([*links, ("payroll", "p", "A")] if more.get("paid", True) else links)

    def rows(self) -> list[tuple[Any, ...]]:
        return self.house.all(
            "SELECT copy_system, attribute, state, authority_value, copy_value FROM reconcile.discrepancies ORDER BY ALL"
        )


@pytest.fixture
def person(house: House) -> Person:
    return Person(house)
