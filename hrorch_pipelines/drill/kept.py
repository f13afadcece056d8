"""The outcomes of the last drill, kept as a file of its own: never among the alerts of production, which they are told beside."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hrorch_pipelines.drill.terms import Outcome
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.monitoring.detection import Detection, Failure, detection
from hrorch_pipelines.monitoring.terms import Watch

FILE = "drill.json"
_MOMENTS = ("injected_at", "occurred_at", "detected_at")


class NothingRehearsedError(HrorchError):
    """No drill was kept yet."""

    def __init__(self) -> None:
        super().__init__("There has been no drill yet.", remedy="run `hrorch drill`; it takes about a minute")


@dataclass(frozen=True)
class Drill:
    """What was rehearsed, and when (machine time)."""

    at: datetime
    dry: bool
    outcomes: tuple[Outcome, ...]


def keep(folder: Path, drill: Drill) -> Path:
    """Write it in place of the last one, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"at": drill.at.isoformat(), "dry": drill.dry, "outcomes": [_plain(one) for one in drill.outcomes]}
    draft = folder / f"{FILE}.part"
    draft.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(draft, folder / FILE)  # noqa: PTH105  (atomic on every platform)
    return folder / FILE


def last(folder: Path) -> Drill | None:
    """The last drill; None when there was none, or its file is not ours."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Drill(
            datetime.fromisoformat(content["at"]), content["dry"], tuple(_outcome(one) for one in content["outcomes"])
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def times(outcomes: Sequence[Outcome]) -> list[Detection]:
    """M3 of a drill by itself, per kind. What was not detected is right-censored at the end of its time.

    As in production, an overdue case is no failure of its own: those are the cases.
    """
    counted = [one for one in outcomes if one.watch != Watch.OVERDUE]
    found = [Failure(one.kind, one.occurred_at, one.occurred_at, one.detected_at) for one in counted]
    end = max((one.detected_at or one.occurred_at for one in counted), default=None)
    return detection(found, end) if end is not None else []


def _plain(one: Outcome) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in vars(one).items()}


def _outcome(plain: dict[str, object]) -> Outcome:
    moments = {
        name: datetime.fromisoformat(str(plain[name])) if plain.get(name) is not None else None for name in _MOMENTS
    }
    return Outcome(**{**plain, **moments})  # type: ignore[arg-type]
