"""Sends what is due through Apprise: mail, chat, webhooks. What cannot be delivered is tried again, later and later.

A message is claimed before it is sent: a crash in between may send it twice, and never loses it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.monitoring import new_cases, notices
from hrorch_pipelines.monitoring.addresses import address
from hrorch_pipelines.monitoring.terms import Change
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals

NO_ADDRESS, UNDELIVERED = "no_address", "undelivered"
MOST = 200
"""Messages of one pass."""


@dataclass(frozen=True)
class Delivered:
    """taken = sent + failed. `given_up` are among the failed; `waiting` is what is still to be sent afterwards."""

    taken: int = 0
    sent: int = 0
    failed: int = 0
    given_up: int = 0
    waiting: int = 0


def deliver(ledger: Ledger, stack: Stack, *, seconds: float = 30.0) -> Delivered:
    """Send what is due, for at most about so many seconds; the rest is sent by the next pass."""
    began, taken, sent, given_up = time.monotonic(), 0, 0, 0
    while taken < MOST and time.monotonic() - began < seconds:
        with ledger.write() as con:
            rows = notices.claim(con, ledger.clock.now(), 1)
        if not rows:
            break
        fault = _send(stack, rows[0])
        taken += 1
        now = ledger.clock.now()
        with ledger.write() as con:
            if fault is not None:
                given_up += notices.failed(con, stack, rows[0], fault, now)
                continue
            sent += 1
            notices.sent(con, rows[0], now)
            told = Entry(Action.ALERT_TOLD, detail={"alert_id": rows[0].alert_id, "change": rows[0].change,
                                                   "recipient": rows[0].recipient, "channel": rows[0].channel})  # fmt: skip
            seals = Seals(con, ledger.home.key(), now)
            append(con, seals, [told], now, stack.content_hash)
            if rows[0].change == Change.CASES.value:
                new_cases.reached(con, seals, stack, rows[0], now)
    with ledger.read() as con:
        waiting = len(notices.waiting(con))
    return Delivered(taken, sent, taken - sent, given_up, waiting)


def _send(stack: Stack, row: notices.Row) -> str | None:
    """Hand one message over; the code of what went wrong, or None. Apprise's own words name addresses: they go nowhere."""
    url = address(stack, row.recipient, row.channel)
    if url is None:
        return NO_ADDRESS
    import apprise

    sender = apprise.Apprise(asset=_asset())
    if not sender.add(url):
        return NO_ADDRESS
    kinds = {Change.RECOVERED: apprise.NotifyType.SUCCESS, Change.DIGEST: apprise.NotifyType.INFO,
             Change.CASES: apprise.NotifyType.INFO}  # fmt: skip
    serious = apprise.NotifyType.WARNING if row.severity == "warning" else apprise.NotifyType.FAILURE
    try:
        done = sender.notify(
            title=row.title,
            body=row.body,
            notify_type=kinds.get(Change(row.change), serious),
            body_format=apprise.NotifyFormat.TEXT,
        )
    except Exception as error:  # noqa: BLE001  (whatever a plugin does, the message stays queued and its failure is told)
        return type(error).__name__[:64]
    return None if done else UNDELIVERED


@lru_cache(maxsize=1)
def _asset() -> Any:
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise.AppriseAsset(
        app_id="HRORCH", app_desc="HRORCH alerts", storage_mode=apprise.PersistentStoreMode.MEMORY, secure_logging=True
    )
