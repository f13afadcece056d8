"""A ledger on both databases, for every test of this room."""

from hrorch_tests.ledger_fixtures import *  # noqa: F403
