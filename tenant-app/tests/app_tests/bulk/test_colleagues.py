"""Whom identity is asked about: for cells that may be an address, and once for each whose address is told."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from rooftree.bulk.colleagues import Addresses, colleagues
from rooftree.bulk.columns import Column
from rooftree.bulk.subject import Line
from rooftree.contracts.identity.api import User, UserNotFound

ADA, GONE = UUID(int=1), UUID(int=2)


class Identity:
    """Knows Ada alone, and whom it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def user(self, user_id: UUID) -> User:
        self.asked.append(user_id)
        if user_id != ADA:
            raise UserNotFound
        return User(id=ADA, name="Ada", email="Ada@acme.test", role="agent", office_id=None)

    async def colleagues(self, emails: Collection[str]) -> tuple[User, ...]:
        self.asked.append(sorted(emails))
        return (await self.user(ADA),)


async def test_cells_that_are_longer_than_an_address_are_not_asked_for() -> None:
    identity: Any = Identity()
    columns = [Column("Agent", (), "list_agent"), Column("City", (), "city")]
    cells = ["ada@acme.test ", "x" * 321, "", "x" * 110_000]
    lines = [Line(number, [cell, "Ames"], None, None, ()) for number, cell in enumerate(cells)]
    broken = Line(9, ["who@acme.test"], "The row has more cells than the header.", None, ())
    found = await colleagues(identity, "list_agent", columns, [*lines, broken])
    assert [(key, one.id) for key, one in found.items()] == [("ada@acme.test", ADA)]
    assert identity.asked[0] == ["ada@acme.test"]
    assert await colleagues(identity, "assigned_to", columns, lines) == {}


async def test_each_is_asked_for_once_also_who_has_left() -> None:
    identity: Any = Identity()
    addresses = Addresses(identity)
    for _ in range(2):
        assert await addresses.of({ADA, GONE}) == {ADA: "Ada@acme.test", GONE: ""}
    assert sorted(identity.asked) == [ADA, GONE]
