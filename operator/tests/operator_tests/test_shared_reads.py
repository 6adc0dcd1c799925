"""One answer for all parts of a pass, and never one that is older than the pass's own write."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from rooftree_operator.adapters import shared_reads
from rooftree_operator.drift import Object

from .world import World, brokerage

SECRET = "/api/v1/namespaces/tenant-acme/secrets/app"


def far() -> Object | None:
    raise LookupError("ask")


class Server:
    """Answers with how often it was asked. `hold`: an answer that is on its way waits for it."""

    def __init__(self) -> None:
        self.asked = 0
        self.hold: asyncio.Event | None = None

    def ask(self, path: str = SECRET) -> Awaitable[Object | None]:
        return shared_reads.read(path, self._answer, far)

    async def _answer(self) -> Object:
        self.asked += 1
        answer = {"answer": self.asked}
        await (self.hold.wait() if self.hold else asyncio.sleep(0))
        return answer


async def test_all_parts_of_a_pass_get_one_answer_and_the_next_pass_gets_another() -> None:
    server = Server()
    with shared_reads.shared():
        assert await asyncio.gather(server.ask(), server.ask(), server.ask()) == [{"answer": 1}] * 3
    with shared_reads.shared():
        assert await server.ask() == {"answer": 2}
    assert await server.ask() == {"answer": 3}
    assert await server.ask() == {"answer": 4}


async def test_what_one_part_does_to_its_answer_no_other_part_sees() -> None:
    server = Server()
    with shared_reads.shared():
        mine = await server.ask()
        assert mine is not None
        mine["answer"] = "changed"
        assert await server.ask() == {"answer": 1}


@pytest.mark.parametrize(
    "path",
    [SECRET, SECRET + "/status", SECRET.removesuffix("/app"), "/api/v1/namespaces/tenant-acme"],
    ids=["itself", "a part of it", "its collection", "its namespace"],
)
async def test_after_a_write_it_is_read_again(path: str) -> None:
    server = Server()
    with shared_reads.shared():
        await server.ask()
        shared_reads.wrote(path)
        assert await server.ask() == {"answer": 2}


async def test_a_write_to_something_else_leaves_the_answer() -> None:
    server = Server()
    with shared_reads.shared():
        await server.ask()
        shared_reads.wrote("/api/v1/namespaces/tenant-birch/secrets/app")
        assert await server.ask() == {"answer": 1}


async def test_an_answer_that_was_on_its_way_during_a_write_is_not_kept() -> None:
    server = Server()
    server.hold = asyncio.Event()
    with shared_reads.shared():
        reading = asyncio.ensure_future(server.ask())
        await asyncio.sleep(0)
        assert server.asked
        shared_reads.wrote(SECRET)
        server.hold.set()
        assert await reading == {"answer": 1}
        assert await server.ask() == {"answer": 2}


async def test_what_is_near_is_not_asked_for_and_is_looked_at_again_after_a_write() -> None:
    server, near = Server(), iter([{"answer": 10}, {"answer": 11}])
    with shared_reads.shared():
        for expected in (10, 10):
            assert await shared_reads.read(SECRET, server._answer, lambda: next(near)) == {"answer": expected}
        shared_reads.wrote(SECRET)
        assert await shared_reads.read(SECRET, server._answer, lambda: next(near)) == {"answer": 11}
    assert server.asked == 0


async def test_outside_of_a_pass_the_apiserver_is_asked_whatever_is_near() -> None:
    server = Server()
    assert await shared_reads.read(SECRET, server._answer, lambda: {"answer": 10}) == {"answer": 1}


async def test_an_error_is_told_to_who_asked_and_the_next_one_asks_again() -> None:
    answers = iter([LookupError("gone"), {"answer": 2}])

    async def ask() -> Object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    question: Callable[[], Awaitable[Object | None]] = ask
    with shared_reads.shared():
        with pytest.raises(LookupError):
            await shared_reads.read(SECRET, question, far)
        assert await shared_reads.read(SECRET, question, far) == {"answer": 2}


async def test_a_pass_over_an_unchanged_tenant_reads_each_object_once() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    world.kube.reads.clear()
    await world.reconciler.reconcile("acme")
    assert "Secret app" in world.kube.reads
    twice = {read for read in world.kube.reads if world.kube.reads.count(read) > 1}
    assert twice == set()
