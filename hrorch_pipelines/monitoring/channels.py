"""The watch over the alerts themselves: addresses that messages do not reach. Told to somebody else where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions.routing import stand_in
from hrorch_pipelines.monitoring.scene import Scene, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.words import many
from hrorch_pipelines.storage.ledger_tables import notices

TRIES = 3
"""Failures of one message before its address counts as unreachable: a mail server may be restarted."""


def undeliverable(scene: Scene) -> Iterator[Trouble]:
    """Addresses with messages that were tried again and again, or given up with none delivered since."""
    n = notices.c
    rows = scene.ledger.execute(
        sa.select(
            n.channel,
            sa.func.count(),
            sa.func.count(n.recipient.distinct()),
            sa.func.min(n.recipient),
            sa.func.min(n.made_at),
            sa.func.max(n.made_at),
            sa.func.min(n.fault),
        )
        .where(n.sent_at.is_(None), n.attempts >= TRIES, n.fault.is_not(None))
        .group_by(n.channel)
        .order_by(n.channel)
    ).all()
    query = sa.select(n.channel, sa.func.max(n.sent_at)).where(n.sent_at.is_not(None)).group_by(n.channel)
    reached = {row[0]: row[1] for row in scene.ledger.execute(query).all()}
    for channel, count, people, recipient, first, latest, fault in rows:
        if channel in reached and reached[channel] > latest:
            continue  # given up once, and reachable again
        yield Trouble(
            f"channel:{channel}",
            Watch.CHANNEL,
            "critical",
            _somebody_else(scene, recipient, shared=people > 1),
            f"Alerts cannot be delivered to `{channel}` of the stack file ({fault}): {many(count, 'message')} not sent.",
            "See whether the address is right and the server behind it answers. `hrorch monitor status` shows all alerts meanwhile.",
            since=first,
            affects={"messages": count},
        )


def _somebody_else(scene: Scene, recipient: str, *, shared: bool) -> str:
    """The default owner; their deputy, when it is themselves who cannot be reached."""
    owner = owner_of(scene.stack)
    if shared or owner != recipient:
        return owner
    return stand_in(scene.stack, owner, local_date(scene.now, scene.stack.organization.time_zone)) or owner
