"""The person's doors into the development stack: ports of 127.0.0.1 and [::1] of the machine lead to its edge and mail.

`python -m rooftree_local.forward PID PIPE PORT=HOST:PORT…` listens in the machine's network, then moves itself into
that of process PID, so that what it connects to is there. It ends with that process.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rooftree_local import stack
from rooftree_local.addresses import EDGE_PORT, MAIL_PAGE_PORT, NODE_IP
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work

# Ports of this machine, and where they lead inside the stack.
DOORS = {EDGE_PORT: ("127.0.0.1", EDGE_PORT), MAIL_PAGE_PORT: (NODE_IP, MAIL_PAGE_PORT)}
LISTEN = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
CHUNK = 65536


def process_file(target: Stack) -> Path:
    """Where the forwarder's process is noted."""
    return target.state / "forward.json"


def runs(target: Stack) -> bool:
    """Whether the forwarder of this stack's present life runs."""
    try:
        known = json.loads(process_file(target).read_text())
        words = Path(f"/proc/{known['pid']}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    running = stack.find(target)
    return running is not None and known["stack"] == running.pid and b"rooftree_local.forward" in words


def start(target: Stack, work: Work) -> None:
    """Starts the forwarder and waits until it listens."""
    running = stack.require(target)
    work.say(f"{', '.join(f'127.0.0.1:{port}' for port in DOORS)} → stack {target.name}")
    with (target.logs / "forwarder.log").open("ab") as log:
        process = spawn(running.pid, DOORS, log)
    content = {"pid": process.pid, "stack": running.pid, "since": time.time()}
    process_file(target).write_text(json.dumps(content))


def spawn(inner: int, doors: dict[int, tuple[str, int]], log: BinaryIO) -> subprocess.Popen[bytes]:
    """A forwarder from ports here to addresses in the network of process `inner`; it listens already."""
    words = [f"{port}={host}:{there}" for port, (host, there) in doors.items()]
    ready_reader, ready_writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "rooftree_local.forward", str(inner), str(ready_writer), *words],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        start_new_session=True,
        pass_fds=(ready_writer,),
    )
    os.close(ready_writer)
    with os.fdopen(ready_reader, "rb") as pipe:
        if pipe.read() != b"ready":
            process.wait()
            ports = ", ".join(map(str, doors))
            raise CommandFailed(f"ports {ports} of this machine cannot be forwarded: {stack.tail(Path(log.name), 1)}")
    return process


def listen(port: int) -> list[socket.socket]:
    """Listening sockets in the network that this process is in now."""
    sockets = []
    for family, address in LISTEN:
        if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
            continue
        server = socket.create_server((address, port), family=family, backlog=128)
        server.setblocking(False)
        sockets.append(server)
    return sockets


def move_into(process: int) -> None:
    """Moves this thread into the network of another process; sockets that are open stay where they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{process}/ns/net").open("rb") as namespace:
        if libc.setns(namespace.fileno(), NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "cannot enter the stack's network")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except ConnectionError:
        writer.close()  # the other direction then ends by itself


async def _serve_one(address: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection(*address)
    except OSError:
        writer.close()  # what listens there is not there (yet): the person sees a closed connection
        return
    try:
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
    finally:
        inner_writer.close()
        writer.close()


async def serve(sockets: dict[socket.socket, tuple[str, int]], process: int) -> None:
    """Forwards each socket's connections to its address until the process ends."""
    ended = asyncio.Event()
    watched = os.pidfd_open(process)
    asyncio.get_running_loop().add_reader(watched, ended.set)
    servers = [
        await asyncio.start_server(partial(_serve_one, address), sock=server) for server, address in sockets.items()
    ]
    await ended.wait()
    for server in servers:
        server.close()


def door(word: str) -> tuple[int, tuple[str, int]]:
    """`PORT=HOST:PORT` of the command line."""
    port, _, there = word.partition("=")
    host, _, inner = there.rpartition(":")
    return int(port), (host, int(inner))


def main() -> None:
    """Entry: the process to follow, the pipe on which to say that it listens, and the doors."""
    process, ready = (int(word) for word in sys.argv[1:3])
    try:
        sockets = {server: address for port, address in map(door, sys.argv[3:]) for server in listen(port)}
    except OSError as error:
        sys.exit(str(error))
    move_into(process)
    os.write(ready, b"ready")
    os.close(ready)
    asyncio.run(serve(sockets, process))


if __name__ == "__main__":
    main()
