"""What crm promises the other modules."""

from dataclasses import replace
from uuid import UUID

import pytest
from rooftree.contracts.identity.api import TokenRefused
from rooftree.kernel.ids import new_id

from ..crm.conftest import create, user_id
from ..identity.conftest import Brokerage
from .conftest import Ports, reader

pytestmark = pytest.mark.integration


async def test_people_are_told_to_who_sees_them(brokerage: Brokerage, ports: Ports) -> None:
    andy, anna = await brokerage.agent(), await brokerage.agent(name="Anna")
    shown = await create(andy)
    port = await ports.crm(brokerage.owner)
    ids = [UUID(shown["id"]), new_id()]
    assert await port.people(await reader(ports, anna), ids) == {}
    assert await port.people(await reader(ports, andy), []) == {}
    found = await port.people(await reader(ports, andy), ids)
    assert set(found) == {ids[0]}
    person = found[ids[0]]
    assert (person.id, person.name) == (ids[0], "Ada Canary")
    assert (person.emails, person.phones) == (("ada@client.test",), ("(515) 232-0199",))
    assert str(person.assigned_to) == await user_id(andy)
    assert str(person.stage_id) == shown["stage_id"]


@pytest.mark.parametrize("ports", ["remote"], indirect=True)
async def test_between_processes_a_reader_is_whoever_their_token_says(brokerage: Brokerage, ports: Ports) -> None:
    andy, anna = await brokerage.agent(), await brokerage.agent(name="Anna")
    shown = await create(andy)
    port = await ports.crm(brokerage.owner)
    ids = [UUID(shown["id"])]
    pretender = replace(await reader(ports, andy), token=(await reader(ports, anna)).token)
    assert await port.people(pretender, ids) == {}
    with pytest.raises(TokenRefused):
        await port.people(replace(pretender, token="forged"), ids)
    with pytest.raises(ValueError, match="without its token"):
        await port.people(replace(pretender, token=None), ids)
