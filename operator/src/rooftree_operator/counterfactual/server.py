"""Asks Prometheus and answers: a page for people, JSON for programs, and what is wrong in the same two ways.

Replays are computed one at a time in a thread, so that probes are answered meanwhile; one that nobody waits for any
more ends with the policy that it is at.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from threading import Event
from typing import Protocol

import structlog
from aiohttp import web

from ..adapters.prometheus import NoAnswer
from ..host_pages import prefers_json
from . import page, question, recorded, told
from .question import BadQuestion, Question
from .recorded import BadAnswer, NotMeasured
from .replayed import IsOver, Replay, TooLong, replay
from .settings import Settings

log = structlog.get_logger(__name__)

RETRY_AFTER = "10"  # seconds


class Measures(Protocol):
    """Who is asked: Prometheus."""

    async def query(self, text: str) -> bytes: ...

    async def query_range(self, text: str, *, start: int, end: int, step: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no replay."""

    status: HTTPStatus
    title: str
    detail: str


class Replays:
    """Answers each request; it has `patience` seconds for one."""

    def __init__(self, measures: Measures, *, patience: float) -> None:
        self._measures = measures
        self._patience = patience
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay")

    async def answer(self, request: web.Request) -> web.Response:
        is_json, given = prefers_json(request.headers.get("Accept", "")), dict(request.query)
        try:
            async with asyncio.timeout(self._patience):
                found, modules = await self._replayed(question.parse(given))
        except (BadQuestion, NotMeasured, NoAnswer, BadAnswer, TooLong, TimeoutError) as error:
            return _refused(_problem(error), given, is_json=is_json)
        if is_json:
            return _answer(HTTPStatus.OK, told.document(found), "application/json")
        return _answer(HTTPStatus.OK, page.found(found, given, modules), "text/html")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _replayed(self, asked: Question) -> tuple[Replay, list[str]]:
        """The replay, and the workloads that the tenant has."""
        until, left = time.monotonic() + self._patience, Event()
        span = recorded.span_of(asked, time.time())
        text = recorded.query(asked, span.step)
        # A value is of the step that ends with it.
        first = span.begun + span.step
        answer = await self._measures.query_range(text, start=first, end=span.until, step=span.step)
        modules = recorded.parse_modules(await self._measures.query(recorded.modules_query(asked)))
        work = partial(_work, asked, answer, span, lambda: left.is_set() or time.monotonic() > until)
        began = time.monotonic()
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            left.set()
        log.info("replayed", tenant_id=asked.tenant, module=asked.module, seconds=round(time.monotonic() - began, 3))
        return found, modules


def _work(asked: Question, answer: bytes, span: recorded.Span, is_over: IsOver) -> Replay:
    """All that computes."""
    return replay(asked, recorded.parse(answer, span), is_over)


def _problem(error: Exception) -> Problem:
    match error:
        case BadQuestion():
            return Problem(HTTPStatus.BAD_REQUEST, "This cannot be replayed", str(error))
        case NotMeasured():
            return Problem(HTTPStatus.NOT_FOUND, "Nothing to replay", str(error))
        case NoAnswer() | BadAnswer():
            log.warning("no_answer", error=str(error))
            return Problem(HTTPStatus.BAD_GATEWAY, "Prometheus does not tell", str(error))
        case _:
            detail = "Others are being replayed, or this is too much. Try again, or ask for fewer hours."
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "It takes too long", detail)


def _refused(problem: Problem, given: dict[str, str], *, is_json: bool) -> web.Response:
    """As a document of RFC 9457, or as the page with its form."""
    if is_json:
        document = {"title": problem.title, "status": problem.status.value, "detail": problem.detail}
        found = _answer(problem.status, json.dumps(document).encode(), "application/problem+json")
    else:
        found = _answer(problem.status, page.refused(problem.title, problem.detail, given), "text/html")
    if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
        found.headers["Retry-After"] = RETRY_AFTER
    return found


def _answer(status: HTTPStatus, body: bytes, kind: str) -> web.Response:
    charset = "utf-8" if kind == "text/html" else None
    return web.Response(status=status, body=body, content_type=kind, charset=charset, headers=page.HEADERS)


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


@asynccontextmanager
async def serving(replays: Replays, settings: Settings) -> AsyncGenerator[int]:
    """Serves until it is left, and gives the port, which the kernel has chosen where the settings say 0."""
    app = web.Application()
    app.router.add_get("/", replays.answer)
    app.router.add_get("/livez", _alive)
    # Whoever leaves frees the thread.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=settings.patience_seconds)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host or None, settings.port)
        await site.start()
        yield site.port
    finally:
        await runner.cleanup()
        replays.close()
