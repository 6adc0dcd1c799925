"""The shape of a module, and what the kernel hands to it.

`rooftree/modules/<name>/module.py` exports `MODULE`. Its name is also its Postgres schema, its migration branch and
its file in `openapi/`. Routers are built once at import, so that the API description needs no settings; handlers get
the module's services by `Depends(provided(Service))`.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

from fastapi import APIRouter, Request
from starlette.types import ASGIApp

from rooftree.kernel.auth import Authenticator
from rooftree.kernel.background import Background
from rooftree.kernel.cache import Cache
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import Subscriber
from rooftree.kernel.ears import Ears
from rooftree.kernel.jobs import Job, Jobs
from rooftree.kernel.mail import Mail
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.objects import Objects
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.rate_limits import RateLimits
from rooftree.kernel.receiving import Receiving
from rooftree.kernel.rpc import Elsewhere
from rooftree.kernel.settings import Secrets, SectionT, Settings, load
from rooftree.kernel.spreadsheets import MAX_BYTES
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.kernel.workers import Workers

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Everything a module may use while it runs."""

    settings: Settings
    secrets: Secrets
    unit_of_work: UnitOfWork
    clock: Clock
    jobs: Jobs
    outbox: Outbox
    background: Background
    metrics: Metrics
    cache: Cache
    mail: Mail
    objects: Objects
    rate_limits: RateLimits
    workers: Workers = field(default_factory=Workers)
    """Heavy work of all modules: one at a time."""
    tables: Receiving = field(default_factory=partial(Receiving, "file", most=MAX_BYTES))
    """Takes the tables that people send to whatever module."""
    ears: Ears = field(default_factory=Ears)
    """What was heard of changes, where the process listens."""
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    """What modules of other processes offer."""
    ports: dict[type, object] = field(default_factory=dict[type, object])
    """All of them, wherever they are."""

    def section(self, section: type[SectionT]) -> SectionT:
        """The module's own settings."""
        return load(section)

    def port(self, contract: type[T]) -> T:
        """The other module that fulfils `contract`; name it in `Module.requires`."""
        return cast("T", self.ports[contract])


@dataclass(frozen=True, kw_only=True)
class Built:
    """One module of one running app."""

    services: tuple[object, ...] = ()
    """Found by handlers through `provided(type)`."""
    port: object | None = None
    """Fulfils `Module.provides`."""
    jobs: tuple[Job, ...] = ()
    consumers: tuple[Subscriber, ...] = ()
    """Those that `Module.consumers` names."""
    authenticator: Authenticator | None = None
    start: Callable[[], None] | None = None
    """Begins work of its own in the background, once the app has started."""
    close: Callable[[], Awaitable[None]] | None = None
    """Ends that work and lets go of connections when the process stops."""
    fallback: ASGIApp | None = None
    """Answers what no route matched; only the module that serves the web app has one."""
    uploads: tuple["Upload", ...] = ()
    """Those of routes of other processes; only the module that hands requests on to them has some."""


MAX_BODY_EXTENSION = "x-rooftree-max-body"
"""Says `Upload.max_bytes` of an operation in the API description."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A route whose body may be larger than `middleware.MAX_BODY`; `path` matches as a whole."""

    method: str
    path: re.Pattern[str]
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Module:
    """What is known of a module without running it."""

    name: str
    router: APIRouter
    build: Callable[[Runtime], Built]
    provides: type | None = None
    requires: tuple[type, ...] = ()
    consumers: tuple[str, ...] = ()
    """Names of `Built.consumers`; the manifest tells them to the operator."""
    indices: tuple[str, ...] = ()
    """Search indices, without the tenant's prefix; likewise."""
    uploads: tuple[Upload, ...] = ()


def provided(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency that yields the running app's object of this type."""

    # Without `async` the framework would give it to a thread, with every request.
    async def dependency(request: Request) -> T:
        services: dict[type, Any] = request.app.state.services
        return services[kind]

    return dependency
