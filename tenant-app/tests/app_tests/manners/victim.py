"""A replica of the app in a process of its own that dies where a request tells it to, for `test_crashes`.

`X-Die: before commit` or `after commit`: of the transaction of the request's effect. Bugs can be planted in it:
`answer apart` stores the answer in a transaction of its own, `no lock` lets two with one key do their work at once.
"""

import os
import signal
import sys
from contextvars import ContextVar
from typing import Any

import uvicorn
from rooftree import assembly
from rooftree.kernel import idempotency, middleware, unit_of_work
from rooftree.kernel.settings import Secrets, Settings, load
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp, Receive, Scope, Send

dies: ContextVar[str] = ContextVar("dies", default="")


def arm(app: ASGIApp) -> ASGIApp:
    commit = AsyncSession.commit

    async def dying(self: AsyncSession) -> None:
        held = unit_of_work._holding.get()
        point = dies.get() if held is not None and held.session is self else ""
        if point == "before commit":
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(self)
        if point == "after commit":
            os.kill(os.getpid(), signal.SIGKILL)

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            dies.set(dict(scope["headers"]).get(b"x-die", b"").decode())
        await app(scope, receive, send)

    AsyncSession.commit = dying
    return told


def plant(bug: str) -> None:
    store, answer = idempotency.Idempotency.store, idempotency.Idempotency.answer

    async def later(_self: Any, _session: Any, *what: Any) -> None:
        unstored.set(what)

    async def apart(self: Any, *given: Any, **more: Any) -> Any:
        response = await answer(self, *given, **more)
        if what := unstored.get():
            async with self._unit_of_work() as session:
                await store(self, session, *what)
        return response

    planted: Any = idempotency.Idempotency
    unstored: ContextVar[Any] = ContextVar("unstored", default=None)
    if "answer apart" in bug:
        planted.store, planted.answer = later, apart
    if "no lock" in bug:
        idempotency._LOCKED = idempotency.text("SELECT CAST(:lock AS bigint) IS NOT NULL")


def main(bug: str) -> None:
    middleware.REQUEST_SECONDS = 60.0  # machines of tests are slower than a person is patient
    plant(bug)
    settings = load(Settings)
    app = assembly.create_app(settings, Secrets(settings.secrets_dir), run_jobs=False)
    uvicorn.run(arm(app), host="127.0.0.1", port=settings.bind_port, http="h11", ws="none", log_level="error")


if __name__ == "__main__":
    main(sys.argv[1])
