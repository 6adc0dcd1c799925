"""The protocol with the cache: every kind of answer, and nobody is ever given another's."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from rooftree.kernel.resp import Connection, Refused


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncGenerator[tuple[Connection, list[bytes]]]:
    """A connection to a server that notes each command and sends the next answer; without one it is silent."""
    received: list[bytes] = []
    waiting = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await reader.read(65536):
            received.append(content)
            if waiting:
                writer.write(waiting.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = await Connection.open("127.0.0.1", port, user="u", password="", ca_file=None)
    try:
        yield connection, received
    finally:
        connection.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (b"+OK\r\n", b"OK"),
        (b":3\r\n", b"3"),
        (b"$-1\r\n", None),
        (b"$0\r\n\r\n", b""),
        (b"$6\r\na\r\n+OK\r\n", b"a\r\n+OK"),
        (b"$200000\r\n" + b"x" * 200000 + b"\r\n", b"x" * 200000),
    ],
)
async def test_answers_are_read_whole(answer: bytes, value: bytes | None) -> None:
    async with scripted(answer, b"+NEXT\r\n") as (connection, _):
        assert await connection.command(b"GET", b"k") == value
        assert await connection.command(b"PING") == b"NEXT"


async def test_words_are_sent_by_their_length_so_that_none_can_add_a_command() -> None:
    async with scripted(b"+OK\r\n") as (connection, received):
        await connection.command(b"SET", b"k\r\nFLUSHALL\r\n", b"\x00")
    assert received == [b"*3\r\n$3\r\nSET\r\n$13\r\nk\r\nFLUSHALL\r\n\r\n$1\r\n\x00\r\n"]


async def test_a_refusal_is_told_by_its_code_and_the_connection_stays() -> None:
    async with scripted(b"-NOPERM canary may not\r\n", b"+OK\r\n") as (connection, _):
        with pytest.raises(Refused, match=r"^NOPERM$"):
            await connection.command(b"KEYS", b"*")
        assert await connection.command(b"PING") == b"OK"


async def cut_off(connection: Connection) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connection.command(b"GET", b"k")


async def nonsense(connection: Connection) -> None:
    with pytest.raises(ConnectionError):
        await connection.command(b"GET", b"k")


@pytest.mark.parametrize(
    ("answers", "misfortune"), [((), cut_off), ((b"HTTP/1.1 400 Bad\r\n",), nonsense), ((b"$9\r\nhal",), cut_off)]
)
async def test_after_an_answer_that_was_not_read_the_connection_is_closed(
    answers: tuple[bytes, ...], misfortune: Callable[[Connection], object]
) -> None:
    async with scripted(*answers) as (connection, _):
        await misfortune(connection)  # type: ignore[misc]
        with pytest.raises(ConnectionError, match="closed"):
            await connection.command(b"GET", b"other")


async def test_who_gives_up_while_waiting_for_a_turn_disturbs_nobody() -> None:
    async with scripted() as (connection, received):
        first = asyncio.create_task(connection.command(b"GET", b"a"))
        async with asyncio.timeout(5):
            while not received:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await cut_off(connection)
        assert not first.done()
        assert len(received) == 1
        first.cancel()
