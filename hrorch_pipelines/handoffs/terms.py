"""States of a step, how one comes to be done, and what an action is for. How they change is in `steps` and `outbox`."""

from __future__ import annotations

from enum import StrEnum


class StepState(StrEnum):
    """Where one person's handoff stands. `stalled` is no state: it is any open one past its `due_at`."""

    PARKED = "parked"  # it is to happen, and something it requires is missing
    DUE = "due"  # nothing is missing; its action is on its way (see the action's own state)
    ASKED = "asked"  # a person has to act; the case says what
    DONE = "done"
    DROPPED = "dropped"  # it is no longer to happen, and nothing was made
    COMPENSATING = "compensating"  # what was made is being taken back
    COMPENSATED = "compensated"  # what was made is taken back


OPEN = frozenset({StepState.PARKED, StepState.DUE, StepState.ASKED, StepState.COMPENSATING})
"""Somebody or something still has to act."""


class DoneHow(StrEnum):
    """Who did it."""

    ACTION = "action"  # ours, confirmed
    ALREADY = "already"  # it was there before we came: another's hand, or a crash of ours
    BEFORE = "before"  # it had to happen before this handoff counted (`since`), or nobody can tell when: left alone
    BY_HAND = "by_hand"  # somebody did it while the step was open


class Purpose(StrEnum):
    """What an action is for."""

    DO = "do"
    AGAIN = "again"  # what it says has changed: a moved day
    UNDO = "undo"
