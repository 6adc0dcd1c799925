"""Calls between processes: who may, how long, what is repeated, which errors come out, which trace they join."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.trace import SpanKind
from rooftree import assembly
from rooftree.contracts.identity.api import GrantRefused, UserNotFound
from rooftree.kernel import errors, telemetry, unit_of_work
from rooftree.kernel.auth import acting
from rooftree.kernel.database import Patience, patience
from rooftree.kernel.errors import FieldError, Problem, Unavailable
from rooftree.kernel.rpc_client import LEAST_SECONDS, SECONDS
from rooftree.kernel.rpc_errors import STATUS, RemoteFailure
from rooftree.kernel.rpc_methods import methods
from rooftree.kernel.server_spans import ServerSpans
from rooftree.remote import identity

from ..certificates import Authority
from ..conftest import HandClock
from ..test_server_spans import counts, parts
from .conftest import ANSWERS, Asked, Wire

SOMEBODY = UUID("0190a0a0-0000-7000-8000-000000000001")
# Of every module that others call.
REMOTES = [importlib.import_module(f"rooftree.remote.{name}") for name in assembly.names() if name != assembly.GATEWAY]
TOKENS = {"refresh_token": "r", "client_id": "web"}


def raising(error: Exception) -> Callable[[str], Any]:
    def answers(_: str) -> Any:
        raise error

    return answers


def refusals() -> Iterator[Problem]:
    """One of each class, with every field."""

    def kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
        yield kind
        for further in kind.__subclasses__():
            yield from kinds(further)

    modules = {errors.__name__, *(remote.CONTRACT.__module__ for remote in REMOTES)}
    for kind in kinds(Problem):
        if kind.__module__ in modules:
            problem = kind.__new__(kind)
            Problem.__init__(
                problem,
                "why: ä\n",
                errors=[FieldError("/a/0", "is wrong")],
                headers={"Retry-After": "7"},
                extensions={"current_version": 3, "changed_fields": None, "people": [1]},
            )
            yield problem


def fields(problem: Problem) -> tuple[Any, ...]:
    return (type(problem), str(problem), problem.detail, problem.errors, problem.headers, problem.extensions)


@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda problem: type(problem).__name__)
async def test_a_refusal_comes_out_as_the_same_class_with_the_same_fields(asked: Asked, refusal: Problem) -> None:
    asked.servicer.answers = raising(refusal)
    with pytest.raises(Problem) as caught:
        await asked.client.user(SOMEBODY)
    assert fields(caught.value) == fields(refusal)
    assert asked.servicer.asked == ["user"]  # it is an answer: also `Unavailable` is not repeated


def test_every_refusal_has_a_row_in_the_table() -> None:
    assert {problem.status for problem in refusals()} <= STATUS.keys()


async def test_a_bug_there_is_a_bug_here_and_tells_nothing(asked: Asked) -> None:
    asked.servicer.answers = raising(RuntimeError("canary"))
    with pytest.raises(RemoteFailure) as caught:
        await asked.client.user(SOMEBODY)
    assert "canary" not in str(caught.value)
    assert asked.servicer.asked == ["user"]


CALLS: dict[str, Callable[[identity.Client], Awaitable[Any]]] = {
    "authenticate": lambda client: client.authenticate("t"),
    "refresh": lambda client: client.refresh(**TOKENS, idempotency_key="k"),
    "revoke": lambda client: client.revoke("r"),
    "end_sign_ins": lambda client: client.end_sign_ins(SOMEBODY, because="test"),
    "user": lambda client: client.user(SOMEBODY),
    "names": lambda client: client.names([SOMEBODY]),
    "has_office": lambda client: client.has_office(SOMEBODY),
    "owner_link": lambda client: client.owner_link(),
    "owners": lambda client: client.owners(),
}


@pytest.mark.parametrize("method", CALLS)
async def test_what_does_no_harm_twice_is_asked_again_when_its_answer_was_lost(asked: Asked, method: str) -> None:
    with asked.faults.on():
        await CALLS[method](asked.client)
    assert len(asked.faults.lost) == 1
    assert asked.servicer.asked == [method, method]


async def test_what_does_harm_twice_is_asked_once(asked: Asked) -> None:
    with asked.faults.on(), pytest.raises(Unavailable):
        await asked.client.exchange_code(code="c", verifier="v", redirect_uri="u", client_id="web")
    assert asked.servicer.asked == ["exchange_code"]


def test_every_method_says_whether_it_may_be_repeated() -> None:
    found = {method.attribute: method.repeatable for remote in REMOTES for method in methods(remote.SERVICE)}
    assert [name for name, repeatable in found.items() if not repeatable] == ["exchange_code"]
    contracts = [remote.CONTRACT for remote in REMOTES]
    promised = {name for one in contracts for name, member in vars(one).items() if callable(member) and name[0] != "_"}
    assert promised == found.keys()


async def test_a_renewal_without_a_key_is_repeated_with_one_that_nobody_else_knows(asked: Asked) -> None:
    keys: list[str] = []

    class Keeps:
        async def refresh(self, request: Any) -> Any:
            keys.append(request.idempotency_key)
            return ANSWERS["refresh"]

    asked.servicer.__dict__["refresh"] = Keeps().refresh
    server = await asked.wire.serve("identity", _service(asked.servicer))
    client = identity.Client(asked.wire.peer("identity", server.port, identity.SERVICE))
    with asked.faults.on():
        await client.refresh(**TOKENS)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 43
    await client.refresh(**TOKENS)
    assert keys[2] != keys[0]


def _service(servicer: object) -> Any:
    from rooftree.kernel.rpc_server import Service

    return Service(identity.SERVICE, servicer)


async def test_a_call_takes_no_longer_than_is_left_of_its_request(asked: Asked) -> None:
    asked.servicer.answers = lambda _: asyncio.Event().wait()
    loop = asyncio.get_running_loop()
    patience.set(Patience(0.6))
    began = loop.time()
    with pytest.raises(Unavailable):
        await asked.client.user(SOMEBODY)
    assert 0.55 <= loop.time() - began <= 3
    left = patience.get()
    assert left is not None
    assert left.left == 0
    # What is remembered there is still told: a little time is always given.
    began = loop.time()
    with pytest.raises(Unavailable):
        await asked.client.user(SOMEBODY)
    assert LEAST_SECONDS - 0.05 <= loop.time() - began <= LEAST_SECONDS + 3


async def test_the_time_of_a_call_is_taken_from_its_request_and_told_to_the_other_side(asked: Asked) -> None:
    seen: list[float] = []

    async def told() -> Any:
        allowed = patience.get()
        assert allowed is not None
        seen.append(allowed.left)
        await asyncio.sleep(0.05)
        return ANSWERS["user"]

    asked.servicer.answers = lambda _: told()
    await asked.client.user(SOMEBODY)
    patience.set(Patience(1.0))
    await asked.client.user(SOMEBODY)
    left = patience.get()
    assert left is not None
    assert 0 < left.left <= 0.95
    assert 1.0 <= seen[0] <= SECONDS - 0.2
    assert seen[1] <= 0.9  # of 1.0 without what the answer takes; gRPC rounds a deadline up


async def test_no_call_is_made_within_a_transaction(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_of_work, "is_open", lambda: True)
    with pytest.raises(RuntimeError, match="finish it"):
        await asked.client.user(SOMEBODY)
    assert asked.servicer.asked == []


async def test_the_other_side_knows_for_whom_it_works_and_in_which_trace(asked: Asked) -> None:
    seen: list[Any] = []

    async def told() -> Any:
        seen.append((acting.get(), telemetry.current_ids()))
        return ANSWERS["user"]

    asked.servicer.answers = lambda _: told()
    acting.set("somebody")
    with telemetry.span("request", SpanKind.SERVER):
        here = telemetry.current_ids()
        await asked.client.user(SOMEBODY)
    assert here is not None
    ((acted, there),) = seen
    assert acted == "somebody"
    assert there[0] == here[0]
    assert there[1] != here[1]


async def test_each_call_counts_where_it_is_answered_and_is_the_callers_time(
    asked: Asked, hand_clock: HandClock
) -> None:
    within: list[Any] = []

    async def told() -> Any:
        within.append(counts(asked.wire.counted))
        hand_clock.pass_by(2.0)
        return ANSWERS["user"]

    asked.servicer.answers = lambda _: told()
    here = ServerSpans()
    with here.begin():
        await asked.client.user(SOMEBODY)
        hand_clock.pass_by(1.0)
        await asked.client.user(SOMEBODY)
    asked.servicer.answers = raising(UserNotFound())
    with pytest.raises(UserNotFound):
        await asked.client.user(SOMEBODY)
    assert within == [(1, 0, 1), (2, 1, 1)]
    assert counts(asked.wire.counted) == (3, 3, 0)
    assert parts(asked.wire.counted) == {"server": 4.0}
    assert parts(here) == {"server": 5.0, "rpc": 4.0}


async def test_a_server_is_taken_for_a_module_only_with_that_modules_certificate(asked: Asked) -> None:
    client = identity.Client(asked.wire.peer("property", asked.server.port, identity.SERVICE))
    with pytest.raises(Unavailable):
        await client.user(SOMEBODY)
    assert asked.servicer.asked == []


async def test_another_tenants_modules_are_strangers(asked: Asked) -> None:
    foreign, own = Authority("other").issue("gateway"), asked.wire.authority.issue("gateway")
    strangers = {
        "whose certificate is foreign": replace(foreign, authority=own.authority),
        "who trusts another authority": replace(own, authority=foreign.authority),
    }
    for words, certificates in strangers.items():
        peer = asked.wire.peer("identity", asked.server.port, identity.SERVICE, certificates=certificates)
        with pytest.raises(Unavailable):
            await identity.Client(peer).user(SOMEBODY)
        assert asked.servicer.asked == [], words
    await asked.client.user(SOMEBODY)


async def test_who_shows_no_certificate_is_not_answered(asked: Asked) -> None:
    import grpc
    from rooftree_pb import identity_pb2 as pb

    credentials = grpc.ssl_channel_credentials(asked.wire.authority.issue("gateway").authority)
    options = [("grpc.ssl_target_name_override", "identity")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{asked.server.port}", credentials, options=options) as channel:
        call = channel.unary_unary(
            f"/{identity.SERVICE.full_name}/User",
            request_serializer=pb.UserRequest.SerializeToString,
            response_deserializer=pb.UserAnswer.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(pb.UserRequest(user_id=str(SOMEBODY)), timeout=2)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert asked.servicer.asked == []


async def test_a_process_that_drains_sends_callers_to_another_one(asked: Asked) -> None:
    other = await asked.wire.serve("identity", _service(asked.servicer))
    address = f"ipv4:127.0.0.1:{asked.server.port},127.0.0.1:{other.port}"
    peer = asked.wire.peer("identity", 0, identity.SERVICE)
    peer._address = address
    client = identity.Client(peer)
    await client.user(SOMEBODY)
    await asked.server.drain()
    await asked.server.stop(1)
    for _ in range(20):
        await client.user(SOMEBODY)


async def test_a_module_that_is_back_is_found_again(wire: Wire, asked: Asked) -> None:
    port = asked.server.port
    await asked.client.user(SOMEBODY)
    await asked.server.stop(0)
    with pytest.raises(Unavailable):
        await asked.client.user(SOMEBODY)
    from rooftree.kernel.rpc_server import Server

    again = Server(f"127.0.0.1:{port}", wire.authority.issue("identity"), [_service(asked.servicer)], wire.counted)
    await again.start()
    wire.stack.push_async_callback(again.stop, 0)
    async with asyncio.timeout(5):
        while True:
            try:
                await asked.client.user(SOMEBODY)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                break


def test_contract_errors_are_of_the_closed_set() -> None:
    assert {GrantRefused.code, UserNotFound.code} <= {problem.code for problem in refusals()}
    codes = [problem.code for problem in refusals()]
    assert len(codes) == len(set(codes)), "a code must lead to one class"
