"""Which requests the gateway hands on, to whom, and with whose name."""

import json
from typing import Any
from uuid import UUID

import pytest
from fastapi import Request
from rooftree import assembly, openapi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Unauthenticated
from rooftree.kernel.middleware import MAX_BODY
from rooftree.modules.gateway.handing_on import HandedOn, operations

DOCUMENT = openapi.documents()["openapi.json"].encode()
MODULES = {module.name: module for module in assembly.find()}
OTHERS = tuple(name for name in MODULES if name != "gateway")
KNOWN = operations(DOCUMENT, OTHERS)
ID = "01900000-0000-7000-8000-000000000000"


class Answers:
    """An app that keeps the scopes it was given."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)


class World:
    def __init__(self, token: str | None = "the-token") -> None:
        self.apps = {name: Answers() for name in OTHERS}
        self.otherwise = Answers()
        self.asked: list[Request] = []
        self.visits: list[str] = []
        self._token = token
        self.app = HandedOn(KNOWN, dict(self.apps), self._authenticate, self, self.otherwise)  # type: ignore[arg-type]

    async def visitor(self, scope: Any) -> None:
        """As `RateLimits` counts them."""
        self.visits.append(scope["client_address"])

    async def _authenticate(self, request: Request) -> Principal:
        self.asked.append(request)
        if self._token is None:
            raise Unauthenticated
        return Principal(UUID(int=1), "acme-0a1b2c3d", "agent", "web", frozenset(), token=self._token)

    async def ask(self, method: str, path: str, **headers: str) -> tuple[str, dict[bytes, bytes]]:
        """Who was given it, and with which headers."""
        raw = [(name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": raw}
        scope["client_address"] = "203.0.113.7"
        await self.app(scope, None, None)  # type: ignore[arg-type] - the fakes use neither
        (found,) = [(name, app.scopes.pop()) for name, app in (*self.apps.items(), ("-", self.otherwise)) if app.scopes]
        return found[0], dict(found[1]["headers"])


def routes() -> list[tuple[str, str, str]]:
    """Module, method and path of every operation of each module's own document."""
    return [
        (name, method.upper(), path)
        for name in OTHERS
        for path, methods in json.loads(openapi.documents()[f"{name}.json"])["paths"].items()
        for method in methods
    ]


@pytest.mark.parametrize(("module", "method", "path"), routes())
async def test_each_operation_goes_to_its_module(module: str, method: str, path: str) -> None:
    concrete = path
    for parameter in (part for part in path.split("/") if part.startswith("{")):
        concrete = concrete.replace(parameter, ID)
    given, headers = await World().ask(method, concrete, Cookie="__Host-session=canary")
    assert given == module
    assert b"cookie" not in headers


def test_no_operation_of_another_process_is_hidden_from_the_description() -> None:
    hidden = [
        route
        for name in OTHERS
        for route in MODULES[name].router.routes
        if not getattr(route, "include_in_schema", True)
    ]
    assert hidden == []


async def test_who_needs_a_person_gets_their_token_and_nothing_else_that_proves_them() -> None:
    world = World()
    given, headers = await world.ask("GET", "/api/v1/people", Cookie="canary", Authorization="Bearer other", Accept="a")
    assert (given, headers) == ("crm", {b"accept": b"a", b"authorization": b"Bearer the-token"})
    assert world.asked[0].headers["cookie"] == "canary"
    assert world.visits == []


async def test_a_stranger_is_refused_before_anything_is_handed_on() -> None:
    world = World(token=None)
    with pytest.raises(Unauthenticated):
        await world.ask("GET", "/api/v1/people")
    assert all(not app.scopes for app in world.apps.values())


async def test_what_needs_nobody_is_handed_on_without_asking_even_with_a_stale_cookie() -> None:
    world = World(token=None)
    assert await world.ask("POST", "/api/v1/inquiries", Cookie="stale") == ("crm", {})
    # A client may prove itself at the token endpoint, which looks for itself.
    assert await world.ask("POST", "/oauth/token", Authorization="Basic x") == (
        "identity",
        {b"authorization": b"Basic x"},
    )
    assert world.asked == []
    assert world.visits == ["203.0.113.7"] * 2


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("DELETE", "/api/v1/leads", "crm"),
        ("HEAD", "/api/v1/people", "crm"),
        ("GET", "/api/v1/people/", "-"),
        ("GET", "/api/v1/peoples", "-"),
        ("GET", "/listings", "-"),
        ("GET", "/", "-"),
        ("GET", "/api/v1/session", "-"),
    ],
)
async def test_other_methods_are_refused_by_the_module_and_other_paths_are_the_web_apps(
    method: str, path: str, owner: str
) -> None:
    world = World(token=None)
    assert (await world.ask(method, path))[0] == owner
    assert world.asked == []


def test_large_bodies_are_known_without_the_modules_code() -> None:
    told = {(one.method, one.path): one.upload.max_bytes for one in KNOWN if one.upload}
    declared = [upload for name in OTHERS for upload in MODULES[name].uploads]
    assert told
    for (method, path), most in told.items():
        assert [one.max_bytes for one in declared if one.method == method and one.path.fullmatch(path)] == [most]
        assert most > MAX_BODY
    assert len(told) == len(declared)


def test_with_all_modules_in_one_process_nothing_is_handed_on() -> None:
    assert operations(b"", ()) == ()
