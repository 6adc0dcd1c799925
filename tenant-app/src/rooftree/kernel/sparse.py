"""Sparse fields: `?fields=id,name` leaves out of an answer what the caller does not need.

Of a list it is about the members of `items`, else about those of the answer; `id` comes always. What is masked stays
masked, and the ETag is that of the whole: it names a version, whatever was read of it. A field that the answer never
has is refused, by name.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, get_args
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from rooftree.kernel.errors import BadRequest, FieldError

PARAMETER = "fields"
_MOST = 1024
_ALWAYS = "id"
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class UnknownField(BadRequest):
    code, title = "unknown-field", "There is no such field"


async def _documented(
    _fields: Annotated[
        str | None,
        Query(
            alias=PARAMETER,
            max_length=_MOST,
            description="Only these members, separated by commas; of a list, of its items. `id` comes always. "
            "The answer described is the whole one.",
        ),
    ] = None,
) -> None:
    """Taken off the query before the route sees it: routes refuse what they do not know."""


SPARSE = Depends(_documented)


def fields_of(model: Any) -> tuple[bool, frozenset[str]]:
    """Whether answers of this model are lists, and the members that may be asked for."""
    items = model.model_fields.get("items")
    if items is None:
        return False, frozenset(model.model_fields)
    (item,) = [kind for kind in get_args(items.annotation) if issubclass(kind, BaseModel)]
    return True, frozenset(item.model_fields)


def projected(handle: Handle, model: Any) -> Handle:
    """`handle` with `fields` for answers of `model`."""
    is_list, known = fields_of(model)

    async def answer(request: Request) -> Response:
        wanted = _taken(request, known)
        response = await handle(request)
        if wanted is None or response.status_code != 200:
            return response
        return _only(response, wanted, is_list=is_list)

    return answer


def _taken(request: Request, known: frozenset[str]) -> frozenset[str] | None:
    """None: everything. Raises `UnknownField`."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = [value for name, value in pairs if name == PARAMETER]
    if not given:
        return None
    request.scope["query_string"] = urlencode([pair for pair in pairs if pair[0] != PARAMETER]).encode()
    wanted = [name.strip() for name in ",".join(given)[: _MOST + 1].split(",")]
    if unknown := sorted(set(wanted) - known):
        errors = [FieldError(f"?{PARAMETER}", f"There is no field `{name[:64]}`.") for name in unknown[:20]]
        raise UnknownField(f"There are: {', '.join(sorted(known))}.", errors=errors)
    return frozenset(wanted) | (known & {_ALWAYS})


def _only(response: Response, wanted: frozenset[str], *, is_list: bool) -> Response:
    whole: dict[str, Any] = json.loads(bytes(response.body))
    if is_list:
        whole["items"] = [_picked(item, wanted) for item in whole["items"]]
    else:
        whole = _picked(whole, wanted)
    content = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(content, response.status_code, headers)


def _picked(item: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name in wanted}
