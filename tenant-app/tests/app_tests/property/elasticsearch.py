"""A tenant's place in the real Elasticsearch, with the rights that the operator gives, and a look behind the app."""

import base64
import json
import os
import secrets
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass(frozen=True)
class Cluster:
    """Elasticsearch as its administrator sees it."""

    url: str
    user: str
    password: str = field(repr=False)
    ca_file: str | None

    @classmethod
    def given(cls) -> "Cluster":
        url, user, password = (
            os.environ.get(f"ROOFTREE_TEST_ELASTICSEARCH_{name}") for name in ("URL", "USER", "PASSWORD")
        )
        if not (url and user and password):
            pytest.fail("These tests need ROOFTREE_TEST_ELASTICSEARCH_URL, _USER and _PASSWORD (`make up-backends`).")
        return cls(url, user, password, os.environ.get("ROOFTREE_CA_FILE"))

    def send(self, method: str, path: str, body: Any = None) -> Any:
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=content, headers=headers)
        context = ssl.create_default_context(cafile=self.ca_file) if self.url.startswith("https") else None
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.load(answer)

    def indices(self, tenant_id: str) -> list[str]:
        return sorted(self.send("GET", f"/{tenant_id}.*"))

    def aliases(self, tenant_id: str) -> dict[str, list[str]]:
        """Index → aliases."""
        found = self.send("GET", f"/{tenant_id}.*/_alias")
        return {name: sorted(content["aliases"]) for name, content in sorted(found.items())}

    def versions(self, alias: str) -> dict[str, int]:
        """Id → version of every document."""
        self.send("POST", f"/{alias}/_refresh")
        query = {"size": 10_000, "version": True, "_source": False}
        return {hit["_id"]: hit["_version"] for hit in self.send("POST", f"/{alias}/_search", query)["hits"]["hits"]}

    def source(self, alias: str, listing_id: str) -> dict[str, Any]:
        return self.send("GET", f"/{alias}/_doc/{listing_id}")["_source"]

    def delete_indices(self, tenant_id: str) -> None:
        for name in self.indices(tenant_id):
            self.send("DELETE", f"/{name}")


@contextmanager
def tenant_in(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Id and password of a tenant that may use `<id>.*` and nothing else; all of it is gone afterwards."""
    tenant_id, password = f"apptest-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    user, template = f"{tenant_id}.app", f"/_index_template/{tenant_id}"
    rights = {"names": [f"{tenant_id}.*"], "privileges": ["read", "write", "manage"]}
    cluster.send("PUT", f"/_security/role/{user}", {"cluster": [], "indices": [rights]})
    cluster.send("PUT", f"/_security/user/{user}", {"password": password, "roles": [user]})
    settings = {"index": {"number_of_shards": 1, "number_of_replicas": 0}}
    content = {"index_patterns": [f"{tenant_id}.*"], "priority": 500, "template": {"settings": settings}}
    cluster.send("PUT", template, content)
    try:
        yield tenant_id, password
    finally:
        cluster.delete_indices(tenant_id)
        cluster.send("DELETE", template)
        cluster.send("DELETE", f"/_security/user/{user}")
        cluster.send("DELETE", f"/_security/role/{user}")
