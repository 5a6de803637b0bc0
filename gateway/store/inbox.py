"""Inbounds as the arguments of ``receive_batch`` (migration 0004), and its answer. Pure.

Keys are sorted, so that two calls that share some lock them in the same order; ids are made in
the order of arrival, so that what is undecided after a crash is decided in that order. Raw bytes
and files go into blobs under their SHA-256; the stored document holds none. Uploads that an inbound
names become its own by the same statement, if they are its sender's and were named by nobody yet.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.duties import DutyTerm
from gateway.core.ids import ChannelName, InboundId, NewId, NodeName
from gateway.core.inbound import Claim, Decided, Inbound, owner_of
from gateway.core.model import Attachment, CustomerBrief
from gateway.ports import Memory
from gateway.store.codec import bounded, decode, encode, text, uuid_or_none
from gateway.store.contract import Stored

_NAME_LENGTH = 200


class Parcel(Struct, frozen=True):
    """One call: its arguments after node and epoch, and where each inbound went in it."""

    arguments: tuple[Any, ...]
    places: tuple[int, ...]


class _Packing:
    def __init__(self, new_id: NewId) -> None:
        self.new_id = new_id
        self.blobs: dict[bytes, bytes] = {}
        self.files: list[tuple[Any, ...]] = []
        self.rows: list[tuple[Any, ...]] = []
        self.named: list[tuple[Any, ...]] = []

    def blob(self, data: bytes) -> bytes:
        digest = sha256(data).digest()
        self.blobs[digest] = data
        return digest

    def inbound(self, new_id: str, key: tuple[str, str], inbound: Inbound, who: int | None) -> None:
        self.rows.append(
            (
                new_id,
                *key,
                inbound.at,
                who,
                None if inbound.raw is None else self.blob(inbound.raw),
                encode(replace(inbound, raw=None, files=())),
            )
        )
        if inbound.identity is not None:
            owner = text(owner_of(inbound.channel, inbound.identity))
            for place, upload in enumerate(dict.fromkeys(inbound.attachments)):
                if uuid_or_none(upload):
                    self.named.append(
                        (upload, len(self.rows), place, None, owner, None, None, None)
                    )
        for place, file in enumerate(inbound.files):
            self.files.append(
                (
                    self.new_id(),
                    len(self.rows),
                    place,
                    self.blob(file.data),
                    text(file.name),
                    text(file.type),
                    len(file.data),
                    text(file.inline_id),
                )
            )


def pack(
    inbounds: Sequence[Inbound],
    memories: Sequence[tuple[ChannelName, Memory]],
    new_id: NewId,
    duties: Iterable[DutyTerm] = (),
) -> Parcel:
    """The arguments for these inbounds; the same key twice is stored once."""
    keys = [(text(i.channel), bounded(i.key)) for i in inbounds]
    first = dict(zip(reversed(keys), reversed(inbounds), strict=True))
    order = sorted(first)
    # Sorted: the order of arrival hangs on it, and ids of one millisecond may come in any order.
    ids = dict(zip(dict.fromkeys(keys), sorted(new_id() for _ in first), strict=True))
    claims = _claims(first.values())
    whos = {key: place for place, key in enumerate(sorted(claims), start=1)}
    packing = _Packing(new_id)
    for key in order:
        inbound = first[key]
        claim = inbound.identity
        packing.inbound(ids[key], key, inbound, whos[_identity(claim)] if claim else None)
    places = {key: place for place, key in enumerate(order)}
    remembered = {(text(c), text(m.key)): (m.value, m.progress) for c, m in memories}
    held = sorted({(duty.name, duty.epoch) for duty in duties})
    arguments = (
        [(*who, new_id(), *claims[who]) for who in whos],
        sorted(packing.blobs.items()),
        packing.rows,
        packing.files,
        [(*key, *value) for key, value in sorted(remembered.items())],
        [name for name, _ in held],
        [epoch for _, epoch in held],
        packing.named,
    )
    return Parcel(arguments, tuple(places[key] for key in keys))


def unpack(parcel: Parcel, rows: Sequence[Any]) -> list[Stored]:
    """What ``receive_batch`` answered, in the order of the inbounds."""
    by_place = {row["place"] - 1: row for row in rows}
    seen: set[int] = set()
    out = []
    for place in parcel.places:
        out.append(stored(by_place[place], fresh=by_place[place]["fresh"] and place not in seen))
        seen.add(place)
    return out


def stored(row: Any, *, fresh: bool) -> Stored:
    """A row of the inbox as the flow sees it."""
    customer, decided, node = row["customer"], row.get("decided"), row.get("node")
    return Stored(
        id=InboundId(row["id"]),
        fresh=fresh,
        customer=decode(customer, CustomerBrief) if customer else None,
        attachments=decode(row["attachments"], tuple[Attachment, ...]),
        decided=decode(decided, Decided) if decided else None,
        node=NodeName(node) if node else None,
    )


def _identity(claim: Claim) -> tuple[str, str, bool]:
    return text(claim.kind), bounded(claim.value), claim.verified


def _claims(inbounds: Iterable[Inbound]) -> dict[tuple[str, str, bool], tuple[str, str]]:
    """Every identity once, with the first name and language that came with it."""
    claims: dict[tuple[str, str, bool], tuple[str, str]] = {}
    for inbound in inbounds:
        if (claim := inbound.identity) is not None:
            name, language = claims.get(_identity(claim), ("", ""))
            claims[_identity(claim)] = (
                name or text(claim.name)[:_NAME_LENGTH],
                language or text(inbound.language),
            )
    return claims
