"""Lets tests and people move the sample: `python -m rooftree_mls_feed.control change AMES-00001 ListPrice=99000`.

A small HTTP surface on a port of its own that listens on loopback only: whoever may enter the pod may use it. It is
never part of the feed. The same file is its client.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request as ClientRequest
from urllib.request import urlopen

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rooftree_mls_feed.store import Mls, NotThere, Refused, Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

HOST, PORT = "127.0.0.1", 8081
KINDS = ("error", "throttle", "slow", "empty")
MAX_SECONDS, MAX_MOVES = 3600, 1000


def build_control(mls: Mls) -> Starlette:
    """The surface that moves `mls`."""
    app = Starlette(
        routes=[
            Route("/state", _state),
            Route("/records", _add, methods=["POST"]),
            Route("/records/{key}", _record, methods=["GET", "PATCH", "DELETE"]),
            Route("/records/{key}/restoration", _restore, methods=["POST"]),
            Route("/advances/{number:int}", _advance, methods=["POST"]),
            Route("/trouble", _set_trouble, methods=["PUT", "DELETE"]),
        ],
        exception_handlers={NotThere: _not_there, Refused: _refused},
    )
    app.state.mls = mls
    return app


def _mls(request: Request) -> Mls:
    return request.app.state.mls


async def _state(request: Request) -> Response:
    mls = _mls(request)
    return JSONResponse({"records": len(mls.records), "trouble": asdict(mls.trouble) if mls.trouble else None})


async def _add(request: Request) -> Response:
    return JSONResponse(_mls(request).add(await _object(request)), 201)


async def _record(request: Request) -> Response:
    mls, key = _mls(request), request.path_params["key"]
    if request.method == "DELETE":
        mls.delete(key)
        return Response(status_code=204)
    if request.method == "PATCH":
        return JSONResponse(mls.change(key, await _object(request)))
    found = mls.get(key)
    if found is None:
        raise NotThere(key)
    return JSONResponse(found)


async def _restore(request: Request) -> Response:
    return JSONResponse(_mls(request).restore(request.path_params["key"]))


async def _advance(request: Request) -> Response:
    return JSONResponse({"moved": _mls(request).advance(min(request.path_params["number"], MAX_MOVES))})


async def _set_trouble(request: Request) -> Response:
    _mls(request).trouble = _trouble(await _object(request)) if request.method == "PUT" else None
    return Response(status_code=204)


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refused("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused("the body is not an object")
    return body


def _trouble(body: dict[str, Any]) -> Trouble:
    kind, status, seconds = body.get("kind"), body.get("status", 500), body.get("seconds", 1)
    if kind not in KINDS or not isinstance(status, int) or not 400 <= status <= 599:
        raise Refused(f"kind is one of {', '.join(KINDS)}, status between 400 and 599")
    if not isinstance(seconds, int) or not 0 <= seconds <= MAX_SECONDS:
        raise Refused(f"seconds is a whole number up to {MAX_SECONDS}")
    return Trouble(kind, status, seconds)


async def _not_there(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"no record has the key {error}"}, 404)


async def _refused(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    method, path, body = parsed.call(parsed)
    port = int(os.environ.get("MLS_CONTROL_PORT", PORT))
    data = None if body is None else json.dumps(body).encode()
    request = ClientRequest(f"http://{HOST}:{port}{path}", data, method=method)
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            sys.stdout.write(answer.read().decode() + "\n")
    except HTTPError as error:
        sys.stderr.write(error.read().decode() + "\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rooftree_mls_feed.control", description="Move the sample MLS.")
    commands = parser.add_subparsers(required=True)

    def command(name: str, text: str, call: Any, *names: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text)
        for argument in names:
            made.add_argument(argument)
        made.set_defaults(call=call)
        return made

    command("state", "how many records there are", lambda _: ("GET", "/state", None))
    command("show", "one record", lambda given: ("GET", f"/records/{given.key}", None), "key")
    command("delete", "a record disappears", lambda given: ("DELETE", f"/records/{given.key}", None), "key")
    command("restore", "it comes back", lambda given: ("POST", f"/records/{given.key}/restoration", None), "key")
    command("advance", "the market moves", lambda given: ("POST", f"/advances/{given.number}", None), "number")
    for name, text, call, key in (
        ("change", "set fields of a record", lambda given: ("PATCH", f"/records/{given.key}", _fields(given)), "key"),
        ("add", "a new record", lambda given: ("POST", "/records", {"ListingKey": given.key, **_fields(given)}), "key"),
    ):
        command(name, text, call, key).add_argument("fields", nargs="*", metavar="Field=value", default=[])
    trouble = command("trouble", "begin to misbehave", lambda given: ("PUT", "/trouble", _wanted_trouble(given)))
    trouble.add_argument("kind", choices=KINDS)
    trouble.add_argument("--status", type=int, default=500)
    trouble.add_argument("--seconds", type=int, default=1)
    command("well", "behave again", lambda _: ("DELETE", "/trouble", None))
    return parser


def _wanted_trouble(given: argparse.Namespace) -> dict[str, Any]:
    return {"kind": given.kind, "status": given.status, "seconds": given.seconds}


def _fields(given: argparse.Namespace) -> dict[str, Any]:
    """`Field=value`; the value is JSON if it can be read as such, else text."""
    found: dict[str, Any] = {}
    for part in given.fields:
        name, _, text = part.partition("=")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


if __name__ == "__main__":
    sys.exit(main())
