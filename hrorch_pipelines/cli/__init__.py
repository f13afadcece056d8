"""The `hrorch` command. Each module holds one family of commands; what they do lives in the rooms."""

from __future__ import annotations

import sys

from hrorch_pipelines.cli import (
    audit,
    benchmarks,
    corrections,
    demo,
    drill,
    erase,
    exceptions,
    handoffs,
    handoffs_acting,
    identity,
    monitor,
    reports,
    run,
    sandbox,
    screening,
    simulate,
    snapshots,
    up,
    webhooks,
)
from hrorch_pipelines.cli.app import COULD_NOT_RUN, app
from hrorch_pipelines.errors import HrorchError

__all__ = [
    "app",
    "audit",
    "benchmarks",
    "corrections",
    "demo",
    "drill",
    "erase",
    "exceptions",
    "handoffs",
    "handoffs_acting",
    "identity",
    "main",
    "monitor",
    "reports",
    "run",
    "sandbox",
    "screening",
    "simulate",
    "snapshots",
    "up",
    "webhooks",
]


def main() -> None:
    """Run the command; turn our errors into two plain sentences and exit code 2."""
    try:
        app()
    except HrorchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(COULD_NOT_RUN)
