"""HTTP of own photos: upload, describe, delete, restore, look."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import StringConstraints

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal, require_principal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.modules.property.detail import photo_output
from rooftree.modules.property.editor_routes import merge_patch
from rooftree.modules.property.editor_schemas import PhotoInput
from rooftree.modules.property.photo_service import PhotoService, PhotoShown
from rooftree.modules.property.pictures import KINDS
from rooftree.modules.property.schemas import FullPhotoOutput, PhotoSize

router = APIRouter(route_class=ApiRoute)
Service = Annotated[PhotoService, Depends(provided(PhotoService))]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
    }
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture, without the metadata it came with", "content": {"image/jpeg": {}}},
    304: {"description": "The caller has it"},
}


@router.post(
    "/properties/{property_id}/photos",
    dependencies=[*needs("listing", "update"), REPEATABLE],
    status_code=201,
    openapi_extra=_BODY,
    responses=responses(401, 403, 404, 409, 411, 413, 415, 422, 503),
)
async def upload_property_photo(
    *,
    property_id: UUID,
    request: Request,
    principal: CurrentPrincipal,
    service: Service,
    description: Annotated[Description | None, Query()] = None,
) -> FullPhotoOutput:
    """The body is the picture. The answer's state is `processing`; renditions are made in the background."""
    photo = await service.upload(
        principal,
        property_id,
        request.stream(),
        content_type=request.headers.get("content-type", ""),
        length=request.headers.get("content-length"),
        description=description or None,
        again=partial(require_principal, request),
    )
    return _output(photo)


@router.get(
    "/photos/{photo_id}",
    dependencies=needs("listing", "read"),
    response_class=Response,
    responses={**_PICTURE, **responses(401, 404, 422, 503)},
)
async def get_photo(
    photo_id: UUID,
    principal: CurrentPrincipal,
    service: Service,
    size: Annotated[PhotoSize, Query()] = "medium",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    await service.require_visible(principal, photo_id)
    # What a photo's id shows never changes; whether this person may still see it was asked just now.
    headers = {"ETag": f'"{photo_id}-{size}"', "Cache-Control": "private, max-age=3600", "Vary": "Cookie"}
    if if_none_match is not None and headers["ETag"] in [part.strip() for part in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(await service.rendition(photo_id, size), media_type="image/jpeg", headers=headers)


@router.patch(
    "/photos/{photo_id}",
    dependencies=needs("listing", "update"),
    responses=responses(401, 403, 404, 422),
    openapi_extra=merge_patch("PhotoInput"),
)
async def edit_photo(
    photo_id: UUID, body: PhotoInput, principal: CurrentPrincipal, service: Service
) -> FullPhotoOutput:
    given = body.model_dump(exclude_unset=True)
    return _output(await service.describe(principal, photo_id, {name: value or None for name, value in given.items()}))


@router.delete(
    "/photos/{photo_id}",
    dependencies=needs("listing", "update"),
    status_code=204,
    response_class=Response,
    responses=responses(401, 403, 404, 422),
)
async def delete_photo(photo_id: UUID, principal: CurrentPrincipal, service: Service) -> Response:
    """It can be restored for 24 hours; then it is removed for good."""
    await service.delete(principal, photo_id)
    return Response(status_code=204)


@router.post(
    "/photos/{photo_id}/restoration",
    dependencies=needs("listing", "update"),
    responses=responses(401, 403, 404, 409, 422),
)
async def restore_photo(photo_id: UUID, principal: CurrentPrincipal, service: Service) -> FullPhotoOutput:
    """Undoes a deletion. The photo comes back where it was."""
    return _output(await service.restore(principal, photo_id))


def _output(photo: PhotoShown) -> FullPhotoOutput:
    return photo_output(photo.row, photo.number, photo.address)
