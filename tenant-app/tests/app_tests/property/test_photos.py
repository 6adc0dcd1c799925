"""The photo proxy: one client for each feed, few photos at once, none for ever."""

import asyncio
from collections.abc import AsyncGenerator

import httpx2
import pytest
from rooftree.modules.property import photos as module
from rooftree.modules.property.photos import AT_ONCE, Photos
from rooftree.modules.property.reso import FeedError

from .test_reso import CONFIG, ORIGIN

OTHER = CONFIG.model_copy(update={"name": "b", "url": "http://other.test/odata"})


class Server:
    """Counts clients and how many photos it is asked for at once; answers while `open` is set."""

    def __init__(self) -> None:
        self.clients: list[httpx2.AsyncClient] = []
        self.running = self.most = 0
        self.open = asyncio.Event()

    def connect(self) -> httpx2.AsyncClient:
        self.clients.append(httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer)))
        return self.clients[-1]

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.open.wait()
        finally:
            self.running -= 1
        return httpx2.Response(200, content=request.url.path.encode())


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def photos(server: Server) -> AsyncGenerator[Photos]:
    found = Photos(server.connect)
    yield found
    await found.close()
    assert all(client.is_closed for client in server.clients)


async def test_each_feed_has_one_client_that_lasts(photos: Photos, server: Server) -> None:
    server.open.set()
    assert server.clients == []
    for name in ("/1.jpg", "/2.jpg"):
        assert await photos.get(CONFIG, f"{ORIGIN}{name}") == name.encode()
    assert len(server.clients) == 1
    await photos.get(OTHER, "http://other.test/3.jpg")
    assert len(server.clients) == 2


async def test_few_photos_are_fetched_at_once(photos: Photos, server: Server) -> None:
    asked = [asyncio.create_task(photos.get(CONFIG, f"{ORIGIN}/{n}.jpg")) for n in range(3 * AT_ONCE)]
    async with asyncio.timeout(10):
        while server.running < AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0)
    server.open.set()
    assert len(await asyncio.gather(*asked)) == 3 * AT_ONCE
    assert server.most == AT_ONCE


async def test_a_feed_that_never_ends_is_given_up(
    photos: Photos, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOTAL_SECONDS", 0.05)
    with pytest.raises(FeedError, match="no photo within"):
        await photos.get(CONFIG, f"{ORIGIN}/1.jpg")
    server.open.set()
    monkeypatch.setattr(module, "TOTAL_SECONDS", 10)
    assert await photos.get(CONFIG, f"{ORIGIN}/1.jpg") == b"/1.jpg"


async def test_a_kept_connection_that_ends_when_it_is_used_again_costs_no_photo() -> None:
    """As a server does that waits as long for the next request as the client keeps the connection."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nphoto")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        config = CONFIG.model_copy(update={"url": f"{origin}/odata"})
        photos = Photos()
        assert [await photos.get(config, f"{origin}/{n}.jpg") for n in range(2)] == [b"photo", b"photo"]
        await photos.close()
    assert connections == 2
