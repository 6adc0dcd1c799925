"""Each contract twice: as the local object, and over gRPC where every first answer to what may be repeated is lost."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
from rooftree.contracts.crm.api import CrmApi
from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import PropertyApi
from rooftree.kernel import middleware, rpc_client
from rooftree.kernel.auth import Principal
from rooftree.remote import crm, identity
from rooftree.remote import property as listings

from ..certificates import Authority
from ..conftest import Browser
from ..identity.conftest import brokerage
from ..property.conftest import mls, serve
from ..remote.conftest import LosesFirstAnswers, Wire, authority

_ = (brokerage, authority, mls, serve)  # fixtures


@pytest.fixture(autouse=True)
def nobody_hurries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is promised here has nothing to do with how busy the machine is; time is tested in `remote`."""
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)
    monkeypatch.setattr(rpc_client, "SECONDS", 60.0)


class Ports:
    """The ports of an app, wherever they are for who asks."""

    def __init__(self, wire: Wire | None) -> None:
        self._wire = wire

    async def identity(self, browser: Browser) -> IdentityApi:
        local = browser.app.state.parts.runtime.port(IdentityApi)
        return cast("IdentityApi", await self._placed(identity, local, local))

    async def property(self, browser: Browser) -> PropertyApi:
        return cast("PropertyApi", await self.of(listings, browser))

    async def crm(self, browser: Browser) -> CrmApi:
        return cast("CrmApi", await self.of(crm, browser))

    async def of(self, remote: Any, browser: Browser) -> Any:
        """The port of the contract that `rooftree.remote.<module>` carries."""
        local = browser.app.state.parts.runtime.port(remote.CONTRACT)
        return await self._placed(remote, local, await self.identity(browser))

    async def _placed(self, remote: Any, port: object, identity_port: object) -> object:
        module = remote.__name__.rpartition(".")[2]
        return await self._wire.connected(remote, module, port, identity_port) if self._wire else port


@pytest.fixture(params=["local", "remote"])
async def ports(request: pytest.FixtureRequest, authority: Authority) -> AsyncGenerator[Ports]:
    if request.param == "local":
        yield Ports(None)
        return
    async with AsyncExitStack() as stack:
        wire = Wire(authority, stack, LosesFirstAnswers(spared=frozenset({"ExchangeCode"})))
        with wire.faults.on():
            yield Ports(wire)
        assert wire.faults.done, "nothing went over the wire"


async def reader(ports: Ports, browser: Browser) -> Principal:
    """Who is signed in in this browser, as a module gets them."""
    secret = browser.cookies["__Host-session"]
    sessions = next(one for kind, one in browser.app.state.services.items() if kind.__name__ == "Sessions")
    principal: Principal = await sessions.principal(secret)
    assert await (await ports.identity(browser)).authenticate(str(principal.token)) == principal
    return principal
