"""Attachments: names and types in ``attachment``, bytes in ``blob`` under their SHA-256."""

from collections.abc import Sequence
from hashlib import sha256

from gateway.core.errors import Refused
from gateway.core.ids import AttachmentId, ChannelName, CommandId, NewId
from gateway.core.inbound import File
from gateway.core.model import Attachment
from gateway.store.codec import bounded, decode, text, uuid_or_none
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading


class Files:
    """Saves, claims and gives files. Raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries, new_id: NewId) -> None:
        self._pool = pool
        self._sql = sql
        self._new_id = new_id

    async def save(self, file: File, owner: str) -> Attachment:
        """Keep an upload; its id is good for one message of ``owner``, for an hour."""
        digest = sha256(file.data)
        attachment = Attachment(
            id=AttachmentId(self._new_id()),
            name=text(file.name),
            type=text(file.type),
            size=len(file.data),
            sha256=digest.hexdigest(),
            inline_id=text(file.inline_id),
        )
        with reading():
            await self._pool.execute(
                self._sql["save_file"],
                attachment.id,
                digest.digest(),
                file.data,
                attachment.name,
                attachment.type,
                attachment.inline_id,
                text(owner),
            )
        return attachment

    async def claim(
        self, ids: Sequence[AttachmentId], owner: str, command: CommandId
    ) -> tuple[Attachment, ...]:
        """All of them for the message of one command, or none. Raises ``Refused('not_found')``.

        The same command claims them again as long as that message is not there: an attempt that
        died between its claim and its commit must not stand in the way of the next. One that was
        answered without a message was refused: its files are free for another command.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return ()
        if all(uuid_or_none(i) for i in wanted):
            with reading():
                rows = await self._pool.fetch(
                    self._sql["claim_files"], wanted, text(owner), text(command)
                )
            found = {a.id: a for row in rows if (a := decode(row["doc"], Attachment))}
            if len(found) == len(wanted):
                return tuple(found[i] for i in wanted)
        raise Refused(
            "not_found",
            "an attachment is unknown, used already, or older than an hour: upload it again",
            "attachments",
        )

    async def get(self, attachment: AttachmentId) -> tuple[Attachment, bytes] | None:
        return await self._one("file_by_id", attachment)

    async def of_identity(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[Attachment, bytes] | None:
        """If whoever has this verified identity sent or was sent it there."""
        whose = text(kind), bounded(value), text(channel)
        return await self._one("file_of_identity", attachment, *whose)

    async def _one(
        self, query: str, attachment: AttachmentId, *more: str
    ) -> tuple[Attachment, bytes] | None:
        if uuid_or_none(attachment) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql[query], attachment, *more)
        return None if row is None else (decode(row["doc"], Attachment), row["data"])
