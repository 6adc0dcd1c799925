"""The sample MLS as a Starlette application: OAuth2 client credentials, OData under /odata, pictures under /media."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rooftree_mls_feed.fields import MEDIA
from rooftree_mls_feed.metadata import build_metadata, build_service_document
from rooftree_mls_feed.odata import DEFAULT_PAGE, MAX_PAGE, BadQuery, parse_query, run_query, select_fields
from rooftree_mls_feed.store import Mls, Trouble
from rooftree_mls_feed.tokens import LIFETIME, TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from rooftree_mls_feed.settings import Settings

    Endpoint = Callable[[Request], Awaitable[Response]]

HEADERS = {"OData-Version": "4.01"}
PAGE_SIZE = re.compile(r"(?:odata\.)?maxpagesize=(\d+)")


def build_app(settings: Settings, mls: Mls | None = None) -> Starlette:
    """The feed; `mls` is its state, by default that of the data file."""
    issuer = TokenIssuer(settings.client_id, settings.client_secret)
    state = mls or Mls()  # read before the first probe is answered

    async def token(request: Request) -> Response:
        return await _token(request, issuer)

    def guarded(endpoint: Endpoint) -> Endpoint:
        async def check(request: Request) -> Response:
            scheme, _, value = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not issuer.accepts(value, time.time()):
                return _error(401, "Unauthorized", "a bearer token of POST /oauth/token is needed")
            return await _troubled(request, state.trouble) or await endpoint(request)

        return check

    app = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/oauth/token", token, methods=["POST"]),
            Route("/odata", guarded(_service_document)),
            Route("/odata/$metadata", guarded(_metadata)),
            Route("/odata/Property", guarded(_properties)),
            Route("/odata/Property('{key}')", guarded(_property)),
            Route("/media/{key}/{number:int}", _media),
        ],
        exception_handlers={404: _not_found},
    )
    app.state.mls = state
    app.state.picture = lru_cache(maxsize=512)(lambda key, number, _stamp: _picture(state, key, number))
    return app


async def _troubled(request: Request, trouble: Trouble | None) -> Response | None:
    """The answer of a feed that misbehaves, None if the request is answered as ever."""
    match trouble:
        case Trouble(kind="error", status=status):
            return _error(status, "InternalError", "this feed was told to fail")
        case Trouble(kind="throttle", seconds=seconds):
            refusal = _error(429, "TooManyRequests", "this feed was told to ask for patience")
            refusal.headers["Retry-After"] = str(seconds)
            return refusal
        case Trouble(kind="slow", seconds=seconds):
            await asyncio.sleep(seconds)
    return None


def _mls(request: Request) -> Mls:
    return request.app.state.mls


async def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _not_found(request: Request, error: Exception) -> Response:
    return _error(404, "NotFound", f"there is nothing at {request.url.path}")


async def _token(request: Request, issuer: TokenIssuer) -> Response:
    form = await request.form()
    client_id, client_secret = _basic(request) or (str(form.get("client_id")), str(form.get("client_secret")))
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if not issuer.knows_client(client_id, client_secret):
        return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": 'Basic realm="mls"'})
    body = {"access_token": issuer.issue(time.time()), "token_type": "Bearer", "expires_in": LIFETIME}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic, form-decoded as RFC 6749 asks."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return unquote(user), unquote(password)


async def _service_document(request: Request) -> Response:
    return JSONResponse(build_service_document(_root(request)), headers=HEADERS)


async def _metadata(request: Request) -> Response:
    return Response(build_metadata(), media_type="application/xml", headers=HEADERS)


async def _properties(request: Request) -> Response:
    options = dict(request.query_params)
    try:
        query = parse_query(options)
    except BadQuery as error:
        return _error(400, "BadRequest", str(error), error.target)
    size = _page_size(request)
    mls = _mls(request)
    records = () if mls.trouble and mls.trouble.kind == "empty" else mls.records
    page = run_query(query, records, size)
    body: dict[str, Any] = {"@odata.context": f"{_root(request)}/$metadata#Property"}
    if query.count:
        body["@odata.count"] = page.total
    body["value"] = [
        select_fields(record, query.select) | (_expanded(request, record) if query.expand_media else {})
        for record in page.records
    ]
    if page.next_skiptoken is not None:
        following = urlencode({**options, "$skiptoken": page.next_skiptoken}, safe="$", quote_via=quote)
        body["@odata.nextLink"] = f"{_root(request)}/Property?{following}"
    return Response(_encode(body), media_type="application/json", headers=HEADERS | _preference(request, size))


async def _property(request: Request) -> Response:
    record = _mls(request).get(request.path_params["key"])
    if record is None:
        return _error(404, "NotFound", f"no Property has the key {request.path_params['key']}")
    try:
        query = parse_query(dict(request.query_params))
    except BadQuery as error:
        return _error(400, "BadRequest", str(error), error.target)
    body = {"@odata.context": f"{_root(request)}/$metadata#Property/$entity"} | select_fields(record, query.select)
    return JSONResponse(body | (_expanded(request, record) if query.expand_media else {}), headers=HEADERS)


async def _media(request: Request) -> Response:
    """A picture. Open like the image hosts of real feeds: MediaURL is meant for browsers."""
    key, number = request.path_params["key"], request.path_params["number"]
    record = _mls(request).get(key)
    if record is None or not 1 <= number <= record["PhotosCount"]:
        return _error(404, "NotFound", f"there is no picture {number} of {key}")
    # Up to 512 are kept, at about 25 kB each 13 MB.
    picture = await run_in_threadpool(request.app.state.picture, key, number, record["ModificationTimestamp"])
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "public, max-age=86400"})


def _picture(mls: Mls, key: str, number: int) -> bytes:
    from rooftree_mls_feed.pictures import draw_picture  # Pillow loads with the first picture, not at start

    return draw_picture(mls.get(key) or {"ListingKey": key}, number)


def _expanded(request: Request, record: Mapping[str, Any]) -> dict[str, Any]:
    key = record.get("ListingKey", "")
    host = str(request.base_url).rstrip("/")
    media = [_media_record(host, key, number, record) for number in range(1, record["PhotosCount"] + 1) if key]
    return {"Media": media}


def _media_record(host: str, key: str, number: int, record: Mapping[str, Any]) -> dict[str, Any]:
    values = (
        f"{key}-{number}",
        key,
        f"{host}/media/{quote(key)}/{number}",
        "Photo",
        "image/jpeg",
        number,
        800,
        600,
        f"Placeholder drawing {number} of {record['PhotosCount']}",
        record["PhotosChangeTimestamp"],
    )
    return dict(zip(MEDIA, values, strict=True))


def _root(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/odata"


def _page_size(request: Request) -> int:
    match = PAGE_SIZE.search(request.headers.get("prefer", ""))
    return max(1, min(int(match[1]), MAX_PAGE)) if match else DEFAULT_PAGE


def _preference(request: Request, size: int) -> dict[str, str]:
    return {"Preference-Applied": f"odata.maxpagesize={size}"} if "prefer" in request.headers else {}


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _error(status: int, code: str, message: str, target: str | None = None) -> Response:
    error = {"code": code, "message": message} | ({"target": target} if target else {})
    headers = {"WWW-Authenticate": 'Bearer realm="mls"'} if status == 401 else {}
    return JSONResponse({"error": error}, status, HEADERS | headers)
