"""Writes a backup: one pass over database, objects and keys, of which nothing is kept on a disk."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from . import database as db
from . import envelope
from .envelope import About, Cipher
from .manifest import Manifest, manifest_name
from .store import Store
from .stream import Member, SegmentWriter, Target, Writer

CATALOGUE = "catalogue.json"
DATABASE, OBJECTS, KEYS = "database/", "objects/", "keys/"


@dataclass(frozen=True)
class Source:
    """What is written. `keys` are the tenant's Secrets as files, by `<secret>/<key>`."""

    about: About
    version: str
    database: db.Database
    bucket: Store | None
    keys: Mapping[str, bytes] = field(repr=False)


@dataclass
class Catalogue:
    """What the archive holds, for whoever restores it; its last member."""

    sums: db.Sums = field(default_factory=dict[str, tuple[int, str]])
    objects: dict[str, str] = field(default_factory=dict[str, str])  # name to SHA-256
    database: str = ""  # SHA-256 of the dump

    def encoded(self) -> bytes:
        return json.dumps(vars(self), sort_keys=True).encode()


def write(
    source: Source, target: Target, public_key: bytes, *, clock: Callable[[], float] = time.monotonic
) -> Manifest:
    """Writes the backup and, last, its manifest. Raises `ProgramFailed` or `StoreError`."""
    started, key = clock(), envelope.data_key()
    target.begin()
    segments = SegmentWriter(target, Cipher(key, source.about), source.about)
    archive, catalogue = Writer(segments), Catalogue()
    # What the snapshot knows of is in the bucket before it; what goes meanwhile is missed by nobody but the catalogue.
    with db.connected(source.database) as connection, db.snapshot(connection) as moment:
        for name, content in source.keys.items():
            archive.add(Member(KEYS + name, content))
        for member in _dumped(source.database, moment.id, catalogue):
            archive.add(member)
        catalogue.sums = db.sums(connection)
    for member in _objects(source.bucket, catalogue):
        archive.add(member)
    archive.add(Member(CATALOGUE, catalogue.encoded()))
    archive.close()
    checksum = segments.finish()
    made = Manifest(
        tenant=source.about.tenant,
        backup=source.about.backup,
        attempt=source.about.attempt,
        taken_at=_stamp(moment.taken_at),
        version=source.version,
        heads=moment.heads,
        outbox=moment.outbox,
        unsent=moment.unsent,
        rows=sum(rows for rows, _ in catalogue.sums.values()),
        objects=len(catalogue.objects),
        segments=segments.segments,
        size=segments.written,
        checksum=checksum,
        key_id=envelope.key_id(public_key),
        sealed_key=base64.b64encode(envelope.seal(public_key, key, source.about)).decode(),
        seconds=round(clock() - started, 3),
    )
    target.put(manifest_name(source.about.backup), made.encoded(), "application/json")
    return made


def _dumped(database: db.Database, snapshot: str, catalogue: Catalogue) -> Iterator[Member]:
    total = hashlib.sha256()
    for number, block in enumerate(db.dump(database, snapshot), 1):
        total.update(block)
        yield Member(f"{DATABASE}{number:08d}", block)
    catalogue.database = total.hexdigest()


def _objects(bucket: Store | None, catalogue: Catalogue) -> Iterator[Member]:
    for name in sorted(bucket.listing()) if bucket else ():
        assert bucket is not None
        found = bucket.find(name)
        if found is not None:
            catalogue.objects[name] = hashlib.sha256(found.content).hexdigest()
            yield Member(OBJECTS + name, found.content, found.media_type)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
