"""An apiserver that keeps objects of any kind, tells watchers of changes, and knows the status as a part of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

Object = dict[str, Any]


class FakeApiserver:
    """Over TLS by whoever serves `application()`. `writes` are the changes that were asked for, in order."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.writes: list[tuple[str, str]] = []
        self._changed = asyncio.Event()
        self._version = 0
        self._log: list[tuple[int, str, Object]] = []

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._read)
        app.router.add_patch("/{path:.*}", self._patch)
        app.router.add_post("/{path:.*}", self._create)
        return app

    def put(self, collection: str, item: Object) -> None:
        """Makes or changes an object of the collection at this path; what it declares makes a generation."""
        path = f"{collection}/{item['metadata']['name']}"
        before = self.objects.get(path, {"metadata": {"generation": 0}})
        changed = before.get("spec") != item.get("spec")
        generation = before["metadata"]["generation"] + changed
        self._version += 1
        metadata = {**item["metadata"], "generation": generation, "resourceVersion": str(self._version)}
        self.objects[path] = {**item, "metadata": metadata}
        self._log.append((self._version, collection, self.objects[path]))
        self._changed.set()

    async def _read(self, request: web.Request) -> web.StreamResponse:
        collection = f"/{request.match_info['path']}"
        if "watch" not in request.query:
            items = [item for path, item in self.objects.items() if path.rpartition("/")[0] == collection]
            return web.json_response({"items": items, "metadata": {"resourceVersion": str(self._version)}})
        answer = web.StreamResponse()
        await answer.prepare(request)
        told = int(request.query["resourceVersion"])
        while True:
            for version, where, item in self._log:
                if version > told and where == collection:
                    told = version
                    await answer.write(json.dumps({"type": "MODIFIED", "object": item}).encode() + b"\n")
            self._changed.clear()
            await self._changed.wait()

    async def _create(self, request: web.Request) -> web.Response:
        path, body = f"/{request.match_info['path']}", await request.json()
        self.writes.append((path, json.dumps(body)))
        self.put(path, body)
        return web.json_response(self.objects[f"{path}/{body['metadata']['name']}"], status=201)

    async def _patch(self, request: web.Request) -> web.Response:
        """Of a part: finds the object that is kept for all namespaces under its own collection."""
        path, body = f"/{request.match_info['path']}", await request.json()
        self.writes.append((path, json.dumps(body)))
        name = path.removesuffix("/status").removesuffix("/scale").rpartition("/")[2]
        ((kept, item),) = [(key, one) for key, one in self.objects.items() if key.endswith(f"/{name}")]
        self.put(kept.rpartition("/")[0], {**item, **body})
        return web.json_response(self.objects[kept])
