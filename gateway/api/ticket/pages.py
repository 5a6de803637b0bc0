"""`/t/{token}`: what is asked of the page, and what it does.

Reading has no effect, so that a mail scanner which opens every link does none. What the customer
does (a reply, a rating, a call that is not wanted any more) is an inbound like any other: on disk
before it is confirmed, decided by whoever decides about the case, and the same form sent again is
the same thing.

Wrong links are counted by address and refused for a while when there are many; a right one is
served all the same, or somebody could lock out all customers behind one proxy. What makes guessing
hopeless are the 128 bits of the token, not the pace.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

import structlog
from msgspec.structs import replace

from gateway.api.attachments import disposition, harmless
from gateway.api.house import House
from gateway.api.ticket.deeds import DONE, Bad, Found, Given, given, inbound_of, score_of
from gateway.api.ticket.pace import Pace
from gateway.api.ticket.render import Form, Place, plain_page, ticket_page
from gateway.api.ticket.words import Languages, accepted
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, AttachmentId, CustomerId
from gateway.core.inbound import Inbound
from gateway.core.lifecycle import ENDED
from gateway.core.model import Case, Item, Message
from gateway.core.rating import may_be_rated_by
from gateway.core.ticket import Ticket, may_have, ticket_of
from gateway.flow.openhours import OpenHours
from gateway.flow.ticketlinks import PATH, holds
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import CommitUnknown, Fenced, Unavailable
from gateway.store.views import CustomerCard

TAG = "ticket page"
SHOWN_AT_ONCE = 100
DECIDED_SECONDS = 5.0
"""So long a confirmation waits to show what came of it; it is on disk already."""
MAX_BODY = 262_144
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
_AWAY = (Unavailable, CommitUnknown, Fenced, Refused)
"""The database does not answer, or the node begins anew."""
Handler = Callable[[HttpRequest], Awaitable[HttpAnswer]]
_log = structlog.get_logger("ticket page")


class _Gone(Exception):
    """There is no such page, for whatever reason; ``wait``: too many were asked for."""

    def __init__(self, *, wait: bool = False) -> None:
        super().__init__("no such page")
        self.wait = wait


class TicketPages:
    """See the module's docstring."""

    def __init__(self, house: House) -> None:
        node = house.node
        self._links = house.links
        self._clock = house.clock
        self._ledger = node.ledger
        self._lookup = node.lookup
        self._intake = node.intake
        self._listing = house.listing
        self._people = house.people
        self._hours = OpenHours(node.ledger)
        self._languages = Languages()
        self._wrong = Pace(30, 2.0)
        self._views = Pace(60, 1.0)
        self._deeds = Pace(10, 6.0)

    def routes(self) -> list[HttpRoute]:
        path = f"{PATH}{{token}}"
        return [
            HttpRoute(
                method="GET",
                path=path,
                handle=self._kindly(self._get),
                summary="The customer's own page for a ticket",
                access="public",
                gives=str,
                produces="text/html",
                tag=TAG,
                secret=True,
            ),
            HttpRoute(
                method="POST",
                path=path,
                handle=self._kindly(self._post),
                summary="What the customer does there: `act` is reply, rate or call (cancel it)",
                access="public",
                gives=str,
                produces="text/html",
                status=303,
                tag=TAG,
                max_body=MAX_BODY,
                secret=True,
            ),
            HttpRoute(
                method="GET",
                path=f"{path}/files/{{id}}",
                handle=self._kindly(self._file),
                summary="A file that the customer sent or got",
                access="public",
                gives=bytes,
                produces="application/octet-stream",
                tag=TAG,
                secret=True,
            ),
        ]

    # -- reading ----------------------------------------------------------------------------

    def _kindly(self, handle: Handler) -> Handler:
        """With a page for whoever cannot be served."""

        async def handled(request: HttpRequest) -> HttpAnswer:
            try:
                return await handle(request)
            except _Gone as gone:
                status, word = (429, "wait") if gone.wait else (404, "gone")
            except _AWAY:
                status, word = 503, "down"
            body = plain_page(self._place(request), word, f"{word}_more")
            return HttpAnswer(
                status=status, body=body, type="text/html; charset=utf-8", headers=HEADERS
            )

        return handled

    async def _get(self, request: HttpRequest) -> HttpAnswer:
        found = await self._seen(request)
        done = DONE.get(request.query.get("done", ""), "")
        # What a link of the closing mail chooses is only chosen: the button gives the score.
        score = score_of(request.query.get("rate", ""))
        form = Form(id=self._ledger.new_id(), done=done, score=score)
        return await self._page(request, found, form)

    async def _seen(self, request: HttpRequest) -> Found:
        """To be looked at, which may be done so often. Raises ``_Gone``, ``Unavailable``."""
        found = await self._find(request)
        if not self._views.take(found.case.id, self._clock.monotonic()):
            raise _Gone(wait=True)
        return found

    async def _find(self, request: HttpRequest) -> Found:
        """Raises ``_Gone``, ``Unavailable``."""
        named = self._links.read(request.params["token"])
        case = await self._lookup.case(named.case) if named is not None else None
        if named is None or case is None or case.customer is None or not holds(named, case):
            raise _Gone(wait=not self._wrong.take(request.remote, self._clock.monotonic()))
        customer = await self._people.customer(case.customer.id)
        if customer is None:
            raise _Gone
        items = await self._listing.items_of(case.id)
        if case.ties is None or not (case.ties.reads_along or case.ties.into):
            return Found(case, sorted(items, key=lambda item: item.id), customer)
        return await self._joined(case, items, customer)

    async def _joined(self, case: Case, items: list[Item], customer: CustomerCard) -> Found:
        """The case that this one was merged into, or others into it; only what is this customer's.

        Raises ``_Gone`` where the links of the case that stays were made void meanwhile.
        """
        stays = case
        while stays.ties is not None and stays.ties.into is not None:
            link = stays.ties.link
            upper = await self._lookup.case(stays.ties.into)
            if upper is None or upper.link != link:
                raise _Gone
            stays = upper
        if stays is not case:
            items = [*items, *await self._listing.items_of(stays.id)]
            if stays.customer is None or stays.customer.id != customer.id:
                # Nothing of somebody else's matter but how it stands.
                stays = replace(stays, number=case.number, subject=case.subject, rating=case.rating)
        own = {i.id: i for i in items if i.customer is None or i.customer.id == customer.id}
        said = await self._lookup.length(stays.id, customer=CustomerId(customer.id))
        ordered = sorted(own.values(), key=lambda item: item.id)
        return Found(stays, ordered, customer, said, led=stays.id != case.id)

    async def _page(
        self, request: HttpRequest, found: Found, form: Form, status: HTTPStatus = HTTPStatus.OK
    ) -> HttpAnswer:
        before = _before(request, found)
        first = max(0, before - 1 - SHOWN_AT_ONCE)
        place = self._place(request, found)
        place = replace(place, opens=self._opens(found), earlier=first + 1 if first else 0)
        place = replace(place, version=_version(self._ticket(found, ()), found, place, before))
        headers = {**HEADERS, "ETag": place.version}
        if form.problem == "" and request.headers.get("if-none-match") == place.version:
            return HttpAnswer(status=304, type="text/html", headers=headers)
        said = await self._part(found, first)
        ticket = self._ticket(found, [one for one in said if one.seq < before])
        return HttpAnswer(
            status=status,
            body=ticket_page(ticket, place, form),
            type="text/html; charset=utf-8",
            headers=headers,
        )

    async def _part(self, found: Found, after: int) -> list[Message]:
        """What was said after that place, as far as it is shown at once."""
        case, lookup = found.case.id, self._lookup
        if found.said is None:
            return await lookup.messages(case, after, SHOWN_AT_ONCE, customer_view=True)
        customer = CustomerId(found.customer.id)
        placed = await lookup.conversation(case, after, SHOWN_AT_ONCE, customer=customer)
        return [replace(message, seq=place) for place, message in placed]

    def _ticket(self, found: Found, said: Sequence[Message]) -> Ticket:
        case, now = found.case, self._clock.now()
        made = ticket_of(case, found.items, said, found.known, self._shown_name, now)
        theirs = may_be_rated_by(case, CustomerId(found.customer.id))
        return made if theirs else replace(made, may_rate=False)

    def _place(self, request: HttpRequest, found: Found | None = None) -> Place:
        wanted = request.query.get("lang", "")
        asked = wanted if wanted in self._languages.all else ""
        header = accepted(request.headers.get("accept-language", ""))
        own = [found.customer.language] if found is not None else []
        own += [item.language for item in reversed(found.items)] if found is not None else []
        return Place(
            path=f"{PATH}{request.params['token']}" if found is not None else "",
            words=self._languages.choose(asked, *header, *own),
            languages=tuple(self._languages.all.values()),
            lang=asked,
        )

    def _shown_name(self, name: AgentName) -> str:
        """What customers see of an agent."""
        profile = self._ledger.state.profiles.get(name)
        return profile.display_name if profile is not None else ""

    def _opens(self, found: Found) -> datetime | None:
        """When the queue opens again in which the matter waits, if that is closed."""
        waiting = [i for i in found.items if i.promise is None and i.state not in ENDED]
        closed = self._hours.closed(waiting[-1].queue) if waiting else None
        return closed.opens_at if closed is not None else None

    async def _file(self, request: HttpRequest) -> HttpAnswer:
        found = await self._seen(request)
        wanted = AttachmentId(request.params["id"])
        file = await self._lookup.file(wanted) if await self._may_have(found, wanted) else None
        if file is None:
            raise _Gone
        attachment, data = file
        return HttpAnswer(
            body=data,
            type=harmless(attachment.type),
            headers={
                **HEADERS,
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "Content-Disposition": disposition(attachment.name),
            },
        )

    async def _may_have(self, found: Found, wanted: AttachmentId) -> bool:
        after = 0
        while True:
            part = await self._part(found, after)
            if any(may_have(wanted, one, found.known) for one in part):
                return True
            if len(part) < SHOWN_AT_ONCE:
                return False
            after = part[-1].seq

    # -- doing ------------------------------------------------------------------------------

    async def _post(self, request: HttpRequest) -> HttpAnswer:
        found = await self._find(request)
        form = Given(id=self._ledger.new_id())
        try:
            form = given(request.body)
            inbound = inbound_of(found, form, self._clock.now(), request.remote)
            self._check_pace(found.case)
            where = await self._done(found, inbound, request)
        except Bad as bad:
            return await self._again(request, found, form, bad)
        except _AWAY:
            away = Bad("error_down", HTTPStatus.SERVICE_UNAVAILABLE)
            return await self._again(request, found, form, away)
        lang = self._place(request, found).lang
        query = f"?done={form.act}" + (f"&lang={lang}" if lang else "")
        return HttpAnswer(
            status=303, type="text/html", headers={**HEADERS, "Location": f"{where}{query}"}
        )

    def _check_pace(self, case: Case) -> None:
        if not self._deeds.take(case.id, self._clock.monotonic()):
            raise Bad("error_pace", HTTPStatus.TOO_MANY_REQUESTS)

    async def _done(self, found: Found, inbound: Inbound, request: HttpRequest) -> str:
        """On disk; the path of the page that shows it: a closed case has a follower."""
        case, own = found.case, f"{PATH}{request.params['token']}"
        (taken,) = await self._intake.receive([inbound])
        decided = None
        try:
            async with asyncio.timeout(DECIDED_SECONDS):
                decided = await self._intake.decided(taken)
        except TimeoutError:
            _log.info("what a customer did is decided later", inbound=taken.id)
        if decided is not None and decided.case is not None and decided.case != case.id:
            case = await self._lookup.case(decided.case) or case
        elif found.led:
            return own
        # Merged into somebody else's, perhaps just now: whose page that is, nobody else learns.
        its = case.customer is not None and case.customer.id == found.customer.id
        return self._links.path(case) if its else own

    # -- when it does not work --------------------------------------------------------------

    async def _again(self, request: HttpRequest, found: Found, form: Given, bad: Bad) -> HttpAnswer:
        """The same page, with what was typed and what is wrong with it.

        The form keeps its name: perhaps it was taken after all. Raises ``_Gone``: it is a page to
        look at as any other, and may be had so often.
        """
        if not self._views.take(found.case.id, self._clock.monotonic()):
            raise _Gone(wait=True)
        shown = Form(id=form.id, problem=bad.word, text=form.text, why=form.why, score=form.score)
        return await self._page(request, found, shown, bad.status)


def _before(request: HttpRequest, found: Found) -> int:
    """Up to which message the conversation is shown."""
    asked = request.query.get("before", "")
    usable = asked.isascii() and asked.isdigit() and len(asked) < 12
    after_all = (found.case.last_seq if found.said is None else found.said) + 1
    return min(int(asked), after_all) if usable and int(asked) > 0 else after_all


def _version(bare: Ticket, found: Found, place: Place, before: int) -> str:
    """Another one whenever the page shows anything else."""
    work = [(item.id, item.version) for item in found.items]
    shown = (found.case.version, work, bare.late, place.opens, place.words.tag, before)
    return f'"{hashlib.sha256(repr(shown).encode()).hexdigest()[:24]}"'
