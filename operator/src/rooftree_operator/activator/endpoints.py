"""Which pods a namespace's EndpointSlices tell of. Pure.

A pod is in them as soon as it has an address, long before the kubelet has found it ready, and stays in them while it
ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from ..drift import Object
from ..names import LABEL_SERVICE
from .sleepers import ENTRANCE

PORT_NAME = "http"  # of the entrance's Service


@dataclass(frozen=True)
class Address:
    """Where a pod's app listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Places:
    """`entrance`: pods that may answer requests, those that the kubelet has found ready first. `ready`: the Services
    that have a pod which the kubelet has found ready."""

    entrance: tuple[Address, ...] = ()
    ready: frozenset[str] = frozenset()


def places_of(slices: Iterable[Object]) -> Places:
    """Without pods that are about to end."""
    entrance, ready = list[tuple[bool, Address]](), set[str]()
    for one in slices:
        service = one["metadata"].get("labels", {}).get(LABEL_SERVICE, "")
        for endpoint in cast("list[Object]", one.get("endpoints") or []):
            conditions: Object = endpoint.get("conditions", {})
            if conditions.get("terminating"):
                continue
            # Not told means ready, as the API has it.
            is_ready = conditions.get("ready") is not False
            if is_ready:
                ready.add(service)
            if service == ENTRANCE:
                entrance += [(is_ready, address) for address in _addresses(one, endpoint)]
    return Places(tuple(address for _, address in sorted(entrance, key=lambda one: not one[0])), frozenset(ready))


def _addresses(one: Object, endpoint: Object) -> list[Address]:
    ports = [port["port"] for port in cast("list[Object]", one.get("ports") or []) if port.get("name") == PORT_NAME]
    return [Address(host, port) for host in endpoint.get("addresses", [])[:1] for port in ports]
