"""Cases, customers, channels, upkeep, health, metrics, and what describes them all."""

from datetime import datetime
from typing import Any

import pytest
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from gateway.api.openapi import plain_path
from gateway.core.bad_addresses import BadAddress, key_of_address
from gateway.core.errors import Undeliverable
from gateway.core.events import AddressFailed, Change
from gateway.core.ids import AgentName, ChannelName
from gateway.core.inbound import Inbound
from gateway.core.model import Case, ChannelKind
from gateway.ports import Accepted
from tests.flow.days import take
from tests.support.apiworld import ApiWorld, api_world, failed
from tests.support.builders import OFFICE, START, mail


async def test_a_case_is_read_by_its_number_and_changed() -> None:
    async with api_world() as world:
        filed = await world.file_task(body="please check")
        path = f"/api/v1/cases/{filed['number']}"
        _, messages = await world.call("GET", f"{path}/messages")
        assert [one["body"] for one in messages["items"]] == ["please check"]
        _, fresh = await world.call("GET", path)
        # One is for the rules alone; the link's key is shown as the address that it makes.
        shown = set(Case.__struct_fields__) - {"automatic", "link", "ties", "solving"}
        shown |= {"ticket_url", "links", "merged_into"}
        assert set(fresh) == shown  # also what is as by default
        status, case = await world.call(
            "PATCH", path, {"tags": ["vip", "vip"], "category": "billing", "level": 2}
        )
        assert (status, case["tags"], case["category"]) == (200, ["vip"], "billing")
        status, problem = await world.call("PATCH", path, {"status": "closed"})
        assert (status, problem["title"]) == (409, "wrong_state")
        await world.call("POST", f"/api/v1/items/{filed['id']}/close", {})
        _, case = await world.call("PATCH", path, {"status": "closed", "reason": "old"})
        assert case["status"] == "closed"
        assert (await world.call("GET", "/api/v1/cases/99999"))[0] == 404
        assert (await world.call("GET", "/api/v1/cases/many"))[0] == 404


@pytest.mark.parametrize("cursor", ["later", "²", "9" * 40, "9" * 5_000])
async def test_a_cursor_that_nobody_gave_is_refused(cursor: str) -> None:
    async with api_world() as world:
        filed = await world.file_task()
        path = f"/api/v1/cases/{filed['number']}/messages?cursor={cursor}"
        status, problem = await world.call("GET", path)
        assert (status, problem["errors"][0]["field"]) == (400, "cursor")


async def test_an_address_from_which_mail_comes_back_is_shown_and_taken_for_good_again() -> None:
    async with api_world() as world:
        decided = await take(world.rig, mail("m1"))
        case = world.rig.tables.cases[decided.case]
        assert case.customer is not None
        name = key_of_address("eva@example.org")
        bad = BadAddress(name=name, since=START, reason="550 5.1.1 gone")
        marked = AddressFailed(address=bad, item=decided.item)
        world.rig.node.ledger.record([Change(marked)])
        path = f"/api/v1/customers/{case.customer.id}"
        _, card = await world.call("GET", path)
        (identity,) = [one for one in card["identities"] if one["kind"] == "email"]
        assert identity["undeliverable"] == "550 5.1.1 gone"
        status, _ = await world.call("POST", f"{path}/deliverable", {"address": "no@example.org"})
        assert status == 400
        status, card = await world.call(
            "POST", f"{path}/deliverable", {"address": "Eva@example.org"}
        )
        assert (status, "undeliverable" in card["identities"][0]) == (200, False)
        assert not world.rig.node.ledger.state.bad_addresses
        assert world.rig.node.ledger.state.items[decided.item].undeliverable == ""


async def test_a_change_that_changes_nothing_writes_nothing() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        entries = len(world.rig.tables.journal)
        path = f"/api/v1/cases/{filed['number']}"
        assert (await world.call("PATCH", path, {"level": 1}))[0] == 200
        assert len(world.rig.tables.journal) == entries


