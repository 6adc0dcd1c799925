"""A brokerage of the web tests' own: the sample's feed under a fresh name, so that its one-time link is unused."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .conftest import Kubectl, Tenant, fresh_name, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLATFORM = "rooftree-system"
SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "acme.yaml"
FEED_NAMESPACE, FEED_CLIENT = "mls-feed", "mls-feed-client"
IMPORT_SECONDS = 240  # a run that failed is followed by the next one after 30 s


@dataclass(frozen=True)
class WebTenant:
    """Where it is and who may enter."""

    name: str
    display_name: str
    url: str
    owner_email: str
    owner_name: str
    owner_link: str


@contextmanager
def opened(kubectl: Kubectl, **spec: Any) -> Iterator[WebTenant]:
    """A ready brokerage with the sample's listings, for as long as it is needed; `spec` is declared besides."""
    name = fresh_name("web")
    try:
        yield _create(kubectl, name, spec)
    finally:
        kubectl.delete_brokerage(name)
        kubectl.run("delete", "secrets", "-n", PLATFORM, "-l", f"rooftree.dev/brokerage={name}")


def _create(kubectl: Kubectl, name: str, spec: Mapping[str, Any]) -> WebTenant:
    display_name, email, owner = "Web Walk Realty", f"owner@{name}.example", "Wanda Walker"
    feeds = yaml.safe_load(SAMPLE.read_text())["spec"]["mls"]
    for feed in feeds:
        feed["credentialsSecretRef"]["name"] = f"{name}-{feed['name']}"
        kubectl.apply(credentials(kubectl, feed["credentialsSecretRef"]["name"], name))
    declared = {"displayName": display_name, "owner": {"email": email, "name": owner}, "mls": feeds}
    # A pod that comes or goes for a crowd takes the streams of pages with it.
    kubectl.apply(manifest(name, **declared, **{"autoscaling": {"mode": "fixed"}, **spec}))
    tenant = Tenant.of(kubectl.wait_ready(name))
    until(
        f"the import of {name}",
        lambda: _feeds(kubectl, tenant.namespace),
        enough=_are_imported,
        seconds=IMPORT_SECONDS,
        every=1,
    )
    until(
        f"the search index of {name}",
        lambda: json.loads(kubectl.ask_app(tenant.namespace, "search", "status")),
        enough=lambda now: now["state"] == "ready" and not now["lag_events"],
        seconds=IMPORT_SECONDS,
        every=1,
    )
    link = kubectl.ask_app(tenant.namespace, "owner-link")
    return WebTenant(name, display_name, tenant.url, email, owner, link)


def credentials(kubectl: Kubectl, name: str, brokerage: str) -> dict[str, Any]:
    """The sample feed's one client, for this brokerage too."""
    data = kubectl.get("secret", FEED_CLIENT, "-n", FEED_NAMESPACE)["data"]
    metadata = {"name": name, "namespace": PLATFORM, "labels": {"rooftree.dev/brokerage": brokerage}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _feeds(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kubectl.ask_app(namespace, "feeds").splitlines()]


def _are_imported(feeds: list[dict[str, Any]]) -> bool:
    """A feed that failed is not given up: it is tried again."""
    return bool(feeds) and all(feed["state"] == "idle" and feed["imported"] for feed in feeds)
