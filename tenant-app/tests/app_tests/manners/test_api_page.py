"""The examples of docs/api.md are run as they stand, and answer what the page says."""

import base64
import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from ..conftest import Tenant, query
from ..serving import Site, serving

pytestmark = pytest.mark.integration
PAGE = Path(__file__).resolve().parents[4] / "docs" / "api.md"
EXAMPLE = re.compile(r"^\$ (?P<command>.+)\n(?P<answer>(?:(?!\$ ).*\n)*)", re.M)


def examples() -> list[tuple[str, str]]:
    """Command and answer of each."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return [(one["command"], one["answer"].strip()) for block in blocks for one in EXAMPLE.finditer(block)]


def matches(answer: str, told: str) -> bool:
    """`…` is whatever is there, also to the end."""
    return re.match(".*?".join(re.escape(part) for part in told.split("…")), answer.strip(), re.S) is not None


def token_of_owner(site: Site) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    redirect = f"{site.url}/auth/callback"
    asked = f"response_type=code&client_id=web&redirect_uri={redirect}&code_challenge={challenge}"
    back = query(site.signed_in(f"/oauth/authorize?{asked}&code_challenge_method=S256"))
    form = {"grant_type": "authorization_code", "client_id": "web", "redirect_uri": redirect}
    with site.visitor() as visitor:
        answer = visitor.post("/oauth/token", data=form | {"code": back["code"], "code_verifier": "v" * 43})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def test_its_examples_answer_what_it_says(
    stored_tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(stored_tenant, tmp_path) as site:
        site.accept_owner()
        token = token_of_owner(site)
        with site.visitor() as visitor:
            made = [
                visitor.post("/api/v1/people", json={"name": name}, headers={"Authorization": f"Bearer {token}"}).json()
                for name in ("Ada King", "Zoe")
            ]
        known = {"URL": site.url, "TOKEN": token, "PERSON": made[1]["id"], "CURL_CA_BUNDLE": str(site.ca_file)}
        assert len(examples()) == 9
        for command, told in examples():
            done = subprocess.run(["bash", "-c", command], env=os.environ | known, capture_output=True, text=True)
            assert done.returncode == 0, (command, done.stderr)
            assert matches(done.stdout.replace("\r", ""), told), (command, done.stdout, told)
