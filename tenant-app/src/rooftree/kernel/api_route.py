"""The class of the API's routes: what a route's dependencies say of its manners, it has."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from rooftree.kernel.idempotency import REPEATABLE, kept
from rooftree.kernel.sparse import SPARSE, projected

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class ApiRoute(APIRoute):
    """`REPEATABLE`: takes an Idempotency-Key. `SPARSE`: takes `fields`."""

    def get_route_handler(self) -> Handle:
        return self.with_manners(super().get_route_handler())

    def with_manners(self, handle: Handle) -> Handle:
        if REPEATABLE in self.dependencies:
            # What has a body of its own in its description reads it itself.
            handle = kept(handle, streams="requestBody" in (self.openapi_extra or {}))
        if SPARSE in self.dependencies:
            handle = projected(handle, self.response_model)
        return handle
