"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a request that makes something may be sent again.

A route that has `REPEATABLE` among its dependencies, after what it needs of the policy, takes the header. Its use case
does what it is for in `unit_of_work.effect()`. The answer is stored in that transaction: there is never one without the
other, whoever is killed when. Of two at once one holds the key's advisory lock until it commits; the other is told to
wait. Nothing is left behind by a process that dies.

A key is its caller's: a person's, or that of all who did not sign in. What is stored is sealed with a key that is
derived of the tenant's seed and of the header, which the database does not have: answers hold links and names.
"""

import hashlib
import hmac
import json
import re
import secrets as random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect
from starlette.types import Message

from rooftree.kernel.auth import acting
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import BadRequest, Conflict, Unprocessable
from rooftree.kernel.jobs import Job
from rooftree.kernel.settings import Secrets
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.kernel.written import unplaced

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
_CHARACTERS = "[A-Za-z0-9._~:+/=-]{16,128}"
# A structured field's string, or the same without its quotes, as most clients of other APIs send it.
_KEY = re.compile(f'"({_CHARACTERS})"|({_CHARACTERS})')
_RUNNING = "rooftree.idempotency"
_NONCE_BYTES = 12
_FORGOTTEN_AT_ONCE = 5000
_STORED = text("SELECT fingerprint, sealed FROM requests.answers WHERE id = :id AND answered_at > :since")
_LOCKED = text("SELECT pg_try_advisory_xact_lock(:lock)")
_STORE = text("""
    INSERT INTO requests.answers AS known (id, fingerprint, sealed, answered_at)
    VALUES (:id, :fingerprint, :sealed, :now)
    ON CONFLICT (id) DO UPDATE
    SET fingerprint = excluded.fingerprint, sealed = excluded.sealed, answered_at = excluded.answered_at
""")
_FORGET = text(f"""
    DELETE FROM requests.answers WHERE id = ANY (ARRAY(
        SELECT id FROM requests.answers WHERE answered_at <= :before LIMIT {_FORGOTTEN_AT_ONCE}
    )) RETURNING 1
""")  # noqa: S608 - a constant


class MalformedKey(BadRequest):
    code, title = "idempotency-key-malformed", "This is not an Idempotency-Key"


class KeyInUse(Conflict):
    code, title = "idempotency-key-in-use", "The first request with this key is still running"


class KeyReused(Unprocessable):
    code, title = "idempotency-key-reused", "This key was another request's"


class _Stored(NamedTuple):
    fingerprint: bytes
    sealed: bytes


class _Answered(Exception):
    """The request has its answer already."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered")
        self.response = response


async def _look(
    request: Request,
    _documented: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="Makes it safe to send the request again: a UUID of your own, the same with each repetition.",
            json_schema_extra={"pattern": f"^{_KEY.pattern}$"},
        ),
    ] = None,
) -> None:
    running: _Running | None = request.scope.get(_RUNNING)
    if running is not None:
        await running.look(request)


REPEATABLE = Depends(_look)


def kept(handle: Handle, *, streams: bool) -> Handle:
    """`handle` whose answers to requests with a key are kept.

    `streams`: it reads the body itself, to its end before its effect.
    """

    async def answer(request: Request) -> Response:
        key = _key(request)
        if key is None:
            return await handle(request)
        idempotency: Idempotency = request.app.state.idempotency
        return await idempotency.answer(request, key, handle, streams=streams)

    return answer


