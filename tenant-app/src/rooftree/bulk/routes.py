"""HTTP of imports and exports, of whatever records. Which filters an export takes, its module says."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from rooftree.bulk.exports import BegunExport, Exports
from rooftree.bulk.imports import Imports, ShownImport
from rooftree.bulk.imports_repository import Import
from rooftree.bulk.schemas import (
    BulkExport,
    BulkImport,
    BulkImportPage,
    FileName,
    ImportColumn,
    ImportCounts,
    ImportFailure,
    ImportField,
    ImportPatch,
    ImportUndo,
    RowError,
    RowErrorPage,
)
from rooftree.bulk.subject import Names
from rooftree.contracts.access.routes import needs
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal, require_principal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.pagination import PageQuery
from rooftree.kernel.preconditions import ExpectedVersion, etag
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.kernel.spreadsheets import MEDIA_TYPES

_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()},
    }
}
_READ = responses(401, 403, 404, 422)
_STEP = responses(400, 401, 403, 404, 409, 412, 422, 428)


def bulk_router(names: Names, imports: type[Imports], exports: type[Exports]) -> APIRouter:
    """All operations but the one that begins an export.

    `imports`, `exports`: the module's own classes, by which its services are found. What bringing a file needs beside
    `import.create`, `Subject.require` says.
    """
    router, made = APIRouter(route_class=ApiRoute), _Operations(imports, exports)
    path, one, many = f"/{names.path}-imports", f"{names.path}_import", names.kind

    def add(method: str, end: str, handler: Callable[..., Any], name: str, *manners: Any, **more: Any) -> None:
        router.add_api_route(f"{path}{end}", handler, methods=[method], name=name, dependencies=[*manners], **more)

    read, change = needs("import", "read"), needs("import", "update")
    add(
        *("POST", "", made.bring, f"import_{many}", *needs("import", "create"), REPEATABLE),
        status_code=202,
        openapi_extra=_BODY,
        responses=responses(401, 403, 411, 413, 415, 422, 503),
    )
    add("GET", "", made.list, f"list_{one}s", *read, SPARSE, responses=responses(401, 403, 422))
    add("GET", "/{import_id}", made.show, f"get_{one}", *read, SPARSE, responses=_READ)
    add("PATCH", "/{import_id}", made.map, f"map_{one}", *change, status_code=202, responses=_STEP)
    add("GET", "/{import_id}/errors", made.errors, f"list_{one}_errors", *read, SPARSE, responses=_READ)
    add(
        *("GET", "/{import_id}/errors.csv", made.faulty, f"download_{one}_errors", *read),
        response_class=Response,
        responses={**_file("The faulty rows, as CSV", "text/csv"), **_READ},
    )
    for step, handler in (("application", made.apply), ("undo", made.undo)):
        name = f"{'apply' if step == 'application' else step}_{one}"
        add("POST", f"/{{import_id}}/{step}", handler, name, *change, REPEATABLE, status_code=202, responses=_STEP)
    router.add_api_route(
        f"/{names.path}-exports/{{export_id}}",
        made.file,
        methods=["GET"],
        name=f"get_{names.path}_export",
        dependencies=needs("export", "read"),
        response_class=Response,
        responses={**_file("The file", *MEDIA_TYPES.values()), **responses(401, 403, 404, 422, 503)},
    )
    return router


def begun_export(made: BegunExport, response: Response) -> BulkExport:
    """The answer of an operation that begins an export: 202, with the job."""
    response.headers["Location"] = f"/api/v1/jobs/{made.job_id}"
    return BulkExport(id=made.id, job_id=made.job_id, format=made.format, created_at=made.created_at)


class _Operations:
    """Of one module; their docstrings are the API's."""

    def __init__(self, imports: type[Imports], exports: type[Exports]) -> None:
        self._imports = provided(imports)
        self._exports = provided(exports)

    async def bring(
        self,
        *,
        request: Request,
        principal: CurrentPrincipal,
        response: Response,
        file_name: Annotated[FileName, Query()],
    ) -> BulkImport:
        """The body is the file. A dry run begins, which changes nothing; `Location` is its job."""
        imports = await self._imports(request)
        shown = await imports.upload(
            principal,
            request.stream(),
            file_name=file_name,
            content_type=request.headers.get("content-type", ""),
            length=request.headers.get("content-length"),
            again=partial(require_principal, request),
        )
        return _begun(shown, response)

    async def list(
        self, request: Request, query: Annotated[PageQuery, Query()], principal: CurrentPrincipal
    ) -> BulkImportPage:
        """Newest first."""
        page = await (await self._imports(request)).page(principal, limit=query.limit, cursor=query.cursor)
        return BulkImportPage(items=[_output(one) for one in page.items], next_cursor=page.next_cursor)

    async def show(
        self, request: Request, import_id: UUID, principal: CurrentPrincipal, response: Response
    ) -> BulkImport:
        return _answer(await (await self._imports(request)).show(principal, import_id), response)

    async def map(
        self,
        *,
        request: Request,
        import_id: UUID,
        body: ImportPatch,
        version: ExpectedVersion,
        principal: CurrentPrincipal,
        response: Response,
    ) -> BulkImport:
        """Other columns fill other fields: the rows are checked anew. `Location` is the job."""
        imports = await self._imports(request)
        return _begun(await imports.remap(principal, import_id, body.mapping, version=version), response)

    async def errors(
        self, request: Request, import_id: UUID, query: Annotated[PageQuery, Query()], principal: CurrentPrincipal
    ) -> RowErrorPage:
        """What is wrong with the first 1,000 faulty rows, in their order."""
        imports = await self._imports(request)
        page = await imports.errors(principal, import_id, limit=query.limit, cursor=query.cursor)
        items = [RowError(row=number, **error) for number, error in page.items]
        return RowErrorPage(items=items, total=page.total, next_cursor=page.next_cursor)

    async def faulty(self, request: Request, import_id: UUID, principal: CurrentPrincipal) -> Response:
        """All faulty rows as they were, with one more column `error`: to be corrected and sent again."""
        parts = await (await self._imports(request)).faulty(principal, import_id)
        headers = _attached("import-errors.csv")
        return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=headers)

    async def apply(
        self,
        *,
        request: Request,
        import_id: UUID,
        version: ExpectedVersion,
        principal: CurrentPrincipal,
        response: Response,
    ) -> BulkImport:
        """Of one that is `checked`: its rows are taken, without those that are faulty. `Location` is the job."""
        return _begun(await (await self._imports(request)).apply(principal, import_id, version=version), response)

    async def undo(
        self,
        *,
        request: Request,
        import_id: UUID,
        version: ExpectedVersion,
        principal: CurrentPrincipal,
        response: Response,
    ) -> BulkImport:
        """Of one that was `applied` in the last seven days. What was touched since stays. `Location` is the job."""
        return _begun(await (await self._imports(request)).undo(principal, import_id, version=version), response)

    async def file(self, request: Request, export_id: UUID, principal: CurrentPrincipal) -> Response:
        """For whoever asked for it."""
        found = await (await self._exports(request)).file(principal, export_id)
        return Response(found.content, media_type=MEDIA_TYPES[found.format], headers=_attached(found.name))


