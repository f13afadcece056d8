"""The maker of a system or an outlet, by what the stack file says. Nothing is reached before the first `look`."""

from __future__ import annotations

from pathlib import Path

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.protocol import Maker
from hrorch_pipelines.systems.writing.errors import unwritable


def maker_for(stack: Stack, place: str, clock: Clock, key: bytes, *, scratch: Path | None = None) -> Maker:
    """The maker of a place. `key` keys the hashes of `secret` attributes; what is read may lie in `scratch` for a moment.

    Raises WriteFault `unwritable` where nothing can be made (files, SQL), KeyError for a place nobody declared.
    """
    declared = stack.outlets.get(place) or stack.systems[place]
    match declared.connector:
        case "rest":
            from hrorch_pipelines.systems.making.rest import RestMaker

            return RestMaker(stack, place, clock, key, scratch=scratch)
        case "scim":
            from hrorch_pipelines.systems.making.scim import ScimMaker

            return ScimMaker(stack, place, clock, key, scratch=scratch)
        case "smtp":
            from hrorch_pipelines.systems.making.smtp import SmtpMaker

            return SmtpMaker(stack, place, clock)
        case "caldav":
            from hrorch_pipelines.systems.making.caldav import CalDavMaker

            return CalDavMaker(stack, place, clock)
        case _:
            raise unwritable("no_create", f"{place}: nothing can be made there")
