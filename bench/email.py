"""Mails a second from a mailbox of thousands to durable work items, after an outage say.

A real Dovecot with 5,000 mails of 20 KB in the mean; the node begins to read when it starts. From
the first item's commit to the last one's is what counts, as the database has it. Peers on the same
machine: ``imaplib`` and ``email`` doing the bare reading, one mail after the other and nothing
stored; and in the details a help desk from PyPI with its own command (``bench.helpdesk``).
"""

import argparse
import asyncio
import json
import sys
import time
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from bench.frame import Options, Progress, scratch
from bench.letters import letters
from bench.node import NodeProcess, running
from bench.peers import own_database
from bench.report import Budget, Peer, Report
from gateway.store.opening import open_store
from tests.support.dovecot import Dovecot

BUDGETS = (
    Budget(figure="ours", limit=300, better="more"),
    Budget(figure="max_loop_lag_ms", limit=50, better="less"),
)
BOX = "support@bench.example"
LOOK_SECONDS = 0.5
_COUNTED = """
SELECT count(*) AS items, count(DISTINCT i.case_id) AS cases,
       extract(epoch FROM max(j.at) - min(j.at))::float8 AS seconds
FROM item AS i JOIN journal AS j ON j.item_id = i.id AND j.kind = 'item_created'
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--peer-mails", type=int, default=500, help="for the help desk")
    parser.add_argument("--no-peers", action="store_true")


async def measure(options: Options, say: Progress) -> Report:
    peer, details = None, dict[str, Any]()
    with Dovecot.running() as dovecot:
        mails = list(letters(options.mails, BOX))
        details["mean_kb"] = sum(map(len, mails)) / len(mails) / 1e3
        dovecot.fill(mails)
        say(f"{len(mails):,} mails of {details['mean_kb']:.1f} KB in the mean lie in the mailbox")
        with scratch("email") as path:
            counted = await _ours(path, dovecot, len(mails), say, details)
        ours = (counted["items"] - 1) / counted["seconds"]
        say(f"{counted['items']:,} items, {ours:,.0f} mails/s")
        if not options.no_peers:
            peer = Peer(name="imaplib and email, reading alone", value=_bare(dovecot))
            say(f"imaplib and email: {peer.value:,.0f} mails/s")
            dovecot.next_user()
            dovecot.fill(mails[: options.peer_mails])
            with scratch("helpdesk") as path:
                details["django_helpdesk_per_s"] = tickets = await _helpdesk(path, dovecot)
            say(f"django-helpdesk: {tickets:,.1f} mails/s" if tickets else "no django-helpdesk")
    return Report(
        bench="email",
        ours=ours,
        unit="mails/s",
        peer=peer,
        lost=len(mails) - counted["cases"],
        duplicated=counted["items"] - counted["cases"],
        details=details,
        budgets=BUDGETS,
    )


# -- ours -----------------------------------------------------------------------------------


async def _ours(
    path: Path, dovecot: Dovecot, mails: int, say: Progress, details: dict[str, Any]
) -> dict[str, Any]:
    where = {"host": "127.0.0.1", "security": "none"}
    login = {"user": dovecot.user, "password": dovecot.password}
    channel = {
        "kind": "email",
        "name": "support",
        "address": BOX,
        "imap": {**where, **login, "port": dovecot.port},
        "smtp": {**where, "port": dovecot.port},  # nothing is sent
    }
    async with running(path, [channel], host=True) as node:
        cpu = node.meter()
        cpu.start()
        lag = await _until_read(node, mails, say)
        spent = cpu.read()
        counted = await _count(node)
    details |= {
        "cpu_s": {**spent, "peers": 0.0},
        "max_loop_lag_ms": lag,
        "node_ms_per_mail": spent["node"] / mails * 1e3,
        "postgres_ms_per_mail": spent["postgres"] / mails * 1e3,
    }
    return counted


async def _until_read(node: NodeProcess, mails: int, say: Progress) -> float:
    """Wait until all are items, or no more come; the longest lag of the node's loop, in ms."""
    lag, known, idle = 0.0, 0, 0
    while known < mails and idle < 40:
        await asyncio.sleep(LOOK_SECONDS)  # seldom, or looking would cost the node its time
        lag = max(lag, (await node.get("/bench/vitals"))["lag_ms"])
        now = (await _count(node))["items"]
        idle = idle + 1 if now == known else 0
        known = now
        say(f"{known:,} items")
    return lag


async def _count(node: NodeProcess) -> dict[str, Any]:
    con = await node.database()
    try:
        return dict(await con.fetchrow(_COUNTED) or {})
    finally:
        await con.close()


# -- the peers ------------------------------------------------------------------------------


def _bare(dovecot: Dovecot) -> float:
    """Mails a second: fetched and parsed, the text taken out, and forgotten."""
    parser = BytesParser(policy=policy.default)
    with dovecot.client() as client:
        client.select("INBOX", readonly=True)
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        began = time.monotonic()
        for uid in uids:
            _, parts = client.uid("FETCH", uid, "(BODY.PEEK[])")
            mail = parser.parsebytes(parts[0][1])
            text = mail.get_body(("plain", "html"))
            if text is None or not text.get_content() or not mail["subject"]:
                raise RuntimeError("a mail without text")
        return len(uids) / (time.monotonic() - began)


async def _helpdesk(path: Path, dovecot: Dovecot) -> float | None:
    """The same for tickets of django-helpdesk, on a PostgreSQL of its own; ``None``: it fails."""
    box = {"host": "127.0.0.1", "port": dovecot.port}
    box |= {"user": dovecot.user, "password": dovecot.password}
    async with open_store(data_dir=path / "data") as store:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.helpdesk",
            await own_database(store.dsn),
            json.dumps(box),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    if process.returncode:  # its psycopg needs the system's libpq
        return None
    found = json.loads(said.splitlines()[-1])
    return float(found["tickets"] / found["seconds"])
