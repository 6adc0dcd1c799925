"""HTTP of search: listings, suggestions, the map, and how the search index is.

Answers are encoded directly from what search holds, which is checked when it is written: validating every item of
every page again would cost more than finding it.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Response

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.money import Money
from rooftree.kernel.problems import responses
from rooftree.kernel.rate_limits import SEARCHES
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.property.editor_service import EditorService
from rooftree.modules.property.search import (
    DEFAULT_SORT,
    Circle,
    Search,
    Sort,
    parse_box,
    parse_point,
    parse_polygon,
)
from rooftree.modules.property.search_schemas import (
    MapQuery,
    PropertyMap,
    PropertyPage,
    PropertyQuery,
    SearchStatus,
    SuggestionQuery,
    Suggestions,
)
from rooftree.modules.property.search_service import SearchService, encoded

T = TypeVar("T")
router = APIRouter(route_class=ApiRoute)
Service = Annotated[SearchService, Depends(provided(SearchService))]
Editor = Annotated[EditorService, Depends(provided(EditorService))]
_WITH_MINE = frozenset({"mine", "status", "limit", "cursor"})


@router.get(
    "/properties",
    dependencies=[*needs("listing", "read"), SPARSE],
    openapi_extra=SEARCHES,
    response_model=PropertyPage,
    responses=responses(401, 422),
)
async def search_properties(
    query: Annotated[PropertyQuery, Query()], principal: CurrentPrincipal, service: Service, editor: Editor
) -> Response:
    if query.mine:
        _require_alone(query)
        own = await editor.mine(principal, query.status, limit=query.limit, cursor=query.cursor)
        return Response(encoded(own), media_type="application/json")
    wanted = _search(query, service.currency)
    sort = _sort(query.sort, wanted)
    content = await service.page(
        principal, wanted, sort=sort, limit=query.limit, cursor=query.cursor, facets=query.facets
    )
    return Response(content, media_type="application/json")


@router.get(
    "/properties/suggestions",
    dependencies=needs("listing", "read"),
    openapi_extra=SEARCHES,
    response_model=Suggestions,
    responses=responses(401, 422),
)
async def suggest_properties(
    query: Annotated[SuggestionQuery, Query()], principal: CurrentPrincipal, service: Service
) -> Response:
    items = await service.suggest(principal, query.q, limit=query.limit)
    return Response(b'{"items":%b}' % items, media_type="application/json")


@router.get(
    "/properties/map",
    dependencies=needs("listing", "read"),
    openapi_extra=SEARCHES,
    response_model=PropertyMap,
    responses=responses(401, 422),
)
async def map_properties(
    query: Annotated[MapQuery, Query()], principal: CurrentPrincipal, service: Service
) -> Response:
    wanted = _search(query, service.currency)
    shown = await service.map(principal, wanted, zoom=query.zoom)
    return Response(encoded(shown), media_type="application/json")


@router.get("/search/status", dependencies=needs("search_index", "read"), responses=responses(401, 403))
async def get_search_status(service: Service) -> SearchStatus:
    return SearchStatus(**asdict(await service.status()))


@router.post(
    "/search/rebuilds",
    dependencies=[*needs("search_index", "rebuild"), REPEATABLE],
    status_code=202,
    responses=responses(401, 403, 503),
)
async def start_search_rebuild(response: Response, principal: CurrentPrincipal, service: Service) -> SearchStatus:
    """`Location` is the job that does it."""
    status, job_id = await service.start_rebuild(principal)
    response.headers["Location"] = f"/api/v1/jobs/{job_id}"
    return SearchStatus(**asdict(status))


def _require_alone(query: PropertyQuery) -> None:
    """Raises Unprocessable for filters that the list of a person's own listings does not have."""
    others = [
        name
        for name, field in PropertyQuery.model_fields.items()
        if name not in _WITH_MINE and getattr(query, name) != field.get_default(call_default_factory=True)
    ]
    if others:
        raise Unprocessable(errors=[FieldError(f"?{name}", "This does not go with `mine`.") for name in sorted(others)])


def _search(query: PropertyQuery | MapQuery, currency: str) -> Search:
    """Raises Unprocessable that points at every place that is none."""

    def minor(units: int | None) -> int | None:
        return None if units is None else Money.of_major(units, currency).amount

    errors: list[FieldError] = []

    def place(name: str, text: str | None, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(text) if text is not None else None
        except ValueError as error:
            errors.append(FieldError(f"?{name}", str(error)))
            return None

    center = place("near", query.near, parse_point)
    box = place("bbox", query.bbox, parse_box)
    polygon = place("polygon", query.polygon, parse_polygon)
    if (query.near is None) != (query.radius is None):
        missing = "near" if query.near is None else "radius"
        errors.append(FieldError(f"?{missing}", "`near` and `radius` go together."))
    if errors:
        raise Unprocessable(errors=errors)
    return Search(
        text=query.q or None,
        list_price=(minor(query.min_price), minor(query.max_price)),
        living_area=(query.min_area, query.max_area),
        bedrooms=(query.min_beds, query.max_beds),
        min_bathrooms=query.min_baths,
        year_built=(query.min_year, query.max_year),
        sub_types=tuple(query.type),
        statuses=tuple(query.status),
        cities=tuple(query.city),
        postal_codes=tuple(query.postal_code),
        subdivisions=tuple(query.subdivision),
        box=box,
        near=Circle(center, query.radius) if center and query.radius else None,
        polygon=polygon or (),
    )


def _sort(asked: Sort | None, wanted: Search) -> Sort:
    """The order that makes sense. Raises Unprocessable for distances from nowhere."""
    if asked == "distance" and wanted.near is None:
        raise Unprocessable(errors=[FieldError("?sort", "`distance` needs `near` and `radius`.")])
    if asked == "relevance" and not wanted.text:
        return DEFAULT_SORT
    return asked or ("relevance" if wanted.text else DEFAULT_SORT)
