"""Lets PostgreSQL's own programs reach a server that demands TLS: those that we ship have none.

They speak to a socket in a folder that only this user can enter; from there on it is TLS, with the server's name and
authority verified. The server must take TLS without a question before (`sslnegotiation=direct`): 17 or newer.
"""

import asyncio
import ssl
import struct
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PORT = 5432  # only a part of the socket's name
ALPN = "postgresql"
BLOCK = 2**18
AUTHENTICATION, SASL = b"R", 10
BEFORE = (b"v",)  # what may come before the question for a password
WITH_BINDING = b"SCRAM-SHA-256-PLUS"
STARTS_WITHIN = 10.0  # seconds


@contextmanager
def tunnel(host: str, port: int, ca_file: str) -> Generator[str]:
    """The folder to give to a program as its host; `PORT` is the port."""
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols([ALPN])
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        path = str(Path(folder, f".s.PGSQL.{PORT}"))
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = _Server(host, port, context)
        started = asyncio.run_coroutine_threadsafe(asyncio.start_unix_server(server.serve, path), loop)
        listening = started.result(STARTS_WITHIN)
        try:
            yield folder
        finally:
            asyncio.run_coroutine_threadsafe(_ended(listening), loop).result(STARTS_WITHIN)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(STARTS_WITHIN)
            loop.close()


async def _ended(listening: asyncio.Server) -> None:
    """No connection is left."""
    listening.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Server:
    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host, self._port, self._context = host, port, context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Its program says what is wrong when it ends early."""
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._context, server_hostname=self._host
            )
            try:
                there = asyncio.create_task(_copy(reader, far_writer))
                # A program that is gone without a word leaves no session behind.
                there.add_done_callback(lambda _: far_writer.close())
                await _answers(far_reader, writer)
                there.cancel()
            finally:
                far_writer.close()
        except asyncio.CancelledError:
            return  # the tunnel is closed; whoever made this task would complain of it
        finally:
            writer.close()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server's side, with the way of logging in left out that is bound to TLS: the program knows of none."""
    kind = BEFORE[0]
    try:
        while kind in BEFORE:
            kind, length = struct.unpack("!ci", await reader.readexactly(5))
            writer.write(without_binding(kind, await reader.readexactly(length - 4)))
    except asyncio.IncompleteReadError as end:
        writer.write(end.partial)
        return
    await _copy(reader, writer)


def without_binding(kind: bytes, body: bytes) -> bytes:
    """A message of the server, in which `SCRAM-SHA-256-PLUS` is not offered. Pure."""
    if kind == AUTHENTICATION and struct.unpack("!i", body[:4])[0] == SASL:
        offered = [name for name in body[4:].split(b"\0") if name and name != WITH_BINDING]
        body = body[:4] + b"".join(name + b"\0" for name in offered) + b"\0"
    return struct.pack("!ci", kind, len(body) + 4) + body


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(BLOCK):
        writer.write(block)
        await writer.drain()
