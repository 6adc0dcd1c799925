"""Colleagues by their mail addresses: as cells name them, and as exports tell them."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from rooftree.bulk.columns import Column
from rooftree.bulk.subject import Line
from rooftree.contracts.identity.api import IdentityApi, User, UserNotFound
from rooftree.kernel.text import email_key

_LETTERS = 320  # of an address


async def colleagues(
    identity: IdentityApi, field: str, columns: Sequence[Column], lines: Sequence[Line]
) -> dict[str, User]:
    """Whom the cells of this field name, by `email_key`; those who are there."""
    places = [place for place, column in enumerate(columns) if column.field == field]
    cells = {line.cells[place].strip() for line in lines for place in places if line.fault is None}
    given = {cell for cell in cells if 0 < len(cell) <= _LETTERS}
    return {email_key(one.email): one for one in await identity.colleagues(given)} if given else {}


async def still_here(identity: IdentityApi, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Those of them who have not left."""
    found: dict[UUID, User] = {}
    for user_id in sorted(user_ids):
        try:
            found[user_id] = await identity.user(user_id)
        except UserNotFound:
            continue
    return found


class Addresses:
    """Of colleagues whose records an export has; each is asked for once, also who has left."""

    def __init__(self, identity: IdentityApi) -> None:
        self._identity = identity
        self._known: dict[UUID, str] = {}

    async def of(self, user_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Of these, and of all who were asked for before; empty where somebody has left."""
        new = set(user_ids) - self._known.keys()
        found = await still_here(self._identity, new)
        self._known |= {user_id: found[user_id].email if user_id in found else "" for user_id in new}
        return self._known
