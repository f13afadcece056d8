"""Worlds are made once per session; tests that write to one make their own."""

from __future__ import annotations

from datetime import date

import pytest

from hrorch_pipelines.sandbox.world import generate

DAY = date(2026, 6, 30)


@pytest.fixture(scope="session")
def faulty(tmp_path_factory):
    """A company of 500 with everything planted: (folder, plan)."""
    folder = tmp_path_factory.mktemp("faulty")
    return folder, generate(folder, people=500, seed=7, today=DAY)


@pytest.fixture
def sound(tmp_path):
    """A company of 300 in which nothing is wrong, to play with."""
    generate(tmp_path, people=300, seed=11, today=DAY, faults=False)
    return tmp_path
