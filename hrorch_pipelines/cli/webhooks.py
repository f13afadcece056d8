"""`hrorch webhooks`: listen for what systems say by themselves, and look at what came."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from hrorch_pipelines.cli.app import COULD_NOT_RUN, HomeOption, StackOption, app, console, notes

webhooks_app = typer.Typer(no_args_is_help=True, help="Listen for what systems say by themselves; see what came.")
app.add_typer(webhooks_app, name="webhooks")


@webhooks_app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8790,
    host: Annotated[str, typer.Option(help="Address to listen on. TLS ends at the proxy in front.")] = "127.0.0.1",
    rate: Annotated[int, typer.Option(min=1, help="Messages per second that one source may send.")] = 500,
    proxy: Annotated[
        str | None, typer.Option(help="Addresses of proxies (comma-separated) whose X-Forwarded-For is believed.")
    ] = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Take in messages at POST /webhooks/SYSTEM until Ctrl-C. Each is answered when it is safe in the ledger."""
    from hrorch_pipelines.inbox.doors import doors
    from hrorch_pipelines.inbox.serve import serve as listen
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    for name, door in doors(workplace.stack).items():
        how = f"{door.scheme}" if door.open else "nothing is accepted: it has no secret"
        notes.print(f"POST http://{host}:{port}/webhooks/{name}  ({how})", highlight=False, soft_wrap=True)
    listen(workplace, host=host, port=port, rate=rate, proxies=proxy)


@webhooks_app.command()
def verify(
    system: Annotated[str, typer.Argument(help="The system that will send, as the stack file names it.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8790,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Wait for Gusto's verification token, print it and end. Confirm it with Gusto before it is used."""
    from hrorch_pipelines.inbox.handshake import verification_token

    notes.print(f"Waiting for one message at http://{host}:{port}/webhooks/{system} (Ctrl-C ends)", highlight=False)
    token = verification_token(system, host=host, port=port)
    if token is None:
        raise typer.Exit(COULD_NOT_RUN)
    console.print(token, markup=False, highlight=False)


@webhooks_app.command("list")
def list_(
    days: Annotated[int, typer.Option(min=1, help="Refusals of the last days.")] = 1,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Which systems may send, what came from each, and what was refused and why."""
    from hrorch_pipelines.inbox import events
    from hrorch_pipelines.inbox.doors import doors
    from hrorch_pipelines.inbox.terms import State
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    known, ledger = doors(workplace.stack), workplace.ledger()
    with ledger.read() as con:
        standing = events.standing(con)
        refused = events.refusals(con, workplace.clock.now() - timedelta(days=days))
    ledger.close()
    table = Table("system", "signed as", *(state.value for state in State), "refused", title="Webhooks")
    for name in [*known, *sorted((set(standing) | set(refused)) - set(known))]:
        door, counts, reasons = known.get(name), standing.get(name, {}), refused.get(name, {})
        how = "no system of ours" if door is None else door.scheme if door.open else f"{door.scheme} (no secret)"
        told = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "0"
        table.add_row(name, how, *(str(counts.get(state.value, 0)) for state in State), told)
    console.print(table)
