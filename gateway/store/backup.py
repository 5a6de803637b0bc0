"""A whole installation in one file, and a database out of it.

The file is a ZIP: ``backup.json`` says what it is, ``tables/NAME.copy`` holds the rows in the text
form of COPY, ``manifest.json`` how many there must be; behind it stands the SHA-256 of all that
comes before. Nothing is taken from a file whose checksum is not right.
"""

import os
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from gateway.core.errors import GatewayError
from gateway.core.ids import CustomerId
from gateway.store import copying
from gateway.store.copying import Applied, Counted, Progress, Quiet, Table
from gateway.store.erasing import Again, erase_again
from gateway.store.migrate import LOCK, Migration, migrate, migrations
from gateway.store.pool import Connection

FORMAT = 1
LEVEL = 3
"""Of compression: a third of the time of the best, and a tenth larger."""
CHUNK = 1 << 18
MARK = b"\nswitchroom-sha256 "
TRAILER = len(MARK) + 64 + 1


class BadBackup(GatewayError):
    """A file from which nothing can be restored here; nothing was written."""


class Head(Struct, frozen=True, kw_only=True):
    """What a file is."""

    format: int
    program: str
    made_at: datetime
    server: str
    what: str = "backup"
    schema: list[Applied]
    weeks: list[str]
    tables: list[Table]


class Kept(Struct, frozen=True):
    """How much of a table must be there."""

    rows: int
    size: int


class Manifest(Struct, frozen=True, kw_only=True):
    """The last entry."""

    tables: dict[str, Kept]
    sequences: list[Counted]

    @property
    def rows(self) -> int:
        return sum(kept.rows for kept in self.tables.values())


class Backup(Struct, frozen=True, kw_only=True):
    """A file that was found whole."""

    path: Path
    head: Head
    manifest: Manifest


class _Summed:
    """Writes on, and sums up all that was written; cannot be sought in, so nothing changes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sum = sha256()

    def write(self, data: bytes) -> int:
        self.sum.update(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Its owner closes the file."""


class Pack:
    """Writes the file: a head, tables, a manifest."""

    def __init__(self, file: IO[bytes], head: Head) -> None:
        self._file = file
        self._summed = _Summed(file)
        self._zip = zipfile.ZipFile(self._summed, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._zip.writestr("backup.json", msgspec.json.format(msgspec.json.encode(head)))
        self._kept: dict[str, Kept] = {}

    async def table(
        self, con: Connection, table: Table, progress: Progress, where: str = "true"
    ) -> int:
        """The rows of one table; how many."""
        size = 0
        with self._zip.open(f"tables/{table.name}.copy", "w", force_zip64=True) as entry:

            async def take(data: bytes) -> None:
                nonlocal size
                size += len(data)
                entry.write(data)
                progress.moved(len(data))

            rows = await copying.copy_out(con, table, take, where)
        self._kept[table.name] = Kept(rows, size)
        return rows

    def end(self, sequences: list[Counted]) -> Manifest:
        manifest = Manifest(tables=self._kept, sequences=sequences)
        self._zip.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(manifest)))
        self._zip.close()
        self._file.write(MARK + self._summed.sum.hexdigest().encode() + b"\n")
        self._file.flush()
        return manifest


async def head_of(con: Connection, what: str, there: list[Table]) -> Head:
    """What a file of these tables says of itself."""
    return Head(
        format=FORMAT,
        program=f"switchroom {version('switchroom')}",
        made_at=datetime.now(UTC),
        server=await con.fetchval("SHOW server_version"),
        what=what,
        schema=await copying.schema(con),
        weeks=await copying.partitions(con),
        tables=there,
    )


async def write_backup(
    con: Connection, file: IO[bytes], progress: Progress | None = None
) -> tuple[Head, Manifest]:
    """All that a database holds at one moment. Raises ``BadBackup`` if it is none of ours."""
    progress = progress or Quiet()
    await copying.prepare(con)
    async with copying.whole(con, **copying.SNAPSHOT):
        there = await copying.tables(con)
        head = await head_of(con, "backup", there)
        if not head.schema:
            raise BadBackup("there is nothing to back up: no node has ever used this database")
        pack = Pack(file, head)
        for table in there:
            progress.begins(table.name, table.size)
            progress.ends(await pack.table(con, table, progress))
        return head, pack.end(await copying.sequences(con))


