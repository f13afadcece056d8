"""Two days one after the other end where one whole look at the second day ends: what is skipped does not matter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from hrorch_tests.e2e.company import Company, sandbox_company, variant, workplace

pytestmark = pytest.mark.long  # each room holds to it in a property of its own; this one takes three whole days

COMPARED = {
    "accepted": 'SELECT * EXCLUDE (row_id) FROM accepted."hris.worker"',
    "links": "SELECT system, source_id, person_id, method FROM identity.links",
    "cells": "SELECT * EXCLUDE (snapshot_id) FROM cells.hris",
    "golden": "SELECT * FROM golden.persons",
    "decisions": "SELECT * FROM golden.decisions",
    "discrepancies": "SELECT * FROM reconcile.discrepancies",
    "pair counts": "SELECT * FROM reconcile.pair_counts WHERE n > 0",
    "person profile": "SELECT * FROM reconcile.person_profile WHERE persons > 0",
    "landings": "SELECT * FROM reconcile.landings",
    "rates": "SELECT * FROM reconcile.rates",
    "bridge": "SELECT * FROM reconcile.bridge",
    "open cases": "SELECT * EXCLUDE (last_seen_at, row_id) FROM gates.quarantine WHERE closed_at IS NULL",
}


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Company]]:
    """The same two days: the second taken incrementally, and as a full cycle from the same first day."""
    folder = tmp_path_factory.mktemp("incremental")
    with sandbox_company(folder, people=240) as company:
        sandbox = company.sandbox
        assert sandbox is not None
        assert all(outcome.ok for outcome in company.run().values())
        shutil.copytree(folder / "home", folder / "home-full")
        sandbox.advance(9)
        renamed = variant(folder / "stack", another_name)
        full = Company(workplace(renamed, folder / "home-full", sandbox.clock, sandbox.env))
        for each in (company, full):
            outcomes = each.run()
            assert all(outcome.ok for outcome in outcomes.values()), outcomes
        yield company, full


def another_name(content: dict[str, Any]) -> None:
    """Other rules, as far as the product knows, so all is computed anew."""
    content["organization"]["name"] = "Lakeside Health, again"


def test_the_second_day_was_taken_in_two_ways(companies: tuple[Company, Company]) -> None:
    incremental, full = companies
    ways = "SELECT is_full FROM cycles.runs ORDER BY now"
    assert incremental.ask(ways) == [(True,), (False,)]
    assert full.ask(ways) == [(True,), (True,)]


def test_the_second_day_brought_something(companies: tuple[Company, Company]) -> None:
    incremental, _ = companies
    kinds = dict(incremental.ask("SELECT kind, count(*) FROM history.changes GROUP BY kind"))
    assert kinds["updated"] > 10
    assert kinds["created"] > 0
    assert incremental.one("SELECT count(*) FROM reconcile.discrepancies WHERE state = 'disagree'") > 50


@pytest.mark.parametrize("what", COMPARED)
def test_incremental_equals_full(companies: tuple[Company, Company], what: str) -> None:
    incremental, full = companies
    left, right = incremental.table(COMPARED[what]), full.table(COMPARED[what])
    assert left == right
    assert left, f"nothing was compared: {what} is empty"
