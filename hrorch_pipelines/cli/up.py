"""`hrorch up`: the sandbox and the Dagster UI together, until Ctrl-C or a polite kill ends both."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hrorch_pipelines.cli.app import COULD_NOT_RUN, app, console, notes

PATIENCE = 30
"""Seconds that Dagster has to end its own processes."""
WORKSPACE = Path("workspace.yaml")


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    people: Annotated[int, typer.Option(help="People in the sandbox company, when it is made anew.")] = 500,
    sandbox_port: Annotated[
        int, typer.Option(help="Port of the sandbox's first system; the others follow, control is one before.")
    ] = 8701,
) -> None:
    """Start the sandbox and the Dagster UI together, and say where to click. Ctrl-C stops both."""
    from hrorch_pipelines.cli.demo import DEMO_HOME
    from hrorch_pipelines.cli.sandbox import DEMO_WORLD
    from hrorch_pipelines.clock import SystemClock
    from hrorch_pipelines.runner import dagster_home
    from hrorch_pipelines.sandbox.serve import run_sandbox
    from hrorch_pipelines.sandbox.servers.ports import is_free
    from hrorch_pipelines.workplace import CLOCK_OFFSET, open_workplace

    if not WORKSPACE.is_file():
        _give_up(f"There is no {WORKSPACE} here. Start it in the folder of the repository.")
    if not is_free(port):
        _give_up(f"Somebody uses port {port} already, maybe an earlier `hrorch up`. Stop it, or take another: --port.")
    with run_sandbox(DEMO_WORLD, base_port=sandbox_port, people=people) as running:
        os.environ.update(running.env)
        os.environ.setdefault("HRORCH_HOME", str(DEMO_HOME.resolve()))
        # The sandbox lives on a day of its own: what looks at it has to live on the same day.
        os.environ[CLOCK_OFFSET] = str((running.clock.now() - SystemClock().now()).total_seconds())
        os.environ["DAGSTER_HOME"] = str(dagster_home(open_workplace()))
        console.print(
            f"\nSandbox and Dagster are starting.\n\n"
            f"  1. Open http://127.0.0.1:{port}\n"
            f"  2. Lineage: the flow of the data, left to right. Click an asset to see its counts and rates.\n"
            f"  3. Jobs → extract_hris → Materialize all; the sensor then starts the cycle by itself.\n"
            f"  4. `hrorch report discrepancies` in another terminal shows what it found.\n\n"
            f"Ctrl-C stops both.\n"
        )
        dagster = Path(sys.executable).with_name("dagster")
        code = _until_told([str(dagster), "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)])
    if code:
        _give_up(f"Dagster ended by itself (exit code {code}); what it said above tells why.")


def _until_told(command: Sequence[str]) -> int:
    """Run it until it ends by itself, with its exit code, or until we are told to end, which is no failure.

    Ctrl-C reaches it without us, being of our group; a kill does not, and would leave its processes behind on our ports.
    """
    told: list[int] = []
    child = subprocess.Popen(command)  # noqa: S603  our own program, our own arguments

    def pass_on(number: int, _: object) -> None:
        told.append(number)
        child.send_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        code = child.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
        child.kill()
    return 0 if told else code


def _give_up(why: str) -> None:
    notes.print(why, markup=False, highlight=False)
    raise typer.Exit(COULD_NOT_RUN)
