"""Use cases of editing own listings."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from rooftree.kernel.auth import Principal
from rooftree.modules.property.editor_schemas import StatusChangeInput


class EditorService:
    async def create(self, principal: Principal, given: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    async def edit(self, principal: Principal, property_id: UUID, given: Mapping[str, Any], *, version: int) -> Any:
        raise NotImplementedError

    async def move(self, principal: Principal, property_id: UUID, wanted: StatusChangeInput, *, version: int) -> Any:
        raise NotImplementedError

    async def order_photos(
        self, principal: Principal, property_id: UUID, photo_ids: Sequence[UUID], *, version: int
    ) -> Any:
        raise NotImplementedError

    async def history(self, principal: Principal, property_id: UUID, *, limit: int, cursor: str | None) -> Any:
        raise NotImplementedError
