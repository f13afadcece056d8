"""What rows of the status table mean for their employee, as the HRIS works it out itself: active or not, and the end date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from hrorch_pipelines.sandbox.store import Body, Document

ENDED = "Terminated"


def told_by_status(employee: Body, rows: Iterable[Document], day: date) -> Body:
    """What changes in an employee's own fields because of all their status rows, as of a day; empty when nothing does.

    The row that counts decides `status`. The latest row, counting or still ahead, decides `terminationDate`: an end sets it
    to the day before, unless one is there; a return takes it away.
    """
    ordered = sorted(rows, key=lambda row: (str(row.body.get("date") or ""), row.seq))
    begun = [row for row in ordered if str(row.body.get("date") or "") <= day.isoformat()]
    if not begun:
        return {}
    change: Body = {"status": "Inactive" if begun[-1].body.get("employmentStatus") == ENDED else "Active"}
    latest = ordered[-1].body
    if latest.get("employmentStatus") != ENDED:
        change["terminationDate"] = None
    elif not employee.get("terminationDate"):
        change["terminationDate"] = (date.fromisoformat(str(latest["date"])) - timedelta(days=1)).isoformat()
    return {name: value for name, value in change.items() if (employee.get(name) or None) != value}
