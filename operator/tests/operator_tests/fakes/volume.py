"""A volume that keeps folders of tenants and backups, and does not forget that somebody may have made them."""

from collections.abc import Mapping
from typing import Any

from rooftree_operator.adapters.volume import Volume
from rooftree_operator.errors import Unavailable
from rooftree_operator.folders import Strange, checked
from rooftree_operator.gate import Gate

from .faults import Faults

SOURCE = {"nfs": {"server": "10.200.0.9", "path": "/exports/rooftree"}}


class FakeVolume(Volume):
    """One volume. `down` makes it unreachable. `writes` lists every change.

    `files` are those of each tenant, by `<backup>/…`; `made` are the folders of backups; of `closed` ones nothing can
    be read.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.gate = Gate()
        self.source: Mapping[str, Any] = SOURCE
        self.files: dict[str, dict[str, bytes]] = {}
        self.made: set[tuple[str, str]] = set()
        self.closed: set[tuple[str, str]] = set()
        self.writes: list[str] = []
        self.faults = faults or Faults()
        self.down = False

    def _read(self, *names: str) -> None:
        self.gate.check()
        for name in names:
            checked(name)
        if self.down:
            raise Unavailable("VolumeUnreachable", "the volume does not answer")
        self.faults.before()

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("VolumeUnreachable", "the volume does not answer")

    async def make(self, tenant: str, backup: str) -> None:
        self._read(tenant, backup)
        if (tenant, backup) not in self.made:
            self.writes.append(f"make {tenant}/{backup}")
            self.made.add((tenant, backup))
            self.files.setdefault(tenant, {})
            self.faults.done()

    async def has(self, tenant: str, backup: str) -> bool:
        self._read(tenant, backup)
        return (tenant, backup) in self.made

    async def sizes(self, tenant: str, backup: str) -> dict[str, int]:
        self._read(tenant, backup)
        return {name: len(content) for name, content in self._of(tenant, backup).items()}

    async def read(self, tenant: str, backup: str, name: str) -> bytes | None:
        self._read(tenant, backup, name)
        return self._of(tenant, backup).get(name)

    def _of(self, tenant: str, backup: str) -> dict[str, bytes]:
        if (tenant, backup) in self.closed:
            raise Strange(f"{backup} is no folder that can be read: Permission denied")
        start = f"{backup}/"
        found = self.files.get(tenant, {}).items()
        return {name.removeprefix(start): content for name, content in found if name.startswith(start)}

    async def delete(self, tenant: str, backup: str) -> None:
        self._read(tenant, backup)
        if (tenant, backup) in self.made:
            self.writes.append(f"delete {tenant}/{backup}")
            own = self.files[tenant]
            self.files[tenant] = {name: one for name, one in own.items() if not name.startswith(f"{backup}/")}
            self.made.discard((tenant, backup))
            self.faults.done()

    async def is_empty(self, tenant: str) -> bool:
        self._read(tenant)
        return all(one != tenant for one, _ in self.made)

    async def delete_tenant(self, tenant: str) -> None:
        self._read(tenant)
        if tenant in self.files:
            if any(one == tenant for one, _ in self.made):
                raise Unavailable("VolumeRefused", "Directory not empty")
            self.writes.append(f"delete {tenant}")
            del self.files[tenant]
            self.faults.done()
