"""Where backups lie, each in a folder of its own: what operations ask of such a place. `composition` chooses one.

A place gives the Job of an operation a way in to one backup, and takes it back; itself it compares and deletes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..drift import Object
from ..names import TenantId
from ..tenant import Tenant
from .progress import Order


@dataclass(frozen=True)
class Way:
    """What the Job of an operation shall reach: the folder of one backup of `source`, to write it or to read it."""

    tenant: Tenant  # in whose namespace the Job runs
    order: Order
    source: TenantId
    backup: str
    writes: bool


@dataclass(frozen=True)
class Entrance:
    """What the Job's pod has of a way."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    volume: Object | None = None
    mount: Object | None = None


class Place(Protocol):
    """One kind of place. All of it is idempotent; what does not answer raises `Unavailable`."""

    def told(self, tenant: TenantId, backup: str) -> Object:
        """`status.store` of a backup that lies here."""
        ...

    def holds(self, store: Mapping[str, Any]) -> bool:
        """Whether that tells of this kind of place."""
        ...

    def secrets(self, way: Way) -> dict[str, str]:
        """New secrets that a Job is given for the way. The first ones of an operation stay."""
        ...

    def entrance(self, way: Way) -> Entrance: ...

    async def open(self, way: Way, secrets: Mapping[str, str]) -> None:
        """Lets the Job in. Raises `Waiting` while what an earlier operation left is going."""
        ...

    async def close(self, tenant: TenantId, order: Order, secrets: Mapping[str, str]) -> None:
        """Takes away what `open` made for this operation."""
        ...

    async def shut(self, tenant: TenantId) -> None:
        """No Job of the tenant gets in any more, whichever it is."""
        ...

    async def manifest(self, tenant: TenantId, backup: str) -> bytes | None:
        """What the Job wrote last; None: nothing yet. Raises `Damaged` for what cannot be one."""
        ...

    async def sizes(self, tenant: TenantId, backup: str) -> Mapping[str, int]:
        """Of all that lies there of a backup, in bytes, by names that begin with the backup's. Raises `Damaged`."""
        ...

    async def remove(self, tenant: TenantId, backup: str) -> None:
        """All of a backup."""
        ...

    async def is_empty(self, tenant: TenantId) -> bool:
        """Whether nothing lies there of the tenant."""
        ...

    async def leave(self, tenant: TenantId) -> None:
        """Takes away what is the tenant's own there, which must be empty."""
        ...


def elsewhere(place: Place | None, backup: Object) -> str | None:
    """Why nothing can be done of a BrokerageBackup: it lies in another kind of place. None: it lies here."""
    store: dict[str, str] = backup.get("status", {}).get("store") or {}
    if not store or (place is not None and place.holds(store)):
        return None
    where = f"bucket {store['bucket']}" if "bucket" in store else f"volume {store.get('volume')}, {store.get('path')}"
    advice = "a platform admin must set backups.volume and s3.secret of the chart as they were"
    name = backup["metadata"]["name"]
    return f"backup {name} lies in {where}, and this installation keeps backups in another kind of place: {advice}"
