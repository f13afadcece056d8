"""What may go wrong when the sandbox starts or is steered."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class SandboxUnavailable(HrorchError):  # noqa: N818
    """A sandbox system could not take its port or did not come up."""

    def __init__(self, system: str, port: int) -> None:
        super().__init__(
            f"the sandbox's {system} cannot listen on port {port} of the loopback interface",
            remedy="Stop what uses the port, or start the sandbox with another base port.",
        )
        self.system = system
        self.port = port


class UnknownSandboxSystem(HrorchError):  # noqa: N818
    """A name that is none of the sandbox's systems."""

    def __init__(self, system: str, known: tuple[str, ...]) -> None:
        super().__init__(f"the sandbox has no system {system!r}", remedy=f"Use one of: {', '.join(known)}.")
        self.system = system
