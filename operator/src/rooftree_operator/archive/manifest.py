"""What is told of a backup in clear: no data of the tenant, but all that reading it needs. Pure."""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .envelope import FORMAT, About, Damaged

NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """Written last: without it there is no backup. Sizes are in bytes; `checksum` is the SHA-256 of all segments."""

    tenant: str
    backup: str
    attempt: str
    taken_at: str  # of the snapshot, RFC 3339
    version: str  # of the tenant app
    heads: tuple[str, ...]  # migrations that the database was at
    outbox: int  # position of the newest event in the snapshot
    unsent: int  # events that the snapshot holds and Kafka had not got
    rows: int
    objects: int
    segments: int
    size: int
    checksum: str
    key_id: str
    sealed_key: str  # base64
    seconds: float
    format: int = FORMAT
    # SHA-256 of what was read, and no part of it: kept away from the store, it tells one that somebody else put there.
    digest: str = field(default="", compare=False)

    @property
    def about(self) -> About:
        return About(self.tenant, self.backup, self.attempt)

    @property
    def sealed(self) -> bytes:
        return base64.b64decode(self.sealed_key)

    def encoded(self) -> bytes:
        told = {name: value for name, value in asdict(self).items() if name != "digest"}
        return json.dumps(told, indent=1, sort_keys=True).encode()


def parsed(content: bytes) -> Manifest:
    """Raises `Damaged` if it is no manifest that this version can read."""
    try:
        fields: dict[str, Any] = json.loads(content)
        if fields["format"] != FORMAT:
            raise Damaged(f"the backup has format {fields['format']}, and this version reads {FORMAT}")
        fields["heads"] = tuple(fields["heads"])
        fields["digest"] = hashlib.sha256(content).hexdigest()
        return Manifest(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(f"the backup's manifest cannot be read: {error}") from error


def folder(backup: str) -> str:
    """Where all of a backup lies in the tenant's bucket of backups."""
    return f"{backup}/"


def manifest_name(backup: str) -> str:
    return f"{backup}/{NAME}"


def segment_name(about: About, number: int) -> str:
    return f"{about.backup}/{about.attempt}/{number:08d}"