def _key(request: Request) -> str | None:
    """Raises `MalformedKey`."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    found = _KEY.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        raise MalformedKey("Send one of 16 to 128 letters, digits and characters of ._~:+/=-, best a UUID.")
    return found[1] or found[2]


class Idempotency:
    """Keeps answers in the database of the process's unit of work, for 24 hours."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, secrets: Secrets) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._secrets = secrets

    async def answer(self, request: Request, key: str, handle: Handle, *, streams: bool) -> Response:
        """The answer of `handle`, or the one it gave to an earlier request. Raises `KeyInUse`, `KeyReused`."""
        running = _Running(request, key, self, streams=streams)
        request.scope[_RUNNING] = running
        try:
            async with self._unit_of_work.until_answered(running.claim):
                response = await handle(Request(request.scope, running.receive))
                async with self._unit_of_work() as session:
                    await running.store(session, response)
        except _Answered as answered:
            unplaced()
            return answered.response
        return response

    async def stored(self, kept: "_Kept") -> _Stored | None:
        async with self._unit_of_work() as session:
            return await self.stored_in(session, kept)

    async def stored_in(self, session: AsyncSession, kept: "_Kept") -> _Stored | None:
        found = await session.execute(_STORED, {"id": kept.id, "since": self._clock.now() - KEPT})
        row = found.one_or_none()
        return None if row is None else _Stored(bytes(row.fingerprint), bytes(row.sealed))

    async def store(self, session: AsyncSession, kept: "_Kept", stored: _Stored) -> None:
        values = {"fingerprint": stored.fingerprint, "sealed": stored.sealed}
        await session.execute(_STORE, {"id": kept.id, "now": self._clock.now(), **values})

    def kept(self, caller: str, key: str) -> "_Kept":
        seed = self._secrets.read("owner_seed").get_secret_value().encode()
        of = hmac.digest(seed, f"rooftree/idempotency\0{caller}\0{key}".encode(), "sha256")
        return _Kept(*(hmac.digest(of, purpose, "sha256") for purpose in (b"id", b"sign", b"seal")))

    def jobs(self) -> tuple[Job, ...]:
        return (Job(name="requests.forget", run=self._forget, cron="37 * * * *", single=True, attempts=3),)

    async def _forget(self) -> None:
        """Drop what is no longer kept, some thousand at a time."""
        removed = _FORGOTTEN_AT_ONCE
        while removed == _FORGOTTEN_AT_ONCE:
            async with self._unit_of_work() as session:
                removed = len((await session.execute(_FORGET, {"before": self._clock.now() - KEPT})).all())


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the answer to a caller's key is, and the two secrets of it."""

    id: bytes
    sign: bytes
    seal: bytes

    def sealed(self, response: Response) -> bytes:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        content = json.dumps([response.status_code, headers, bytes(response.body).decode("latin-1")])
        nonce = random.token_bytes(_NONCE_BYTES)
        return nonce + _cipher(self.seal).encrypt(nonce, content.encode(), self.id)

    def unsealed(self, sealed: bytes) -> Response:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        status, headers, body = json.loads(_cipher(self.seal).decrypt(nonce, text, self.id))
        response = Response(body.encode("latin-1"), status)
        response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        response.headers[REPLAYED] = "true"
        return response


def _cipher(key: bytes) -> Any:
    # Not before the first key is used: most processes of a module never need it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


class _Running:
    """One request with a key. Its body is known by its hash."""

    def __init__(self, request: Request, key: str, idempotency: Idempotency, *, streams: bool) -> None:
        self._request = request
        self._key = key
        self._idempotency = idempotency
        self._streams = streams
        self._body = hashlib.sha256()
        self._is_read = False
        self._place: _Kept | None = None

    async def receive(self) -> Message:
        message = await self._request.receive()
        if message["type"] == "http.request":
            self._body.update(message.get("body", b""))
            self._is_read = not message.get("more_body", False)
        return message

    async def look(self, request: Request) -> None:
        """Whether it was answered before; who is calling is known by now. Raises `_Answered`, `KeyReused`."""
        self._place = self._idempotency.kept(acting.get(), self._key)
        stored = await self._idempotency.stored(self._place)
        if not self._is_read and (stored is not None or not self._streams):
            # Never within a transaction: a body may take its time.
            await _read(request)
        if stored is not None:
            raise self._answered(stored)

    async def claim(self, session: AsyncSession) -> None:
        """First of the effect's transaction. Raises `KeyInUse`, and likewise if it was answered meanwhile."""
        lock = int.from_bytes(self._kept.id[:8], signed=True)
        if not await session.scalar(_LOCKED, {"lock": lock}):
            raise KeyInUse("Wait for its answer, then send it again.", headers={"Retry-After": "1"})
        if (stored := await self._idempotency.stored_in(session, self._kept)) is not None:
            raise self._answered(stored)

    async def store(self, session: AsyncSession, response: Response) -> None:
        """Last of it."""
        stored = _Stored(self._fingerprint(), self._kept.sealed(response))
        await self._idempotency.store(session, self._kept, stored)

    @property
    def _kept(self) -> _Kept:
        if self._place is None:
            raise RuntimeError("REPEATABLE is missing or stands before what the route needs of the policy")
        return self._place

    def _answered(self, stored: _Stored) -> Exception:
        if not hmac.compare_digest(stored.fingerprint, self._fingerprint()):
            return KeyReused("Take a new key for another request; only the same request gets the same answer.")
        return _Answered(self._kept.unsealed(stored.sealed))

    def _fingerprint(self) -> bytes:
        """Of what is asked for, to the byte."""
        if not self._is_read:
            raise RuntimeError("the route did not read its body to the end")
        scope = self._request.scope
        asked = [scope["method"].encode(), scope["path"].encode(), scope["query_string"], self._body.digest()]
        return hmac.digest(self._kept.sign, b"\0".join(asked), "sha256")


async def _read(request: Request) -> None:
    try:
        async for _ in request.stream():
            pass
    except ClientDisconnect:
        raise BadRequest("The body has no end.") from None
