"""One folder of a mailbox: what is in it, the bytes of its mails, the mark that says "read"."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from channels.email import wire
from channels.email.imap import TEMPORARY, TOO_MUCH, Connection, Refusal
from channels.email.settings import Imap
from channels.email.wire import Status, WireError
from gateway.core.errors import BadSetup, Unreachable


class Info(Struct, frozen=True):
    """What the server says of a mail before it is read. ``arrived`` is its INTERNALDATE."""

    uid: int
    size: int
    arrived: datetime | None
    seen: bool


class Mailbox:
    """One selected folder."""

    def __init__(self, connection: Connection, validity: int, next_uid: int) -> None:
        self.connection = connection
        self.validity = validity
        self.next_uid = next_uid

    @classmethod
    async def select(cls, connection: Connection, settings: Imap) -> "Mailbox":
        """Open the folder for reading and flagging.

        Raises ``BadSetup`` when there is no such folder, ``Unreachable`` when it is not to be
        had just now.
        """
        connection.exists = 0
        try:
            _, untagged = await connection.command(b"SELECT", wire.folder(settings.folder))
        except Refusal as refusal:
            if refusal.status.code in TEMPORARY | TOO_MUCH:
                raise Unreachable(f"{settings.folder}: {refusal}") from refusal
            raise BadSetup(
                f"there is no folder {settings.folder!r} in the mailbox of {settings.user} "
                f"({refusal}); it has {await folders(connection)}"
            ) from refusal
        codes = {
            status.code: status.value for response in untagged if (status := response.status())
        }
        validity = codes.get("UIDVALIDITY", "")
        if not validity.isdigit():
            raise BadSetup(f"{settings.host} gives mails no lasting numbers (no UIDVALIDITY)")
        next_uid = codes.get("UIDNEXT", "")
        connection.grown = False
        return cls(connection, int(validity), int(next_uid) if next_uid.isdigit() else 0)

    async def search(self, criteria: str) -> list[int]:
        """UIDs in ascending order."""
        _, untagged = await self.connection.command(b"UID SEARCH " + criteria.encode("ascii"))
        found = {uid for response in untagged for uid in wire.numbers(response) or ()}
        return sorted(found)

    async def infos(self, uids: list[int]) -> list[Info]:
        """What is known of mails before reading them; the ones gone meanwhile are left out."""
        items = await self._fetch(uids, "(UID RFC822.SIZE INTERNALDATE FLAGS)")
        return [
            Info(uid, _number(item.get("RFC822.SIZE")), _moment(item), seen=_seen(item))
            for uid, item in sorted(items.items())
        ]

    async def bodies(
        self, uids: list[int], first: int | None = None, start: int = 0
    ) -> dict[int, bytes]:
        """Whole mails, or ``first`` bytes of them from ``start`` on; none is marked as read.

        Raises ``Refusal`` as well when the server answers for other mails than we asked for, or
        twice for one: then no answer says reliably which mail it is about.
        """
        part = "BODY.PEEK[]" if first is None else f"BODY.PEEK[]<{start}.{first}>"
        items = await self._fetch(uids, f"(UID {part})", one_body=True)
        out: dict[int, bytes] = {}
        for uid, item in items.items():
            body = next((item[name] for name in item if name.startswith("BODY[]")), None)
            if isinstance(body, bytes):
                out[uid] = b"" if body == b"NIL" else body
        return out

    async def mark_seen(self, uids: list[int]) -> None:
        r"""Set ``\Seen``; a folder that we may only read stays as it is."""
        try:
            await self.connection.command(
                f"UID STORE {wire.number_set(uids)} +FLAGS.SILENT (\\Seen)".encode("ascii")
            )
        except Refusal:
            return

    async def remove(self, uids: list[int]) -> None:
        r"""Take these away, and only these where the server can (UIDPLUS, RFC 4315).

        Elsewhere they stay, marked as read and ``\Deleted``.
        """
        which = wire.number_set(uids)
        await self.connection.command(
            f"UID STORE {which} +FLAGS.SILENT (\\Deleted \\Seen)".encode("ascii")
        )
        if self.connection.has("UIDPLUS"):
            await self.connection.command(f"UID EXPUNGE {which}".encode("ascii"))

    async def noop(self) -> None:
        await self.connection.command(b"NOOP")

    async def _fetch(
        self, uids: list[int], what: str, *, one_body: bool = False
    ) -> dict[int, dict[str, wire.Token]]:
        if not uids:
            return {}
        line = f"UID FETCH {wire.number_set(uids)} {what}".encode("ascii")
        _, untagged = await self.connection.command(line)
        wanted = set(uids)
        out: dict[int, dict[str, wire.Token]] = {}
        for response in untagged:
            try:
                item = wire.fetched(response)
            except WireError as fault:
                raise Unreachable(f"the server's FETCH makes no sense: {fault}") from fault
            uid = _number(item.get("UID")) if item else 0
            if not item:
                continue
            if one_body and _has_body(item) and (uid not in wanted or _has_body(out.get(uid, {}))):
                raise Refusal(Status("NO", "", "", f"it answers with mail {uid}"))
            if uid in wanted:
                out.setdefault(uid, {}).update(item)
        return out


async def folders(connection: Connection) -> str:
    """The folders of the mailbox in words, for people who mistyped one."""
    try:
        _, untagged = await connection.command(b'LIST "" "*"')
    except Refusal:
        return "folders that the server does not list"
    names = [
        name.decode("ascii", "replace")
        for response in untagged
        if response.text.upper().startswith(b"LIST")
        and isinstance(name := wire.tokens(response)[-1], bytes)
    ]
    return ", ".join(names[:20]) or "no folders"


def _has_body(item: dict[str, wire.Token]) -> bool:
    return any(name.startswith("BODY[]") for name in item)


def _number(value: wire.Token | None) -> int:
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _seen(item: dict[str, wire.Token]) -> bool:
    flags = item.get("FLAGS")
    return isinstance(flags, list) and any(
        isinstance(flag, bytes) and flag.lower() == b"\\seen" for flag in flags
    )


def _moment(item: dict[str, wire.Token]) -> datetime | None:
    value = item.get("INTERNALDATE")
    if not isinstance(value, bytes):
        return None
    try:
        said = parsedate_to_datetime(value.decode("ascii").strip().replace("-", " ", 2))
    except (ValueError, TypeError, IndexError, UnicodeError):
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
