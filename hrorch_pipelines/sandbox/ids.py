"""Under which ids the systems know a person, and who changed a record: all by arithmetic, nothing is looked up."""

from __future__ import annotations

from datetime import date

from hrorch_pipelines.sandbox.company import CLERKS, INTEGRATION, WORKFLOW, token, uuid_of


def ats_candidate(n: int) -> str:
    """Greenhouse numbers its candidates."""
    return str(5_000_000 + n)


def ats_application(n: int) -> str:
    """… its applications …"""
    return str(6_000_000 + n)


def ats_offer(n: int, version: int) -> str:
    """… and its offers, each version with an id of its own."""
    return str(7_000_000 + 4 * n + version)


def payroll_employee(n: int, record: int) -> str:
    """Gusto uses UUIDs."""
    return uuid_of("payroll", n, record)


def check_candidate(n: int) -> str:
    """Checkr uses 24 hexadecimal digits."""
    return token("check", n)[:24]


def check_report(n: int) -> str:
    """As its candidates."""
    return token("report", n)[:24]


def newhire(n: int) -> str:
    """The onboarding system counts."""
    return f"NH-{n:07d}"


def account(n: int) -> str:
    """The directory's SCIM id."""
    return uuid_of("directory", n)


def at(day: date, hour: int = 15) -> str:
    """A moment of a working day, as the store writes it: 15:00 UTC is 10 o'clock or 9 o'clock in Chicago."""
    return f"{day.isoformat()}T{hour:02d}:00:00Z"


def author(system: str, n: int, day: date) -> str | None:
    """Who changed a record that day: an integration, a person who typed, or nobody the system can name."""
    draw = int(token(system, n, day.toordinal())[:4], 16) / 65_536
    if system == "hris":
        return CLERKS[int(draw * len(CLERKS))]
    if draw < 0.75:
        return INTEGRATION if draw < 0.6 else WORKFLOW
    return CLERKS[int(draw * 1_000) % len(CLERKS)] if draw < 0.95 else None
