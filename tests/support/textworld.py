"""A running node with one channel of texts, reached over HTTP, and a provider beside it.

The node's clock stands on the wall, for signatures have times; its store is in memory.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import jwt
from aiohttp.test_utils import TestClient, TestServer
from nacl.signing import SigningKey
from twilio.request_validator import RequestValidator

from channels.signing import headers, key_of
from channels.sms import TYPE as SMS
from channels.sms.settings import Settings
from channels.texting.channel import TextChannel
from gateway.core import commands as c
from gateway.core.ids import AgentName, ChannelName
from gateway.core.model import ChannelKind, Delivery, Item, ItemState, Message, Outgoing
from gateway.http import HttpMount
from gateway.ports import ChannelType, HttpRoute, Services
from tests.support.builders import NODE, agent
from tests.support.carrier import ACCOUNT, TOKEN, Carrier, carrying
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_tables import Tables

MOBILE = ChannelName("mobile")
OURS, ADA = "+15005550006", "+447911123456"
PUBLIC = "https://contact.example.com"
WHSEC = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TELNYX = SigningKey(bytes(range(32)))
SECRET = b"a secret of thirty-two bytes, yes"
SECRETS = {
    "twilio": TOKEN,
    "vonage": "signature secret of the account!",
    "telnyx": base64.b64encode(bytes(TELNYX.verify_key)).decode(),
    "generic": WHSEC,
}
Answer = tuple[int, str]


class TextWorld:
    """See the module's docstring."""

    def __init__(
        self, rig: Rig, channel: TextChannel[Any], carrier: Carrier, client: TestClient[Any, Any]
    ) -> None:
        self.rig, self.channel, self.carrier, self._client = rig, channel, carrier, client
        self._texts = 0

    # -- the provider calls -----------------------------------------------------------------

    async def post(
        self, body: bytes, headers: Mapping[str, str], path: str = "", where: str = ""
    ) -> Answer:
        target = where or f"/hooks/{self.channel.kind.value}/{self.channel.name}{path}"
        async with self._client.post(target, data=body, headers=dict(headers)) as answer:
            return answer.status, await answer.text()

    async def get(self, url: str) -> tuple[int, bytes, Mapping[str, str]]:
        async with self._client.get(url.removeprefix(PUBLIC)) as answer:
            return answer.status, await answer.read(), dict(answer.headers)

    def url(self, path: str = "") -> str:
        return f"{PUBLIC}/hooks/{self.channel.kind.value}/{self.channel.name}{path}"

    async def twilio(self, form: Mapping[str, str], path: str = "", *, url: str = "") -> Answer:
        """A form, signed by Twilio's own SDK."""
        said = {"AccountSid": ACCOUNT, **form}
        signature = RequestValidator(TOKEN).compute_signature(url or self.url(path), said)
        marks = {"X-Twilio-Signature": signature}
        marks["Content-Type"] = "application/x-www-form-urlencoded"
        return await self.post(urlencode(said).encode(), marks, path)

    async def text(self, body: str, *, sender: str = ADA, **more: str) -> str:
        """Somebody writes, by Twilio; the id."""
        self._texts += 1
        sid = f"SMin{self._texts:030}"
        known = {"MessageSid": sid, "From": sender, "To": OURS, "Body": body} | more
        status, told = await self.twilio(known)
        assert (status, told) == (200, "<Response/>"), (status, told)
        await self.settled()
        return sid

    async def vonage(self, said: Mapping[str, Any], path: str = "", **claims: Any) -> Answer:
        """JSON, signed as the SDK of Vonage verifies it."""
        body = json.dumps(said).encode()
        known = {
            "iat": int(self.now().timestamp()),
            "jti": "j",
            "api_key": ACCOUNT,
            "payload_hash": hashlib.sha256(body).hexdigest(),
        } | claims
        token = jwt.encode(known, SECRETS["vonage"], algorithm="HS256")
        return await self.post(body, {"Authorization": f"Bearer {token}"}, path)

    async def telnyx(self, said: Mapping[str, Any], path: str = "", *, at: int = 0) -> Answer:
        body = json.dumps(said).encode()
        stamp = str(at or int(self.now().timestamp()))
        signature = TELNYX.sign(stamp.encode() + b"|" + body).signature
        marks = {
            "telnyx-timestamp": stamp,
            "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        }
        return await self.post(body, marks, path)

    async def generic(self, said: Mapping[str, Any], path: str = "", *, at: int = 0) -> Answer:
        body = json.dumps(said).encode()
        stamp = at or int(self.now().timestamp())
        return await self.post(body, headers(key_of(WHSEC), "wh", stamp, body), path)

    async def report(self, sent: Mapping[str, Any], status: str, **more: str) -> Answer:
        """Twilio says how far one of ours has come."""
        path = "/status" + sent["back"].partition("/status")[2]
        told = await self.twilio({"MessageSid": sent["id"], "MessageStatus": status} | more, path)
        await self.settled()
        return told

    # -- the house --------------------------------------------------------------------------

    async def act(self, command: c.Command) -> dict[str, Any]:
        """What ana does. Raises ``Refused``."""
        answer = await self.rig.node.desk.act(ANA, command, maybe_repeated=False)
        return answer.body

    async def take(self) -> Item:
        """The newest item, in ana's hands."""
        await self.until(lambda: self.items[-1].state in (ItemState.OFFERED, ItemState.ASSIGNED))
        item = self.rig.node.ledger.state.items[self.items[-1].id]
        if item.offer is not None:
            await self.act(c.Accept(id=self.rig.command(), offer=item.offer.id))
        await self.rig.caught_up()
        return self.rig.node.ledger.state.items[item.id]

    async def answer(self, body: str, **more: Any) -> Message:
        """Ana writes on the newest item; the message, as it stands then."""
        item = await self.take()
        said = await self.act(c.Send(id=self.rig.command(), item=item.id, body=body, **more))
        await self.rig.caught_up()
        return self.rig.tables.messages[said["message"]]

    def state_of(self, message: Message) -> Delivery | None:
        return self.rig.tables.messages[message.id].delivery

    @property
    def outbox(self) -> list[Outgoing]:
        return sorted(self.rig.tables.outbox.values(), key=lambda one: one.id)

    def now(self) -> Any:
        return self.rig.node.ledger.clock.now()

    async def settled(self) -> None:
        """All that came in has been decided about, and is on disk."""
        await self.until(lambda: not self.rig.node.intake.undecided)
        await self.rig.caught_up()

    async def until(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - whatever it is, it tells nobody
                await asyncio.sleep(0.005)

    @property
    def items(self) -> list[Item]:
        return sorted(self.rig.tables.items.values(), key=lambda one: one.id)

    @property
    def messages(self) -> list[Message]:
        said = [one for one in self.rig.tables.messages.values() if one.direction != "note"]
        return sorted(said, key=lambda one: one.id)

    @property
    def ours(self) -> list[Message]:
        return [one for one in self.messages if one.direction == "out"]


def settings_of(provider: str, carrier: Carrier, **more: Any) -> dict[str, Any]:
    base = f"{carrier.url}/out" if provider == "generic" else carrier.url
    known = {"name": MOBILE, "provider": provider, "number": OURS, "account": ACCOUNT}
    return {**known, "secret": SECRETS[provider], "api_base": base, "private": True} | more


@asynccontextmanager
async def texting(
    provider: str = "twilio",
    *,
    tables: Tables | None = None,
    kind: ChannelType = SMS,
    settings: Callable[..., Any] = Settings,
    carrier: Carrier | None = None,
    **more: Any,
) -> AsyncIterator[TextWorld]:
    """A node with one agent, who is ready, and this channel."""
    async with carrying() as own, running(tables or new_tables(), agent("ana")) as rig:
        there = carrier or own
        there.now = rig.node.ledger.clock.now
        said = settings(**settings_of(provider, there, **more))
        channel: Any = kind.open(said, services_of(rig))
        rig.sinks[MOBILE] = channel
        rig.node.ledger.state.channels[MOBILE] = kind.kind
        rig.node.ledger.state.addresses[MOBILE] = getattr(said, "address", "")
        routes = [one for one in channel.routes() if isinstance(one, HttpRoute)]
        mount = HttpMount(routes, Nobody(), None)
        async with TestClient(TestServer(mount.app)) as client, asyncio.TaskGroup() as group:
            up = asyncio.Event()
            life = group.create_task(channel.run(up.set))
            await up.wait()
            try:
                yield TextWorld(rig, channel, there, client)
            finally:
                life.cancel()


def services_of(rig: Rig) -> Services:
    node = rig.node
    return Services(
        clock=node.ledger.clock,
        intake=node.intake,
        memory=node.memory,
        conversations=node.conversations,
        feed=node.ledger,
        files=node.files,
        signals=node.signals,
        delivered=node.note_delivery,
        secret=SECRET,
        public_url=PUBLIC,
        node=NODE,
        received=rig.store.was_received,
    )


class Nobody:
    """Knows no token."""

    async def principal(self, token: str) -> None:
        return None


ANA = AgentName("ana")
KIND = ChannelKind.SMS
