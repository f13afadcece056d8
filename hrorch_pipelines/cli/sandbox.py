"""`hrorch sandbox …`: six systems on this machine to try the product against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hrorch_pipelines.cli.app import sandbox_app

DEMO_WORLD = Path("data/sandbox")
"""Outside the product's home, like everything the sandbox knows."""


@sandbox_app.command("serve")
def serve(
    folder: Annotated[Path, typer.Option(help="Where the systems keep their state.")] = DEMO_WORLD,
    people: Annotated[int, typer.Option(help="People in the company, when it is made anew.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed makes another company.")] = 7,
    port: Annotated[
        int, typer.Option(help="Port of the first system; the others follow, control is one before.")
    ] = 8701,
) -> None:
    """Serve an ATS, HRIS, payroll, background check, onboarding and directory until Ctrl-C."""
    from hrorch_pipelines.sandbox.serve import serve_forever

    serve_forever(folder, base_port=port, people=people, seed=seed)
