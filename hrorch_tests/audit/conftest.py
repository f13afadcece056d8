"""Ledgers on both databases."""

from __future__ import annotations

from hrorch_tests.ledger_fixtures import *  # noqa: F403
