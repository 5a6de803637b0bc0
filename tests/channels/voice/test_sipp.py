"""Against SIPp: calls by somebody else's code, in both directions."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
import uvloop

from channels.voice.calls import Answering, Joined, Over, Waiting
from channels.voice.sip.flow import Flow
from channels.voice.sip.leg import Called, Connected, Leg
from channels.voice.sip.transaction import Timing
from tests.support.exchanges import ANSWER, HERE, exchange
from tests.support.sipp import built_in, finished, port, start, started

pytestmark = pytest.mark.integration

GIVES_UP = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="a caller who gives up while waiting">
  <send retrans="500"><![CDATA[

INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:caller@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
]]></send>
  <recv response="100" />
  <recv response="180" />
  <recv response="182" />
  <send retrans="500"><![CDATA[

CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-4]
From: <sip:caller@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200" />
  <recv response="487" />
  <send><![CDATA[

ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-7]
From: <sip:caller@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
</scenario>
"""


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_its_callers_are_queued_answered_and_hang_up(tmp_path: Path, transport: str) -> None:
    async with exchange() as house:
        options = ["-sn", "uac", f"{HERE}:{house.ports[transport]}", "-i", HERE]
        options += ["-p", str(port()), "-m", "40", "-r", "100"]
        if transport == "tcp":
            options += ["-t", "t1"]
        await finished(await start(tmp_path, *options), tmp_path)
        await house.until(lambda: len(house.ends()) == 40)
        assert house.ends() == ["hung_up"] * 40
        assert house.agent.legs == 0
        assert not house.exchange.malformed


async def test_its_callers_who_give_up_are_known_at_once(tmp_path: Path) -> None:
    scenario = tmp_path / "gives_up.xml"
    scenario.write_text(GIVES_UP)
    async with exchange() as house:
        house.behave = house.queue
        options = ["-sf", str(scenario), f"{HERE}:{house.ports['udp']}", "-i", HERE]
        options += ["-p", str(port()), "-m", "10", "-r", "50"]
        await finished(await start(tmp_path, *options), tmp_path)
        await house.until(lambda: len(house.ends()) == 10)
        assert house.ends() == ["gave_up"] * 10
        assert house.count(Called) == 10
        assert house.agent.legs == 0


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_it_is_called_and_hung_up(tmp_path: Path, transport: str) -> None:
    at = port()
    options = await _uas(tmp_path, at, 10)
    if transport == "TCP":
        options += ["-t", "t1"]
    # Else, on a busy machine, what we repeat may come when it has forgotten the call: a bad one.
    async with (
        exchange(timing=Timing(t1=4.0)) as house,
        started(tmp_path, *options) as process,
    ):
        await _listening(at, transport)
        flow = Flow(transport=transport, host=HERE, port=at)  # type: ignore[arg-type] # one of them
        legs: list[Leg] = []
        for n in range(10):
            leg, outcome = house.agent.call(
                target=f"sip:phone{n}@{HERE}:{at}",
                from_="<sip:support@calls.example.com>",
                to=f"<sip:phone{n}@{HERE}:{at}>",
                flow=flow,
                body=ANSWER,
                now=house.exchange.now(),
            )
            house.exchange.do(outcome)
            legs.append(leg)
        await house.until(lambda: house.count(Connected) == 10, seconds=30)
        for leg in legs:
            assert leg.heard.startswith(b"v=0")
            house.hang_up(leg)
        await finished(process, tmp_path)
        assert house.ends() == ["ended_by_us"] * 10


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_its_callers_are_joined_with_its_phones(
    tmp_path: Path, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    """On the loop that the product runs on too."""
    run(_joined(tmp_path))


async def _joined(tmp_path: Path) -> None:
    calls, at = 20, port()
    folders = [tmp_path / "callers", tmp_path / "phones"]
    for folder in folders:
        folder.mkdir()
    async with (
        exchange(timing=Timing(t1=4.0), joining=True) as house,
        started(folders[1], *await _uas(folders[1], at, calls)) as phones,
    ):
        await _listening(at, "UDP")

        def behave(event: object) -> None:
            """Everybody waits, and is accepted at once by somebody with a phone."""
            do, now = house.exchange.do, house.exchange.now()
            if isinstance(event, Waiting):
                do(house.calls.ring(event.call, now))
                target = f"sip:ana@{HERE}:{at}"
                flow = Flow(transport="UDP", host=HERE, port=at)
                to = house.calls.connect(
                    event.call, target=target, from_=f"<sip:queue@{HERE}>", flow=flow, now=now
                )
                do(to)
            elif isinstance(event, Answering):
                do(house.calls.join(event.call, now))

        house.behave = behave
        # Its own caller knows no 182.
        ringing = '<recv response="180" optional="true">'
        scenario = folders[0] / "uac.xml"
        queued = f"{ringing.replace('180', '182')}</recv>{ringing}"
        scenario.write_text((await built_in("uac")).replace(ringing, queued))
        options = ["-sf", str(scenario), f"{HERE}:{house.ports['udp']}", "-i", HERE]
        options += ["-p", str(port()), "-m", str(calls), "-r", "50"]
        await finished(await start(folders[0], *options), folders[0])
        await finished(phones, folders[1])
        assert house.count(Joined) == calls
        assert [(e.by, e.joined) for e in house.heard if isinstance(e, Over)] == [
            ("caller", True)
        ] * calls
        assert (house.agent.legs, len(house.calls)) == (0, 0)


async def _uas(folder: Path, at: int, calls: int) -> list[str]:
    """SIPp's own phone, without its wait at the end."""
    scenario = folder / "uas.xml"
    wait = 'timewait milliseconds="{}"'
    scenario.write_text((await built_in("uas")).replace(wait.format(4000), wait.format(0)))
    return ["-sf", str(scenario), "-i", HERE, "-p", str(at), "-m", str(calls)]


async def _listening(at: int, transport: str) -> None:
    """Until the port is taken: UDP says nothing when it is not."""
    table = Path("/proc/net/udp" if transport == "UDP" else "/proc/net/tcp")
    for _ in range(200):
        if f":{at:04X} " in table.read_text():
            return
        await asyncio.sleep(0.02)
    pytest.fail("sipp does not listen")
