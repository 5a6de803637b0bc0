"""The command line: one small module per command, imported when it runs.

Exit codes: 0 done, 1 failed, 2 wrong usage. Errors are one line that says what to do.
"""

import sys
from collections.abc import Sequence

import cyclopts

from gateway.failures import Failed, explained

# Command, where it is, what it does, an example.
COMMANDS: tuple[tuple[str, str, str, str], ...] = (
    (
        "demo",
        "gateway.cli.demo:demo",
        "Run the whole thing with nothing to configure, and customers who play.",
        "switchroom demo --port 8080",
    ),
    (
        "init",
        "gateway.cli.init:init",
        "Ask a few questions and write a commented switchroom.toml.",
        "switchroom init --yes",
    ),
    (
        "check",
        "gateway.cli.check:check",
        "Read the configuration, then really connect to everything in it.",
        "switchroom check --config switchroom.toml",
    ),
    (
        "run",
        "gateway.cli.run:run",
        "Serve: one node, in the foreground.",
        "switchroom run --config switchroom.toml",
    ),
    (
        "apply",
        "gateway.cli.apply:apply",
        "Declare queues, skills, codes and agents: shows the difference, asks, applies.",
        "switchroom apply people.toml --yes",
    ),
    (
        "explain",
        "gateway.cli.explain:explain",
        "Say in words where a ticket is, why it waits, and who could take it.",
        "switchroom explain 1042",
    ),
    (
        "rules test",
        "gateway.cli.rules:try_out",
        "Check the front door's rules, and what they decide about examples.",
        "switchroom rules test front-door.toml",
    ),
    (
        "simulate",
        "gateway.cli.simulate:simulate",
        "Play a day, made up or recorded, through the real routing, and compare policies.",
        "switchroom simulate great-house --scale 0.1",
    ),
    (
        "status",
        "gateway.cli.status:status",
        "Show nodes, channels, queues and agents.",
        "switchroom status --json",
    ),
    (
        "migrate",
        "gateway.cli.migrate:migrate",
        "Bring the database's schema up to date.",
        "switchroom migrate --config switchroom.toml",
    ),
    (
        "backup",
        "gateway.cli.backup:backup",
        "Write everything into one file, whether a node runs or not.",
        "switchroom backup monday.switchroom",
    ),
    (
        "restore",
        "gateway.cli.restore:restore",
        "Put a backup into an empty database.",
        "switchroom restore monday.switchroom",
    ),
    (
        "erasures",
        "gateway.cli.erasures:erasures",
        "Print who was erased, for a backup that is older than that.",
        "switchroom erasures > erasures.txt",
    ),
    (
        "move",
        "gateway.cli.move:move",
        "Move from the embedded PostgreSQL to another one.",
        "switchroom move --to postgresql://switchroom:SECRET@db/switchroom",
    ),
    (
        "journal list",
        "gateway.cli.journal:show",
        "The journal's weeks, and how large they are.",
        "switchroom journal list",
    ),
    (
        "journal archive",
        "gateway.cli.journal:archive",
        "Put old weeks of the journal into a file, then drop them.",
        "switchroom journal archive 2025.journal --before 2026-01-01",
    ),
    (
        "journal drop",
        "gateway.cli.journal:drop",
        "Drop old weeks of the journal for good.",
        "switchroom journal drop --before 2026-01-01",
    ),
    (
        "user add",
        "gateway.cli.user:add",
        "Make an agent with a login.",
        "switchroom user add ana --role agent",
    ),
    (
        "channel pause",
        "gateway.cli.channel:pause",
        "Take nothing more from a channel.",
        "switchroom channel pause support",
    ),
    (
        "channel resume",
        "gateway.cli.channel:resume",
        "Start a paused or parked channel.",
        "switchroom channel resume support",
    ),
    (
        "site list",
        "gateway.cli.site:show",
        "Sites: how far each is open, who sits there.",
        "switchroom site list",
    ),
    (
        "site close",
        "gateway.cli.site:close",
        "Take the agents of a site, or a share of them, out of routing.",
        'switchroom site close berlin --reason "storm" --percent 50',
    ),
    (
        "site open",
        "gateway.cli.site:reopen",
        "Have all agents of a site in routing again.",
        "switchroom site open berlin",
    ),
    (
        "evacuate",
        "gateway.cli.evacuate:evacuate",
        "Move all work, agents and customers of a node or region to the others.",
        "switchroom evacuate eu-1",
    ),
    (
        "return",
        "gateway.cli.evacuate:give_back",
        "Let an evacuated node or region take work again.",
        "switchroom return eu-1",
    ),
    (
        "outbox list",
        "gateway.cli.outbox:show",
        "What is on its way to the outside, or failed.",
        "switchroom outbox list",
    ),
    (
        "outbox retry",
        "gateway.cli.outbox:retry",
        "Try a delivery now.",
        "switchroom outbox retry ID",
    ),
    (
        "outbox drop",
        "gateway.cli.outbox:drop",
        "Give a delivery up.",
        "switchroom outbox drop ID",
    ),
    (
        "review list",
        "gateway.cli.review:show",
        "What rules held back, or want a supervisor to see.",
        "switchroom review list",
    ),
    (
        "review release",
        "gateway.cli.review:release",
        "Let a reply leave that a rule held back.",
        "switchroom review release ID",
    ),
    (
        "review refuse",
        "gateway.cli.review:refuse",
        "Keep a reply from leaving for good.",
        "switchroom review refuse ID --reason 'no account numbers by mail'",
    ),
    (
        "review seen",
        "gateway.cli.review:seen",
        "Say that somebody has looked at it.",
        "switchroom review seen ID",
    ),
    (
        "report routing",
        "gateway.cli.report:routing",
        "What came to the wrong person: by rule, queue, reason, and what is right.",
        "switchroom report routing --days 30 --by queue,reason",
    ),
    (
        "export",
        "gateway.cli.export:export",
        "Write facts, items, segments, agents' time or events to a CSV or Parquet file.",
        "switchroom export facts november.csv --since 2026-11-01",
    ),
    (
        "facts update",
        "gateway.cli.facts:update",
        "Count for reports what has happened since the node did it last.",
        "switchroom facts update",
    ),
    (
        "facts rebuild",
        "gateway.cli.facts:rebuild",
        "Count for reports all that the journal tells, from its beginning.",
        "switchroom facts rebuild",
    ),
    (
        "quarantine list",
        "gateway.cli.quarantine:show",
        "What arrived and could not be understood.",
        "switchroom quarantine list",
    ),
    (
        "quarantine retry",
        "gateway.cli.quarantine:retry",
        "Look at it once more.",
        "switchroom quarantine retry ID",
    ),
    (
        "quarantine drop",
        "gateway.cli.quarantine:drop",
        "Give it up for good.",
        "switchroom quarantine drop ID",
    ),
)
GROUPS = {
    "rules": "The front door.",
    "journal": "What happened, week by week.",
    "user": "Logins.",
    "channel": "Pause and resume channels.",
    "site": "Sites where agents sit.",
    "outbox": "What goes to the outside.",
    "review": "What rules held back, or want a supervisor to see.",
    "report": "What happened in a period, counted.",
    "facts": "What reports count.",
    "quarantine": "What could not be understood.",
}


