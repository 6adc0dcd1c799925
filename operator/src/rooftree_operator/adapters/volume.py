"""The volume of backups, mounted whole for the operator: a folder of each tenant, in it one of each backup.

Jobs see the folder of one backup each, and write to it. Whatever they leave there is looked at without following it
(`folders`). Reading and writing wait for a disk or a network, so all of it is done in threads of its own.
"""

import asyncio
import errno
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from .. import effects, folders
from ..errors import Unavailable
from ..gate import Gate

TIMEOUT = 60.0  # seconds for one call
PING_TIMEOUT = 4.0  # seconds
# The path of a volume is gone through by the node's root, whom NFS takes for nobody: it may pass, and look at nothing.
# All below is of the group of our pods and the tenants', whoever makes it.
TENANT_MODE, BACKUP_MODE = 0o2771, 0o2770
PAGE = 1000  # files that one call deletes
PAGES = 500  # of one pass
MOST_FILES = 250_000  # of one backup; as segments of 8 MiB nearly 2 TiB
MOST_BYTES = 2**20  # of a file that the operator reads, which is the manifest
AWAY = (errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH)
FULL = (errno.ENOSPC, errno.EDQUOT)
Answer = TypeVar("Answer")


class Volume:
    """One volume. `source`: what a PersistentVolume of it says, for example `{"nfs": {…}}`; `root`: where we see it."""

    name = "volume"

    def __init__(self, root: Path, source: Mapping[str, Any], most: int = 4) -> None:
        self.gate = Gate(self.name, most)
        self.source = source
        self._root = root
        # One more, which is free to look whether the volume answers at all.
        self._threads = ThreadPoolExecutor(most + 1, self.name)

    def close(self) -> None:
        """Waits for nobody: a call to a server that is away may never end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ping(self) -> None:
        await self._run(self._root.stat, PING_TIMEOUT)

    async def make(self, tenant: str, backup: str) -> None:
        """The folder of a backup; one that is there stays."""
        if not await self.has(tenant, backup):
            await self._change("create", "backup", lambda: self._make(tenant, backup))

    async def has(self, tenant: str, backup: str) -> bool:
        """Whether there is a folder of this backup."""
        return await self._look(lambda: self._in(tenant, lambda own: folders.has(own, backup), missing=False))

    async def sizes(self, tenant: str, backup: str) -> dict[str, int]:
        """Sizes of all files of a backup, by names below its folder. Raises `folders.Strange`."""
        nothing: dict[str, int] = {}

        def sizes(own: int) -> dict[str, int]:
            with folders.inside(own, backup) as folder:
                return folders.sizes(folder, MOST_FILES)

        return await self._look(lambda: self._in(tenant, sizes, missing=nothing))

    async def read(self, tenant: str, backup: str, name: str) -> bytes | None:
        """A small file; None if there is none. Raises `folders.Strange`."""

        def content(own: int) -> bytes | None:
            with folders.inside(own, backup) as folder:
                return folders.read(folder, name, MOST_BYTES)

        return await self._look(lambda: self._in(tenant, content, missing=None))

    async def delete(self, tenant: str, backup: str) -> None:
        """A backup's folder with all that is in it."""
        for _ in range(PAGES):
            if not await self.has(tenant, backup):
                return
            await self._change("delete", "backup", lambda: self._delete(tenant, backup))
        raise Unavailable("VolumeRefused", f"of backup {backup} more files are left than one pass deletes: it goes on")

    async def is_empty(self, tenant: str) -> bool:
        """Whether nothing lies in the tenant's folder, or there is none."""
        return await self._look(lambda: self._in(tenant, folders.is_empty, missing=True))

    async def delete_tenant(self, tenant: str) -> None:
        """The tenant's folder, which must be empty; one that is gone is fine."""
        if await self._look(lambda: self._in(tenant, lambda _: True, missing=False)):
            await self._change("delete", "tenant", lambda: self._delete_tenant(tenant))

    def _make(self, tenant: str, backup: str) -> None:
        with folders.opened(self._root) as root:
            folders.make(root, tenant, TENANT_MODE)
        with folders.opened(self._root, tenant) as own:
            folders.make(own, backup, BACKUP_MODE)

    def _in(self, tenant: str, work: Callable[[int], Answer], *, missing: Answer) -> Answer:
        """What `work` finds in the tenant's folder; `missing`: if that, or what it looks for, is not there."""
        try:
            with folders.opened(self._root, tenant) as own:
                return work(own)
        except FileNotFoundError:
            self._root.stat()  # without the volume itself nothing is known of what lies on it
            return missing

    def _delete(self, tenant: str, backup: str) -> None:
        with folders.opened(self._root, tenant) as own:
            folders.remove(own, backup, PAGE)

    def _delete_tenant(self, tenant: str) -> None:
        with folders.opened(self._root) as root:
            folders.remove_empty(root, tenant)

    async def _look(self, work: Callable[[], Answer]) -> Answer:
        async with self.gate.call("look"):
            return await self._run(work, TIMEOUT)

    async def _change(self, verb: str, kind: str, work: Callable[[], None]) -> None:
        self.gate.check()
        with effects.sending(self.name, verb, kind):
            async with self.gate.call(verb):
                await self._run(work, TIMEOUT)

    async def _run(self, work: Callable[[], Answer], seconds: float) -> Answer:
        """In a thread. Raises `Unavailable` for what the disk or the server says, or if it says nothing."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError as error:
            raise Unavailable("VolumeUnreachable", f"the volume of backups says nothing for {seconds:g} s") from error
        except OSError as error:
            raise _told(error) from error


def _told(error: OSError) -> Unavailable:
    words = error.strerror or type(error).__name__
    if error.errno in AWAY:
        return Unavailable("VolumeUnreachable", f"the volume of backups does not answer: {words}")
    advice = "make room on it" if error.errno in FULL else "look at its folder and the rights to it"
    return Unavailable("VolumeRefused", f"the volume of backups refuses: {words}: a platform admin must {advice}")