def _file(description: str, *kinds: str) -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": description, "content": content}}


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _begun(shown: ShownImport, response: Response) -> BulkImport:
    response.headers["Location"] = f"/api/v1/jobs/{shown.row.job_id}"
    return _answer(shown, response)


def _answer(shown: ShownImport, response: Response) -> BulkImport:
    response.headers.update(etag(shown.row.version))
    response.headers["Cache-Control"] = "no-store"
    return _output(shown)


def _output(shown: ShownImport) -> BulkImport:
    row = shown.row
    names = ("id", "file_name", "format", "encoding", "state", "job_id", "rows", "created_at", "applied_at")
    return BulkImport(
        **{name: getattr(row, name) for name in (*names, "undone_at", "truncated_errors", "version")},
        kind=shown.kind,
        counts=ImportCounts(**row.counts),
        columns=[ImportColumn(name=one.name, sample=list(one.sample), field=one.field) for one in row.columns],
        fields=[ImportField(name=one.name, label=one.label, required=one.is_required) for one in shown.fields],
        created_by=Colleague(id=row.actor_id, name=shown.created_by),
        undo=ImportUndo(undone=row.undone, kept=row.kept or 0) if row.undone is not None else None,
        error=_failure(row),
    )


def _failure(row: Import) -> ImportFailure | None:
    if row.error_code is None or row.error_step is None:
        return None
    return ImportFailure(step=row.error_step, code=row.error_code, detail=row.error_detail)