def build() -> cyclopts.App:
    """The tree of commands, none of them imported."""
    app = cyclopts.App(
        name="switchroom",
        help="The contact gateway: every channel, one queue, the right person, nothing lost.",
        version=_version,
        help_format="plaintext",
    )
    groups = {name: cyclopts.App(name=name, help=text) for name, text in GROUPS.items()}
    for group in groups.values():
        app.command(group)
    for words, place, text, example in COMMANDS:
        group_name, _, name = words.rpartition(" ")
        into = groups[group_name] if group_name else app
        into.command(place, name=name, help=text, help_epilogue=f"Example: {example}")
    return app


def _version() -> str:
    from importlib.metadata import version

    return version("switchroom")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    return explained(lambda: _run(sys.argv[1:] if arguments is None else list(arguments)))


def _run(arguments: list[str]) -> None:
    app = build()
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_none")
    except cyclopts.UnknownCommandError as error:
        raise Failed(_unknown(error.unused_tokens or []), 2) from error
    except cyclopts.CycloptsError as error:
        words = " ".join(str(error).split())
        raise Failed(f"{words} (add --help to see how)", 2) from error


def _unknown(words: Sequence[str]) -> str:
    """Said without importing every command, as cyclopts would to look for a similar one."""
    from difflib import get_close_matches

    known = sorted({*GROUPS, *(words.rpartition(" ")[2] for words, *_ in COMMANDS)})
    word = words[0] if words else ""
    close = get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "`switchroom --help` lists the commands"
    return f"there is no command {word!r}; {hint}"
