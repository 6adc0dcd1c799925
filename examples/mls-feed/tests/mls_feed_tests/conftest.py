from collections.abc import Iterator

import pytest
from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.settings import Settings
from starlette.testclient import TestClient

CLIENT = ("an id", "a secret: with % and :")


@pytest.fixture
def anonymous() -> Iterator[TestClient]:
    with TestClient(build_app(Settings(*CLIENT)), base_url="http://mls.test:8080") as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient) -> TestClient:
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    token = anonymous.post("/oauth/token", data=form).json()["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {token}"
    return anonymous
