"""``switchroom demo``: the main job with nothing to configure."""

from pathlib import Path
from typing import Literal


def demo(
    *,
    port: int = 8080,
    host: str = "127.0.0.1",
    quiet: bool = False,
    agents: int = 0,
    nodes: Literal[1, 2] = 1,
    seconds: float | None = None,
    data_dir: Path = Path("var/demo"),
) -> None:
    """Show the main job: a company at work, with nothing to configure.

    Starts a database, a mail server, a node and played customers who write, chat and file tasks
    through the real protocols; prints links that sign you in with one click.

    Example: switchroom demo --port 8080 --agents 3

    Parameters
    ----------
    port
        Where it serves.
    host
        The address to serve on; loopback unless you say otherwise.
    quiet
        No played customers: only what you do yourself.
    agents
        Played agents that do the work.
    nodes
        2: two nodes over one database, the second at the next port. Kill either and see its work
        go on at the other.
    seconds
        Stop by itself after so long.
    data_dir
        Where the database and the configuration are kept from one demo to the next.
    """
    import asyncio
    import signal
    from contextlib import suppress

    from gateway import logs
    from gateway.config import LogSettings
    from gateway.demo.show import Wish, show

    logs.configure(LogSettings(level="warning"))
    wish = Wish(
        host=host,
        port=port,
        quiet=quiet,
        agents=agents,
        nodes=nodes,
        seconds=seconds,
        data_dir=data_dir,
    )

    async def until_stopped() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is not None:
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
        await show(wish, _say)

    with suppress(asyncio.CancelledError):
        asyncio.run(until_stopped())


def _say(links: dict[str, str]) -> None:
    """The links, whole, for people to click and programs to read."""
    from rich.console import Console

    names = {
        "demo": "Be the customer",
        "agent": "Sign in as the agent",
        "supervisor": "Sign in as the supervisor",
        "admin": "Sign in as the admin",
    }
    console = Console(soft_wrap=True, highlight=False)
    console.print("\n[bold green]Switchroom is ready.[/bold green] Ctrl+C ends it.\n")
    for key, name in names.items():
        console.print(f"  [bold]{name:<26}[/bold] {links[key]}")
    console.print()
