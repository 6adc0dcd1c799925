"""HTTP of imports and exports of people."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal, require_principal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.preconditions import ExpectedVersion, etag
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.kernel.spreadsheets import MEDIA_TYPES
from rooftree.modules.crm.exports import Exports
from rooftree.modules.crm.import_fields import LABELS, REQUIRED
from rooftree.modules.crm.import_schemas import (
    BulkExport,
    BulkImport,
    BulkImportPage,
    ErrorQuery,
    ExportQuery,
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
from rooftree.modules.crm.imports import Imports, ShownImport
from rooftree.modules.crm.imports_repository import Import
from rooftree.modules.crm.people_routes import people_filter
from rooftree.modules.crm.schemas import Colleague, PageQuery

router = APIRouter(route_class=ApiRoute)
ImportsDep = Annotated[Imports, Depends(provided(Imports))]
ExportsDep = Annotated[Exports, Depends(provided(Exports))]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()},
    }
}
_STEP = responses(400, 401, 403, 404, 409, 412, 422, 428)


def _file(description: str, *kinds: str) -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": description, "content": content}}


@router.post(
    "/people-imports",
    dependencies=[*needs("import", "create"), REPEATABLE],
    status_code=202,
    openapi_extra=_BODY,
    responses=responses(401, 403, 411, 413, 415, 422, 503),
)
async def import_people(
    *,
    request: Request,
    principal: CurrentPrincipal,
    imports: ImportsDep,
    response: Response,
    file_name: Annotated[FileName, Query()],
) -> BulkImport:
    """The body is the file. A dry run begins, which changes nothing; `Location` is its job."""
    shown = await imports.upload(
        principal,
        request.stream(),
        file_name=file_name,
        content_type=request.headers.get("content-type", ""),
        length=request.headers.get("content-length"),
        again=partial(require_principal, request),
    )
    return _begun(shown, response)


@router.get("/people-imports", dependencies=[*needs("import", "read"), SPARSE], responses=responses(401, 403, 422))
async def list_people_imports(
    query: Annotated[PageQuery, Query()], principal: CurrentPrincipal, imports: ImportsDep
) -> BulkImportPage:
    """Newest first."""
    page = await imports.page(principal, limit=query.limit, cursor=query.cursor)
    return BulkImportPage(items=[_output(one) for one in page.items], next_cursor=page.next_cursor)


@router.get(
    "/people-imports/{import_id}",
    dependencies=[*needs("import", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def get_people_import(
    import_id: UUID, principal: CurrentPrincipal, imports: ImportsDep, response: Response
) -> BulkImport:
    return _answer(await imports.show(principal, import_id), response)


@router.patch("/people-imports/{import_id}", dependencies=needs("import", "update"), status_code=202, responses=_STEP)
async def map_people_import(
    *,
    import_id: UUID,
    body: ImportPatch,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    imports: ImportsDep,
    response: Response,
) -> BulkImport:
    """Other columns fill other fields: the rows are checked anew. `Location` is the job."""
    return _begun(await imports.remap(principal, import_id, body.mapping, version=version), response)


@router.get(
    "/people-imports/{import_id}/errors",
    dependencies=[*needs("import", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def list_people_import_errors(
    import_id: UUID, query: Annotated[ErrorQuery, Query()], principal: CurrentPrincipal, imports: ImportsDep
) -> RowErrorPage:
    """What is wrong with the first 1,000 faulty rows, in their order."""
    page = await imports.errors(principal, import_id, limit=query.limit, cursor=query.cursor)
    items = [RowError(row=number, **error) for number, error in page.items]
    return RowErrorPage(items=items, total=page.total, next_cursor=page.next_cursor)


@router.get(
    "/people-imports/{import_id}/errors.csv",
    dependencies=needs("import", "read"),
    response_class=Response,
    responses={**_file("The faulty rows, as CSV", "text/csv"), **responses(401, 403, 404, 422)},
)
async def download_people_import_errors(import_id: UUID, principal: CurrentPrincipal, imports: ImportsDep) -> Response:
    """All faulty rows as they were, with one more column `error`: to be corrected and sent again."""
    parts = await imports.faulty(principal, import_id)
    headers = _attached("import-errors.csv")
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=headers)


@router.post(
    "/people-imports/{import_id}/application",
    dependencies=[*needs("import", "update"), REPEATABLE],
    status_code=202,
    responses=_STEP,
)
async def apply_people_import(
    *, import_id: UUID, version: ExpectedVersion, principal: CurrentPrincipal, imports: ImportsDep, response: Response
) -> BulkImport:
    """Of one that is `checked`: its rows become people, without those that are faulty. `Location` is the job."""
    return _begun(await imports.apply(principal, import_id, version=version), response)


@router.post(
    "/people-imports/{import_id}/undo",
    dependencies=[*needs("import", "update"), REPEATABLE],
    status_code=202,
    responses=_STEP,
)
async def undo_people_import(
    *, import_id: UUID, version: ExpectedVersion, principal: CurrentPrincipal, imports: ImportsDep, response: Response
) -> BulkImport:
    """Of one that was `applied` in the last seven days. Who was touched since stays. `Location` is the job."""
    return _begun(await imports.undo(principal, import_id, version=version), response)


@router.post(
    "/people-exports",
    dependencies=[*needs("person", "read"), REPEATABLE],
    status_code=202,
    responses=responses(401, 403, 422, 503),
)
async def export_people(
    query: Annotated[ExportQuery, Query()], principal: CurrentPrincipal, exports: ExportsDep, response: Response
) -> BulkExport:
    """The people that the list has for these filters, as a file. `Location` is the job; its `result` is the file."""
    made = await exports.begin(principal, query.format, people_filter(query, principal, query.stage_id))
    response.headers["Location"] = f"/api/v1/jobs/{made.job_id}"
    return BulkExport(id=made.id, job_id=made.job_id, format=made.format, created_at=made.created_at)


@router.get(
    "/people-exports/{export_id}",
    dependencies=needs("export", "read"),
    response_class=Response,
    responses={**_file("The file", *MEDIA_TYPES.values()), **responses(401, 403, 404, 422, 503)},
)
async def get_people_export(export_id: UUID, principal: CurrentPrincipal, exports: ExportsDep) -> Response:
    """For whoever asked for it."""
    found = await exports.file(principal, export_id)
    return Response(found.content, media_type=MEDIA_TYPES[found.format], headers=_attached(found.name))


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
        counts=ImportCounts(**row.counts),
        columns=[ImportColumn(name=one.name, sample=list(one.sample), field=one.field) for one in row.columns],
        fields=[ImportField(name=name, label=LABELS[name], required=name in REQUIRED) for name in shown.fields],
        created_by=Colleague(id=row.actor_id, name=shown.created_by),
        undo=ImportUndo(undone=row.undone, kept=row.kept or 0) if row.undone is not None else None,
        error=_failure(row),
    )


def _failure(row: Import) -> ImportFailure | None:
    if row.error_code is None or row.error_step is None:
        return None
    return ImportFailure(step=row.error_step, code=row.error_code, detail=row.error_detail)
