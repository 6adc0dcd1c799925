"""A brokerage whose feed and storage are away: who is let through to them learns that."""

import json

import pytest
from rooftree.kernel import middleware

from ..conftest import Tenant
from ..identity.conftest import brokerage

_ = brokerage  # a fixture
FEED = {"name": "ames", "url": "http://127.0.0.1:1/odata", "token_url": "http://127.0.0.1:1/token"}


@pytest.fixture
def stored_tenant(stored_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("ROOFTREE_S3_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("ROOFTREE_S3_BUCKET", "none")
    monkeypatch.setenv("ROOFTREE_S3_ACCESS_KEY", "none")
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)
    feeds = json.dumps([FEED | {"client_id": "a", "client_secret": "b"}])
    return stored_tenant.but(secret_files={"feeds.json": feeds, "s3_secret_key": "none"})
