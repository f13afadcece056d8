"""What one pass after another makes of a person's state: steps, actions, cases. And that doubt, budgets and people hold it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hrorch_tests.handoffs.chain import START, Office, candidate, declare, only, states


@pytest.fixture
def office(ledger, ledger_clock):
    ledger_clock.at = START
    made = Office(ledger, declare(), ledger_clock)
    made.run()  # the handoffs are known from here on
    ledger_clock.at += timedelta(hours=1)
    return made


def test_what_is_missing_is_parked_with_its_name_and_owner_and_what_is_not_is_proposed(office):
    office.seen.see("ats", "ann", candidate(authorised=False), office.clock.now())
    result = office.run()
    assert states(office.steps()) == {"offer-letter": "due", "order-check": "parked"}
    parked = office.step("order-check")
    assert (parked.missing, parked.missing_owner) == ("the candidate's authorisation", "rita")
    (letter,) = office.actions()
    assert (letter.handoff, letter.verb, letter.kind, letter.state, letter.revision) == ("offer-letter", "mail", "message", "ready", 0)
    assert result.total("proposed") == 1
    assert result.handoffs["offer-letter"].evaluated == 1
