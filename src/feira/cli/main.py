"""`feira up | run | migrate | seed | doctor | dead-letters | bench | model | simulate |
rebuild`.

Exit codes: 0 done; 1 it was tried and failed; 2 called wrongly (settings or arguments).
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, Final

import typer

from feira.kernel.errors import FeiraError, Misconfigured

FAILED: Final = 1
CALLED_WRONGLY: Final = 2

app = typer.Typer(
    name="feira",
    help="Feira: an event-driven commerce backend that is safe on Black Friday.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
dead_letters = typer.Typer(
    name="dead-letters",
    help="Messages that a service could not handle: see them, send them again.",
    no_args_is_help=True,
)
app.add_typer(dead_letters)

Services = Annotated[list[str] | None, typer.Argument(help="Services by name; all when none.")]


@app.command()
def up() -> None:
    """Start the whole shop on this machine, and stop it cleanly with Ctrl-C."""
    from feira.cli.up import up as start

    _finish(start())


@app.command()
def run(
    services: Annotated[list[str], typer.Argument(help="Which services, in one process.")],
) -> None:
    """Run services in this process; their settings come from the environment."""
    from feira.runtime.process import run_services

    _finish(run_services(services))


@app.command()
def migrate(services: Services = None) -> None:
    """Bring the services' databases to their newest revision."""
    from feira.cli.migrate import migrate as bring

    _finish(bring(services))


@app.command(hidden=True)
def prepare() -> None:
    """Write the gateway's configuration and pages (a step of `feira up`)."""
    from feira.cli.prepare import prepare as make

    _finish(make())


@app.command()
def seed() -> None:
    """Put the demo shop into the databases: logins, categories, 200 products with stock."""
    from feira.cli.seed import seed as put

    _finish(put())


@app.command()
def doctor() -> None:
    """Look at every part of the shop and say what is wrong; exit code 1 when something is."""
    from feira.cli.doctor import doctor as look

    _finish(look())


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def simulate(context: typer.Context) -> None:
    """Run the whole shop in simulated worlds where everything goes wrong, by seeds."""
    from feira.cli.simulate import simulate as go_wrong

    raise typer.Exit(go_wrong(context.args))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure this machine's purchases a second beside the floor (see `feira bench --help`)."""
    from feira.cli.bench import bench as measure

    raise typer.Exit(measure(context.args))


@app.command()
def rebuild(
    service: Annotated[str, typer.Argument(help="The service whose read models are made anew.")],
    apply: Annotated[bool, typer.Option("--apply", help="Mend the rows that are wrong.")] = False,
) -> None:
    """Make a running shop's read models anew from events, and compare their hashes."""
    from feira.cli.rebuild import rebuild as make_anew

    _finish(make_anew(service, apply=apply))


@app.command()
def model(
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also the large scopes: a minute or two.")
    ] = False,
) -> None:
    """Explore the purchase protocol exhaustively for one and two orders."""
    from feira.cli.model import explore_scopes

    raise typer.Exit(explore_scopes(thorough=thorough))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def torture(context: typer.Context) -> None:
    """Break a throw-away shop in every way, and audit it (see `feira torture --help`)."""
    from feira.cli.torture import run as break_it

    raise typer.Exit(break_it(context.args))


@dead_letters.command("list")
def list_dead_letters(
    services: Services = None,
    all_letters: Annotated[
        bool, typer.Option("--all", help="Also those that were sent again.")
    ] = False,
) -> None:
    """The newest dead letters of the services."""
    from feira.cli.dead_letters import list_all

    _finish(list_all(services, also_redriven=all_letters))


@dead_letters.command("redrive")
def redrive_dead_letter(
    service: Annotated[str, typer.Argument(help="The service that buried it.")],
    letter_id: Annotated[int, typer.Argument(help="Its number in the list.")],
) -> None:
    """Send a dead letter to its service once more."""
    from feira.cli.dead_letters import redrive_one

    _finish(redrive_one(service, letter_id))


def _finish(work: Coroutine[Any, Any, int | None]) -> None:
    """Run a command to its end; its errors become one line and an exit code."""
    import uvloop

    try:
        code = uvloop.run(work)
    except Misconfigured as error:
        print(f"feira: {error}", file=sys.stderr)
        raise typer.Exit(CALLED_WRONGLY) from None
    except (FeiraError, asyncio.CancelledError) as error:
        print(f"feira: {error}", file=sys.stderr)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    raise typer.Exit(code or 0)
