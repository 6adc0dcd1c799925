"""How answers of all modules name a colleague."""

from uuid import UUID

from pydantic import BaseModel


class Colleague(BaseModel):
    """Somebody of the brokerage; the name is null when it is no longer known."""

    id: UUID
    name: str | None
