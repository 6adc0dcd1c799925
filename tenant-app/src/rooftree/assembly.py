"""Finds the modules, connects their ports and makes the app. The only code that knows that several modules exist."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig

from rooftree import modules
from rooftree.kernel import health, problems
from rooftree.kernel.background import Background
from rooftree.kernel.bus import Bus
from rooftree.kernel.cache import Cache, RedisSettings
from rooftree.kernel.clock import Clock, SystemClock
from rooftree.kernel.consumers import Subscriber
from rooftree.kernel.database import POOL_SIZE, Database
from rooftree.kernel.ears import Ears
from rooftree.kernel.health import Health
from rooftree.kernel.hot_routes import HotRoutes
from rooftree.kernel.idempotency import Idempotency
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.kafka import KafkaSettings
from rooftree.kernel.mail import Mail, SmtpSettings
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.middleware import Guard
from rooftree.kernel.module import Built, Module, Runtime, Upload
from rooftree.kernel.objects import Objects, S3Settings
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.rate_limits import LimitSettings, RateLimits
from rooftree.kernel.rpc import Elsewhere, RpcSettings
from rooftree.kernel.settings import Secrets, Settings, SettingsError, load
from rooftree.kernel.standby import Standby
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings
from rooftree.kernel.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from rooftree.remote.process import Neighbours

GATEWAY = "gateway"
_STOP_SECONDS = 10.0
# FastAPI's own spans and logs hold paths, query values and messages of exceptions; `kernel.telemetry` makes ours.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def names() -> tuple[str, ...]:
    """All modules of this code base, sorted."""
    packages = (item.name for item in pkgutil.iter_modules(modules.__path__) if item.ispkg)
    return tuple(sorted(name for name in packages if (folder(name) / "module.py").is_file()))


def folder(name: str) -> Path:
    return Path(modules.__path__[0]) / name


def find(wanted: Sequence[str] | None = None, *, elsewhere: Collection[str] = ()) -> tuple[Module, ...]:
    """Import modules and order them so that each follows what it requires. Raises `SettingsError`.

    `elsewhere`: modules of other processes, whose contracts are provided for.
    """
    chosen = tuple(wanted) if wanted else names()
    if unknown := sorted(set(chosen) - set(names())):
        raise SettingsError(f"Unknown modules: {', '.join(unknown)}. There are: {', '.join(names())}.")
    found: dict[str, Module] = {
        name: importlib.import_module(f"rooftree.modules.{name}.module").MODULE for name in sorted(set(chosen))
    }
    providers = {module.provides: name for name, module in found.items() if module.provides}
    graph: dict[str, set[str]] = {}
    for name, module in found.items():
        absent = [contract for contract in module.requires if contract not in providers]
        if missing := [contract.__name__ for contract in absent if _module_of(contract) not in elsewhere]:
            raise SettingsError(f"Module {name} needs {', '.join(missing)}, which no chosen module provides.")
        graph[name] = {providers[contract] for contract in module.requires if contract in providers}
    return tuple(found[name] for name in TopologicalSorter(graph).static_order())


def _module_of(contract: type) -> str:
    """`rooftree.contracts.identity.api` → `identity`."""
    return contract.__module__.split(".")[2]


def calls(found: Iterable[Module]) -> dict[str, list[str]]:
    """Which modules each one calls, were it in a process of its own; the gateway hands requests on to all."""
    required = {module.name: {_module_of(contract) for contract in module.requires} for module in found}
    others = required.keys() - {GATEWAY}
    return {name: sorted(others if name == GATEWAY else wanted) for name, wanted in sorted(required.items())}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One running process without its HTTP side; what the command line uses."""

    runtime: Runtime
    database: Database
    queue: JobQueue
    bus: Bus
    idempotency: Idempotency
    telemetry: Telemetry
    built: tuple[Built, ...]

    def start(self, after: Callable[[], Awaitable[None]]) -> None:
        """Begin what is done without being asked: jobs and events after `after`, the modules' own."""
        self.queue.start(self.runtime.background, after=after)
        self.bus.start(self.runtime.background, after=after)
        for part in self.built:
            if part.start is not None:
                part.start()

    async def close(self) -> None:
        await asyncio.gather(self.queue.stop(), self.bus.stop())
        await self.runtime.unit_of_work.close()
        await self.runtime.background.close(_STOP_SECONDS)
        for part in reversed(self.built):
            if part.close is not None:
                await part.close()
        await self.runtime.cache.close()
        await self.database.close()
        await self.telemetry.stop()


