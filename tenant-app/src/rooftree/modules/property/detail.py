"""A listing's page as its reader gets it. Pure."""

from typing import Any

from fastapi import Response

from rooftree.kernel.versions import etag
from rooftree.modules.property.schemas import FullPhotoOutput, PropertyDetail


def answer(shown: Any, response: Response) -> PropertyDetail:
    response.headers["ETag"] = etag(shown.version)
    raise NotImplementedError


def photo_output(photo: Any) -> FullPhotoOutput:
    raise NotImplementedError
