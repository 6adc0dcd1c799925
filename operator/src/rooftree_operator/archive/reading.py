"""Reads a backup: loads the database into an empty one, proves each row and object, and puts objects back."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any

from . import database as db
from .envelope import Cipher, Damaged
from .manifest import Manifest
from .store import Store, Stored
from .stream import Member, Objects, SegmentReader, members
from .writing import CATALOGUE, DATABASE, OBJECTS

MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Loaded:
    """What was loaded and proven, and how long it took."""

    rows: int
    tables: int
    objects: int
    put: int  # objects that were missing or changed in the bucket
    seconds: float


@dataclass
class _Seen:
    """What has come by, to be compared with the catalogue."""

    database: Any = field(default_factory=hashlib.sha256)
    objects: dict[str, str] = field(default_factory=dict[str, str])
    catalogue: dict[str, Any] | None = None
    put: int = 0


def read(
    manifest: Manifest,
    key: bytes,
    source: Objects,
    target: db.Database,
    bucket: Store | None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Loaded:
    """Loads the backup into `target`, and its objects into `bucket` unless that is None; proves all of it either way.

    Can be repeated after an end at any point. Raises `Damaged`, `ProgramFailed` or `StoreError`.
    """
    started = clock()
    segments = SegmentReader(source, Cipher(key, manifest.about), manifest.about, manifest.segments)
    with db.connected(target) as connection:
        is_empty = db.require_empty_or_same(db.heads(connection), manifest.heads)
    seen = _through(members(segments), target if is_empty else None, bucket)
    if segments.checksum() != manifest.checksum:
        raise Damaged(f"the checksum of backup {manifest.backup} differs from its manifest")
    catalogue = _proven(manifest, seen)
    with db.connected(target) as connection:
        sums = {name: (entry[0], entry[1]) for name, entry in catalogue["sums"].items()}
        if wrong := db.differing(sums, db.sums(connection)):
            raise Damaged(f"these tables are not what was written: {', '.join(wrong)[:500]}")
    rows = sum(count for count, _ in sums.values())
    return Loaded(rows, len(sums), len(seen.objects), seen.put, round(clock() - started, 3))


def _through(found: Iterator[Member], target: db.Database | None, bucket: Store | None) -> _Seen:
    """Everything once, in the order of the archive."""
    seen, known = _Seen(), bucket.listing() if bucket else {}
    with ExitStack() as stack:
        pipe = stack.enter_context(db.loading(target)) if target else None
        for member in found:
            if member.name.startswith(DATABASE):
                seen.database.update(member.content)
                _feed(pipe, member.content)
                continue
            if pipe is not None and member.name.startswith((OBJECTS, CATALOGUE)):
                # The database is whole now, and what its program has to say comes before anything else.
                pipe = None
                stack.close()
            if member.name.startswith(OBJECTS):
                _take(member, seen, bucket, known)
            elif member.name == CATALOGUE:
                seen.catalogue = json.loads(member.content)
    return seen


def _feed(pipe: IO[bytes] | None, content: bytes) -> None:
    if pipe is not None:
        pipe.write(content)


def _take(member: Member, seen: _Seen, bucket: Store | None, known: dict[str, Stored]) -> None:
    name = member.name.removeprefix(OBJECTS)
    seen.objects[name] = hashlib.sha256(member.content).hexdigest()
    if bucket is None:
        return
    etag = hashlib.md5(member.content, usedforsecurity=False).hexdigest()
    if known.get(name) != Stored(len(member.content), etag):
        bucket.put(name, member.content, member.media_type or MEDIA_TYPE)
        seen.put += 1


def _proven(manifest: Manifest, seen: _Seen) -> dict[str, Any]:
    """The catalogue, if all that it names has come by as it was. Raises `Damaged`."""
    if seen.catalogue is None:
        raise Damaged(f"backup {manifest.backup} has no catalogue: it was never finished")
    if seen.catalogue["database"] != seen.database.hexdigest():
        raise Damaged(f"the dump in backup {manifest.backup} is not what was written")
    if seen.catalogue["objects"] != seen.objects:
        raise Damaged(f"the objects in backup {manifest.backup} are not those that were written")
    return seen.catalogue