def build(
    chosen: Sequence[Module],
    settings: Settings,
    secrets: Secrets,
    clock: Clock | None = None,
    elsewhere: Elsewhere | None = None,
) -> Parts:
    """Build the modules in order; opens no connection."""
    metrics = Metrics(settings.version)
    database = Database(settings, secrets)
    metrics.watch_pool(database.engine, POOL_SIZE)
    telemetry = Telemetry(load(TelemetrySettings), settings)
    metrics.watch_spans(telemetry.exported)
    queue = JobQueue(database.engine, metrics, only_own=len(chosen) < len(names()))
    runtime = _runtime(settings, secrets, clock or SystemClock(), database, queue, metrics, elsewhere or Elsewhere())
    built: list[Built] = []
    for module in chosen:
        part = module.build(runtime)
        if module.provides is not None:
            if part.port is None:
                raise TypeError(f"module {module.name} promises {module.provides.__name__} but gives no port")
            runtime.ports[module.provides] = part.port
        if (wanted := sorted(module.consumers)) != (found := sorted(item.name for item in part.consumers)):
            raise TypeError(f"module {module.name} names the consumers {wanted} but has {found}")
        queue.register(part.jobs)
        built.append(part)
    subscribers = [consumer for part in built for consumer in part.consumers]
    bus = _bus(runtime, subscribers, _ears(runtime, chosen))
    idempotency = Idempotency(runtime.unit_of_work, runtime.clock, secrets)
    queue.register((*bus.jobs(), *idempotency.jobs()))
    return Parts(
        runtime=runtime,
        database=database,
        queue=queue,
        bus=bus,
        idempotency=idempotency,
        telemetry=telemetry,
        built=tuple(built),
    )


def _ears(runtime: Runtime, chosen: Sequence[Module]) -> Ears | None:
    """For open pages, which the gateway's process has, and for a standby, whose readers must see what they hear of."""
    follows = GATEWAY in {module.name for module in chosen} or runtime.settings.database_standby_host
    return runtime.ears if follows else None


def _bus(runtime: Runtime, subscribers: Sequence[Subscriber], ears: Ears | None) -> Bus:
    return Bus(
        runtime.settings,
        runtime.secrets,
        kafka=load(KafkaSettings),
        unit_of_work=runtime.unit_of_work,
        clock=runtime.clock,
        metrics=runtime.metrics,
        subscribers=subscribers,
        ears=ears,
    )


def _runtime(  # noqa: PLR0917 - the parts of a process, each of its own type
    settings: Settings,
    secrets: Secrets,
    clock: Clock,
    database: Database,
    queue: JobQueue,
    metrics: Metrics,
    elsewhere: Elsewhere,
) -> Runtime:
    background, ca_file = Background(), settings.ca_file
    cache = Cache(
        load(RedisSettings),
        secrets,
        tenant_id=settings.tenant_id,
        ca_file=ca_file,
        metrics=metrics,
        background=background,
    )
    standby = Standby(settings, secrets, background, metrics) if settings.database_standby_host else None
    return Runtime(
        settings=settings,
        secrets=secrets,
        unit_of_work=UnitOfWork(database.engine, standby),
        clock=clock,
        jobs=queue,
        outbox=Outbox(),
        background=background,
        metrics=metrics,
        cache=cache,
        rate_limits=RateLimits(load(LimitSettings), cache, clock, metrics),
        mail=Mail(
            load(SmtpSettings), display_name=settings.display_name, ca_file=ca_file, clock=clock, metrics=metrics
        ),
        objects=Objects(load(S3Settings), secrets, ca_file=ca_file),
        ears=Ears(standby.forget_place if standby else None),
        elsewhere=elsewhere,
        ports=dict(elsewhere.ports),
    )


