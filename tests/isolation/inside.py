"""The network as a pod sees it: work done in a pod's own network namespace, from the moment that there is one.

No process of the pod is needed: a thread of the test enters the namespace, which the node makes before anything runs.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Place = tuple[str, int]
CLONE_NEWNET = 0x40000000
WAIT_SECONDS = 1.5  # who answers at all does so in milliseconds; a firewall that drops says nothing
_libc = ctypes.CDLL(None, use_errno=True)


def folder() -> Path:
    """Where the stack's container runtime keeps the namespaces of pods."""
    own = os.readlink("/proc/self/ns/net")
    for name in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if name.read_text().strip() == "containerd" and os.readlink(name.parent / "ns/net") == own:
                return name.parent / "root/run/netns"
    raise LookupError("no containerd runs in this network")


def within(namespace: Path | int, work: Callable[[], T]) -> T:
    """Does `work` in a thread that is in this network namespace: a path, or an open file of one."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            enter(namespace)
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def enter(namespace: Path | int) -> None:
    """Moves this thread, and nothing else of the process."""
    opened = os.open(namespace, os.O_RDONLY) if isinstance(namespace, Path) else namespace
    try:
        if _libc.setns(opened, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        if isinstance(namespace, Path):
            os.close(opened)


def addresses() -> set[str]:
    """The addresses of this thread's namespace, loopback left out."""
    found, last = set(), ""
    for line in Path("/proc/thread-self/net/fib_trie").read_text().splitlines():
        if "|--" in line:
            last = line.rpartition(" ")[2]
        elif "/32 host LOCAL" in line and not last.startswith("127."):
            found.add(last)
    return found


def namespace_of(address: str) -> Path:
    """The namespace of the pod with this address."""
    for path in folder().iterdir():
        with suppress(OSError):
            if address in within(path, addresses):
                return path
    raise LookupError(f"no pod has the address {address}")


def open_places(places: dict[str, Place], seconds: float = WAIT_SECONDS) -> set[str]:
    """Names of those that a TCP connection of this thread's reaches. All are tried at once."""
    opened: dict[int, tuple[str, socket.socket]] = {}
    poll, reached = select.poll(), set()
    for name, place in places.items():
        one = socket.socket()
        one.setblocking(False)
        with suppress(BlockingIOError, OSError):
            one.connect(place)
        opened[one.fileno()] = (name, one)
        poll.register(one, select.POLLOUT)
    left = dict(opened)
    while left:
        ready = poll.poll(seconds * 1000)
        if not ready:
            break
        for number, _ in ready:
            poll.unregister(number)
            name, one = left.pop(number)
            # SO_ERROR of a socket that was refused at once has been read: only a peer tells that it is connected.
            with suppress(OSError):
                one.getpeername()
                reached.add(name)
    for _, one in opened.values():
        one.close()
    return reached
