"""Files of the store in memory, and what is looked up in it."""

import re
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from gateway.core import model as m
from gateway.core.errors import Refused
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    MessageId,
)
from gateway.core.inbound import File
from gateway.core.ticket import plain
from tests.support.memory_ground import Ground
from tests.support.memory_rows import Upload

_OWN_ID = re.compile(r"<?([0-9a-fA-F-]{36})(?:@[^>]*)?>?")
_DAY = timedelta(hours=24)
_CLAIM_HOLDS = timedelta(seconds=15)


class Shelf(Ground):
    """What is kept by name, and found by it."""

    # -- files ------------------------------------------------------------------------------

    def _keep(self, file: File, owner: str) -> Upload:
        attachment = m.Attachment(
            id=AttachmentId(self.new_id()),
            name=file.name,
            type=file.type,
            size=len(file.data),
            sha256=sha256(file.data).hexdigest(),
            inline_id=file.inline_id,
        )
        upload = Upload(attachment=attachment, owner=owner, data=file.data)
        self.files[attachment.id] = upload
        return upload

    def save_file(self, file: File, owner: str) -> m.Attachment:
        return self._keep(file, owner).attachment

    def claim_files(
        self, ids: Sequence[AttachmentId], owner: str, command: CommandId
    ) -> tuple[m.Attachment, ...]:
        found = [self.files.get(i) for i in dict.fromkeys(ids)]
        free = [f for f in found if f and self._is_free(f, owner, command)]
        if len(free) != len(found):
            raise Refused("not_found", "an attachment is unknown or used", "attachments")
        for upload in free:
            upload.claimed_by, upload.claimed_at = command, self.now()
        return tuple(f.attachment for f in free)

    def _is_free(self, upload: Upload, owner: str, command: CommandId) -> bool:
        claimed_at = upload.claimed_at
        return (upload.owner, upload.message) == (owner, None) and (
            claimed_at is None
            or upload.claimed_by == command
            or (owner, upload.claimed_by) in self.commands
            or self.now() - claimed_at > _CLAIM_HOLDS
        )

    # -- looking up -------------------------------------------------------------------------

    def answers(self, agent: AgentName, ids: Sequence[CommandId]) -> dict[CommandId, bytes]:
        since = self.now() - _DAY
        found = [self.commands.get((agent, i)) for i in ids]
        return {r.id: r.answer for r in found if r is not None and r.at > since}

    def newest_case(self, customer: CustomerId | None, channel: ChannelName) -> m.Case | None:
        found = [
            c
            for c in self.cases.values()
            if c.customer is not None
            and c.customer.id == customer
            and c.channel == channel
            and c.status is not m.CaseStatus.CLOSED
        ]
        return max(found, key=lambda c: c.id, default=None)

    def recent_cases(self, customer: CustomerId, channel: ChannelName) -> list[m.Case]:
        found = [
            c
            for c in self.cases.values()
            if c.customer is not None
            and c.customer.id == customer
            and c.channel == channel
            and c.status is not m.CaseStatus.CLOSED
        ]
        return sorted(found, key=lambda c: c.id, reverse=True)[:20]

    def participants(self, case: CaseId) -> frozenset[str]:
        found: set[str] = set()
        for message in self.messages.values():
            if message.case == case and message.direction in ("in", "out"):
                found.update(map(plain, (*message.to, *message.cc)))
                if message.direction == "in":
                    found.add(plain(message.author.id))
        return frozenset(found - {""})

    def alike(self, external_id: str, mark: str) -> list[m.Message]:
        found = [
            one
            for one in self.messages.values()
            if (one.external_id, one.mark, one.direction) == (external_id, mark, "in")
        ]
        return sorted(found, key=lambda one: one.id)[:20]

    def brought(
        self, customer: CustomerId, channel: ChannelName, messages: Sequence[MessageId]
    ) -> frozenset[MessageId]:
        theirs = [
            row.decided
            for row in self.inbox.values()
            if row.decided is not None
            and row.inbound.channel == channel
            and row.customer == customer
        ]
        found = {one.message for one in theirs if one.status == "processed"}
        return frozenset(message for message in messages if message in found)

    def case_of_reference(self, references: Sequence[str]) -> tuple[m.Case, str] | None:
        for reference in references:
            own = _OWN_ID.fullmatch(reference)
            message = self.messages.get(MessageId(own[1].lower())) if own else None
            message_id = message.id if message else self.external.get(reference)
            if message_id is not None:
                return self.cases[self.messages[message_id].case], reference
        return None