class NewFile:
    """A file that gets its name when it is whole, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        if self.path.exists():
            raise BadBackup(f"{self.path} is there already: choose another name")
        self._partial.unlink(missing_ok=True)
        number = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(number, "wb", CHUNK)
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is None:
            return
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._partial.rename(self.path)
        finally:
            with suppress(OSError):
                self._file.close()
            self._partial.unlink(missing_ok=True)


def read_backup(path: Path, progress: Progress | None = None, what: str = "backup") -> Backup:
    """A file that is whole, and can be restored by this program. Raises ``BadBackup``."""
    progress = progress or Quiet()
    try:
        _check_sum(path, progress)
        with zipfile.ZipFile(path) as packed:
            head = msgspec.json.decode(packed.read("backup.json"), type=Head)
            manifest = msgspec.json.decode(packed.read("manifest.json"), type=Manifest)
    except FileNotFoundError:
        raise BadBackup(f"there is no file {path}") from None
    except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError) as problem:
        raise BadBackup(f"{path} is no backup of Switchroom: {problem}") from problem
    if head.format > FORMAT:
        raise BadBackup(f"{path} was made by {head.program}: restore it with that or a newer one")
    if head.what != what:
        raise BadBackup(f"{path} is a {head.what}, not a {what}")
    return Backup(path=path, head=head, manifest=manifest)


def _check_sum(path: Path, progress: Progress) -> None:
    size = path.stat().st_size
    progress.begins("checking the file", size)
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise BadBackup(f"{path} is no backup of Switchroom")
        file.seek(max(size - TRAILER, 0))
        trailer = file.read()
        if not trailer.startswith(MARK):
            raise BadBackup(f"{path} is not whole: its end is missing. Nothing was written")
        file.seek(0)
        left, found = size - TRAILER, sha256()
        while left > 0 and (data := file.read(min(CHUNK, left))):
            found.update(data)
            left -= len(data)
            progress.moved(len(data))
    if found.hexdigest().encode() != trailer[len(MARK) :].strip():
        raise BadBackup(
            f"{path} is damaged: its contents are not those that its checksum was made of."
            " Nothing was written"
        )
    progress.ends()


def check_schema(head: Head) -> None:
    """That this program's migrations lead to and on from the file's. Raises ``BadBackup``."""
    ours = {migration.number: Applied.of(migration) for migration in migrations()}
    latest = max(ours)
    for its in head.schema:
        if its.number > latest:
            raise BadBackup(
                f"the backup is of {head.program} with schema {head.schema[-1].number:04d}, and"
                f" this program knows up to {latest:04d}: restore it with that or a newer one"
            )
        if ours.get(its.number) != its:
            raise BadBackup(
                f"the backup's schema is not of this program's making: {its.name} is another here"
            )


def first_part(schema: Sequence[Applied]) -> list[Migration]:
    """The migrations that make this schema; the others lead on from it."""
    numbers = {one.number for one in schema}
    return [migration for migration in migrations() if migration.number in numbers]


async def restore(
    con: Connection,
    backup: Backup,
    progress: Progress | None = None,
    erasures: Sequence[CustomerId] = (),
) -> Again:
    """All of a backup into an empty database, in one transaction, but for who was erased since.

    Raises ``NotEmpty``, ``BadBackup``; then nothing was changed.
    """
    progress = progress or Quiet()
    head = backup.head
    check_schema(head)
    await copying.prepare(con)
    async with copying.whole(con):
        # A node that starts meanwhile waits here, and then finds all of it or nothing.
        await con.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await copying.require_empty(con, head.schema)
        await migrate(con, first_part(head.schema))
        await copying.make_ready(con, head.weeks, head.tables)
        with zipfile.ZipFile(backup.path) as packed:
            for table in head.tables:
                kept = backup.manifest.tables[table.name]
                progress.begins(table.name, kept.size)
                entry = packed.open(f"tables/{table.name}.copy")
                rows = await copying.copy_in(con, table, _read(entry, progress))
                if rows != kept.rows:
                    raise BadBackup(f"{table.name}: {rows} of {kept.rows} rows were in the file")
                progress.ends(rows)
        await copying.set_sequences(con, backup.manifest.sequences)
        await migrate(con)
        told = {"made_at": head.made_at, "program": head.program, "rows": backup.manifest.rows}
        kind = "backup_restored"
        await copying.begin_anew(con, kind, msgspec.json.encode({"kind": kind, **told}))
        again = await erase_again(con, erasures)
    await con.execute("ANALYZE")
    return again


async def _read(entry: IO[bytes], progress: Progress) -> AsyncIterator[bytes]:
    with entry:
        while data := entry.read(CHUNK):
            progress.moved(len(data))
            yield data
