"""The DNS, as RFC 3263 wants it asked."""

from collections.abc import Callable

import dns.asyncresolver
import dns.exception
import dns.resolver

from channels.voice.sip.flow import Flow
from channels.voice.sip.grammar import Uri
from channels.voice.sip.location import Answers, Pointer, Question, Service, locate

SECONDS = 4.0


class Names:
    """Asks the machine's own name servers, or those given (address, port), and keeps answers."""

    def __init__(self, dice: Callable[[], float], server: tuple[str, int] | None = None) -> None:
        self._dice = dice
        self._resolver = dns.asyncresolver.Resolver(configure=server is None)
        self._resolver.cache = dns.resolver.LRUCache(1_000)
        self._resolver.lifetime = SECONDS
        if server is not None:
            self._resolver.nameservers = [server[0]]
            self._resolver.port = server[1]

    async def ways(self, uri: Uri) -> list[Flow]:
        """To where ``uri`` points, best first; none: it has no address, or nobody answers.

        Raises ``Unlocatable``.
        """
        lookup = locate(uri, self._dice)
        try:
            question = next(lookup)
            while True:
                question = lookup.send(await self._answers(question))
        except StopIteration as done:
            found: list[Flow] = done.value
            return found

    async def _answers(self, question: Question) -> Answers:
        if question.kind != "ADDRESS":
            return await self._records(question.name, question.kind)
        return [
            *await self._records(question.name, "A"),
            *await self._records(question.name, "AAAA"),
        ]

    async def _records(self, name: str, kind: str) -> Answers:
        try:
            found = await self._resolver.resolve(name, kind)
        except dns.exception.DNSException:
            return []
        answers: list[Pointer | Service | str] = []
        for record in found:
            if kind == "NAPTR":
                answers.append(
                    Pointer(
                        order=record.order,
                        preference=record.preference,
                        service=record.service.decode("ascii", "replace"),
                        replacement=record.replacement.to_text(omit_final_dot=True),
                    )
                )
            elif kind == "SRV":
                answers.append(
                    Service(
                        priority=record.priority,
                        weight=record.weight,
                        port=record.port,
                        host=record.target.to_text(omit_final_dot=True),
                    )
                )
            else:
                answers.append(record.address)
        return answers