def create_app(
    settings: Settings,
    secrets: Secrets,
    *,
    wanted: Sequence[str] | None = None,
    clock: Clock | None = None,
    run_jobs: bool = True,
    rpc: RpcSettings | None = None,
) -> FastAPI:
    """The ASGI app of the chosen modules. `run_jobs`: also work on the queue and on events, once started."""
    rpc = rpc or load(RpcSettings)
    chosen = find(wanted, elsewhere=rpc.rpc_addresses)
    neighbours = _neighbours(rpc, settings, [module.name for module in chosen])
    parts = build(chosen, settings, secrets, clock, neighbours.elsewhere if neighbours else None)
    state = Health(parts.database)

    app = FastAPI(
        lifespan=lambda app: _life(app, parts, state, neighbours, run_jobs=run_jobs),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.health = state
    app.state.settings = settings
    app.state.parts = parts
    app.state.idempotency = parts.idempotency
    app.state.rate_limits = parts.runtime.rate_limits
    app.state.services = {type(service): service for part in parts.built for service in part.services}
    own = next((part.authenticator for part in parts.built if part.authenticator), None)
    app.state.is_public = own is not None or neighbours is None
    app.state.authenticator = neighbours.authenticator(parts.runtime.ports) if neighbours and not own else own
    uploads = [upload for part in (*chosen, *parts.built) for upload in part.uploads]
    _wire(app, (health.router, *(module.router for module in chosen)), parts, uploads)
    return app


def _neighbours(rpc: RpcSettings, settings: Settings, here: Sequence[str]) -> "Neighbours | None":
    """None if all modules are in one process, which then never loads gRPC."""
    if not rpc.rpc_addresses and not rpc.rpc_port:
        return None
    from rooftree.remote.process import Neighbours

    return Neighbours(rpc, host=settings.bind_host, here=here)


@asynccontextmanager
async def _life(
    app: FastAPI, parts: Parts, state: Health, neighbours: "Neighbours | None", *, run_jobs: bool
) -> AsyncGenerator[None]:
    """From when the process answers to its end."""
    background = parts.runtime.background
    if neighbours is not None:
        await neighbours.answer(app, parts.runtime.ports, parts.runtime.metrics.server_spans)
        state.on_drain.append(lambda: neighbours.drain(background))
    state.on_drain.append(parts.runtime.ears.close)
    state.started = True
    exporting = background.spawn("telemetry", _export(parts.telemetry, state))

    async def recording() -> None:
        # Also if it failed. The first job is the first import of a feed: its trace must not be missing.
        await asyncio.wait([exporting])
        if exporting.cancelled():
            raise asyncio.CancelledError  # the process ends before it began

    if run_jobs:
        parts.start(recording)
    yield
    state.draining = True
    parts.runtime.ears.close()
    exporting.cancel()
    if neighbours is not None:
        await neighbours.stop(_STOP_SECONDS)
    await parts.close()
    if neighbours is not None:
        await neighbours.close()


async def _export(telemetry: Telemetry, state: Health) -> None:
    await state.first_ready()
    await telemetry.start()


def _wire(app: FastAPI, routers: Iterable[APIRouter], parts: Parts, uploads: Sequence[Upload]) -> None:
    """Give the app its errors, routes, fallback and outermost layer."""
    problems.install(app)
    for router in routers:
        # As they are: included, each would be taken apart once more for what an app may add, which is nothing here.
        app.router.routes.extend(router.routes)
    app.router.routes.insert(0, HotRoutes(app))
    for part in parts.built:
        if part.fallback is not None:
            app.router.default = part.fallback
    runtime = parts.runtime
    app.add_middleware(
        Guard,
        settings=runtime.settings,
        metrics=runtime.metrics,
        rate_limits=runtime.rate_limits,
        uploads=uploads,
    )
