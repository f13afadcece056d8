"""The company of the sandbox: departments, sites, jobs and pay bands, who types and which accounts integrate, and its ids.

Everything here is fixed or follows from a person's number by arithmetic, so that any person can be made alone.
"""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"

DEPARTMENTS = {
    "Emergency": "4100",
    "Radiology": "4200",
    "Surgery": "4300",
    "Pediatrics": "4400",
    "Cardiology": "4500",
    "Laboratory": "4600",
    "Pharmacy": "4700",
    "Nursing Administration": "5100",
    "Facilities": "5200",
    "Information Technology": "5300",
    "Finance": "5400",
    "Human Resources": "5500",
}
"""Department → four-digit cost centre; the catalogue of the example stack says the same, and a test holds them together."""

_CLINICAL = [("Registered Nurse", 68, 96), ("Senior Registered Nurse", 84, 118), ("Charge Nurse", 88, 124)]
_CARE = [("Patient Care Technician", 36, 52), ("Medical Assistant", 38, 54)]
TITLES: dict[str, list[tuple[str, int, int]]] = {
    "Emergency": [*_CLINICAL, *_CARE, ("Emergency Physician", 210, 320)],
    "Radiology": [("Radiologic Technologist", 58, 86), ("Lead Radiologic Technologist", 74, 104), ("Radiologist", 290, 410)],
    "Surgery": [*_CLINICAL, ("Surgical Technologist", 48, 70), ("Surgeon", 300, 460)],
    "Pediatrics": [*_CLINICAL, *_CARE, ("Pediatrician", 180, 260)],
    "Cardiology": [*_CLINICAL, ("Cardiac Sonographer", 72, 104), ("Cardiologist", 310, 440)],
    "Laboratory": [("Laboratory Technician", 42, 62), ("Medical Laboratory Scientist", 58, 84), ("Laboratory Supervisor", 78, 110)],
    "Pharmacy": [("Pharmacy Technician", 36, 52), ("Clinical Pharmacist", 112, 148), ("Pharmacy Purchasing Specialist", 52, 74)],
    "Nursing Administration": [("Nursing Informatics Coordinator", 82, 114), ("Unit Secretary", 36, 50), ("Nurse Manager", 98, 138)],
    "Facilities": [("Environmental Services Aide", 32, 44), ("Maintenance Engineer", 52, 76), ("Facilities Coordinator", 50, 70)],
    "Information Technology": [("Systems Analyst", 70, 104), ("Clinical Applications Analyst", 78, 112), ("Help Desk Technician", 44, 64)],
    "Finance": [("Accountant", 58, 84), ("Revenue Cycle Specialist", 46, 66), ("Senior Financial Analyst", 80, 116)],
    "Human Resources": [("Recruiter", 56, 82), ("Benefits Administrator", 54, 78), ("Human Resources Generalist", 60, 86)],
}  # fmt: skip
"""Department → titles with the band of yearly pay in thousands."""

SITES: list[tuple[str, str, str, str]] = [
    ("Chicago", "IL", "606", "312"),
    ("Evanston", "IL", "602", "847"),
    ("Milwaukee", "WI", "532", "414"),
    ("Boston", "MA", "021", "617"),
    ("Newark", "NJ", "071", "973"),
]
"""City, state, first three digits of the postcode, area code."""

INTEGRATION, WORKFLOW = "hrorch-integration", "Workato"
CLERKS = ("Dana Whitfield", "Marcus Oyelaran", "Priya Raman", "Tomas Lindqvist", "Joan Birch")
"""People who type."""

DOMAIN = "lakeside.example"
_WIDE = 99_999_989  # the greatest prime of eight digits
_NARROW = 999_983  # … of six
_PHONES = 9_999_991  # … of seven


def employee_number(people: int, n: int, spell: int) -> str:
    """Digits with leading zeros kept, scattered so that a slip of the finger rarely hits a colleague's number."""
    prime, width = (_NARROW, 6) if people <= 200_000 else (_WIDE, 8)
    return str(((2 * n + spell) * 374_321 + 4_177) % prime).zfill(width)


def phone_of(n: int, area: str) -> str:
    """E.164; the last seven digits belong to nobody else."""
    return f"+1{area}{(n * 4_812_373 + 2_345_678) % _PHONES:07d}"


def hris_id(n: int, spell: int) -> str:
    """BambooHR numbers its employees."""
    return str(1_000 + 2 * n + spell)


def token(*parts: object) -> str:
    """32 hexadecimal digits that follow from the parts."""
    return hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def uuid_of(*parts: object) -> str:
    """A token in the form of a UUID (version 4 bits set, as vendors' libraries insist)."""
    digits = token(*parts)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def managers(people: int) -> int:
    """How many of the first persons lead others: about one in twelve."""
    return max(1, people // 12)


def manager_of(people: int, n: int, draw: int) -> int | None:
    """The person who leads `n`; leaders lead leaders in a tree, person 1 leads all and has nobody above."""
    if n <= managers(people):
        return None if n == 1 else (n - 2) // 12 + 1
    return draw % managers(people) + 1


@cache
def first_names() -> list[tuple[str, str]]:
    """(name, nickname or "")."""
    with (DATA / "first_names.csv").open(encoding="utf-8") as file:
        return [(row["name"], row["nickname"]) for row in csv.DictReader(file)]


@cache
def last_names() -> list[str]:
    """Family names, some long and some with accents."""
    with (DATA / "last_names.csv").open(encoding="utf-8") as file:
        return [row["name"] for row in csv.DictReader(file)]
