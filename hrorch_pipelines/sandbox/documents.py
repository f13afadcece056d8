"""Every system's documents of one person on one day: the collections of the sandbox's stores, in one place.

ats: candidates, applications, offers · hris: employees, jobInfo, compensation, employmentStatus · payroll: employees ·
check: candidates, reports · onboarding: newhires, tasks · directory: users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from hrorch_pipelines.sandbox.documents_directory import directory_documents
from hrorch_pipelines.sandbox.documents_hiring import ats_documents, check_documents, onboarding_documents
from hrorch_pipelines.sandbox.documents_hris import hris_documents
from hrorch_pipelines.sandbox.documents_payroll import payroll_documents
from hrorch_pipelines.sandbox.life import Life
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Row

RENDER: dict[str, Callable[[World, Life, date], Iterator[Row]]] = {
    "ats": ats_documents,
    "hris": hris_documents,
    "payroll": payroll_documents,
    "check": check_documents,
    "onboarding": onboarding_documents,
    "directory": directory_documents,
}


def documents(world: World, life: Life, day: date) -> dict[str, list[Row]]:
    """System → the rows it holds of this person on this day (the world's noon)."""
    return {system: list(render(world, life, day)) for system, render in RENDER.items()}
