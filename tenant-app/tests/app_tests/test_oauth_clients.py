"""Strict OAuth clients that nobody here wrote find the app, sign in, renew and revoke, over TLS on its own host."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from oauthlib.oauth2 import InvalidGrantError, WebApplicationClient
from requests_oauthlib import OAuth2Session

from .conftest import EMAIL, PASSWORD, Tenant
from .serving import Site, serving

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
SCOPE = "openid profile email"
FRONTEND = Path(__file__).resolve().parents[3] / "frontend"


@pytest.fixture
def site(stored_tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The clients are told by the environment whom to trust, and to go there directly; all else is as they come."""
    with serving(stored_tenant, tmp_path) as opened:
        opened.accept_owner()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(opened.ca_file))
        monkeypatch.setenv("NO_PROXY", "*")
        yield opened


def discovered(site: Site) -> dict[str, Any]:
    answer = requests.get(get_well_known_url(site.url, external=True), timeout=30)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def whoami(site: Site, token: str) -> int:
    answer = requests.get(
        f"{site.url}/api/v1/properties",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    return answer.status_code


def test_authlib_signs_in(site: Site) -> None:
    metadata = AuthorizationServerMetadata(discovered(site))
    metadata.validate()
    assert metadata["issuer"] == site.url
    session: Any = AuthlibSession(
        "web",
        scope=SCOPE,
        redirect_uri=f"{site.url}/auth/callback",
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
    )
    with session as client:
        url, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier="v" * 64, nonce="nonce-1"
        )
        came_back = site.signed_in(url)
        tokens = client.fetch_token(
            metadata["token_endpoint"], authorization_response=came_back, code_verifier="v" * 64, state=state
        )
        _check_id_token(site, metadata, tokens["id_token"])
        assert whoami(site, tokens["access_token"]) == 200
        renewed = client.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
        assert renewed["refresh_token"] != tokens["refresh_token"]
        answer = client.revoke_token(metadata["revocation_endpoint"], token=renewed["refresh_token"])
        assert answer.status_code == 200
        assert whoami(site, renewed["access_token"]) == 401


def _check_id_token(site: Site, metadata: dict[str, Any], token: str) -> None:
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
    decoded = jwt.decode(token, keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={"iss": {"value": site.url}, "aud": {"value": "web"}},
        params={"nonce": "nonce-1", "client_id": "web"},
    )
    claims.validate()
    assert (claims["name"], claims["email"]) == ("Olivia Owner", EMAIL)


def test_oauthlib_signs_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its own switches for servers that are not in order stay off.
    for switch in ("OAUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_RELAX_TOKEN_SCOPE"):
        monkeypatch.delenv(switch, raising=False)
    metadata = discovered(site)
    client = OAuth2Session("web", scope=SCOPE.split(), redirect_uri=f"{site.url}/auth/callback", pkce="S256")
    url, _ = client.authorization_url(metadata["authorization_endpoint"])
    came_back = site.signed_in(url)
    token_url = metadata["token_endpoint"]
    tokens = client.fetch_token(token_url, authorization_response=came_back, include_client_id=True)
    assert whoami(site, tokens["access_token"]) == 200
    renewed = client.refresh_token(token_url, client_id="web")
    with pytest.raises(InvalidGrantError):
        client.refresh_token(token_url, refresh_token=tokens["refresh_token"], client_id="web")
    again = WebApplicationClient("web")
    where, headers, body = again.prepare_token_revocation_request(
        metadata["revocation_endpoint"], renewed["refresh_token"], "refresh_token", client_id="web"
    )
    assert requests.post(where, body, headers=headers, timeout=30).status_code == 200


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_openid_client_signs_in(site: Site, algorithm: str) -> None:
    """The npm package, which refuses what RFC 8414, 9207 and OpenID Connect do not allow."""
    node = shutil.which("node", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert node, "node is missing: make setup"
    assert (FRONTEND / "node_modules" / "openid-client").is_dir(), "run `npm ci` in frontend, as `make check` does"
    given = {"issuer": site.url, "email": EMAIL, "password": PASSWORD, "algorithm": algorithm}
    done = subprocess.run(
        [node, "scripts/oauth-client.mjs", json.dumps(given)],
        cwd=FRONTEND,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(site.ca_file)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "name": "Olivia Owner",
        "before": 200,
        "renewed": True,
        "after": 401,
        "mixedUp": "refused",
        "foreignState": "refused",
    }
