"""What an edition stores: names, samples, statements and types, to compare another one with.

``python -m tests.support.editions FOLDER`` records those of the present code, which is done once
an edition is complete (docs/decisions/0010).
"""

import asyncio
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    BytesType,
    CollectionType,
    DateTimeType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    RawType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    type_info,
)
from msgspec.inspect import NoneType as NoneKind

from gateway.api import errands
from gateway.cluster import afar, evacuation, release
from gateway.core import events as e
from gateway.core.inbound import Decided, Inbound
from gateway.core.model import Attachment, CustomerBrief
from gateway.core.overflow import Granted, Wanted
from gateway.core.pool import Capacity
from gateway.store.embedded import EmbeddedServer
from gateway.store.handover import Handed
from gateway.store.migrate import migrate
from gateway.store.opening import create_database
from gateway.store.queries import Queries

VECTORS = Path(__file__).parents[1] / "vectors" / "edition"
SAID: Mapping[str, type[Struct]] = {
    "relay.rest": errands.Errand,
    "relay.rest.answer": errands.Done,
    "relay.evacuate": evacuation.Evacuate,
    "relay.evacuate.answer": evacuation.Progress,
    "relay.overflow": Wanted,
    "relay.overflow.answer": Granted,
    "relay.release": release.Release,
    "relay.release.answer": release.Released,
    "relay.handed_over": Handed,
    "relay.command": afar.Do,
    "relay.bring": afar.Bring,
    "relay.spare": afar.SpareAgent,
    "relay.command.answer": afar.Told,
    "pool": Capacity,
    "inbox": Inbound,
    "inbox.decided": Decided,
    "inbox.customer": CustomerBrief,
    "attachment": Attachment,
}
"""What nodes leave for each other beside events and rows, by where it stands."""
SCALARS: Mapping[type[Type], Any] = {
    RawType: {"b": 2},
    StrType: "019aa000-0000-7000-8000-000000000001",
    BytesType: "c29tZXRoaW5n",
    BoolType: True,
    IntType: 3,
    FloatType: 3.5,
    DateTimeType: "2026-01-02T03:04:05Z",
    AnyType: {"a": 1},
    NoneKind: None,
}


def kinds() -> dict[str, type[Struct]]:
    """All that is stored as JSON, by name."""
    found = {f"event.{kind.__name__}": kind for kind in get_args(e.Event)}
    found |= {f"row.{kind.__name__}": kind for kind in get_args(e.Row)}
    return {**found, **SAID}


def names(closed: Collection[str] = ()) -> set[str]:
    """``Kind``, ``Kind.field`` and ``Kind=value`` of all that is stored.

    Of the kinds ``closed`` the name alone, and nothing that only they hold.
    """
    found: set[str] = set()
    for kind in kinds().values():
        _walk(type_info(kind), found, closed)
    return found


def _walk(kind: Type, found: set[str], closed: Collection[str]) -> None:
    match kind:
        case StructType(cls=cls, fields=fields):
            if cls.__name__ in found:
                return
            found.add(cls.__name__)
            if cls.__name__ in closed:
                return
            for field in fields:
                found.add(f"{cls.__name__}.{field.encode_name}")
                for literal in _literals(field.type):
                    found.add(f"{cls.__name__}.{field.encode_name}={literal}")
                _walk(field.type, found, closed)
        case EnumType(cls=cls):
            found |= {f"{cls.__name__}={member.value}" for member in cls}
        case _:
            for part in _parts(kind):
                _walk(part, found, closed)


def by_name() -> dict[str, set[type[Any]]]:
    """Every struct that is stored, somewhere in something."""
    found: dict[str, set[type[Any]]] = {}
    left: list[Type] = [type_info(kind) for kind in kinds().values()]
    while left:
        kind = left.pop()
        if not isinstance(kind, StructType):
            left += _parts(kind)
        elif kind.cls not in (same := found.setdefault(kind.cls.__name__, set())):
            same.add(kind.cls)
            left += [field.type for field in kind.fields]
    return found


def _parts(kind: Type) -> Iterator[Type]:
    match kind:
        case UnionType(types=types):
            yield from types
        case TupleType(item_types=types):
            yield from types
        case DictType(key_type=key, value_type=value):
            yield from (key, value)
        case CollectionType(item_type=item):
            yield item
        case _:
            return


def _literals(kind: Type) -> Iterator[Any]:
    match kind:
        case LiteralType(values=values):
            yield from values
        case _:
            for part in _parts(kind):
                yield from _literals(part)


def sample(kind: type[Struct]) -> Any:
    """One with every field filled, none as by default, as JSON has it."""
    return _sample(type_info(kind))


def _sample(kind: Type) -> Any:
    found: Any
    match kind:
        case StructType(fields=fields, tag_field=tag_field, tag=tag):
            found = {} if tag is None else {str(tag_field): tag}
            found |= {field.encode_name: _filled(field) for field in fields}
        case EnumType(cls=cls):
            found = list(cls)[-1].value
        case LiteralType(values=values):
            found = values[-1]
        case UnionType(types=types):
            found = _sample(next(t for t in types if not isinstance(t, NoneKind)))
        case TupleType(item_types=types):
            found = [_sample(t) for t in types]
        case DictType(key_type=key, value_type=value):
            found = {_sample(key): _sample(value)}
        case CollectionType(item_type=item):
            found = [_sample(item)]
        case _:
            found = _scalar(kind)
    return found


def _filled(field: Field) -> Any:
    value = _sample(field.type)
    if value != field.default:
        return value
    match field.type:
        case EnumType(cls=cls):
            return next(member.value for member in cls if member.value != value)
        case LiteralType(values=values):
            return next(literal for literal in values if literal != value)
        case _:
            return not value


def _scalar(kind: Type) -> Any:
    if type(kind) not in SCALARS:
        raise TypeError(f"no sample of {kind}")
    return SCALARS[type(kind)]


async def composites(con: "asyncpg.Connection[Any]") -> dict[str, list[str]]:
    """The types of the arrays that commits carry: what an older node sends must fit them."""
    rows = await con.fetch(
        "SELECT c.relname AS name, a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS part"
        " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'c'"
        " ORDER BY c.relname, a.attnum"
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row["part"])
    return found


def recorded(edition: int, what: str) -> Any:
    """What an edition was when it was complete."""
    return msgspec.json.decode((VECTORS / str(edition) / f"{what}.json").read_bytes())


async def _record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sql = Queries.load()
    told = {
        "names": sorted(names()),
        "samples": {name: sample(kind) for name, kind in sorted(kinds().items())},
        "statements": {name: sql[name] for name in sql.names()},
    }
    with tempfile.TemporaryDirectory() as place:
        server = EmbeddedServer(Path(place))
        await server.start()
        try:
            await create_database(server.dsn)
            con = await asyncpg.connect(server.dsn)
            await migrate(con)
            told["composites"] = await composites(con)
            await con.close()
        finally:
            await server.stop()
    for name, value in told.items():
        text = msgspec.json.format(msgspec.json.encode(value), indent=1)
        (folder / f"{name}.json").write_bytes(text + b"\n")


if __name__ == "__main__":
    asyncio.run(_record(Path(sys.argv[1])))
