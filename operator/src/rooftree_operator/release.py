"""What the operator knows of the app: releases (ConfigMaps with the app's own manifest) and channels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from .adapters.kubernetes import CONFIG, Kubernetes
from .drift import Object
from .errors import Blocked
from .names import LABEL_RELEASE, release_config

GATEWAY = "gateway"
"""The module that the edge leads to."""


@dataclass(frozen=True)
class Release:
    """One version of the tenant app."""

    version: str
    image: str
    port: int
    schemas: tuple[str, ...]
    heads: frozenset[str]
    serve: tuple[str, ...]
    migrate: tuple[str, ...]
    live: str
    ready: str
    startup: str
    topics: tuple[str, ...]
    indices: tuple[str, ...]
    consumers: tuple[str, ...]
    metrics_port: int | None
    rpc_port: int | None = None
    """Where modules in processes of their own answer each other; None: this release knows no such thing."""
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By module, those that it calls."""
    migrations: frozenset[str] = frozenset()
    """Every revision that this release knows; empty: it does not say."""

    clones: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is emptied and what can be masked in a clone; empty: this release does not say."""

    def is_behind(self, heads: frozenset[str]) -> bool:
        """Whether a database at `heads` has been brought further than this release knows."""
        return bool(self.migrations) and not heads <= self.migrations

    @property
    def called(self) -> tuple[str, ...]:
        """The modules that others call: all but the gateway."""
        return tuple(sorted(self.calls.keys() - {GATEWAY}))


def parsed(version: str, image: str, manifest: dict[str, Any]) -> Release:
    """A release from its ConfigMap's values. Raises KeyError if the manifest lacks a field."""
    return Release(
        version=version,
        image=image,
        port=int(manifest["port"]),
        schemas=tuple(manifest["schemas"]),
        heads=frozenset(manifest["migration_heads"].values()),
        serve=tuple(manifest["commands"]["serve"]),
        migrate=tuple(manifest["commands"]["migrate"]),
        live=manifest["probes"]["live"],
        ready=manifest["probes"]["ready"],
        startup=manifest["probes"]["startup"],
        # Releases before these fields have the tenant's standard topics and indices all the same.
        topics=tuple(manifest.get("topics", ("events", "dead-letter"))),
        indices=tuple(manifest.get("indices", ("properties",))),
        consumers=tuple(manifest.get("consumers", ())),
        metrics_port=manifest.get("metrics_port"),
        rpc_port=manifest.get("rpc_port"),
        calls={name: tuple(others) for name, others in manifest.get("calls", {}).items()},
        migrations=frozenset(manifest.get("migrations", ())),
        clones=manifest.get("clones", {}),
    )


class Releases:
    """Reads releases and channels from the operator's namespace."""

    def __init__(self, kube: Kubernetes, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    async def find(self, version: str | None, channel: str) -> Release:
        """The release of `version`, or the one that `channel` points at. Raises `Blocked` if there is none."""
        if version is None:
            version = await self._current(channel)
        found = await self._kube.get(CONFIG, release_config(version), self._namespace)
        if found is None:
            raise Blocked("ReleaseUnknown", f"there is no release {version!r}: set spec.version to one that exists")
        data = found["data"]
        return parsed(version, data["image"], json.loads(data["tenant_manifest.json"]))

    async def _current(self, channel: str) -> str:
        channels = await self._kube.get(CONFIG, "channels", self._namespace) or Object()
        version = cast("dict[str, str]", channels.get("data") or {}).get(channel)
        if version is None:
            raise Blocked("ChannelUnknown", f"there is no release channel {channel!r}: a platform admin must define it")
        return version

    async def versions(self) -> list[str]:
        """Every version that there is a release of."""
        found = await self._kube.list(CONFIG, self._namespace, labels={LABEL_RELEASE: None})
        return sorted(item["metadata"]["labels"][LABEL_RELEASE] for item in found)
