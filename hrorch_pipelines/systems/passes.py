"""How often a paged read is passed over until it can be believed. What a pass is, the connectors say."""

from __future__ import annotations

from collections.abc import Callable

from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.pages import PageLog, Unsettled
from hrorch_pipelines.systems.raw import Problem

_MOST = 3
"""A first pass, one more when pages did not fit, and one to see whether a repeated key is the source's own."""


def settled(
    record: str,
    new_log: Callable[[], PageLog],
    run: Callable[[PageLog], None],
    *,
    lost_place: Callable[[ReadFault], bool] = lambda fault: False,  # noqa: ARG005
    hopeless: Callable[[ReadFault], bool] = lambda fault: False,  # noqa: ARG005
) -> tuple[PageLog, list[Problem]]:
    """Pass over everything until it fits together; the log of the last pass and what was noticed.

    Pages that do not fit, or a lost place in them (`lost_place`), are given one more pass. A key that comes again with other
    content is the source's own duplicate when the next pass gives exactly the same, and drift when it does not.
    Raises ReadFault when nothing came at all, or a fault is `hopeless`.
    """
    notes: list[Problem] = []
    before: str | None = None
    tried_again = False
    for _ in range(_MOST):
        log = new_log()
        try:
            with log:
                run(log)
        except ReadFault as fault:
            if hopeless(fault):
                raise
            may_pass = isinstance(fault, Unsettled) or (log.pages > 0 and lost_place(fault))
            if may_pass and not tried_again:
                tried_again, before = True, None
                notes.append(Problem("read_again", f"{record}: {fault.detail}; read once more", fatal=False))
                continue
            if log.pages == 0:
                raise
            return log, [*notes, Problem(fault.code, f"{record}: {fault.detail}")]
        if not log.twins:
            return log, notes
        if before == log.digest:
            return log, [*notes, Problem("duplicate_key", f"{record}: a key is there more than once", fatal=False)]
        before = log.digest
    return log, [*notes, Problem("page_drift", f"{record}: records changed from one read to the next")]
