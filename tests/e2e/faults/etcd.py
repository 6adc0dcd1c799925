"""The stack's etcd, asked as the API server asks it, by the JSON form of its API."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import httpx2

from ..conftest import required

URL = "https://127.0.0.1:2379"
ANY_KEY = base64.b64encode(b"\0").decode()


def compact() -> int:
    """Forgets all revisions before the present one, which it returns: whoever watches from an older one gets 410."""
    authority = Path(required("ROOFTREE_CA_FILE")).parent
    context = ssl.create_default_context(cafile=authority / "etcd-ca.crt")
    context.load_cert_chain(authority / "etcd-client.crt", authority / "etcd-client.key")
    with httpx2.Client(base_url=URL, verify=context, timeout=20, trust_env=False) as client:
        revision = int(_ask(client, "/v3/kv/range", {"key": ANY_KEY, "count_only": True})["header"]["revision"])
        _ask(client, "/v3/kv/compaction", {"revision": str(revision), "physical": True})
    return revision


def _ask(client: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return client.post(path, json=body).raise_for_status().json()
