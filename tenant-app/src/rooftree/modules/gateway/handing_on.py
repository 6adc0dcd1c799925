"""Hands requests on to modules of other processes, by the committed API description.

It tells which module owns a path (the operations' tag), which operations need a person, and which bodies may be large.
A cookie stays here: the module gets the access token of whoever it stands for.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from rooftree.kernel.auth import Authenticator
from rooftree.kernel.module import MAX_BODY_EXTENSION, Upload
from rooftree.kernel.rate_limits import RateLimits

_PARAMETER = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One of another process. `path` is the template, also for logs and metrics."""

    module: str
    method: str
    path: str
    pattern: re.Pattern[str]
    needs_person: bool
    upload: Upload | None
    openapi_extra: Mapping[str, Any]
    """What the description says beyond OpenAPI's own words."""


def operations(description: bytes, modules: Collection[str]) -> tuple[Operation, ...]:
    """Those of `modules`; paths with fewer parameters first, since they are meant where both match."""
    if not modules:
        return ()
    paths: Mapping[str, Mapping[str, Any]] = json.loads(description)["paths"]
    found = [
        _operation(path, method.upper(), described)
        for path, methods in paths.items()
        for method, described in methods.items()
        if set(described["tags"]) & set(modules)
    ]
    return tuple(sorted(found, key=lambda one: len(_PARAMETER.findall(one.path))))


def _operation(path: str, method: str, described: Mapping[str, Any]) -> Operation:
    (module,) = described["tags"]
    literals = [re.escape(part) for part in _PARAMETER.split(path)]
    pattern = re.compile("[^/]+".join(literals))
    most: int | None = described.get(MAX_BODY_EXTENSION)
    extra = {name: value for name, value in described.items() if name.startswith("x-")}
    upload = None if most is None else Upload(method, pattern, most)
    return Operation(module, method, path, pattern, bool(described.get("security")), upload, extra)


class HandedOn:
    """ASGI: the answer of the module that owns the path; of `otherwise` if none of another process does."""

    def __init__(
        self,
        known: Sequence[Operation],
        modules: Mapping[str, ASGIApp],
        authenticate: Authenticator,
        limits: RateLimits,
        otherwise: ASGIApp,
    ) -> None:
        self._known = known
        self._modules = modules
        self._authenticate = authenticate
        self._limits = limits
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._owner(scope)
        if found is None:
            await self._otherwise(scope, receive, send)
            return
        scope["route"] = found
        own, token = {b"cookie"}, ()
        if found.needs_person and found.method == scope["method"]:
            principal = await self._authenticate(Request(scope))
            own.add(b"authorization")
            token = ((b"authorization", f"Bearer {principal.token}".encode()),)
        else:
            await self._limits.visitor(scope)
        headers = [*(pair for pair in scope["headers"] if pair[0] not in own), *token]
        await self._modules[found.module]({**scope, "headers": headers}, receive, send)

    def _owner(self, scope: Scope) -> Operation | None:
        """With a method that the path has not, another operation of it: its module says so."""
        matching = [one for one in self._known if one.pattern.fullmatch(scope["path"])]
        return next((one for one in matching if one.method == scope["method"]), next(iter(matching), None))
