"""Which route a request has."""

from typing import Any

from starlette.types import Scope


def route_of(scope: Scope) -> Any:
    """The matched one with its template, also before its handler runs; None before the router has looked."""
    # A router within a router adds its prefix here and not to the route.
    return scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