async def test_a_customer_is_found_by_identity_with_all_contacts() -> None:
    async with api_world() as world:
        who = {"kind": "email", "value": "Mia@Example.com", "name": "Mia"}
        filed = await world.file_task(customer=who)
        _, found = await world.call("GET", "/api/v1/customers?identity=email:MIA@example.com")
        (customer,) = found["items"]
        assert customer["identities"] == [
            {"kind": "email", "value": "mia@example.com", "verified": True}
        ]
        _, timeline = await world.call("GET", f"/api/v1/customers/{customer['id']}/timeline")
        assert [one["case"]["number"] for one in timeline["items"]] == [filed["number"]]
        shown = set(Case.__struct_fields__) - {"automatic", "link", "ties", "solving"}
        shown |= {"ticket_url", "links", "merged_into"}
        assert set(timeline["items"][0]["case"]) == shown
        status, problem = await world.call("GET", "/api/v1/customers?identity=mia")
        assert (status, problem["errors"][0]["field"]) == (400, "identity")
        assert (await world.call("GET", "/api/v1/customers/none/timeline"))[0] == 404


async def test_channels_are_paused_resumed_and_only_those_made_here_change() -> None:
    async with api_world() as world:
        _, listed = await world.call("GET", "/api/v1/channels")
        assert listed["items"][0]["declared_in"] == "switchroom.toml"
        _, card = await world.call("POST", "/api/v1/channels/office/pause")
        assert card["health"] == "paused"
        assert (await world.call("POST", "/api/v1/channels/none/pause"))[0] == 404
        status, _ = await world.call("POST", "/api/v1/channels", {"name": "b", "kind": "task"})
        assert status == 201
        status, _ = await world.call("POST", "/api/v1/channels", {"name": "b", "kind": "task"})
        assert status == 409
        status, problem = await world.call("POST", "/api/v1/channels", {"kind": "task"})
        assert (status, problem["errors"][0]["field"]) == (400, "name")
        assert (await world.call("DELETE", "/api/v1/channels/b"))[0] == 200


async def quarantined(world: ApiWorld) -> str:
    """Something that nobody can understand arrives."""
    intake = world.rig.node.intake
    inbound = Inbound(
        channel=OFFICE,
        kind=ChannelKind.TASK,
        key="poison",
        at=world.rig.node.ledger.clock.now(),
        problem="not a mail at all",
        raw=b"\x00",
    )
    (accepted,) = await intake.receive([inbound])
    assert (await intake.decided(Accepted(id=accepted.id, fresh=True))).status == "quarantined"
    return accepted.id


async def test_what_is_quarantined_is_shown_tried_again_and_dropped() -> None:
    async with api_world() as world:
        inbound = await quarantined(world)
        _, listed = await world.call("GET", "/api/v1/quarantine")
        assert listed["items"][0]["reason"] == "not a mail at all"
        path = f"/api/v1/quarantine/{inbound}"
        raw = await world.raw("GET", f"{path}/raw")
        assert raw.content_type == "text/plain"
        assert "attachment" in raw.headers["Content-Disposition"]
        _, again = await world.call("POST", f"{path}/retry")
        assert (again["status"], again["reason"]) == ("quarantined", "not a mail at all")
        assert (await world.call("POST", f"{path}/drop"))[0] == 200
        assert (await world.call("POST", f"{path}/drop"))[0] == 404
        assert (await world.call("GET", "/api/v1/quarantine"))[1]["items"] == []


class Learnt:
    """A channel whose parser has been mended."""

    def read_again(self, raw: bytes, key: str, at: datetime) -> Inbound:
        body = raw.decode()
        return Inbound(channel=OFFICE, kind=ChannelKind.TASK, key=key, at=at, body=body)


