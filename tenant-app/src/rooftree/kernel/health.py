"""What probes ask. Liveness depends on nothing, readiness on having reached the database once and on not stopping.

All pods share the backends. A pod that cannot reach its database from the start must not replace one that can; but a
database that goes away later takes no pod out: they still serve what needs none, and a proper error for the rest.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from rooftree.kernel.database import Database
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.problems import responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooftree.kernel.settings import Settings

router = APIRouter(tags=["health"])
_PATIENCE_SECONDS = 5.0


class Health:
    """The process's own state, in `app.state.health`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.started = False
        self.draining = False
        self._was_ready = asyncio.Event()
        self.on_drain: list[Callable[[], None]] = []
        """Called in the loop once it begins to drain."""

    def drain(self) -> None:
        """From now on new requests should go elsewhere."""
        self.draining = True
        for listener in self.on_drain:
            listener()

    async def check_ready(self) -> None:
        """Raises `Unavailable` while requests should go elsewhere."""
        if not self.started or self.draining:
            raise Unavailable("Starting." if not self.started else "Stopping.")
        if self._was_ready.is_set():
            return
        try:
            await self._database.ping()
        except Exception as error:
            raise Unavailable("The database does not answer.") from error
        self._was_ready.set()

    async def first_ready(self) -> None:
        """For work that must not slow the start: returns when a probe found us ready, or after some seconds."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._was_ready.wait()
        except TimeoutError:
            return


class Version(BaseModel):
    """Which release answers, for which tenant."""

    version: str
    tenant_id: str


@router.get("/livez", include_in_schema=False)
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> dict[str, str]:
    await _health(request.app).check_ready()
    return {"status": "ready"}


@router.get("/startupz", include_in_schema=False)
async def startupz(request: Request) -> dict[str, str]:
    if not _health(request.app).started:
        raise Unavailable("Starting.")
    return {"status": "started"}


@router.get("/version", responses=responses(421))
async def get_version(request: Request, response: Response) -> Version:
    settings: Settings = request.app.state.settings
    response.headers["Cache-Control"] = "no-store"
    return Version(version=settings.version, tenant_id=settings.tenant_id)


def _health(app: Any) -> Health:
    assert isinstance(app, FastAPI)
    health: Health = app.state.health
    return health
