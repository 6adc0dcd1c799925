"""The API as its own document describes it: operations, and for each a request that would do something.

A path parameter that nobody knows a value for is an error: an operation must not slip through as "not found".
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[2] / "tenant-app" / "openapi" / "openapi.json"
METHODS = ("get", "put", "post", "patch", "delete")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


# A black PNG of 32 pixels each way.
PICTURE = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(bytes(33) * 32)),
        _chunk(b"IEND", b""),
    )
)


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any]  # media type to its object
    protected: bool

    @property
    def path_names(self) -> list[str]:
        return [item["name"] for item in self.parameters if item["in"] == "path"]


def operations() -> list[Operation]:
    document = json.loads(DOCUMENT.read_text())
    found = [
        Operation(
            operation["operationId"],
            method.upper(),
            path,
            tuple(operation.get("parameters", ())),
            operation.get("requestBody", {}).get("content", {}),
            bool(operation.get("security", document.get("security"))),
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    assert len(found) > 20
    assert len({operation.id for operation in found}) == len(found)
    return found


@dataclass(frozen=True)
class Request:
    """What is sent, without who sends it."""

    method: str
    target: str
    content: bytes | None
    headers: dict[str, str]


def request(operation: Operation, ids: dict[str, list[str]]) -> Request:
    """A request that is complete, with values of `ids` in its path: of the parameter there, or of it anywhere."""
    path = operation.path
    for name in operation.path_names:
        there = f"{operation.path.partition(f'/{{{name}}}')[0].rpartition('/')[2]}/{name}"
        known = ids.get(there) or ids.get(name)
        assert known, f"{operation.id}: nothing is known for path parameter {name!r}: teach people.LOOKUPS"
        path = path.replace(f"{{{name}}}", known[0])
    queries = [
        f"{item['name']}={_query(item)}"
        for item in operation.parameters
        if item["in"] == "query" and item.get("required")
    ]
    content, headers = _body(operation, ids)
    if operation.method in ("PUT", "PATCH", "DELETE") or any(
        item["name"].lower() == "if-match" for item in operation.parameters
    ):
        headers["If-Match"] = '"1"'
    return Request(operation.method, f"{path}?{'&'.join(queries)}" if queries else path, content, headers)


def _query(item: dict[str, Any]) -> str:
    known = {"bbox": "-180,-90,180,90", "zoom": "8", "q": "oak", "format": "csv"}
    return known.get(item["name"], "1")


def _body(operation: Operation, ids: dict[str, list[str]]) -> tuple[bytes | None, dict[str, str]]:
    if not operation.body:
        return None, {}
    media, described = next(iter(operation.body.items()))
    if media.startswith("image/") or media == "application/octet-stream":
        return PICTURE, {"Content-Type": "image/png"}
    if media == "text/csv":
        return b"Name\nSomebody\n", {"Content-Type": media}
    value = sample(described.get("schema", {}), ids)
    if media == "application/x-www-form-urlencoded":
        return "&".join(f"{key}={item}" for key, item in value.items()).encode(), {"Content-Type": media}
    return json.dumps(value).encode(), {"Content-Type": media}


def sample(schema: dict[str, Any], ids: dict[str, list[str]], name: str = "") -> Any:
    """A value that the schema allows, with what it requires and nothing else."""
    if "$ref" in schema:
        document = json.loads(DOCUMENT.read_text())
        return sample(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], ids, name)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return sample(schema[key][0], ids, name)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type", "object")
    if kind == "object":
        required = schema.get("required", [])
        return {key: sample(item, ids, key) for key, item in schema.get("properties", {}).items() if key in required}
    if kind == "array":
        return [sample(schema.get("items", {}), ids, name.removesuffix("s"))]
    if kind == "string":
        return _text(schema, ids, name)
    return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1.0, "boolean": True}.get(kind)


def _text(schema: dict[str, Any], ids: dict[str, list[str]], name: str) -> str:
    if name.endswith("_id") and ids.get(name):
        return ids[name][0]
    known = {"uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "email": "somebody@else.example", "date": "2026-01-02"}
    known |= {"date-time": "2026-01-02T03:04:05Z"}
    return known.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))