async def test_what_is_understood_at_last_becomes_work_once() -> None:
    async with api_world() as world:
        inbound = await quarantined(world)
        world.process.objects[OFFICE] = Learnt()
        path = f"/api/v1/quarantine/{inbound}/retry"
        status, again = await world.call("POST", path)
        assert (status, again["status"]) == (200, "processed")
        _, messages = await world.call("GET", f"/api/v1/cases/{again['number']}/messages")
        assert [one["body"] for one in messages["items"]] == ["<script>raw</script>"]
        assert (await world.call("GET", "/api/v1/quarantine"))[1]["items"] == []
        assert (await world.call("POST", path))[0] == 404
        assert len(world.rig.tables.items) == 1


async def given_up(world: ApiWorld) -> str:
    """A task's callback that was refused for good."""
    world.rig.sinks[ChannelName("office")].errors = [Undeliverable("no such place")]
    filed = await world.file_task(callback_url="http://127.0.0.1:1/x")
    await world.call("POST", f"/api/v1/items/{filed['id']}/close", {})
    await world.until(lambda: failed(world.rig))
    return failed(world.rig)[0].id


async def test_what_could_not_be_sent_is_tried_again_when_a_person_says_so() -> None:
    async with api_world() as world:
        outbound = await given_up(world)
        _, listed = await world.call("GET", "/api/v1/outbox")
        (row,) = listed["items"]
        assert (row["state"], "no such place" in row["reason"]) == ("failed", True)
        assert (await world.call("POST", f"/api/v1/outbox/{outbound}/retry"))[0] == 200
        await world.until(lambda: world.rig.tables.outbox[outbound].state == "sent")
        assert (await world.call("GET", "/api/v1/outbox"))[1]["items"] == []
        status, problem = await world.call("POST", f"/api/v1/outbox/{outbound}/retry")
        assert (status, problem["title"]) == (409, "wrong_state")


async def test_what_could_not_be_sent_is_dropped_when_a_person_says_so() -> None:
    async with api_world() as world:
        outbound = await given_up(world)
        assert (await world.call("POST", f"/api/v1/outbox/{outbound}/drop"))[0] == 200
        row = world.rig.tables.outbox[outbound]
        assert (row.state, row.reason) == ("dropped", "dropped by bootstrap")
        assert (await world.call("GET", "/api/v1/outbox"))[1]["items"] == []
        assert outbound not in world.rig.node.ledger.state.outbox
        assert (await world.call("POST", "/api/v1/outbox/none/drop"))[0] == 404


async def test_a_parked_channel_is_degraded_and_a_lost_lease_is_503() -> None:
    async with api_world() as world:
        assert (await world.call("GET", "/readyz", token=""))[1]["status"] == "ok"
        world.process.set("support", "parked", "it refuses us", code="bad_credentials")
        status, ready = await world.call("GET", "/readyz", token="")
        assert (status, ready["status"]) == (200, "degraded")
        assert ready["channels"]["support"] == {
            "state": "parked",
            "reason": "it refuses us",
            "code": "bad_credentials",
        }
        world.process.reason = "the lease was not renewed in time"
        status, ready = await world.call("GET", "/readyz", token="")
        assert (status, ready["status"], ready["reason"]) == (503, "down", world.process.reason)
        assert (await world.call("GET", "/healthz", token=""))[0] == 200


async def test_metrics_are_what_prometheus_reads() -> None:
    async with api_world() as world:
        await world.file_task()
        world.process.desktops = 7
        world.process.set("post", "up", server=12, stored=9, quarantined=1)
        response = await world.raw("GET", "/metrics", token="")
        samples = {
            (s.name, s.labels.get("state", "") or s.labels.get("what", "")): s.value
            for family in text_string_to_metric_families(await response.text())
            for s in family.samples
        }
        assert samples["switchroom_desktops_connected", ""] == 7
        assert samples["switchroom_items", "queued"] == 1
        assert samples["switchroom_journal_commits_total", ""] >= 2
        assert samples["switchroom_reconciler_repaired_total", ""] == 0
        assert samples["switchroom_channel_health", "up"] == 1
        assert samples["switchroom_channel_count", "server"] == 12
        assert samples["switchroom_channel_count", "quarantined"] == 1
        _, channels = await world.call("GET", "/api/v1/channels")
        (post,) = [c for c in channels["items"] if c["name"] == "post"]
        assert post["counts"] == {"server": 12, "stored": 9, "quarantined": 1}


