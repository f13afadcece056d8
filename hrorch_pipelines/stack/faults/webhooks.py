"""Webhooks without the secret that proves them. A preset's webhook that nobody gave a secret is simply not in use."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean


def check_webhooks(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """A webhook that the file itself spells out, and whose secret is no credential of its system."""
    if not declared.whole("systems"):
        return
    for name, system in stack.systems.items():
        webhook = system.webhook
        if webhook is None or webhook.secret in system.credentials:
            continue
        spelled_out = system.preset is None or webhook.scheme == "hmac"
        if spelled_out:
            yield Finding(
                ("systems", name, "webhook"),
                f"`secret` names a credential `{webhook.secret}` that is not there",
                f"{did_you_mean(webhook.secret, list(system.credentials))}"
                f"add `{webhook.secret}: ${{NAME}}` to the system's `credentials`",
            )
