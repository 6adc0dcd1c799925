"""Connects a process with those of other modules: clients for what is elsewhere, a server for what is here."""

import importlib
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from typing import Any, cast

from starlette.types import ASGIApp

from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Authenticator
from rooftree.kernel.background import Background
from rooftree.kernel.rpc import Certificates, Elsewhere, RpcSettings
from rooftree.kernel.rpc_client import Peer
from rooftree.kernel.rpc_server import Server, Service
from rooftree.kernel.server_spans import ServerSpans
from rooftree.kernel.settings import SettingsError
from rooftree.remote import exchange


class Neighbours:
    """The processes of other modules, as this one calls and answers them."""

    def __init__(self, settings: RpcSettings, *, host: str, here: Collection[str]) -> None:
        """`here`: the modules of this process, answered on `host`. Raises `SettingsError`."""
        self._settings = settings
        self._host = host
        self._here = here
        self._certificates = Certificates.read(settings.rpc_dir)
        self._peers = {name: self._peer(name) for name in settings.rpc_addresses if name not in here}
        self._server: Server | None = None
        self.elsewhere = Elsewhere(
            ports={_remote(name).CONTRACT: _remote(name).Client(peer) for name, peer in self._peers.items()},
            http={name: exchange.Client(peer) for name, peer in self._peers.items()},
        )

    def _peer(self, name: str) -> Peer:
        if find_spec(f"{__package__}.{name}") is None:
            raise SettingsError(f"ROOFTREE_RPC_ADDRESSES names {name}, which no process can be asked for.")
        services = (_remote(name).SERVICE, exchange.SERVICE)
        return Peer(name, self._settings.rpc_addresses[name], self._certificates, services)

    def authenticator(self, ports: Mapping[type, object]) -> Authenticator:
        """Who requests are from that the gateway hands on."""
        return exchange.authenticator(cast("IdentityApi", ports[IdentityApi]))

    async def answer(self, app: ASGIApp, ports: Mapping[type, object], counted: ServerSpans) -> None:
        """Begin to offer the ports of this process and the routes of its `app`, if there is a port to do so.

        `counted`: where calls count.
        """
        if not self._settings.rpc_port:
            return
        services = [Service(exchange.SERVICE, exchange.Servicer(app))]
        services += [
            Service(remote.SERVICE, remote.Servicer(ports[remote.CONTRACT], ports[IdentityApi]))
            for remote in (_remote(name) for name in self._here if find_spec(f"{__package__}.{name}") is not None)
        ]
        address = f"{self._host}:{self._settings.rpc_port}"
        self._server = Server(address, self._certificates, services, counted)
        await self._server.start()

    def drain(self, background: Background) -> None:
        """Callers shall go elsewhere; who still comes is answered."""
        if self._server is not None:
            background.spawn("rpc.drain", self._server.drain())

    async def stop(self, seconds: float) -> None:
        """Take no more calls; let those that are under way end for this long."""
        if self._server is not None:
            await self._server.stop(seconds)

    async def close(self) -> None:
        for peer in self._peers.values():
            await peer.close()


def _remote(module: str) -> Any:
    """`remote/<module>.py`: `CONTRACT`, `SERVICE`, `Client` and `Servicer`."""
    return importlib.import_module(f"{__package__}.{module}")
