"""The target of a system, by what the stack file says."""

from __future__ import annotations

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.writing.protocol import Target


def target_for(stack: Stack, system: str, clock: Clock, key: bytes) -> Target:
    """The target of a system that declares `writes`. `key` keys the hashes of `secret` attributes. Reaches nothing yet."""
    match stack.systems[system].connector:
        case "rest":
            from hrorch_pipelines.systems.writing.rest import RestTarget

            return RestTarget(stack, system, clock, key)
        case "scim":
            from hrorch_pipelines.systems.writing.scim import ScimTarget

            return ScimTarget(stack, system, clock, key)
        case "sql":
            from hrorch_pipelines.systems.writing.sql import SqlTarget

            return SqlTarget(stack, system, clock, key)
        case "files":
            from hrorch_pipelines.systems.writing.files import FilesTarget

            return FilesTarget(stack, system, clock, key)
