"""For what happens in another thread: asked until it is so, since a busy machine is slow and not wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T], seconds: float = 30.0) -> T:
    """The first true answer; after so many seconds the last one, for the assertion to fail on."""
    until = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < until:
        time.sleep(0.02)
    return answer
