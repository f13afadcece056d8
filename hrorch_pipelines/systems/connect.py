"""The connector of a system, by what the stack file says. Reading itself is in `rest`, `files`, `sql`, `scim`."""

from __future__ import annotations

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.raw import Connector


def connector_for(stack: Stack, system: str, clock: Clock) -> Connector:
    """The connector of a system. Nothing is reached before `check` or `read` is called."""
    declared = stack.systems[system]
    match declared.connector:
        case "rest":
            from hrorch_pipelines.systems.rest import RestConnector

            return RestConnector(system, declared, clock)
        case "files":
            from hrorch_pipelines.systems.files import FilesConnector

            return FilesConnector(system, declared, clock, stack.folder)
        case "sql":
            from hrorch_pipelines.systems.sql import SqlConnector

            return SqlConnector(system, declared, clock, stack.folder)
        case "scim":
            from hrorch_pipelines.systems.scim import ScimConnector

            return ScimConnector(system, declared, clock)
