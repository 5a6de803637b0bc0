"""Changing the directory while no node runs: by the journal, as a node would.

The journal is written under a node name of its own, so a running node is never fenced by it.
"""

import asyncio
from typing import Any, cast

from msgspec.structs import replace

from gateway.api.directory_types import check_name
from gateway.clock import SystemClock
from gateway.core import events as e
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import AgentProfile
from gateway.core.state import NodeState
from gateway.flow.ledger import Ledger
from gateway.flow.writer import Writer
from gateway.ports import Role
from gateway.store.opening import Store, new_id


async def define_agent(
    store: Store, node: str, name: AgentName, role: str, display_name: str
) -> AgentProfile:
    """Make or change an agent; returns once it is on disk."""
    check_name(name)
    term = await store.journal.begin(NodeName(node), "")
    loaded = await store.journal.load(term)
    known = {profile.name: profile for profile in loaded.profiles}
    old = known.get(name) or AgentProfile(name=name)
    profile = replace(
        old, role=cast("Role", role), display_name=display_name or old.display_name, active=True
    )
    ledger = Ledger(
        NodeState(NodeName(node)),
        SystemClock(),
        new_id,
        term.epoch,
        new_batch=store.journal.batch,
    )
    writer = Writer(ledger, store.journal, term)
    async with asyncio.TaskGroup() as group:
        writing: asyncio.Task[Any] = group.create_task(writer.run(), name="journal")
        defined = e.AgentDefined(profile=profile, by="command-line")
        await ledger.committed(ledger.record([e.Change(defined)]))
        writing.cancel()
    return profile
