"""HTTP of own photos: upload, describe, delete, restore, look."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import StringConstraints

from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.modules.property.detail import photo_output
from rooftree.modules.property.editor_routes import merge_patch
from rooftree.modules.property.editor_schemas import PhotoInput
from rooftree.modules.property.photo_service import PhotoService
from rooftree.modules.property.schemas import FullPhotoOutput, PhotoSize

router = APIRouter()
Service = Annotated[PhotoService, Depends(provided(PhotoService))]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]
PICTURES = ("image/jpeg", "image/png", "image/webp")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in PICTURES},
    }
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture, without the metadata it came with", "content": {"image/jpeg": {}}},
    304: {"description": "The caller has it"},
}


@router.post(
    "/properties/{property_id}/photos",
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
        kind=request.headers.get("content-type", ""),
        length=request.headers.get("content-length", ""),
        description=description or None,
    )
    return photo_output(photo)


@router.get("/photos/{photo_id}", response_class=Response, responses={**_PICTURE, **responses(401, 404, 422, 503)})
async def get_photo(
    photo_id: UUID,
    principal: CurrentPrincipal,
    service: Service,
    size: Annotated[PhotoSize, Query()] = "medium",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    raise NotImplementedError


@router.patch("/photos/{photo_id}", responses=responses(401, 403, 404, 422), openapi_extra=merge_patch("PhotoInput"))
async def edit_photo(
    photo_id: UUID, body: PhotoInput, principal: CurrentPrincipal, service: Service
) -> FullPhotoOutput:
    return photo_output(await service.describe(principal, photo_id, body.model_dump(exclude_unset=True)))


@router.delete("/photos/{photo_id}", status_code=204, response_class=Response, responses=responses(401, 403, 404, 422))
async def delete_photo(photo_id: UUID, principal: CurrentPrincipal, service: Service) -> Response:
    """It can be restored for 24 hours; then it is removed for good."""
    await service.delete(principal, photo_id)
    return Response(status_code=204)


@router.post("/photos/{photo_id}/restoration", responses=responses(401, 403, 404, 409, 422))
async def restore_photo(photo_id: UUID, principal: CurrentPrincipal, service: Service) -> FullPhotoOutput:
    """Undoes a deletion. The photo comes back where it was."""
    return photo_output(await service.restore(principal, photo_id))
