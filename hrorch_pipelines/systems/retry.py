"""Tries a request again when the system says "later" or the connection breaks: backoff with jitter, Retry-After obeyed.

Which answers are good is for the caller to say (`rest_client`, `scim`). Only reads are retried here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.systems.errors import ReadFault

RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 300.0
"""Seconds; a system that asks for more is reported as unavailable instead of holding a run."""

Answer = TypeVar("Answer")


class TryAgain(ReadFault):
    """A fault that may pass. `after` is what the system asked us to wait, in seconds."""

    def __init__(self, code: str, detail: str, *, status: int | None = None, after: float | None = None) -> None:
        super().__init__(code, detail, status=status)
        self.after = after


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try again, and how to wait."""

    retries: int
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    first_wait: float = 0.5

    def run(self, attempt: Callable[[], Answer]) -> Answer:
        """Call `attempt` until it returns. Raises its last fault when the tries are used up or the wait is too long."""
        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.retries + 1) | _AsksTooLong(),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(TryAgain),
            sleep=self.sleep,
            reraise=True,
        )(attempt)

    def again_after(self, header: str | None) -> float | None:
        """Seconds a Retry-After header asks for (RFC 9110 §10.2.3: seconds or an HTTP date); None when unreadable."""
        if not header:
            return None
        if header.strip().isdigit():
            return float(header)
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        return max(0.0, (moment - self.clock.now()).total_seconds())

    def _wait(self, state: tenacity.RetryCallState) -> float:
        asked = _asked(state)
        jittered = tenacity.wait_random_exponential(multiplier=self.first_wait, max=30)(state)
        return jittered if asked is None else asked + min(jittered, 0.25)

    def status_fault(self, status: int, what: str, retry_after: str | None) -> ReadFault:
        """The fault of a status that is not 2xx. `what` names the request without its query."""
        if status in RETRY_STATUSES:
            code = "rate_limited" if status == 429 else "http_status"
            return TryAgain(code, f"{what} answered {status}", status=status, after=self.again_after(retry_after))
        if status in {401, 403, 407}:
            return ReadFault("unauthorized", f"{what} answered {status}", status=status)
        if 300 <= status < 400:
            return ReadFault("redirect", f"{what} answered {status}, a redirect", status=status)
        return ReadFault("http_status", f"{what} answered {status}", status=status)


def _asked(state: tenacity.RetryCallState) -> float | None:
    fault = state.outcome.exception() if state.outcome else None
    return fault.after if isinstance(fault, TryAgain) else None


class _AsksTooLong(tenacity.stop.stop_base):
    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        return (_asked(retry_state) or 0) > LONGEST_WAIT