async def test_the_numbers_of_this_moment() -> None:
    async with api_world(ready=True) as world:
        await world.file_task()
        await world.until(lambda: world.rig.node.ledger.state.in_hand(AgentName("ana")))
        _, live = await world.call("GET", "/api/v1/live")
        assert live["agents"] == {"connected": 1, "ready": 1, "busy": 1, "closed": 0}
        (queue,) = live["queues"]
        assert (queue["waiting"], queue["offered"]) == (1, 1)


async def test_the_document_is_valid_and_describes_every_route() -> None:
    async with api_world() as world:
        _, spec = await world.call("GET", "/api/openapi.json", token="")
        validate(spec)
        described = {(path, m.upper()) for path, ops in spec["paths"].items() for m in ops}
        served = {(plain_path(r.path), r.method) for r in world.api.routes()}
        assert served <= described
        assert ("/api/v1/tasks", "POST") in described
        task = spec["components"]["schemas"]["Task"]
        assert task["properties"]["priority"]["maximum"] == 100
        listing = spec["paths"]["/api/v1/items"]["get"]
        assert {"limit", "state"} <= {p["name"] for p in listing["parameters"]}
        assert listing["security"] == [{"token": []}]
        assert spec["paths"]["/healthz"]["get"]["security"] == []


async def test_operation_ids_are_unique() -> None:
    async with api_world() as world:
        _, spec = await world.call("GET", "/api/openapi.json", token="")
        ids = [op["operationId"] for ops in spec["paths"].values() for op in ops.values()]
        assert len(ids) == len(set(ids))


async def test_the_page_of_all_resources_needs_nothing_from_elsewhere() -> None:
    async with api_world() as world:
        response = await world.raw("GET", "/api/docs", token="")
        text = await response.text()
        assert "/api/v1/items/{id}/assign" in text
        assert "<script" not in text
        assert "http" not in text.replace("http-equiv", "")
        assert (await world.call("GET", "/api/asyncapi.json", token=""))[1] == {"asyncapi": "3.0.0"}


async def test_a_page_learns_what_it_needs_before_login() -> None:
    async with api_world() as world:
        _, bootstrap = await world.call("GET", "/api/v1/bootstrap", token="")
        assert bootstrap == {
            "agent_ws": ["ws://localhost:8080/agent/v1", "ws://elsewhere:8080/agent/v1"],
            "chat_ws": ["ws://localhost:8080/chat/v1", "ws://elsewhere:8080/chat/v1"],
            "locales": ["en"],
            "sign_in": ["password"],
            "node": "n1",
            "version": "1.2.3",
        }


ASKS_FOR_SOMETHING = (
    "/api/v1/customers",
    "/api/v1/colleagues/messages",
    "/api/v1/colleagues/audit",
    "/api/v1/reports/items",
)


async def test_every_list_answers_items_and_next() -> None:
    async with api_world() as world:
        lists: list[Any] = [
            r.path for r in world.api.routes() if r.method == "GET" and "Listed" in repr(r.gives)
        ]
        assert len(lists) >= 12
        for path in lists:
            if "{" in path or path in ASKS_FOR_SOMETHING:
                continue
            status, page = await world.call("GET", path)
            assert (status, set(page)) == (200, {"items", "next"}), path


async def test_an_agent_changes_no_customer_but_a_system_with_an_agents_token_does() -> None:
    async with api_world() as world:
        mia = {"identity": {"kind": "email", "value": "mia@example.com"}, "value": 7}
        await world.call("PUT", "/api/v1/agents/ana", {"role": "agent"})
        for name, status in (("ana", 403), ("crm", 200)):
            _, made = await world.call("POST", "/api/v1/tokens", {"agent": name, "role": "agent"})
            found = await world.call("PUT", "/api/v1/customers", mia, token=made["token"])
            assert found[0] == status, found
