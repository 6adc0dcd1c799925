"""The installation's network as the chart describes it: which addresses backends, edge and monitoring have."""

from typing import Any

from pydantic import Field

from .api.common import ApiModel

Peers = list[dict[str, Any]]  # NetworkPolicyPeers


class Destination(ApiModel):
    """Peers and the ports that they are reached on."""

    to: Peers = Field(min_length=1)
    ports: list[dict[str, Any]] = Field(min_length=1)


class Network(ApiModel):
    """Values `network` of the chart. Without policies (`enabled` false) the rest means nothing."""

    enabled: bool = False
    peers: dict[str, Destination] = Field(default_factory=dict[str, Destination])
    edge: Peers = Field(default_factory=list[dict[str, Any]])
    monitoring: Peers = Field(default_factory=list[dict[str, Any]])
    cluster_ranges: list[str] = Field(default_factory=list[str])
