"""`python -m rooftree.openapi [--check] [folder]`: write openapi/<module>.json and the merged openapi.json.

The files are committed and designed before their handlers; `--check` fails when they and the routes differ.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from rooftree import assembly
from rooftree.kernel import health, idempotency, problems, sparse
from rooftree.kernel.module import MAX_BODY_EXTENSION, Upload

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "openapi"
MERGED = "openapi.json"
_REPLAYED = {
    "description": "`true`: the answer that an earlier request with this key got.",
    "schema": {"type": "string", "enum": ["true"]},
}


def documents() -> dict[str, str]:
    """File name → content, in a stable order and spelling."""
    modules = assembly.find()
    found = {
        f"{module.name}.json": _document(f"Rooftree {module.name}", [module.router], module.uploads)
        for module in modules
    }
    uploads = [upload for module in modules for upload in module.uploads]
    found[MERGED] = _document("Rooftree", [health.router, *(module.router for module in modules)], uploads)
    return found


def _operation_id(route: APIRoute) -> str:
    """Handlers' names are the operations' names in generated clients."""
    return route.name


def _document(title: str, routers: Iterable[APIRouter], uploads: Sequence[Upload]) -> str:
    app = FastAPI(generate_unique_id_function=_operation_id)
    for router in routers:
        app.include_router(router)
    document = get_openapi(title=title, version="1", routes=app.routes, servers=[{"url": "/"}])
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for framework_schema in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework_schema, None)
    schemas["Problem"] = problems.SCHEMA
    for upload in uploads:
        for path, methods in document["paths"].items():
            if upload.path.fullmatch(path) and upload.method.lower() in methods:
                methods[upload.method.lower()][MAX_BODY_EXTENSION] = upload.max_bytes
    for operation in _operations(document):
        # Said also where it is nothing, so that nobody forgets it.
        operation.setdefault("security", [])
        answers: dict[str, Any] = operation["responses"]
        if "422" in answers:
            answers |= _problems(422)
        if "requestBody" in operation:
            answers = operation["responses"] = _problems(400, 413) | answers
        _tell_of_manners(operation)
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _tell_of_manners(operation: dict[str, Any]) -> None:
    """What all answer that take an Idempotency-Key or `fields`, or are counted, as all but those about the app are."""
    taken = {one["name"] for one in operation.get("parameters", ())}
    if idempotency.HEADER in taken:
        operation["responses"] = _problems(400, 409, 422) | operation["responses"]
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                answer.setdefault("headers", {})[idempotency.REPLAYED] = _REPLAYED
    if sparse.PARAMETER in taken:
        operation["responses"] |= _problems(400)
    if operation["tags"] != ["health"]:
        operation["responses"] |= _problems(429)


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): answer for status, answer in problems.responses(*statuses).items()}


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the committed API descriptions.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    arguments = parser.parse_args()
    wanted = documents()
    folder: Path = arguments.folder
    present = {file.name: file.read_text() for file in sorted(folder.glob("*.json"))}
    if arguments.check:
        differing = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        if differing:
            sys.stderr.write(f"Differs from the routes: {', '.join(differing)}. Run `make gen`.\n")
        return 1 if differing else 0
    folder.mkdir(exist_ok=True)
    for name in present.keys() - wanted.keys():
        (folder / name).unlink()
    for name, content in wanted.items():
        (folder / name).write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
