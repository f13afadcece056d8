"""Alerts: every address is one that Apprise can send to, and quiet hours are hours. The addresses themselves are never told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import SecretStr

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack

EMAIL = "{email}"


def check_alerts(stack: Stack, declared: Declared) -> Iterator[Finding]:  # noqa: ARG001
    """Addresses nobody could send to, and times there are not."""
    yield from _urls(("alerts", "urls"), stack.alerts.urls)
    for name, owner in stack.people.items():
        yield from _urls(("people", name, "alert_urls"), owner.alert_urls)
    quiet = stack.alerts.quiet_hours
    if quiet is not None:
        begin, end = quiet.split("-")
        if any(part[:2] > "23" or part[3:] > "59" for part in (begin, end)):
            yield Finding(("alerts", "quiet_hours"), "is no time of day", "write two from 00:00 to 23:59")
        elif begin == end:
            yield Finding(("alerts", "quiet_hours"), "has no length", "leave it out to be told at any time")


def _urls(path: Path, urls: Sequence[SecretStr]) -> Iterator[Finding]:
    given = [(number, url.get_secret_value()) for number, url in enumerate(urls) if url.get_secret_value().strip()]
    if not given:
        return
    import apprise  # 0.3 s that only a stack with addresses pays

    for number, url in given:
        if apprise.Apprise.instantiate(url.replace(EMAIL, "somebody@example.com"), suppress_exceptions=True) is None:
            yield Finding(
                (*path, number),
                "is no address that alerts can be sent to",
                "write it as Apprise does, such as mailto://…, slack://…, json://… (the list is in its documentation)",
            )
