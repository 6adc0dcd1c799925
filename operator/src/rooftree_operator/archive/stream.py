"""A backup as one stream: a tar archive, cut into segments, each encrypted and put into the store as it comes.

So a backup of any size is written and read with two segments' worth of memory and no disk. Whoever has the key can open
the decrypted stream with `tar`, and `cat database/*` is what `pg_restore` reads.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from .envelope import SEGMENT_BYTES, About, Cipher, Damaged
from .manifest import segment_name
from .store import Fetched

TAR_BLOCK = 2**20
MEDIA_TYPE = "ROOFTREE.media_type"
RECORD = tarfile.PAX_FORMAT


class Objects(Protocol):
    """What is needed of a store."""

    def put(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> None: ...

    def get(self, name: str) -> Fetched: ...


class Target(Objects, Protocol):
    """What is needed to write a whole backup."""

    def begin(self) -> None:
        """Before the first `put` of a try."""
        ...


class SegmentWriter(io.RawIOBase):
    """Takes bytes and puts segments. `close` writes the last one, which may be empty but is always there."""

    def __init__(self, store: Objects, cipher: Cipher, about: About, size: int = SEGMENT_BYTES) -> None:
        self._store, self._cipher, self._about, self._size = store, cipher, about, size
        self._waiting = bytearray()
        self._hash = hashlib.sha256()
        self.segments = 0
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._waiting += data
        while len(self._waiting) > self._size:
            self._put(self._size, last=False)
        return len(data)

    def finish(self) -> str:
        """Puts what is left; returns the checksum of all segments."""
        self._put(len(self._waiting), last=True)
        return self._hash.hexdigest()

    def _put(self, length: int, *, last: bool) -> None:
        self.segments += 1
        content = bytes(self._waiting[:length])
        del self._waiting[:length]
        segment = self._cipher.encrypt(self.segments, content, last=last)
        self._hash.update(segment)
        self.written += len(segment)
        self._store.put(segment_name(self._about, self.segments), segment)


class SegmentReader(io.RawIOBase):
    """Gives the bytes back, in order. Raises `Damaged` for a segment that is not what was written."""

    def __init__(self, store: Objects, cipher: Cipher, about: About, segments: int) -> None:
        self._store, self._cipher, self._about, self._segments = store, cipher, about, segments
        self._number = 0
        self._content = memoryview(b"")
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise io.UnsupportedOperation("a backup is not read at once")
        parts: list[bytes] = []
        while size:
            if not self._content and not self._next():
                break
            part = bytes(self._content[:size])
            self._content = self._content[len(part) :]
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _next(self) -> bool:
        if self._number == self._segments:
            return False
        self._number += 1
        segment = self._store.get(segment_name(self._about, self._number)).content
        self._hash.update(segment)
        content = self._cipher.decrypt(self._number, segment, last=self._number == self._segments)
        self._content = memoryview(content)
        return True

    def checksum(self) -> str:
        """Of all segments, when all of them have been read."""
        while self._next():
            continue
        return self._hash.hexdigest()


@dataclass(frozen=True)
class Member:
    """One file of the archive."""

    name: str
    content: bytes = field(repr=False)
    media_type: str = ""


class Writer:
    """Adds members to the stream."""

    def __init__(self, segments: SegmentWriter) -> None:
        self._tar = tarfile.open(fileobj=segments, mode="w|", format=RECORD, bufsize=TAR_BLOCK)  # noqa: SIM115 -- `close`

    def add(self, member: Member) -> None:
        info = tarfile.TarInfo(member.name)
        info.size = len(member.content)
        info.pax_headers = {MEDIA_TYPE: member.media_type} if member.media_type else {}
        self._tar.addfile(info, io.BytesIO(member.content))

    def close(self) -> None:
        self._tar.close()


def members(segments: SegmentReader) -> Iterator[Member]:
    """What was added, in order. Raises `Damaged`."""
    try:
        with tarfile.open(fileobj=segments, mode="r|", bufsize=TAR_BLOCK) as tar:
            for info in tar:
                found = tar.extractfile(info)
                if found is None:
                    raise Damaged(f"the backup holds {info.name}, which is no file")
                yield Member(info.name, found.read(), info.pax_headers.get(MEDIA_TYPE, ""))
    except tarfile.TarError as error:
        raise Damaged(f"the backup is no archive: {error}") from error
